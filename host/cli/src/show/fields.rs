//! The lines of a screen: a name, and its value in a column of its own. The parts of strangers are made harmless
//! before.

use std::fmt::Write as _;

use regent_protocol::visible;

/// Lines of one screen.
pub(crate) struct Fields {
    text: String,
    indent: &'static str,
    gap: &'static str,
}

impl Fields {
    /// A screen of its own.
    pub(crate) fn new() -> Self {
        Self { text: String::new(), indent: "", gap: "  " }
    }

    /// Lines that belong to this heading.
    pub(crate) fn below(heading: &str) -> Self {
        Self { text: format!("{heading}\n"), indent: "    ", gap: "  " }
    }

    /// Values as far to the left as `regent-dry-run` writes its own.
    pub(crate) fn narrow() -> Self {
        Self { text: String::new(), indent: "", gap: " " }
    }

    /// Adds one line.
    pub(crate) fn line(&mut self, name: &str, value: &str) {
        let Self { text, indent, gap } = self;
        // Writing to a string does not fail.
        let _ = writeln!(text, "{indent}{name:<10}{gap}{value}");
    }

    /// Adds a stranger's text of several lines, made harmless here.
    pub(crate) fn paragraph(&mut self, name: &str, indent: &str, value: &str) {
        let first = format!("{}{name:<10}{}", self.indent, self.gap);
        self.text.push_str(&paragraph(&first, indent, value));
    }

    /// Adds lines that are not fields.
    pub(crate) fn add(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// All of it, several lines.
    pub(crate) fn text(self) -> String {
        self.text
    }
}

/// A text of several lines, of which none can pass for one that stands further left.
pub(super) fn paragraph(first: &str, indent: &str, text: &str) -> String {
    let mut lines = text.lines().map(visible::line);
    let mut shown = format!("{first}{}\n", lines.next().unwrap_or_default());
    for line in lines {
        // Writing to a string does not fail.
        let _ = writeln!(shown, "{indent}{line}");
    }
    shown
}
