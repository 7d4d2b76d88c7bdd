//! `plugin inspect` and `plugin run`: an author's side. Reading, compiling and running a module is `regent-dry-run`'s,
//! by the very code that a daemon does it with; here it is asked, and what it found is shown.

// What is typed.
mod arguments;
// What a module is, for people.
mod inspect;
// Again whenever something changed.
mod watch;

pub(crate) use arguments::{Inspect, RUN_HELP, Run, TABLE};
pub(crate) use inspect::inspect;

use crate::door;
use crate::ending::{Ending, Failure};

/// One trial, or one after the other.
pub(crate) fn run(run: &Run) -> Result<Ending, Failure> {
    let arguments = run.arguments()?;
    if run.watch { watch::watch(run, arguments) } else { door::dry_run(&arguments) }
}
