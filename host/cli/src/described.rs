//! What a module is and says of itself, as `regentd --inspect` finds it: reading, compiling and asking it is the daemon's
//! business, in the daemon's sandbox. All of it but the digest is the module's own word.

use std::ffi::OsStr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ending::{Ending, Failure};
use crate::{door, output};

/// How regentd ends that could not begin.
const NOT_LOOKED_AT: Ending = Ending::As(69);

/// What regentd found.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Found {
    pub(crate) file: String,
    pub(crate) sha256: String,
    #[serde(default)]
    pub(crate) size: u64,
    #[serde(default)]
    pub(crate) imports: Vec<Import>,
    #[serde(default)]
    pub(crate) exports: Vec<String>,
    #[serde(default)]
    pub(crate) operations: Vec<Operation>,
    #[serde(default)]
    pub(crate) wants: Vec<Want>,
    /// Why no daemon would serve it; empty: one would.
    #[serde(default)]
    pub(crate) reasons: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Import {
    pub(crate) name: String,
    pub(crate) class: String,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Operation {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) summary: String,
    #[serde(default)]
    pub(crate) schema: serde_json::Value,
    #[serde(default)]
    pub(crate) uses: Vec<String>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Want {
    pub(crate) command: String,
    #[serde(default)]
    pub(crate) slots: Vec<String>,
    #[serde(default)]
    pub(crate) reason: String,
}

/// What `regentd` says with these arguments, and how it ended; `None`: it has said why it found nothing.
pub(crate) fn found<S: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = S>,
) -> Result<(Option<Found>, Ending), Failure> {
    let (said, ending) = door::regentd_says(arguments)?;
    match serde_json::from_slice::<Found>(&said) {
        // It stands in a grants file as it is; whoever has taken regentd over may have written anything in its place.
        Ok(found) if !(found.sha256.is_empty() || is_digest(&found.sha256)) => {
            Err(Failure::other(format!("regentd says what is no digest: {}", found.sha256)))
        }
        Ok(found) => Ok((Some(found), ending)),
        Err(_) if ending != Ending::Done => Ok((None, ending)),
        Err(why) => Err(Failure::other(format!("regentd is another version than this: {why}"))),
    }
}

/// A module that a daemon could serve; of any other the reasons are said.
pub(crate) fn describe(module: &Path) -> Result<Found, Failure> {
    let (found, ending) = found(["--inspect".as_ref(), "--".as_ref(), module.as_os_str()])?;
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
