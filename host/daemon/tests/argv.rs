//! Values of slots as a real process gets them: for ten thousand of each type, what was accepted is one argument, byte
//! by byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

#[path = "../../grants/src/tests/samples.rs"]
mod samples;

mod door;

use std::rc::Rc;
use std::time::Duration;

use door::with_spawner;
use regent_grants::{Command, Config, Grants};
use regent_lane::Outcome;
use regentd::process::{CommandRun, Spawner, run_command};
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

/// What a process says its arguments were that was started as every granted command is.
async fn seen(spawner: &Rc<Spawner>, arguments: &[String]) -> Vec<u8> {
    let own = ["printf", r"%s\0"].map(str::to_owned);
    let run = CommandRun {
        what: door::born("/usr/bin/printf", own.into_iter().chain(arguments.iter().cloned()).collect()),
        timeout: Duration::from_secs(20),
        output_max: 1 << 20,
        stdin: None,
        leaves: None,
    };
    let ran = run_command(spawner, run).await;
    assert!(ran.outcome() == Outcome::Status(0) && ran.stderr.is_empty(), "{ran:?}");
    ran.stdout
}

fn expected(arguments: &[String]) -> Vec<u8> {
    arguments.iter().flat_map(|argument| argument.bytes().chain([0])).collect()
}

/// Each argument that was rendered for a slot is what a process gets.
fn all_arrive(rendered: &[(&str, Vec<String>)]) {
    with_spawner(None, async |spawner| {
        for (slot, arguments) in rendered {
            for arguments in arguments.chunks(TOGETHER) {
                assert_eq!(seen(&spawner, arguments).await, expected(arguments), "{slot}");
            }
        }
    });
}

#[test]
fn a_process_gets_each_accepted_value_as_one_argument_byte_by_byte() {
    let rendered = SAMPLES.map(|(slot, good)| {
        let (command, mut random) = (command(slot), Random(0x59_1e5));
        let values = (0..COUNT).map(|_| random.value(good));
        let rendered: Vec<_> = values.filter_map(|value| arguments(&command, &[value])).collect();
        assert!(rendered.len() >= COUNT / 2, "{slot}: {} accepted", rendered.len());
        assert!(rendered.iter().all(|arguments| arguments.len() == 1), "{slot}");
        (slot, rendered.concat())
    });
    all_arrive(&rendered);
}

#[test]
fn a_process_gets_as_many_arguments_as_a_list_has_values() {
    let rendered = SAMPLES.map(|(slot, good)| {
        let (command, mut random) = (command(&format!("type = \"list\", of = {{ {slot} }}, min = 0")), Random(0x1157));
        let (mut taken, mut lists) = (Vec::new(), 0);
        for _ in 0..COUNT {
            let values: Vec<_> = (0..random.below(4)).map(|_| random.value(good)).collect();
            let Some(arguments) = arguments(&command, &values) else { continue };
            assert_eq!(arguments.len(), values.len(), "{slot}: {values:?}");
            lists += 1;
            taken.extend(arguments);
        }
        assert!(lists > COUNT / 3, "{slot}: {lists} lists");
        (slot, taken)
    });
    all_arrive(&rendered);
}

#[test]
fn a_process_gets_a_flags_argument_or_none() {
    let flag = command(r#"type = "flag", value = "--set {v} }} é""#);
    with_spawner(None, async |spawner| {
        for (value, bytes) in [("true", "--set {v} }} é\0end\0"), ("false", "end\0")] {
            let arguments = [arguments(&flag, &[value.to_owned()]).unwrap(), vec!["end".to_owned()]].concat();
            assert_eq!(seen(&spawner, &arguments).await, bytes.as_bytes());
        }
    });
}
