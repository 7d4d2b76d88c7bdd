//! Text of requesters and plugins, made harmless before a person sees it.
//!
//! Escape sequences can rewrite a terminal, bidirectional and invisible characters can make a text read as another
//! (CVE-2021-42574), line separators can end a line early. Each such character becomes its number, `\u{202e}`;
//! everything else stays as it is. Not for machines: what is decided on, stored or run is never this text.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text as one harmless line.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut seen = String::with_capacity(text.len());
    for character in text.chars() {
        push(&mut seen, character);
    }
    Cow::Owned(seen)
}

/// The text with its lines and tabs, and everything else harmless.
#[must_use]
pub fn text(text: &str) -> Cow<'_, str> {
    let harmful = |character: char| is_hidden(character) && !matches!(character, '\n' | '\t');
    if !text.chars().any(harmful) {
        return Cow::Borrowed(text);
    }
    let mut seen = String::with_capacity(text.len());
    for character in text.chars() {
        if harmful(character) { push(&mut seen, character) } else { seen.push(character) }
    }
    Cow::Owned(seen)
}

/// An argument as a shell would take it, so that where it begins and ends is plain. What a plain word cannot show
/// stands in `$'…'`, with the escapes of bash and ksh; the result is one harmless line.
#[must_use]
pub fn argument(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "%+,-./:=@_".contains(character);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let strange = |character: char| !(character == ' ' || character.is_ascii_graphic() || character.is_alphanumeric());
    if !text.chars().any(|character| strange(character) || is_hidden(character)) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut quoted = String::from("$'");
    for character in text.chars() {
        match character {
            '\'' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            _ if strange(character) || is_hidden(character) => {
                // Writing to a string does not fail.
                let _ = write!(quoted, "\\U{:08x}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('\'');
    quoted
}

/// A whole command line.
#[must_use]
pub fn command_line<S: AsRef<str>>(argv: &[S]) -> String {
    argv.iter().map(|word| argument(word.as_ref())).collect::<Vec<_>>().join(" ")
}

fn push(seen: &mut String, character: char) {
    if is_hidden(character) {
        // Writing to a string does not fail.
        let _ = write!(seen, "\\u{{{:x}}}", u32::from(character));
    } else {
        seen.push(character);
    }
}

/// Characters that a person cannot see, or that change how others are seen.
fn is_hidden(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}'                    // soft hyphen, grapheme joiner, Arabic letter mark
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // Hangul fillers
            | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' // Khmer and Mongolian invisibles
            | '\u{200b}'..='\u{200f}'                           // zero-width, direction marks
            | '\u{2028}'..='\u{202e}'                           // line and paragraph separators, embeddings, overrides
            | '\u{2060}'..='\u{206f}'                           // word joiner, invisible operators, isolates
            | '\u{2800}'                                        // braille blank
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'              // variation selectors, byte order mark
            | '\u{fff0}'..='\u{fffb}'                           // annotations
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' // shorthand and musical format characters
            | '\u{e0000}'..='\u{e0fff}') // tags, more variation selectors
}
