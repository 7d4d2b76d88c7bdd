//! The fuzzer's entry points over the kept corpora: what once went a new way goes it again, without libFuzzer.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regent_fuzz::TARGETS;

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

fn names(folder: &str) -> BTreeSet<String> {
    entries(&here().join(folder)).iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn every_kept_input_of_every_target_is_read_as_it_must_be() {
    for (name, target) in TARGETS {
        let inputs = entries(&here().join("corpus").join(name));
        assert!(!inputs.is_empty(), "{name} has no corpus");
        for input in inputs {
            // Told beside the panic, if there is one.
            println!("{}", input.display());
            target(&fs::read(&input).unwrap());
        }
    }
}

#[test]
fn each_target_has_its_program_and_its_corpus_and_there_are_no_others() {
    let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("src/bin"), targets);
}

#[test]
fn an_input_that_breaks_a_rule_ends_its_target() {
    let too_much = || regent_fuzz::within(b"four", 1, 0, || vec![0_u8; 5].len());
    assert!(std::panic::catch_unwind(too_much).is_err(), "what costs more than it may is no finding");
    assert_eq!(regent_fuzz::within(b"four", 1, 0, || vec![0_u8; 4].len()), 4);
}
