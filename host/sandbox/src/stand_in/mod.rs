//! A stand-in for a hole in the engine, for tests alone (feature `stand-in`; never in what is shipped).
//!
//! A plugin that has found a hole runs native code in this process. What that gains cannot be tried with a plugin, for
//! no hole is known; so here native code takes the plugin's place, at the moment when a lane's thread would call it:
//! everything that confines a serving sandbox has been applied, nothing is left out and nothing added. A request's data
//! say what to try, as `{"attack": NAME, …}`; the reply is what the kernel or the daemon answered, where this process
//! lives to tell it. Data that name no attack go to the plugin as ever.
//!
//! It trusts who writes the tests. Its own mistakes end this process, and that is all.

// System calls by number, of each of the machine's tables.
mod calls;
// As much as there is: memory, threads, descriptors.
mod excess;
// Words and other bytes on lanes, whether or not it is their turn.
mod words;

use std::time::Duration;

use regent_lane::{Ask, Authorised, Level, Say};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fault::Stop;
use crate::lane::SharedLane;
use crate::plugin::Plugin;

/// Said with every attack; a program without it has none of this in it.
const HERE: &str = "regent-sandbox: a stand-in for a hole in the engine is at work";

/// What to try.
#[derive(Debug, Deserialize)]
#[serde(tag = "attack", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
enum Attack {
    /// A system call.
    Call { number: i64, with: Vec<calls::Argument> },
    /// One of the 32-bit table, by interrupt.
    OldCall { number: i32 },
    /// A signal to this very thread.
    SignalSelf { signal: i32 },
    /// Machine code of its own: written, made executable, run.
    MachineCode,
    /// Memory until there is no more.
    Memory,
    /// Threads until there are no more.
    Threads,
    /// Descriptors until there are no more.
    Descriptors,
    /// A descriptor over the lane, beside a word.
    SendDescriptor,
    /// Bytes on lanes, in order.
    Write { pieces: Vec<words::Piece>, then: words::Then },
    /// Lines on the standard error without end.
    Babble,
    /// Calls of `commands.plan`, of commands and values as it likes. `claims`: it says that it is done, with this
    /// reply.
    Plan { calls: Vec<(String, Vec<(String, String)>)>, claims: Option<String> },
    /// Plans this command, and does the rest when it is asked to finish.
    InFinish { command: String, rest: Value },
}

/// What came of it.
struct Came {
    report: Value,
    /// The reply stands although there may be a plan.
    claims: Option<String>,
    planned: bool,
    state: Option<Value>,
}

impl Came {
    fn of(report: Value) -> Self {
        Self { report, claims: None, planned: false, state: None }
    }
}

/// Answers in the plugin's place, if an attack is asked for.
pub(crate) fn takes_over(plugin: &Plugin, lane: &SharedLane, ask: &Ask) -> Option<Result<(), Stop>> {
    let attack = match ask {
        Ask::Prepare { data, .. } => serde_json::from_str::<Attack>(data).ok()?,
        // A description has no request: what to try stands in the settings.
        Ask::Describe => serde_json::from_str::<Attack>(&plugin.settings).ok()?,
        Ask::Finish { state, .. } => match serde_json::from_slice::<Attack>(state) {
            Ok(attack) => attack,
            Err(_) => {
                let report = String::from_utf8_lossy(state).into_owned();
                return Some(lane.answer(&Say::Finished(Ok(report))));
            }
        },
        Ask::Load(_) | Ask::Planned(_) => return None,
    };
    // Kept whole, so that who looks for it in a program finds it.
    lane.log(Level::Warning, std::hint::black_box(HERE).to_owned());
    Some(came_of(attack, lane).and_then(|came| match came {
        Some(came) => lane.answer(&answer(ask, came)),
        None => Ok(()),
    }))
}

/// Tries it. `None`: there is to be no answer.
fn came_of(attack: Attack, lane: &SharedLane) -> Result<Option<Came>, Stop> {
    let report = match attack {
        Attack::Call { number, with } => calls::call(number, with),
        Attack::OldCall { number } => calls::old_call(number),
        Attack::SignalSelf { signal } => calls::signal_self(signal),
        Attack::MachineCode => calls::machine_code(),
        Attack::Memory => excess::memory(),
        Attack::Threads => excess::threads(),
        Attack::Descriptors => excess::descriptors(),
        Attack::SendDescriptor => words::send_descriptor(lane.descriptor()),
        Attack::Write { pieces, then } => {
            words::write(lane.descriptor(), &pieces);
            return and_then(then);
        }
        Attack::Babble => words::babble(),
        Attack::Plan { calls, claims } => {
            let (report, planned) = words::plan(lane, calls)?;
            return Ok(Some(Came { claims, planned, ..Came::of(report) }));
        }
        Attack::InFinish { command, rest } => {
            let (report, planned) = words::plan(lane, vec![(command, Vec::new())])?;
            return Ok(Some(Came { planned, state: Some(rest), ..Came::of(report) }));
        }
    };
    Ok(Some(Came::of(report)))
}

/// And then.
fn and_then(then: words::Then) -> Result<Option<Came>, Stop> {
    match then {
        words::Then::Answer => Ok(Some(Came::of(json!("written")))),
        words::Then::Wait => Ok(None),
        words::Then::End => std::process::exit(0),
        words::Then::Silence => loop {
            std::thread::sleep(Duration::from_secs(3600));
        },
    }
}

/// The word that would be the plugin's.
fn answer(ask: &Ask, came: Came) -> Say {
    let Came { report, claims, planned, state } = came;
    match ask {
        Ask::Prepare { authorising, complete, .. } => Say::Prepared {
            summary: "a stand-in".into(),
            state: state.unwrap_or_else(|| report.clone()).to_string().into_bytes(),
            authorised: authorising.then(|| Authorised::Steps("[]".into())),
            reply: claims.or_else(|| (*complete && !planned).then(|| report.to_string())).map(Ok),
        },
        Ask::Finish { .. } => Say::Finished(Ok(report.to_string())),
        Ask::Describe | Ask::Load(_) | Ask::Planned(_) => Say::Described(json!({"operations": []}).to_string()),
    }
}
