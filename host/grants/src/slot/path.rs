//! `path`: what is below one folder, by its name alone. Links, and who can write to the folder, are the file system's
//! to say: the daemon asks it, for which a command line tells the paths in it.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::kind::Kind;
use super::text::is_plain;
use super::written::Written;
use crate::sheet::table::Table;
use crate::sheet::value::Value;

/// The kernel's PATH_MAX counts the NUL at the end too.
const MAX: usize = 4095;

/// The kernel's NAME_MAX.
const COMPONENT_MAX: usize = 255;

/// A path in a command line that must lie below a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Below {
    /// The slot that it stands in.
    pub slot: String,
    /// The folder that the administrator wrote.
    pub folder: PathBuf,
    /// The path as it is rendered; it begins with the folder's.
    pub path: PathBuf,
}

/// Paths below this folder, which is not the root and does not end in a slash.
#[derive(Debug, Clone)]
pub(super) struct Files {
    below: PathBuf,
    prefix: String,
}

impl Files {
    pub(super) fn read(table: &mut Table<'_>) -> Option<Self> {
        let below = table.need("below", "below = \"/var/log/app\"", folder)?;
        let prefix = format!("{}/", below.display());
        Some(Self { below, prefix })
    }
}

impl Kind for Files {
    fn word(&self) -> &'static str {
        "path"
    }

    fn accept(&self, value: &str) -> Option<String> {
        // An absolute path of another folder leaves an empty first component.
        let rest = value.strip_prefix(&self.prefix).unwrap_or(value);
        let good = self.prefix.len() + rest.len() <= MAX && rest.split('/').all(is_component);
        good.then(|| format!("{}{rest}", self.prefix))
    }

    fn rule(&self) -> String {
        format!("a path below {} without .., its parts not beginning with -", self.below.display())
    }

    fn schema(&self) -> Json {
        json!({"type": "string", "description": self.rule(), "maxLength": MAX})
    }

    fn digest(&self) -> Json {
        json!({"type": "path", "below": self.below})
    }

    fn written(&self) -> Written {
        Written::of("path").with("below", self.prefix.trim_end_matches('/'))
    }

    fn below(&self) -> Option<&Path> {
        Some(&self.below)
    }
}

fn is_component(part: &str) -> bool {
    let length = (1..=COMPONENT_MAX).contains(&part.len());
    length && is_plain(part) && part != "." && part != ".." && !part.starts_with('-')
}

fn folder(value: &Value<'_>) -> Option<PathBuf> {
    let folder = value.path()?;
    let text = folder.to_str().unwrap_or_default();
    if text == "/" {
        value.mistake("below is /, so every file would be taken: write the folder whose files are meant");
        return None;
    }
    if !is_plain(text) {
        value.mistake(format!("below: {text:?} is not ASCII: write a folder with a plain name"));
        return None;
    }
    Some(folder)
}
