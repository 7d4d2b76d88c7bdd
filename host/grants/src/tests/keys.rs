//! docs/keys.md has every key that the parser knows, and no other. What the parser knows it says itself, of a key that
//! it does not.

use std::collections::BTreeSet;

use super::{CONFIG, config};
use crate::{Config, Grants};

const PAGE: &str = include_str!("../../../../docs/keys.md");

/// Like no key, so that none is guessed.
const UNKNOWN: &str = "zzqqzzqq";

type Keys = BTreeSet<String>;

/// Rows of the tables below this heading of the page, each as its cells.
fn rows(heading: &str) -> Vec<Vec<Keys>> {
    let (_, section) = PAGE.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    let section = section.split("\n#").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.split('|').skip(1).map(words).collect()).collect()
}

/// What stands between backticks.
fn words(cell: &str) -> Keys {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn page(heading: &str) -> Keys {
    rows(heading).into_iter().flat_map(|mut row| row.swap_remove(0)).collect()
}

fn mistakes_of_config(text: &str) -> String {
    Config::parse("regent.toml", text).map(|_| String::new()).unwrap_or_else(|mistakes| mistakes.to_string())
}

fn mistakes_of_grants(text: &str) -> String {
    Grants::parse("x", "x.toml", text, &config()).map(|_| String::new()).unwrap_or_else(|mistakes| mistakes.to_string())
}

/// What the parser says after this, to the end of the line.
#[track_caller]
fn said(mistakes: &str, before: &str) -> String {
    let (_, after) = mistakes.split_once(before).unwrap_or_else(|| panic!("{before}: {mistakes}"));
    after.lines().next().unwrap().to_owned()
}

/// All keys of the table in which the unknown one stands.
#[track_caller]
fn known(mistakes: &str) -> Keys {
    let advice = said(mistakes, &format!("has no key \"{UNKNOWN}\": there is "));
    advice.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_key_of_regent_toml_is_on_the_page_and_no_other() {
    let all = [
        ("The file itself", format!("KEY\n{CONFIG}")),
        ("`[[sockets]]`", format!("{CONFIG}[[sockets]]\nKEY\n")),
        ("`[admin]`", format!("{CONFIG}[admin]\nKEY\n")),
        ("`[sandbox]`", format!("{CONFIG}[sandbox]\nKEY\n")),
        ("`[people.NAME]`", format!("{CONFIG}[people.dan]\nKEY\n")),
    ];
    for (heading, text) in all {
        assert_eq!(
            page(heading),
            known(&mistakes_of_config(&text.replace("KEY", &format!("{UNKNOWN} = 1")))),
            "{heading}"
        );
    }
}

#[test]
fn every_key_of_a_grants_file_is_on_the_page_and_no_other() {
    let all = [
        ("The top of a grants file", "KEY\n[operations.o]\n"),
        ("A rule of `allow`", "[operations.o]\nallow = [{ KEY }]\n"),
        ("A step of `require`", "[operations.o]\nrequire = [{ step = \"approval\", KEY }]\n"),
        ("`[commands.NAME]`", "[operations.o]\n[commands.c]\nKEY\n"),
    ];
    for (heading, text) in all {
        assert_eq!(
            page(heading),
            known(&mistakes_of_grants(&text.replace("KEY", &format!("{UNKNOWN} = 1")))),
            "{heading}"
        );
    }
}

/// They are too many for the parser to list.
#[test]
fn every_key_of_an_operation_is_on_the_page_and_no_other() {
    let operation = |key: &str| mistakes_of_grants(&format!("[operations.o]\nrun = [\"/bin/true\"]\n{key} = {{}}\n"));
    let keys: Keys = page("`[operations.NAME]`").union(&page("`[commands.NAME]`")).cloned().collect();
    for key in &keys {
        assert!(!operation(key).contains("has no key"), "{key}");
    }
    let count = said(&operation(UNKNOWN), &format!("has no key \"{UNKNOWN}\": there are "));
    assert_eq!(count, format!("{} others", keys.len()));
}

#[test]
fn every_key_of_a_slot_is_on_the_page_with_its_type_and_no_other() {
    let slot = |keys: &str| {
        mistakes_of_grants(&format!(
            "[operations.o]\n[commands.c]\nrun = [\"/bin/true\", \"{{v}}\"]\nparams.v = {{ {keys} }}\n"
        ))
    };
    let types = said(&slot("type = \"zzqqzzqq\""), "no type is called \"zzqqzzqq\": there is ");
    let types: Keys = types.split(", ").map(str::to_owned).collect();
    let rows = rows("Slots");
    let named: Keys = rows.iter().flat_map(|row| row[0].clone()).collect();
    assert!(named.is_subset(&types), "{named:?}");
    for kind in &types {
        let mut keys: Keys = rows.iter().filter(|row| row[0].contains(kind)).flat_map(|row| row[1].clone()).collect();
        keys.insert("type".into());
        // Nothing else is read of it without that.
        let values = if kind == "one_of" { "values = [\"a\"], " } else { "" };
        assert_eq!(keys, known(&slot(&format!("type = {kind:?}, {values}{UNKNOWN} = 1"))), "{kind}");
    }
}
