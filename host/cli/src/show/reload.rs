//! What a reload came to.

use regent_protocol::Reloaded;

use super::fields::paragraph;

/// What is different, and what is to be looked at.
pub(crate) fn changes(reloaded: &Reloaded) -> String {
    let mut text: String = reloaded.changed.iter().map(|change| paragraph("", "    ", change)).collect();
    if text.is_empty() {
        text.push_str(if reloaded.mistakes.is_empty() {
            "nothing has changed\n"
        } else {
            "nothing new counts: there are mistakes\n"
        });
    }
    text.extend(reloaded.warnings.iter().map(|warning| paragraph("warning: ", "    ", warning)));
    text
}

/// What is wrong, each as editors take it: file, line, text.
pub(crate) fn mistakes(reloaded: &Reloaded) -> String {
    let mut text: String = reloaded.mistakes.iter().map(|mistake| paragraph("", "    ", mistake)).collect();
    if !reloaded.applied {
        text.push_str("regent: regent.toml was not taken: the daemon goes on by what it read before\n");
    }
    text
}
