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

/// `# key = value` is a key to add, or another value of the key that its table has: without its `# ` it must be one.
/// What is indented is a file's worth of lines by itself, which may stand at the end.
#[test]
fn what_their_comments_say_to_add_is_taken_too() {
    let mut added = 0;
    for (file, text) in shipped() {
        let whole = uncommented(&text, &mut added).replace("\"…\"", &format!("{PIN:?}"));
        assert_eq!(parsed(&file, &whole).unpinned(), None, "{whole}");
    }
    assert!(added >= 30, "{added}");
}

/// No comment that looks like a key is left out of the test above.
#[test]
fn what_their_comments_say_to_add_is_written_in_the_two_ways_that_are_tried() {
    for (file, text) in shipped() {
        let mut added = 0;
        uncommented(&text, &mut added);
        let keys = |line: &&str| line.strip_prefix('#').is_some_and(|rest| is_key(rest.trim_start()));
        assert_eq!(added, text.lines().filter(keys).count(), "{}", file.display());
    }
}

/// The file as it is when every comment is followed; counts the keys.
fn uncommented(text: &str, added: &mut usize) -> String {
    let (mut lines, mut examples, mut table) = (Vec::<&str>::new(), Vec::new(), 0);
    let mut blocks = text.split('\n').map(|line| (line, line.strip_prefix("#     "))).peekable();
    while let Some((line, indented)) = blocks.next() {
        if line.starts_with('[') {
            table = lines.len();
        }
        if let Some(first) = indented {
            let mut block = vec![first];
            while let Some((line, next)) = blocks.next_if(|(line, next)| next.is_some() || *line == "#") {
                block.push(next.unwrap_or(line));
            }
            // What begins with a table is a grants file's; anything else is another program's.
            if first.starts_with('[') {
                *added += block.iter().filter(|line| is_key(line)).count();
                examples.extend(block);
            }
        } else if let Some(rest) = line.strip_prefix("# ").filter(|rest| is_key(rest)) {
            *added += 1;
            let key = rest.split_once(" = ").unwrap().0;
            let same = |line: &str| line.split_once(" = ").is_some_and(|(found, _)| found == key);
            match lines[table..].iter().position(|line| same(line)) {
                Some(at) => lines[table + at] = rest,
                None => lines.push(rest),
            }
        } else {
            lines.push(line);
        }
    }
    lines.extend(examples);
    lines.join("\n")
}

fn is_key(line: &str) -> bool {
    line.split_once(" = ")
        .is_some_and(|(key, _)| key.bytes().all(|byte| byte.is_ascii_lowercase() || b"_.0123456789".contains(&byte)))
}
