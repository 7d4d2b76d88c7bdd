//! The unit that `init` writes, as systemd itself reads and judges it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]
#![allow(clippy::disallowed_methods, reason = "these tests start the program that they are about, and systemd's")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Ten times what `systemd-analyze security` says of the unit: README has it too.
const EXPOSURE: &str = "63";

/// A machine below this folder, and its unit.
fn unit() -> (tempfile::TempDir, PathBuf, String) {
    let machine = tempfile::tempdir().unwrap();
    let init = Command::new(env!("CARGO_BIN_EXE_regent")).args(["init", "--prefix"]).arg(machine.path()).output();
    assert!(init.unwrap().status.success());
    let path = machine.path().join("etc/systemd/system/regentd.service");
    let text = fs::read_to_string(&path).unwrap();
    (machine, path, text)
}

/// Its end, and all that it said.
fn analyze(words: &[&str], unit: &Path) -> (bool, String, String) {
    let output = Command::new("systemd-analyze").args(words).arg(unit).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn systemd_finds_nothing_wrong_with_it() {
    let (_machine, path, text) = unit();
    // Whatever program there is: the one beside the tested one may not be built.
    let exec = text.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
    fs::write(&path, text.replace(exec, "ExecStart=/bin/true")).unwrap();
    assert_eq!(analyze(&["verify"], &path), (true, String::new(), String::new()));
    fs::write(&path, text.replace(exec, "ExecStart=/bin/true").replace("UMask=", "UMaks=")).unwrap();
    assert!(analyze(&["verify"], &path).2.contains("UMaks"), "it would not say so");
}

#[test]
fn it_is_exposed_no_more_than_is_said() {
    let (_machine, path, text) = unit();
    let security = ["security", "--offline=true", "--no-pager", "--threshold"];
    let (kept, table, _) = analyze(&[&security[..], &[EXPOSURE]].concat(), &path);
    assert!(kept, "{table}");
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    let (whole, tenth) = EXPOSURE.split_at(1);
    assert!(readme.contains(&format!("exposure level of {whole}.{tenth}")));
    fs::write(&path, text.replace("CapabilityBoundingSet=", "# CapabilityBoundingSet=")).unwrap();
    assert!(!analyze(&[&security[..], &[EXPOSURE]].concat(), &path).0, "less would do as well");
}

#[test]
fn whatever_systemd_misses_in_it_stands_there_with_a_reason() {
    let (_machine, path, text) = unit();
    let (_, rows, _) = analyze(&["security", "--offline=true", "--no-pager", "--json=short"], &path);
    let rows: Vec<Value> = serde_json::from_str(&rows).unwrap();
    let missed = rows.iter().filter(|row| row["set"] == false && !row["exposure"].is_null());
    let missed: Vec<&str> = missed.map(|row| row["name"].as_str().unwrap()).collect();
    assert!(missed.len() > 20, "{rows:?}");
    let (_, reasons) = text.split_once("# Left out").unwrap();
    // Of a group systemd misses all where one is missed.
    let denied = |word: &str| {
        let mut sets = text.lines().filter(|line| line.starts_with("CapabilityBoundingSet="));
        sets.any(|line| line.split([' ', '~']).any(|name| name == word))
    };
    let silent: Vec<_> = missed.iter().flat_map(|name| words(name)).collect();
    let silent: Vec<_> = silent.into_iter().filter(|word| !reasons.contains(word) && !denied(word)).collect();
    assert_eq!(silent, Vec::<String>::new(), "{missed:?}");
}

/// What a row is about: a directive, or what it denies. Kinds of namespaces are all of one reason.
fn words(row: &str) -> Vec<String> {
    let (directive, denied) = row.split_once("=~").unwrap_or((row, ""));
    match (directive, denied.split_once('(')) {
        ("RestrictNamespaces", _) => vec!["RestrictNamespaces=".into()],
        (_, Some((before, group))) => group
            .trim_end_matches(')')
            .split('|')
            .map(|name| format!("{before}{}", name.trim_end_matches('*')))
            .collect(),
        ("SystemCallFilter", None) => vec![denied.into()],
        ("CapabilityBoundingSet" | "RestrictAddressFamilies", None) => vec![denied.trim_end_matches('*').into()],
        _ => row.split_inclusive('=').next().map(str::to_owned).into_iter().collect(),
    }
}
