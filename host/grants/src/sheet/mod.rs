//! A TOML file being read: where its lines are, and what was found so far. Reading goes on after a mistake, so that an
//! administrator sees all of them at once; whether there were any is asked once, at the end.

// A table, taken apart key by key; what is left over is unknown.
pub(crate) mod table;
// One value with its place, read as what it should be.
pub(crate) mod value;
// Words that appear in many places: names, paths, modes, ids.
pub(crate) mod words;

use std::cell::RefCell;

use toml::Spanned;
use toml::de::DeTable;

use crate::mistake::{Checked, Mistake, Mistakes};

/// The file and its findings.
#[derive(Debug)]
pub(crate) struct Sheet<'t> {
    file: &'t str,
    text: &'t str,
    line_ends: Vec<usize>,
    mistakes: RefCell<Vec<Mistake>>,
    warnings: RefCell<Vec<Mistake>>,
}

impl<'t> Sheet<'t> {
    pub(crate) fn new(file: &'t str, text: &'t str) -> Self {
        let line_ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
        Self { file, text, line_ends, mistakes: RefCell::default(), warnings: RefCell::default() }
    }

    /// What mistakes call it.
    pub(crate) fn file(&self) -> &'t str {
        self.file
    }

    /// The document, unless it is no TOML: then the one mistake is where the parser stopped. It could go on, but after
    /// an unclosed bracket it would call each good line wrong.
    pub(crate) fn document(&self) -> Option<Spanned<DeTable<'t>>> {
        let stopped = |error: toml::de::Error| {
            let at = error.span().map_or(self.text.len(), |span| span.start);
            // Who means a file's mode writes it as the shell does.
            let quote = if error.message().contains("leading zero") { ": write it in quotes" } else { "" };
            self.mistake(self.line_of(at), format!("not TOML: {}{quote}", error.message()));
        };
        DeTable::parse(self.text).map_err(stopped).ok()
    }

    /// The line of a byte, counted from 1.
    pub(crate) fn line_of(&self, at: usize) -> usize {
        self.line_ends.partition_point(|end| *end < at) + 1
    }

    pub(crate) fn mistake(&self, line: usize, text: impl Into<String>) {
        self.mistakes.borrow_mut().push(self.finding(line, text.into()));
    }

    pub(crate) fn warning(&self, line: usize, text: impl Into<String>) {
        self.warnings.borrow_mut().push(self.finding(line, text.into()));
    }

    fn finding(&self, line: usize, text: String) -> Mistake {
        Mistake { file: self.file.to_owned(), line, text }
    }

    /// What was read, if nothing was wrong.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<Checked<T>, Mistakes> {
        let (mut mistakes, mut warnings) = (self.mistakes.into_inner(), self.warnings.into_inner());
        mistakes.sort_by_key(|mistake| mistake.line);
        mistakes.dedup();
        warnings.sort_by_key(|warning| warning.line);
        match value {
            Some(value) if mistakes.is_empty() => Ok(Checked { value, warnings }),
            _ => Err(Mistakes::new(mistakes)),
        }
    }
}
