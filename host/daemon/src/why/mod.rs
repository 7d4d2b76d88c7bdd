//! Why something was refused: told to an administrator who names the reference that the caller was given. The caller itself
//! learns none of it.
//!
//! What happened last is kept in memory, bounded for each peer and in all, so that one who is refused a thousand times takes
//! nobody else's answer away; what is older is looked up in the audit log, which knows less of it.

// The rules that decide, and what would have them decide otherwise.
pub mod rules;
// Lines to be copied into a grants file.
pub mod lines;
// A file for one socket alone.
mod apart;
// What a file has and does not serve.
mod unserved;
// Holds that ended otherwise than done.
pub mod ended;
// What is kept in memory.
mod remembered;
// What the log still knows.
pub mod log;

use jiff::Timestamp;
use regent_protocol::{AllowView, Code, Data, LINE_MAX, Origin, Refusal, RuleView, WhyView};

use crate::daemon::Daemon;
use crate::gate::Requester;
use crate::held::{KEYED, LIVE};
use crate::time::second;

pub(crate) use log::in_log;
pub use remembered::Remembered;

/// A caller's data as far as it is kept.
const DATA_MAX: usize = 4 << 10;
/// The same of each of our own texts.
pub(crate) const TEXT_MAX: usize = 4 << 10;
/// Lines to be copied that are longer together are not kept: half of them would grant something else.
const ALLOW_MAX: usize = 16 << 10;

/// The rule that decided, and what would have it decide otherwise.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Where it stands.
    pub rule: RuleView,
    /// The lines that would allow what was refused, where there are such.
    pub allow: Option<AllowView>,
}

/// A refusal, as far as it is told.
#[derive(Debug)]
pub struct Refused<'a> {
    /// Who asked.
    pub requester: &'a Requester,
    /// When.
    pub at: Timestamp,
    /// What for, and with which data.
    pub asked: Option<(&'a str, &'a Data)>,
    /// What the caller hears.
    pub refusal: &'a Refusal,
    /// What it was given to name it by.
    pub reference: &'a str,
    /// What it was not told.
    pub why: String,
    /// By which rule.
    pub rule: Option<Rule>,
}

/// The refusal of this reference, from memory or from the log.
pub async fn find(daemon: &Daemon, reference: &str) -> Option<WhyView> {
    let why = match daemon.remembered.find(reference) {
        Some(why) => (*why).clone(),
        None => in_log(daemon, reference).await?,
    };
    Some(unserved::look(daemon, why).await)
}

fn view(refused: Refused<'_>) -> WhyView {
    let Requester { socket, uid, gid, pid, .. } = refused.requester;
    let (rule, allow) = refused.rule.map(|rule| (rule.rule, rule.allow)).unzip();
    WhyView {
        reference: refused.reference.to_owned(),
        at: second(refused.at),
        requester: refused.requester.name(),
        from: Origin { socket: socket.clone(), uid: *uid, gid: *gid, pid: *pid },
        operation: refused.asked.map(|(operation, _)| cut(operation, TEXT_MAX)),
        data: refused.asked.map(|(_, data)| cut(data.as_str(), DATA_MAX)),
        said: cut(&refused.refusal.text, TEXT_MAX),
        code: Some(refused.refusal.code),
        why: if refused.why.is_empty() { by_code(refused.refusal.code) } else { cut(&refused.why, TEXT_MAX) },
        rule: rule.map(|rule| RuleView { rule: cut(&rule.rule, TEXT_MAX), ..rule }),
        allow: allow.flatten().filter(|allow| size(allow) <= ALLOW_MAX),
    }
}

fn size(AllowView { file, lines, beware }: &AllowView) -> usize {
    file.len() + lines.iter().map(String::len).sum::<usize>() + beware.as_ref().map_or(0, String::len)
}

/// What there is to say where the code alone decided.
fn by_code(code: Code) -> String {
    match code {
        Code::Denied => "it gave no secret, or none of this socket's".into(),
        Code::Rate => format!(
            "a place is used up: of one requester {} holds wait or run at once and {} requests with a key are kept, {} holds \
             wait or run in all, and nobody has more than an eighth of what is free",
            LIVE.each, KEYED.each, LIVE.most
        ),
        Code::UnknownUid => "no hold of this requester has this uid: it is another's, or is no longer kept \
                             (keep_results), or never was"
            .into(),
        Code::InvalidMessage => {
            "the line is no request of this protocol, or gives a key in a way that is not served".into()
        }
        Code::TooLong => format!("a request is one line of at most {LINE_MAX} bytes"),
        Code::InvalidData => "the plugin did not take the data, and said so in these words".into(),
        Code::Unavailable => "the daemon was told to end, and begins nothing any more".into(),
        Code::Failed => "the operation itself failed, and said so in these words".into(),
        Code::Busy | Code::Timeout => "it did not come to an end in time".into(),
        Code::CommandFailed => "a command of its plan failed".into(),
        Code::UnknownOperation | Code::NotAuthorised => "it may not be asked for here".into(),
    }
}

/// No more of a text than this many bytes.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.get(..text.floor_char_boundary(most)) {
        Some(kept) if kept.len() < text.len() => format!("{kept}…"),
        _ => text.to_owned(),
    }
}
