//! The grants files that are shipped beside the plugins: as they stand, and with what their comments say to add.

use std::fs;
use std::path::{Path, PathBuf};

use super::{PIN, config};
use crate::{Grants, Unpinned};

/// plugins/NAME/*.toml, less the manifests.
fn shipped() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let plugins = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let files = plugins.flat_map(|plugin| fs::read_dir(plugin).unwrap().map(|entry| entry.unwrap().path()));
    let grants =
        files.filter(|file| file.extension().is_some_and(|end| end == "toml") && !file.ends_with("Cargo.toml"));
    grants.map(|file| (file.clone(), fs::read_to_string(file).unwrap())).collect()
}

fn parsed(file: &Path, text: &str) -> Grants {
    let name = file.file_stem().unwrap().to_str().unwrap();
    Grants::parse(name, &file.display().to_string(), text, &config())
        .unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"))
        .value
}

#[test]
fn every_shipped_grants_file_is_taken_as_it_stands() {
    let files = shipped();
    assert!(files.len() >= 3, "{files:?}");
    for (file, text) in files {
        assert!(matches!(parsed(&file, &text).unpinned(), Some(Unpinned::Warning(_))));
    }
}

/// `# key = value` is a key to add: without its `# ` it must be one.
#[test]
fn what_their_comments_say_to_add_is_taken_too() {
    let mut added = 0;
    for (file, text) in shipped() {
        let mut uncomment = |line: &str| match line.strip_prefix("# ").filter(|rest| is_key(rest)) {
            Some(rest) => {
                added += 1;
                format!("{}\n", rest.replace("\"…\"", &format!("{PIN:?}")))
            }
            None => format!("{line}\n"),
        };
        let text: String = text.lines().map(&mut uncomment).collect();
        assert_eq!(parsed(&file, &text).unpinned(), None, "{text}");
    }
    assert!(added >= 10, "{added}");
}

fn is_key(line: &str) -> bool {
    line.split_once(" = ")
        .is_some_and(|(key, _)| key.bytes().all(|byte| byte.is_ascii_lowercase() || b"_0123456789".contains(&byte)))
}
