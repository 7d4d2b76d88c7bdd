//! `plugin new`: what it makes passes its own tests at once, and it writes over nothing.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]
#![allow(clippy::disallowed_methods, reason = "these tests start the program that they are about")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// This repository's own SDK: it is laid out as that of a build.
fn sdk() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk").canonicalize().unwrap()
}

fn new(folder: &Path, sdk: &Path, words: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regent"));
    command.args(["plugin", "new"]).args(words).current_dir(folder).env_clear().env("REGENT_SDK", sdk);
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn made(words: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (status, _, complained) = new(folder.path(), &sdk(), words);
    assert_eq!((status, complained.as_str()), (0, ""), "{words:?}");
    folder
}

#[track_caller]
fn passes(command: &mut Command) -> String {
    let out = command.stdin(Stdio::null()).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{said}");
    said
}

#[test]
fn a_crate_that_is_new_passes_its_own_tests() {
    let folder = made(&["open-door"]);
    let made = folder.path().join("open-door");
    // The versions that were fetched for this repository: a build's SDK has this file, and `new` copies it.
    fs::copy(sdk().join("../Cargo.lock"), made.join("Cargo.lock")).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--offline"]).current_dir(&made);
    // Not this folder's: the plugin is a workspace of its own.
    let said = passes(cargo.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("author")));
    assert!(said.contains("2 passed") && !said.contains("warning"), "{said}");
}

#[test]
fn a_folder_in_python_passes_its_own_tests_by_python_alone() {
    let folder = made(&["--python", "open-door"]);
    let said = passes(
        Command::new("python3").args(["-W", "error", "test_app.py"]).current_dir(folder.path().join("open-door")),
    );
    assert!(said.contains("Ran 2 tests"), "{said}");
}

#[test]
fn what_it_says_is_next_is_what_can_be_typed_next() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("my plugins")).unwrap();
    let (_, said, _) = new(folder.path(), &sdk(), &["hello"]);
    assert!(
        said.contains("    cd hello\n    cargo test\n    regent plugin build\n    regent plugin run . hello "),
        "{said}"
    );
    let (_, said, _) = new(folder.path(), &sdk(), &["--python", "hello", "--dir", "my plugins"]);
    assert!(said.contains("    cd 'my plugins/hello'\n    python3 test_app.py\n"), "{said}");
}

#[test]
fn what_is_there_is_not_written_over() {
    let folder = made(&["hello"]);
    let source = folder.path().join("hello/src/lib.rs");
    fs::write(&source, "mine").unwrap();
    for words in [&["hello"][..], &["--python", "hello"]] {
        let (status, said, complained) = new(folder.path(), &sdk(), words);
        assert_eq!((status, said.as_str()), (1, ""));
        assert!(complained.contains("hello: is there already"), "{complained}");
    }
    assert_eq!(fs::read_to_string(source).unwrap(), "mine");
    assert!(!folder.path().join("hello/app.py").exists());
}

#[test]
fn a_name_that_is_none_and_an_sdk_that_is_none_make_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["../out", "a b", "fn", "serde", "1st"] {
        assert_eq!(new(folder.path(), &sdk(), &["--", name]).0, 2, "{name}");
    }
    let (status, _, complained) = new(folder.path(), folder.path(), &["hello"]);
    assert_eq!(status, 2);
    assert!(complained.contains("REGENT_SDK: there is no SDK in "), "{complained}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_sdk_in_a_folder_of_any_name_is_named_as_toml_writes_it() {
    let folder = tempfile::tempdir().unwrap();
    let sdk = folder.path().join("a \"b\\c\" {{name}}");
    fs::create_dir_all(sdk.join("plugin")).unwrap();
    fs::write(sdk.join("plugin/Cargo.toml"), "").unwrap();
    assert_eq!(new(folder.path(), &sdk, &["hello"]).0, 0);
    let manifest = fs::read_to_string(folder.path().join("hello/Cargo.toml")).unwrap();
    let manifest: toml_edit::DocumentMut = manifest.parse().unwrap();
    let named = manifest["dependencies"]["regent-plugin"]["path"].as_str().unwrap();
    assert_eq!(Path::new(named), sdk.canonicalize().unwrap().join("plugin"));
}
