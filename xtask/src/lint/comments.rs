//! Comment lines over 120 columns, which `cargo fmt` leaves as they are.

use std::path::Path;
use std::process::Command;

use regent_build::{At as _, Error, Result};

/// The width of a line, in characters, as in rustfmt.toml.
const COLUMNS: usize = 120;
/// Kept inputs of the fuzz targets are data.
const CORPORA: &str = "tests/fuzz/corpus/";

/// The files that git tracks or would add, without fuzz corpora.
pub(super) fn files(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        // Root may check what another user cloned.
        .args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.rs"])
        .current_dir(root)
        .output()
        .map_err(|error| Error::new(format!("git: {error}")))?;
    if !output.status.success() {
        return Err(Error::new(format!("git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim())));
    }
    let names = String::from_utf8_lossy(&output.stdout);
    let names = names.split('\0').filter(|name| !name.is_empty() && !name.starts_with(CORPORA));
    // A file that was removed is still tracked until the removal is committed.
    Ok(names.filter(|name| root.join(name).is_file()).map(str::to_owned).collect())
}

/// The places of wide comment lines in these files.
pub(super) fn wide(root: &Path, files: &[String]) -> Result<Vec<String>> {
    let mut places = Vec::new();
    for file in files {
        let path = root.join(file);
        let text = std::fs::read_to_string(&path).at(&path)?;
        places.extend(wide_lines(&text).into_iter().map(|(line, columns)| format!("{file}:{line}: {columns} columns")));
    }
    Ok(places)
}

/// The lines with a comment that are too wide, each with its number of columns.
pub(super) fn wide_lines(text: &str) -> Vec<(usize, usize)> {
    let comments = comment_lines(text);
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line.chars().count()));
    numbered.filter(|(line, columns)| *columns > COLUMNS && comments.contains(line)).collect()
}

/// The numbers of the lines that have a comment or a part of one, sorted.
fn comment_lines(text: &str) -> Vec<usize> {
    let mut reader = Reader { rest: text, line: 1, lines: Vec::new() };
    while !reader.rest.is_empty() {
        reader.step();
    }
    reader.lines.dedup();
    reader.lines
}

/// Reads Rust's tokens as far as is needed to tell comments from strings.
struct Reader<'a> {
    rest: &'a str,
    line: usize,
    lines: Vec<usize>,
}

impl Reader<'_> {
    fn step(&mut self) {
        let rest = self.rest;
        if rest.starts_with("//") {
            self.lines.push(self.line);
            self.skip(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            let first = self.line;
            self.skip(block(rest));
            self.lines.extend(first..=self.line);
        } else if let Some(length) = raw_string(rest) {
            self.skip(length);
        } else if rest.starts_with('"') {
            self.skip(quoted(rest, '"'));
        } else if is_character(rest) {
            self.skip(quoted(rest, '\''));
        } else {
            self.skip(word(rest));
        }
    }

    fn skip(&mut self, length: usize) {
        let (skipped, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.line += skipped.matches('\n').count();
        self.rest = rest;
    }
}

/// The length of a block comment, with those inside it.
fn block(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of `r#"…"#` with any prefix and number of `#`, if the text starts with one.
fn raw_string(text: &str) -> Option<usize> {
    let start = ["r", "br", "cr"].iter().find_map(|prefix| text.strip_prefix(prefix))?;
    let inside = start.trim_start_matches('#');
    let end = format!("\"{}", "#".repeat(start.len() - inside.len()));
    let inside = inside.strip_prefix('"')?;
    let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
    Some(text.len() - inside.len() + length)
}

/// The length of a literal in quotes, escapes skipped.
fn quoted(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if character == quote => return at + character.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// Whether a character literal starts here and not a lifetime.
fn is_character(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next() == Some('\'') && (characters.next() == Some('\\') || characters.next() == Some('\''))
}

/// The length of the word here, so that the `r` of `for"` starts no raw string, or else of one character.
fn word(text: &str) -> usize {
    let length = text.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(text.len());
    length.max(text.chars().next().map_or(1, char::len_utf8))
}
