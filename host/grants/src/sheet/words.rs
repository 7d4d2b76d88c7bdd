//! Words that appear in many places, each with one spelling: names, paths, modes, users and groups.

use std::path::{Component, Path, PathBuf};

use toml::de::DeValue;

use super::value::{Value, whole};

/// Names stand in logs, records and on terminals, and callers type them.
const NAME_MAX: usize = 64;

/// `(uid_t) -1` says "leave as it is" to the kernel: as an id it would change nothing.
const LAST_ID: i64 = u32::MAX as i64 - 1;

/// Whether a word may be a name: of a plugin, an operation, a command, a slot, a socket, a person.
#[must_use]
pub fn is_name(word: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !word.is_empty() && word.len() <= NAME_MAX && !word.starts_with('-') && word.bytes().all(letter)
}

impl<'s> Value<'s> {
    /// The key itself, where keys are names.
    pub(crate) fn named(&self) -> Option<&str> {
        self.checked_name(&self.key)
    }

    /// A text that is a name.
    pub(crate) fn name(&self) -> Option<&'s str> {
        let name = self.text()?;
        self.checked_name(name).map(|_| name)
    }

    fn checked_name<'n>(&self, name: &'n str) -> Option<&'n str> {
        if is_name(name) {
            return Some(name);
        }
        self.mistake(format!("{name:?} is no name: write 1 to {NAME_MAX} letters, digits, - and _, not - first"));
        None
    }

    /// An absolute path without `..`, so that its folder is what it seems to be.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let text = self.text()?;
        let said = |why: &str| {
            self.mistake(format!("{}: {text:?} {why}", self.key));
            None
        };
        let path = Path::new(text);
        match () {
            () if text.contains(char::is_control) => said("holds a control character: write it without"),
            () if !path.is_absolute() => said("is not absolute: write a path that begins with /"),
            () if path.components().any(|part| part == Component::ParentDir) => said("holds ..: write it without"),
            () => Some(path.components().collect()),
        }
    }

    /// A path that is a file, not the root and not written as a folder.
    pub(crate) fn file_path(&self) -> Option<PathBuf> {
        let path = self.path()?;
        let folder = self.text().is_some_and(|text| text.ends_with('/') || text.ends_with("/."));
        if folder || path.file_name().is_none() {
            self.mistake(format!("{} is a folder: write the path of a file", self.key));
            return None;
        }
        Some(path)
    }

    /// Permission bits in octal, as text: TOML would read 0660 as nothing and 660 as something else.
    pub(crate) fn mode(&self, example: &str) -> Option<u32> {
        let octal = match self.raw() {
            DeValue::String(text)
                if (3..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777)
            }
            _ => None,
        };
        if octal.is_none() {
            self.mistake(format!("{} must be octal digits in quotes, at most \"0777\": write {example}", self.key));
        }
        octal
    }

    /// A user or group id.
    pub(crate) fn id(&self) -> Option<u32> {
        self.number(0, LAST_ID)
    }

    /// A user or group of this machine, by name.
    pub(crate) fn account(&self) -> Option<String> {
        let name = self.text()?;
        let odd = |letter: char| letter.is_whitespace() || letter.is_control() || ":,/".contains(letter);
        let out_of_range = || name.parse::<u32>().map_or(true, |id| i64::from(id) > LAST_ID);
        let number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        if name.is_empty() || name.contains(odd) || name.starts_with(['-', '+']) || number && out_of_range() {
            self.mistake(format!(
                "{}: {name:?} is no name and no number: write those of a user or group of this machine",
                self.key
            ));
            return None;
        }
        Some(name.to_owned())
    }

    /// The same, by name or number.
    pub(crate) fn account_or_id(&self) -> Option<String> {
        match self.raw() {
            DeValue::Integer(number) if whole(number).is_some() => self.id().map(|id| id.to_string()),
            _ => self.account(),
        }
    }
}
