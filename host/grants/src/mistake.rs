//! A mistake: where it stands, what it is, and what to write instead.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

/// One mistake, or one thing that is served and should be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The file, as it was named.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// What is wrong, and what to write instead.
    pub text: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

/// All mistakes of a file; never none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// Each, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.0.iter()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|mistake| writeln!(f, "{mistake}"))
    }
}

impl std::error::Error for Mistakes {}

/// What was written, and what should be looked at.
#[derive(Debug, Clone)]
pub struct Checked<T> {
    /// All of it right.
    pub value: T,
    /// Valid, and to be said loudly.
    pub warnings: Vec<Mistake>,
}

/// Takes note of what is found in one file.
pub(crate) struct Notes<'a> {
    file: &'a str,
    text: &'a str,
    mistakes: RefCell<Vec<Mistake>>,
    warnings: RefCell<Vec<Mistake>>,
}

impl<'a> Notes<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, mistakes: RefCell::default(), warnings: RefCell::default() }
    }

    pub(crate) fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..span.start).unwrap_or(self.text.as_bytes());
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn note(&self, span: &Range<usize>, text: impl fmt::Display) -> Mistake {
        Mistake { file: self.file.to_owned(), line: self.line(span), text: text.to_string() }
    }

    pub(crate) fn mistake(&self, span: &Range<usize>, text: impl fmt::Display) {
        self.mistakes.borrow_mut().push(self.note(span, text));
    }

    pub(crate) fn warning(&self, span: &Range<usize>, text: impl fmt::Display) {
        self.warnings.borrow_mut().push(self.note(span, text));
    }

    /// The value, unless something was wrong.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<Checked<T>, Mistakes> {
        let mut mistakes = self.mistakes.into_inner();
        match value {
            Some(value) if mistakes.is_empty() => Ok(Checked { value, warnings: self.warnings.into_inner() }),
            _ => {
                mistakes.sort_by_key(|mistake| mistake.line);
                Err(Mistakes(mistakes))
            }
        }
    }
}
