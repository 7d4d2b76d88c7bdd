//! What a module is and says of itself, as `regent-dry-run inspect` finds it: reading, compiling and asking it is that
//! program's business, in the daemon's sandbox. All of it but the digest is the module's own word.

use std::ffi::OsStr;
use std::path::Path;

use regent_protocol::ModuleView;

use crate::ending::{Ending, Failure};
use crate::{door, output};

/// How `regent-dry-run` ends that could not begin.
const NOT_LOOKED_AT: Ending = Ending::As(69);

/// What `regent-dry-run` says with these arguments, and how it ended; `None`: it has said why it found nothing.
pub(crate) fn found<S: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = S>,
) -> Result<(Option<ModuleView>, Ending), Failure> {
    let (said, ending) = door::dry_run_says(arguments)?;
    match serde_json::from_slice::<ModuleView>(&said) {
        // It stands in a grants file as it is; whoever has taken it over may have written anything in its place.
        Ok(found) if !(found.sha256.is_empty() || is_digest(&found.sha256)) => {
            Err(Failure::other(format!("{} says what is no digest: {}", door::DRY_RUN, found.sha256)))
        }
        Ok(found) => Ok((Some(found), ending)),
        Err(_) if ending != Ending::Done => Ok((None, ending)),
        Err(why) => Err(Failure::other(format!("{} is another version than this: {why}", door::DRY_RUN))),
    }
}

/// A module that a daemon could serve; of any other the reasons are said.
pub(crate) fn describe(module: &Path) -> Result<ModuleView, Failure> {
    let (found, ending) = found(["inspect".as_ref(), "--".as_ref(), module.as_os_str()])?;
    let why = if ending == NOT_LOOKED_AT { "it was not looked at" } else { "no daemon would serve it" };
    let bad = || Failure { ending, ..Failure::other(format!("{}: {why}", module.display())) };
    let found = found.ok_or_else(bad)?;
    found.reasons.iter().for_each(|reason| output::complain(reason));
    let is_good = found.reasons.is_empty() && ending == Ending::Done && is_digest(&found.sha256);
    if is_good { Ok(found) } else { Err(bad()) }
}

/// SHA-256, as pins write it.
pub(crate) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
