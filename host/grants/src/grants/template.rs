//! An argument of `run`: fixed text and slots. `{ip}` is a slot; `{{` and `}}` are braces, and so is a brace that is
//! the whole argument, as in nft's sets.

use std::fmt;

use crate::sheet::words::is_name;
use crate::slot::Slot;

/// A piece of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Slot(String),
}

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

/// Why a text is not an argument.
#[derive(Debug)]
pub(super) enum TemplateError {
    Nul,
    /// The argument, and the brace in it that has no counterpart.
    LoneBrace(String, char),
    /// The argument, and the word in braces.
    InvalidSlotName(String, String),
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nul => f.write_str("an argument cannot hold a NUL: take it out"),
            Self::LoneBrace(written, brace) => {
                write!(f, "{written:?} has a lone {brace}: a slot is written {{SLOT}}, a brace itself {brace}{brace}")
            }
            Self::InvalidSlotName(written, name) => {
                write!(f, "{written:?}: {name:?} is no name of a slot: write {{SLOT}}, and {{{{ for a brace itself")
            }
        }
    }
}

impl Template {
    /// Reads one; the error says what to write.
    pub(super) fn parse(written: &str) -> Result<Self, TemplateError> {
        if written.contains('\0') {
            return Err(TemplateError::Nul);
        }
        if written == "{" || written == "}" {
            return Ok(Self(vec![Piece::Text(written.to_owned())]));
        }
        let (mut pieces, mut text, mut rest) = (Vec::new(), String::new(), written);
        while let Some((letter, after)) = split_first(rest) {
            rest = after;
            match (letter, after.strip_prefix(letter)) {
                ('{' | '}', Some(after)) => {
                    text.push(letter);
                    rest = after;
                }
                ('{', None) => {
                    let (slot, after) = slot(written, after)?;
                    if !text.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut text)));
                    }
                    pieces.push(Piece::Slot(slot.to_owned()));
                    rest = after;
                }
                ('}', None) => return Err(TemplateError::LoneBrace(written.to_owned(), '}')),
                _ => text.push(letter),
            }
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(Self(pieces))
    }

    /// The slots, in order.
    pub(super) fn slots(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Slot(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The text of an argument that has no slot.
    pub(super) fn fixed(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text that it begins with.
    pub(super) fn begins(&self) -> &str {
        match self.0.first() {
            Some(Piece::Text(text)) => text,
            _ => "",
        }
    }

    /// The argument, or as many as its slots have values; `None`: a slot is not known. Slots that stand together have
    /// one value each: [`misplaced`] saw to it.
    pub(super) fn fill<'v>(&self, values: impl Fn(&str) -> Option<&'v [String]>) -> Option<Vec<String>> {
        let mut filled = vec![String::new()];
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.iter_mut().for_each(|argument| argument.push_str(text)),
                Piece::Slot(name) => {
                    let values = values(name)?;
                    filled =
                        filled.iter().flat_map(|begun| values.iter().map(move |value| begun.clone() + value)).collect();
                }
            }
        }
        Some(filled)
    }

    /// Text and slots apart, so that no two arguments look the same.
    pub(super) fn digest(&self) -> serde_json::Value {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => serde_json::json!({"text": text}),
            Piece::Slot(slot) => serde_json::json!({"slot": slot}),
        };
        self.0.iter().map(piece).collect()
    }
}

/// Why a slot that may come to several arguments, or to none, cannot stand where it does: a person must be able to tell
/// from `run` what the command line will be.
pub(super) fn misplaced(arguments: &[Template], name: &str, slot: &Slot) -> Option<String> {
    let holding: Vec<_> = arguments.iter().filter(|argument| argument.slots().any(|slot| slot == name)).collect();
    let [argument] = holding.as_slice() else {
        let several = slot.repeats() && holding.len() > 1;
        return several.then(|| format!("params.{name} stands in several arguments of run: keep one of them"));
    };
    if slot.stands_alone() && argument.0 != [Piece::Slot(name.to_owned())] {
        return Some(format!(
            "params.{name} is a flag and has text beside it in run: write {{{name}}} as an argument alone"
        ));
    }
    let shared = slot.repeats() && argument.slots().count() > 1;
    shared.then(|| format!("params.{name} is a list and has another slot beside it in run: write an argument for each"))
}

fn split_first(text: &str) -> Option<(char, &str)> {
    let mut letters = text.chars();
    letters.next().map(|letter| (letter, letters.as_str()))
}

fn slot<'w>(written: &'w str, after: &'w str) -> Result<(&'w str, &'w str), TemplateError> {
    match after.split_once('}') {
        Some((name, after)) if is_name(name) => Ok((name, after)),
        Some((name, _)) if !name.contains('{') && !name.is_empty() => {
            Err(TemplateError::InvalidSlotName(written.to_owned(), name.to_owned()))
        }
        _ => Err(TemplateError::LoneBrace(written.to_owned(), '{')),
    }
}
