//! The law of this crate, by its public names only.

mod addresses;
mod addresses_v6;
mod advice;
mod allowed;
mod bad_config;
mod bad_grants;
mod bad_run;
mod bad_slots;
mod bent;
mod broken;
mod capabilities;
mod dangerous;
mod digest;
mod forms;
mod generated;
mod hostile;
mod keys;
mod last;
mod params;
mod paths;
mod pinned;
mod quorum;
mod repeated;
mod samples;
mod shipped;
mod slots;
mod together;
mod twins;
mod without_code;

use crate::{Checked, Command, Config, Grants, RenderError};

/// A regent.toml without a mistake, on 16 lines.
const CONFIG: &str = r#"plugins = ["/usr/lib/regent/plugins"]
state = "/var/lib/regent"
[[sockets]]
name = "web"
path = "/run/regent/web/regent.sock"
secret_file = "/etc/regent/web.secret"
operations = ["open", "close"]
[people.anna]
user = "anna"
[people.ben]
user = "1001"
[people.cleo]
user = "cleo"
admin = true
[teams]
ops = ["anna", "ben"]
"#;

const PIN: &str = "9f2c000000000000000000000000000000000000000000000000000000000000";

fn config() -> Config {
    Config::parse("regent.toml", CONFIG).unwrap().value
}

fn checked(text: &str) -> Checked<Grants> {
    Grants::parse("firewall", "firewall.toml", text, &config()).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn grants(text: &str) -> Grants {
    checked(text).value
}

/// A file with a command that has one slot, as its only argument; on line 8.
fn file(slot: &str) -> String {
    format!(
        "[settings]\nports = [22, 80]\nwords = [\"start\", \"stop\"]\nhosts = [\"www.example.org\"]\n[operations.o]\n\
         [commands.c]\nrun = [\"/bin/true\", \"{{v}}\"]\nparams.v = {{ {slot} }}\n"
    )
}

/// Its command.
fn command(slot: &str) -> Command {
    grants(&file(slot)).command("c").unwrap().clone()
}

/// Values of that slot.
fn pairs(values: &[&str]) -> Vec<(String, String)> {
    values.iter().map(|value| ("v".to_owned(), (*value).to_owned())).collect()
}

/// What the only argument becomes.
fn filled(command: &Command, value: &str) -> Option<String> {
    match command.render(&[("v".into(), value.into())]) {
        Ok(rendered) => {
            assert_eq!(rendered.argv().len(), 2);
            assert_eq!(rendered.values(), [("v".to_owned(), rendered.argv()[1].clone())]);
            Some(rendered.argv()[1].clone())
        }
        Err(RenderError::NotAccepted { slot, rule, .. }) => {
            assert_eq!(slot, "v");
            assert!(!rule.is_empty());
            None
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// Each file, and all that is said of it, must be as the table says.
fn compare(cases: &[(String, &[&str])], said: impl Fn(&str) -> Vec<String>) {
    let mut wrong = String::new();
    for (text, expected) in cases {
        expected.iter().for_each(|said| assert!(says_how_to_go_on(said), "{said}"));
        let found = said(text);
        if found != *expected {
            wrong += &format!("--- {text}\nexpected {expected:#?}\nfound {found:#?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Whether a mistake's text says what to write instead, and does not merely complain.
fn says_how_to_go_on(said: &str) -> bool {
    const WORDS: [&str; 13] = [
        "write",
        "did you mean",
        "there is ",
        ": add",
        ": keep",
        ": give",
        "take one out",
        "take it out",
        "leave it out",
        ": name",
        ": put",
        "a slot is written",
        "not TOML", // the parser's own words
    ];
    WORDS.iter().any(|word| said.contains(word))
}
