//! `docs/threats.md` claims what tests show: a row whose test is not there is not a claim but a wish.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Where there are tests.
const ROOMS: [&str; 5] = ["tests", "host", "sdk", "plugins", "xtask"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The tests of a source: a function below an attribute that makes it one.
fn tests_of(source: &str) -> HashSet<String> {
    let (mut found, mut is_test) = (HashSet::new(), false);
    for line in source.lines().map(str::trim_start) {
        let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
        match function {
            Some(rest) if is_test => drop(found.insert(rest.split('(').next().unwrap().to_owned())),
            _ => {}
        }
        let attribute = line.starts_with("#[");
        is_test = (is_test && attribute) || line == "#[test]" || line.starts_with("#[tokio::test");
    }
    found
}

/// `file::test`, of every file that there is.
fn all_tests() -> HashSet<String> {
    let mut files = Vec::new();
    ROOMS.iter().for_each(|room| sources(&root().join(room), &mut files));
    let tests = files.iter().flat_map(|path| {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        tests_of(&fs::read_to_string(path).unwrap()).into_iter().map(move |test| format!("{stem}::{test}"))
    });
    tests.collect()
}

/// The rows of a page's tables, without their heads: number of the line, and cells.
fn rows(page: &str) -> Vec<(usize, Vec<&str>)> {
    let table = |line: &&str| line.starts_with('|');
    let lines: Vec<&str> = page.lines().collect();
    let is_head = |at: usize| lines.get(at + 1).is_some_and(|next| next.starts_with("| ---"));
    let numbered =
        lines.iter().enumerate().filter(|(at, line)| table(line) && !line.starts_with("| ---") && !is_head(*at));
    numbered.map(|(at, line)| (at + 1, line.trim_matches('|').split(" | ").map(str::trim).collect())).collect()
}

/// What is wrong with a page: rows without a test, and tests that are not there.
fn wrong(page: &str, tests: &HashSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, cells) in rows(page) {
        let named: Vec<&str> = cells.last().unwrap().split('`').filter(|word| word.contains("::")).collect();
        if named.is_empty() {
            wrong.push(format!("line {number}: no test: {}", cells[0]));
        }
        let missing = named.iter().filter(|name| !tests.contains(**name));
        wrong.extend(missing.map(|name| format!("line {number}: there is no {name}")));
    }
    wrong
}

#[test]
fn each_row_of_the_threat_table_names_a_test_that_is_there() {
    let page = fs::read_to_string(root().join("docs/threats.md")).unwrap();
    assert_eq!(wrong(&page, &all_tests()), Vec::<String>::new());
    assert!(rows(&page).len() > 80);
}

#[test]
fn a_row_without_a_test_and_one_whose_test_is_gone_are_refused() {
    let page = "# T\n| attack | what | test |\n| --- | --- | --- |\n| one | a | `x::here` |\n| two | b | by construction |\n\
                | three | c | `x::here`, `x::gone` |\n";
    let tests = HashSet::from(["x::here".to_owned()]);
    assert_eq!(wrong(page, &tests), ["line 5: no test: two", "line 6: there is no x::gone"]);
    assert_eq!(tests_of("#[test]\n#[ignore]\nfn a() {}\nfn b() {}\n  #[tokio::test]\n  async fn c() {}\n").len(), 2);
}

#[test]
fn a_test_is_named_by_its_file_and_no_two_files_of_one_name_share_a_tests_name() {
    let mut files = Vec::new();
    ROOMS.iter().for_each(|room| sources(&root().join(room), &mut files));
    let mut places: HashMap<String, Vec<PathBuf>> = HashMap::new();
    for path in files {
        for test in tests_of(&fs::read_to_string(&path).unwrap()) {
            places
                .entry(format!("{}::{test}", path.file_stem().unwrap().to_str().unwrap()))
                .or_default()
                .push(path.clone());
        }
    }
    let page = fs::read_to_string(root().join("docs/threats.md")).unwrap();
    let unclear = places.iter().filter(|(name, paths)| paths.len() > 1 && page.contains(&format!("`{name}`")));
    assert_eq!(unclear.collect::<Vec<_>>(), Vec::new());
}
