//! Good files, broken in thousands of ways from a fixed seed: the parser never panics, and what it refuses it names by
//! a line of the file. A fuzzer would call the same two entry points.

use super::samples::Random;
use super::{CONFIG, config};
use crate::{Config, Grants, Mistakes};

const COUNT: usize = 3000;

const GRANTS: &str = r#"sha256 = "9f2c000000000000000000000000000000000000000000000000000000000000"
[settings]
ports = [22]
[operations.open]
as = "o"
allow = [{ user = "www-data" }, { gid = 5 }]
require = [{ step = "approval", of = "ops", count = 2 }]
hold_for = "1h"
[commands.c]
run = ["/bin/x", "{ip}", "--p={port}", "{{{name}}}", "{force}", "--net={nets}", "{file}"]
params.ip = { type = "ipv4", scope = "public" }
params.port = { type = "integer", one_of = "settings.ports" }
params.name = { type = "text", pattern = "[a-z]+" }
params.force = { type = "flag", value = "--force" }
params.nets = { type = "list", of = { type = "cidr", scope = "public", min_prefix = 8 }, min = 0, max = 4 }
params.file = { type = "path", below = "/var/log/app" }
timeout = "2s"
env = { A = "b" }
"#;

/// What breaks a file in an interesting place.
const PIECES: [&str; 24] = [
    "",
    "",
    "",
    "\"",
    "'",
    "[",
    "]",
    "[[",
    "{",
    "}",
    "=",
    ".",
    ",",
    "\n",
    "#",
    "-1",
    "0",
    "\"\"",
    "[]",
    "{}",
    "true",
    "1e9",
    "é\u{202e}",
    "99999999999999999999",
];

/// The text with one to three stretches replaced by something else.
fn broken(text: &str, random: &mut Random) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(3) {
        let at = random.below(letters.len() + 1);
        let end = (at + random.below(6)).min(letters.len());
        letters.splice(at..end, random.of(&PIECES).chars());
    }
    letters.into_iter().collect()
}

/// Every mistake has a line of the file and a text; how many files were refused, and how many taken.
fn refused(good: &str, parse: impl Fn(&str) -> Result<(), Mistakes>) -> (usize, usize) {
    let (mut random, mut refused) = (Random(0xb20_5eed), 0);
    for _ in 0..COUNT {
        let text = broken(good, &mut random);
        let lines = text.matches('\n').count() + 1;
        let Err(mistakes) = parse(&text) else { continue };
        refused += 1;
        assert!(!mistakes.is_empty(), "{text}");
        for mistake in &mistakes {
            assert!((1..=lines).contains(&mistake.line) && !mistake.text.is_empty(), "{mistake}\n{text}");
        }
    }
    (refused, COUNT - refused)
}

#[test]
fn a_broken_regent_toml_is_refused_by_line_and_never_a_panic() {
    let (refused, taken) = refused(CONFIG, |text| Config::parse("f", text).map(drop));
    assert!(refused > COUNT / 2 && taken > 0, "{refused} {taken}");
}

#[test]
fn a_broken_grants_file_is_refused_by_line_and_never_a_panic() {
    let config = config();
    let (refused, taken) = refused(GRANTS, |text| Grants::parse("p", "f", text, &config).map(drop));
    assert!(refused > COUNT / 2 && taken > 0, "{refused} {taken}");
}

#[test]
fn a_secret_that_stands_in_the_wrong_place_is_in_no_mistake() {
    const SECRET: &str = "correct-horse-battery";
    let line = "secret_file = \"/etc/regent/web.secret\"";
    for wrong in [
        format!("secret_file = \"{SECRET}\""),
        format!("secret_file = {SECRET}"),
        format!("secret = {SECRET}"),
        format!("secret = \"{SECRET}"),
        format!("secret = [\"{SECRET}\"]"),
        format!("secert = \"{SECRET}\""),
        format!("secret = \"{SECRET}\"\nsecret_file = \"/s\""),
    ] {
        let text = CONFIG.replacen(line, &wrong, 1);
        let said = Config::parse("f", &text).unwrap_err().to_string();
        assert!(!said.contains(SECRET), "{said}");
    }
}
