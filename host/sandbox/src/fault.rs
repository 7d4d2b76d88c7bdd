//! What becomes of a broken rule: a word that tells a plugin's author which it was and where.

use std::fmt::Write as _;

use regent_lane::{Blame, Say};
use wasmtime::{Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

/// The longest text of a fault: names of functions are the plugin's own words.
const FAULT_MAX: usize = 2 << 10;
/// The longest name of a function in it.
const NAME_MAX: usize = 120;

/// The end of the process. A plugin can not bring it about.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The daemon has closed a lane.
    Ended,
    /// A lane broke, or the other end sent what is no word.
    Broken(String),
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ended => f.write_str("the lane has ended"),
            Self::Broken(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Stop {}

/// A rule that the plugin broke.
#[derive(Debug, Clone)]
pub(crate) struct Broken {
    pub(crate) blame: Blame,
    pub(crate) text: String,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Broken {}

impl Broken {
    /// A call that is not allowed, or not now.
    pub(crate) fn denied(text: impl Into<String>) -> Self {
        Self { blame: Blame::Denied, text: text.into() }
    }

    /// What no plugin may return.
    pub(crate) fn answer(text: impl Into<String>) -> Self {
        Self { blame: Blame::Answer, text: text.into() }
    }
}

/// The word for what ended a call, unless it was the lane.
pub(crate) fn say(error: wasmtime::Error) -> Result<Say, Stop> {
    let error = match error.downcast::<Stop>() {
        Ok(stop) => return Err(stop),
        Err(error) => error,
    };
    let Broken { blame, mut text } = broken(&error);
    append_frames(&mut text, &error);
    truncate(&mut text, FAULT_MAX);
    Ok(Say::Fault(blame, text))
}

/// Which rule it was.
fn broken(error: &wasmtime::Error) -> Broken {
    if let Some(broken) = error.downcast_ref::<Broken>() {
        return broken.clone();
    }
    if let Some(exit) = error.downcast_ref::<I32Exit>() {
        return trapped(format!("it called exit({}): plugins return", exit.0));
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => {
            return trapped("it reached `unreachable`: a panic or an abort, whose text may stand in the log".into());
        }
        Some(Trap::StackOverflow) => return trapped("its stack is exhausted: a recursion without end?".into()),
        Some(trap) => return trapped(trap.to_string()),
        None => {}
    }
    // These two have no type that could be asked for; a test holds each of the texts.
    let text = error.root_cause().to_string();
    if text.contains("fuel allocated for hostcalls has been exhausted") {
        return Broken::answer("it handed over more than 2 MiB at once");
    }
    if text.starts_with("resource limit exceeded") {
        return Broken { blame: Blame::Memory, text };
    }
    trapped(text)
}

fn trapped(text: String) -> Broken {
    Broken { blame: Blame::Trap, text }
}

/// The innermost functions, as the component names them.
fn append_frames(text: &mut String, error: &wasmtime::Error) {
    let Some(trace) = error.downcast_ref::<WasmBacktrace>() else { return };
    for (number, frame) in trace.frames().iter().enumerate() {
        let mut name = match frame.func_name() {
            Some(name) => {
                rustc_demangle::try_demangle(name).map_or_else(|_| name.to_owned(), |name| format!("{name:#}"))
            }
            None => format!("function {}", frame.func_index()),
        };
        truncate(&mut name, NAME_MAX);
        text.push_str(if number == 0 { "; in " } else { " < " });
        let _never_fails = write!(text, "{name}");
    }
}

/// Cuts at the last whole character.
pub(crate) fn truncate(text: &mut String, most: usize) {
    text.truncate(text.floor_char_boundary(most));
}
