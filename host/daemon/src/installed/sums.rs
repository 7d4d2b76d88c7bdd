//! SHA256SUMS beside modules: written by whoever ships them, owned by root, in the form of sha256sum(1). It vouches for a
//! module as a pin in a grants file does.

use std::path::Path;

use crate::plugin::module::ModuleDigest;
use crate::trusted_file::Trusted;

/// The digest that the list gives this module; `None` if it names it not, or twice, or if there is no list to be trusted.
#[must_use]
pub(super) fn of(folder: &Path, module: &str) -> Option<ModuleDigest> {
    let text = Trusted::open(&folder.join("SHA256SUMS")).and_then(Trusted::text).ok()?;
    in_list(&text, &format!("{module}.wasm"))
}

fn in_list(text: &str, file: &str) -> Option<ModuleDigest> {
    let named =
        |line: &&str| line.split_once([' ', '\t']).is_some_and(|(_, name)| name.trim_start_matches([' ', '*']) == file);
    let mut lines = text.lines().filter(named);
    let (line, None) = (lines.next()?, lines.next()) else { return None };
    let mut digest = [0; 32];
    hex::decode_to_slice(line.split_once([' ', '\t'])?.0, &mut digest).ok()?;
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_sha256sum_vouches_for_the_file_that_it_names_and_for_no_other() {
        let digest = "ab".repeat(32);
        for line in [format!("{digest}  echo.wasm\n"), format!("{digest} *echo.wasm\n")] {
            assert_eq!(in_list(&line, "echo.wasm"), Some([0xab; 32]));
            assert_eq!(in_list(&line, "cho.wasm"), None);
        }
    }

    #[test]
    fn what_is_named_twice_or_garbled_is_vouched_for_by_nobody() {
        let line = format!("{}  echo.wasm\n", "ab".repeat(32));
        assert_eq!(in_list(&line.repeat(2), "echo.wasm"), None);
        assert_eq!(in_list("abab  echo.wasm\n", "echo.wasm"), None);
        assert_eq!(in_list("echo.wasm\n", "echo.wasm"), None);
    }
}
