//! SHA256SUMS beside modules: written by whoever ships them, owned by root, in the form of sha256sum(1). It vouches for
//! a module as a pin in a grants file does.

use std::collections::HashMap;
use std::path::Path;

use hex::FromHex as _;

use crate::plugin::module::ModuleDigest;
use crate::trusted_file::Trusted;

/// A list, read once for all modules that lie beside it.
#[derive(Debug, Default)]
pub(super) struct Sums(HashMap<String, Option<ModuleDigest>>);

impl Sums {
    /// The one in this folder; an empty one if there is none to be trusted.
    pub(super) fn beside(folder: &Path) -> Self {
        let text = Trusted::open(&folder.join("SHA256SUMS")).and_then(Trusted::text);
        Self::read(&text.unwrap_or_default())
    }

    fn read(text: &str) -> Self {
        let mut sums = HashMap::new();
        for (digest, name) in text.lines().filter_map(|line| line.split_once([' ', '\t'])) {
            let name = name.trim_start_matches([' ', '*']).to_owned();
            // What is named twice is vouched for by nobody.
            sums.entry(name).and_modify(|found| *found = None).or_insert_with(|| ModuleDigest::from_hex(digest).ok());
        }
        Self(sums)
    }

    /// The digest that the list gives this module; `None` if it names it not, or twice.
    pub(super) fn of(&self, module: &str) -> Option<ModuleDigest> {
        self.0.get(&format!("{module}.wasm")).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_sha256sum_vouches_for_the_file_that_it_names_and_for_no_other() {
        let digest = "ab".repeat(32);
        for line in [format!("{digest}  echo.wasm\n"), format!("{digest} *echo.wasm\n")] {
            assert_eq!(Sums::read(&line).of("echo"), Some([0xab; 32]));
            assert_eq!(Sums::read(&line).of("cho"), None);
        }
    }

    #[test]
    fn what_is_named_twice_or_garbled_is_vouched_for_by_nobody() {
        let line = format!("{}  echo.wasm\n", "ab".repeat(32));
        assert_eq!(Sums::read(&line.repeat(2)).of("echo"), None);
        assert_eq!(Sums::read("abab  echo.wasm\n").of("echo"), None);
        assert_eq!(Sums::read("echo.wasm\n").of("echo"), None);
    }

    #[test]
    fn a_list_is_read_once_however_many_modules_ask_it() {
        let list: String = (0..10_000).map(|number| format!("{number:064x}  m{number}.wasm\n")).collect();
        let (sums, since) = (Sums::read(&list), std::time::Instant::now());
        assert!((0..10_000).all(|number| sums.of(&format!("m{number}")).is_some()));
        assert!(since.elapsed() < std::time::Duration::from_secs(2), "{:?}", since.elapsed());
    }
}
