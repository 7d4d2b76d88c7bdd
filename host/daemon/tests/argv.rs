//! Values of slots as a real process gets them: for ten thousand of each type, what was accepted is one argument, byte by byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

#[path = "../../grants/src/tests/samples.rs"]
mod samples;

use regent_grants::{Command, Config, Grants};
use samples::{Random, SAMPLES};

const COUNT: usize = 10_000;

/// So many values in one argument list: a process for each would take minutes.
const TOGETHER: usize = 500;

const CONFIG: &str = "plugins = [\"/p\"]\nstate = \"/s\"\n[[sockets]]\nname = \"web\"\npath = \"/run/s\"\n\
                      secret_file = \"/s\"\noperations = [\"o\"]\n";

/// A command with this slot as a whole argument.
fn command(slot: &str) -> Command {
    let config = Config::parse("regent.toml", CONFIG).unwrap().value;
    let text = format!(
        "[settings]\nports = [22, 80]\n[operations.o]\n[commands.c]\nrun = [\"/bin/true\", \"{{v}}\"]\nparams.v = {{ {slot} }}\n"
    );
    Grants::parse("p", "p.toml", &text, &config).unwrap().value.command("c").unwrap().clone()
}

fn arguments(command: &Command, values: &[String]) -> Option<Vec<String>> {
    let values: Vec<_> = values.iter().map(|value| ("v".to_owned(), value.clone())).collect();
    command.render(&values).ok().map(|rendered| rendered.argv()[1..].to_vec())
}

/// What a process says its arguments were.
#[allow(clippy::disallowed_methods, reason = "a spy that only prints; the daemon's own door is tried elsewhere")]
fn seen(arguments: &[String]) -> Vec<u8> {
    let output = std::process::Command::new("/usr/bin/printf").arg(r"%s\0").args(arguments).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    output.stdout
}

fn expected(arguments: &[String]) -> Vec<u8> {
    arguments.iter().flat_map(|argument| argument.bytes().chain([0])).collect()
}

#[test]
fn a_process_gets_each_accepted_value_as_one_argument_byte_by_byte() {
    for (slot, good) in SAMPLES {
        let (command, mut random) = (command(slot), Random(0x59_1e5));
        let values = (0..COUNT).map(|_| random.value(good));
        let rendered: Vec<_> = values.filter_map(|value| arguments(&command, &[value])).collect();
        assert!(rendered.len() > COUNT / 25, "{slot}: {} accepted", rendered.len());
        assert!(rendered.iter().all(|arguments| arguments.len() == 1), "{slot}");
        for arguments in rendered.concat().chunks(TOGETHER) {
            assert_eq!(seen(arguments), expected(arguments), "{slot}");
        }
    }
}

#[test]
fn a_process_gets_as_many_arguments_as_a_list_has_values() {
    for (slot, good) in SAMPLES {
        let (command, mut random) = (command(&format!("type = \"list\", of = {{ {slot} }}, min = 0")), Random(0x1157));
        let mut taken = Vec::new();
        for _ in 0..COUNT / 10 {
            let values: Vec<_> = (0..random.below(4)).map(|_| random.value(good)).collect();
            let Some(arguments) = arguments(&command, &values) else { continue };
            assert_eq!(arguments.len(), values.len(), "{slot}: {values:?}");
            taken.extend(arguments);
        }
        assert!(!taken.is_empty(), "{slot}");
        for arguments in taken.chunks(TOGETHER) {
            assert_eq!(seen(arguments), expected(arguments), "{slot}");
        }
    }
}

#[test]
fn a_process_gets_a_flags_argument_or_none() {
    let flag = command(r#"type = "flag", value = "--set {v} }} é""#);
    for (value, bytes) in [("true", "--set {v} }} é\0end\0"), ("false", "end\0")] {
        let arguments = [arguments(&flag, &[value.to_owned()]).unwrap(), vec!["end".to_owned()]].concat();
        assert_eq!(seen(&arguments), bytes.as_bytes());
    }
}
