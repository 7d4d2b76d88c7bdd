//! `sha256`: which modules these grants are for.

use toml::de::DeValue;

use super::Grants;
use crate::mistake::Mistake;
use crate::sheet::value::Value;

/// What is to be said of grants whose module nothing vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unpinned {
    /// They serve all the same.
    Warning(Mistake),
    /// An operation is held, and consent is bound to a certain module: they cannot serve.
    Mistake(Mistake),
}

impl Grants {
    /// What there is to say if nothing vouches for the module. This file cannot tell: a shipped module is vouched for
    /// beside it. `None`: `sha256` does.
    #[must_use]
    pub fn unpinned(&self) -> Option<Unpinned> {
        if !self.sha256.is_empty() {
            return None;
        }
        let said = |line, text: &str| Mistake { file: self.file.clone(), line, text: text.to_owned() };
        let held = self.operations.iter().find_map(|operation| operation.require_line);
        Some(match held {
            Some(line) => Unpinned::Mistake(said(
                line,
                "held operations need a pin: add sha256 = \"…\", as `sha256sum` of the module prints it",
            )),
            None => Unpinned::Warning(said(
                1,
                "the module is not pinned, so whoever can replace it has these grants: add sha256 = \"…\"",
            )),
        })
    }
}

/// One digest, or a list of at least one.
pub(super) fn read(value: &Value<'_>) -> Vec<[u8; 32]> {
    if let DeValue::String(_) = value.raw() {
        return pin(value).into_iter().collect();
    }
    let list = value.list_of_some("it would accept no module: write sha256 = [\"…\"], or leave it out");
    let mut pins = Vec::new();
    for item in list.unwrap_or_default() {
        let Some(pin) = pin(&item) else { continue };
        if pins.contains(&pin) {
            item.mistake("sha256: this digest stands twice: take one out");
        }
        pins.push(pin);
    }
    pins
}

fn pin(value: &Value<'_>) -> Option<[u8; 32]> {
    let digest = digest(value.text()?);
    if digest.is_none() {
        value.mistake("sha256: write the 64 hexadecimal digits that `sha256sum MODULE.wasm` prints");
    }
    digest
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.chars().map(|digit| digit.to_digit(16)).map(|digit| digit?.try_into().ok()).collect::<Option<_>>()?;
    let bytes: Vec<u8> =
        digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    // An odd digit would be lost above.
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}
