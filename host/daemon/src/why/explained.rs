//! A refusal as an administrator is told of it, and as it is kept in memory until then.

use regent_protocol::{AllowView, Code, LINE_MAX, Origin, RuleView, WhyView};

use crate::held::{KEYED, LIVE};
use crate::record::denial::Refused;
use crate::record::requester::Requester;
use crate::record::text::{TEXT_MAX, cut};
use crate::record::why::ReasonWord;
use crate::time::second;

/// A caller's data as far as it is kept.
const DATA_MAX: usize = 4 << 10;
/// Lines to be copied that are longer together are not kept: half of them would grant something else.
const ALLOW_MAX: usize = 16 << 10;

#[derive(Debug, Clone)]
pub struct Explained {
    pub view: WhyView,
    /// Why, as the audit log has it.
    pub word: Option<ReasonWord>,
}

impl From<Refused<'_>> for Explained {
    fn from(refused: Refused<'_>) -> Self {
        let Requester { socket, uid, gid, pid, .. } = refused.requester;
        let (rule, allow) = refused.rule.map(|rule| (rule.rule, rule.allow)).unzip();
        let view = WhyView {
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
        };
        Self { view, word: refused.word }
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
