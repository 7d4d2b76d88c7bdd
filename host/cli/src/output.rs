//! Where words go. A terminal obeys what is written to it, so it gets harmless text only; a pipe gets every byte as it
//! is.

use std::io::{self, IsTerminal as _, Write as _};

use regent_client::Data;
use regent_protocol::visible;
use serde::Serialize;

use crate::ending::Failure;

/// Prints a result: a string as its text, other JSON as JSON. It ends with a line break, if there is anything.
pub(crate) fn result(data: &Data) -> Result<(), Failure> {
    let text = data.to_text().unwrap_or_else(|| data.as_str().to_owned());
    let text = if io::stdout().is_terminal() { visible::text(&text).into_owned() } else { text };
    print(&text)
}

/// Prints a JSON document, for programs.
pub(crate) fn json(data: &Data) -> Result<(), Failure> {
    let text = data.as_str();
    if io::stdout().is_terminal() { print(&visible::text(text)) } else { print(text) }
}

/// Prints text for people, of which each strange part was made harmless.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let mut out = io::stdout().lock();
    write!(out, "{text}{end}").and_then(|()| out.flush()).map_err(|error| Failure::other(format!("output: {error}")))
}

/// Text for people on standard error, of which each strange part was made harmless.
pub(crate) fn warn(text: &str) {
    // If even that cannot be written, the exit status says it.
    let _ = write!(io::stderr(), "{text}");
}

/// One line on standard error, made harmless.
pub(crate) fn complain(words: &str) {
    // If even that cannot be written, the exit status says it.
    let _ = writeln!(io::stderr(), "regent: {}", visible::line(words));
}

/// What to do next, as a line below the complaint, made harmless.
pub(crate) fn advise(words: &str) {
    warn(&format!("{}\n", visible::line(words)));
}

/// The same of several lines, of which each strange part was made harmless.
pub(crate) fn advise_all(text: &str) {
    warn(&format!("{text}\n"));
}

/// Prints one JSON document of our own, for programs.
pub(crate) fn document(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::other(format!("output: {error}")))?;
    if io::stdout().is_terminal() { print(&visible::text(&text)) } else { print(&text) }
}
