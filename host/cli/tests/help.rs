//! Every help text, as people read it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

// What people see, kept as files.
mod screens;

use std::process::{Command, Output, Stdio};

use screens::screen;

/// Nothing of it is a terminal, whose width would be the help's.
#[allow(clippy::disallowed_methods, reason = "these tests start the program that they are about")]
fn help(words: &[&str]) -> String {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_regent")).args(words).env_clear().stdin(Stdio::null()).output().unwrap();
    assert!(status.success() && stderr.is_empty(), "{words:?}");
    String::from_utf8(stdout).unwrap()
}

#[test]
fn the_help_of_each_verb_is_read_before_it_is_changed() {
    for words in [
        &[][..],
        &["call"],
        &["read"],
        &["cancel"],
        &["pending"],
        &["show"],
        &["approve"],
        &["deny"],
        &["ops"],
        &["reload"],
        &["status"],
        &["plugin"],
        &["plugin", "list"],
        &["why"],
        &["check"],
        &["init"],
        &["secret"],
        &["secret", "new"],
        &["secret", "rotate"],
        &["socket"],
        &["socket", "add"],
        &["plugin", "new"],
        &["plugin", "build"],
        &["plugin", "inspect"],
        &["plugin", "run"],
        &["plugin", "enable"],
        &["plugin", "upgrade"],
        &["plugin", "rollback"],
        &["plugin", "disable"],
    ] {
        let name = [&["help"], words].concat().join("-");
        screen(&name, &help(&[words, &["--help"]].concat()));
    }
}

#[test]
fn the_verb_help_knows_each_verb_too() {
    assert_eq!(help(&["help", "call"]), help(&["call", "--help"]));
    assert_eq!(help(&["help", "plugin", "list"]), help(&["plugin", "list", "--help"]));
}
