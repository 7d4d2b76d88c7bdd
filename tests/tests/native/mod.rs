//! The whole daemon over sandboxes in which native code stands in for the plugin's (`host/sandbox/src/stand_in`):
//! exactly as confined as what is shipped, since it is the shipped program with a feature more. Each attack has an
//! instance of its own.
#![allow(dead_code, reason = "each test file uses what it needs")]

use std::fmt::Write as _;
use std::fs;

use regent_lane::{HEADER, Say, Side, encode};
use regent_tests::{Running, World, code, error, eventually, fixture, needs_root, proc};
use serde_json::{Value, json};

/// What an instance may do: say who it runs as, and leave a mark of its own, with a word.
const COMMANDS: &str = "[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n\
    [commands.mark]\nrun = [\"/usr/bin/mkdir\", \"MARKS/{word}\"]\nparams.word = { type = \"text\", pattern = \"[a-z]+\", max = 8 }\n";

/// The module that instances are of: it is there to be loaded, and answers what is no attack.
pub(crate) fn module() -> Vec<u8> {
    super::handmade::saying(&["attack"], "\"a plugin\"")
}

/// A world of so many instances, `native-0` and so on, each an operation of its name, and of a neighbour, `echo`.
pub(crate) fn world(instances: usize) -> World {
    (0..instances).fold(bare(), |world, number| instance(world, &format!("native-{number}"), "", ""))
}

/// The neighbour alone.
pub(crate) fn bare() -> World {
    needs_root();
    let world = World::new().with_program("regent-sandbox", &fixture("regent-sandbox-stand-in"));
    fs::create_dir(world.path("marks")).unwrap();
    world.put("plugins/native.wasm", module());
    world.plugin("echo", "[operations.echo]\n[commands.neighbours]\nrun = [\"/usr/bin/true\"]\n")
}

/// One more instance, with these lines of its operation and at the end of its file.
pub(crate) fn instance(world: World, name: &str, operation: &str, rest: &str) -> World {
    let commands = COMMANDS.replace("MARKS", world.path("marks").to_str().unwrap());
    let grants = format!("module = \"native\"\n[operations.attack]\nas = \"{name}\"\n{operation}\n{commands}{rest}");
    world.grants(name, &grants)
}

/// Started, and every instance serves.
pub(crate) fn served(world: &World, instances: usize) -> Running<'_> {
    (0..instances).fold(world.start().serving("echo"), |running, number| running.serving(&format!("native-{number}")))
}

/// What the daemon has, so long as every instance has a sandbox.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Had {
    sandboxes: usize,
    descriptors: usize,
    threads: u64,
}

impl Had {
    /// After every instance was asked once for something harmless.
    pub(crate) fn of(running: &Running<'_>, instances: usize) -> Self {
        for number in 0..instances {
            let name = format!("native-{number}");
            assert!(eventually("it serves", || running.op(&name, harmless())["data"]["result"].as_i64()) > 0);
        }
        assert_eq!(running.op("echo", json!("well"))["data"], "well");
        Self {
            sandboxes: proc::named(running.pid(), "regent-sandbox").len(),
            descriptors: proc::descriptors(running.pid()).len(),
            threads: threads(running.pid()),
        }
    }

    /// Nothing has become more: neither processes nor descriptors nor threads of the daemon, once those that only rest
    /// have gone.
    #[track_caller]
    pub(crate) fn is_all(&self, running: &Running<'_>, instances: usize) {
        eventually(&format!("no process and no descriptor is left over, of {self:?}"), || {
            let now = Self::of(running, instances);
            (now.sandboxes == self.sandboxes && now.descriptors <= self.descriptors).then_some(())
        });
        // Those that rest go by themselves, as long as nobody asks for anything.
        eventually(&format!("no thread is left over, of {self:?}"), || {
            (threads(running.pid()) <= self.threads).then_some(())
        });
    }
}

fn threads(pid: u32) -> u64 {
    proc::status(pid, "Threads").unwrap().parse().unwrap()
}

fn harmless() -> Value {
    json!({"attack": "call", "number": libc::SYS_getpid, "with": []})
}

/// The call with these arguments.
pub(crate) fn call(number: i64, with: &[Value]) -> Value {
    json!({"attack": "call", "number": number, "with": with})
}

/// The line of the log with this reply's reference.
#[track_caller]
pub(crate) fn logged(running: &Running<'_>, reply: &Value) -> String {
    let reference = format!("ref {}:", reply["ref"].as_str().unwrap_or_else(|| panic!("no reference: {reply}")));
    eventually("the log says why", || running.log().lines().find(|line| line.contains(&reference)).map(str::to_owned))
}

/// Its caller hears the wire's words, the log says why and by which code, and the neighbour answers.
#[track_caller]
pub(crate) fn fails(running: &Running<'_>, name: &str, attack: &Value, why: &str) {
    let reply = running.op(name, attack.clone());
    assert_eq!((error(&reply), code(&reply)), ("Operation failed", "failed"), "{attack}: {reply}");
    let line = logged(running, &reply);
    assert!(line.contains(why), "{attack}: {line}");
    assert_eq!(running.op("echo", json!(name))["data"], name);
}

/// The kernel ended its process, by this signal, and the log says so.
#[track_caller]
pub(crate) fn is_ended(running: &Running<'_>, name: &str, attack: &Value, signal: i32) {
    fails(running, name, attack, "the plugin's fault: plugin-ended: ");
    running.wait_log(&format!("plugin {name}: its sandbox was ended by signal {signal}"));
}

/// A frame as a lane carries it, in hexadecimal.
pub(crate) fn framed(say: &Say) -> String {
    hex(&encode(Side::Sandbox, say).unwrap())
}

/// The same of a word that is too long for a request: its last `times` bytes are all alike, and written apart.
pub(crate) fn pieces(say: &Say, times: usize) -> Value {
    let mut frame = encode(Side::Sandbox, say).unwrap();
    let tail = frame.split_off(frame.len() - times);
    let (whole, rest) = tail.split_at(times - times % 1024);
    json!([
        {"hex": hex(&frame)},
        {"hex": hex(&tail[..1024]), "times": whole.len() / 1024},
        {"hex": hex(rest)},
    ])
}

/// These bytes as a frame's body, with a header that tells this length.
pub(crate) fn told(length: usize, body: &[u8]) -> String {
    let header: [u8; HEADER] = u32::try_from(length).unwrap().to_le_bytes();
    hex(&header) + &hex(body)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Writes this, and then.
pub(crate) fn write(hex: &str, then: &str) -> Value {
    json!({"attack": "write", "pieces": [{"hex": hex}], "then": then})
}

/// What a marking command has left.
pub(crate) fn marks(world: &World) -> Vec<String> {
    let marks: Vec<_> = fs::read_dir(world.path("marks")).unwrap().collect();
    let mut marks: Vec<_> = marks.into_iter().map(|mark| mark.unwrap().file_name().into_string().unwrap()).collect();
    marks.sort_unstable();
    marks
}

/// JSON as TOML has it, within a line.
pub(crate) fn toml(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<_> = fields.iter().map(|(key, value)| format!("{key} = {}", toml(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(toml).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// An attack where no request says what to try, at its description: as settings.
pub(crate) fn describing(world: World, name: &str, attack: &Value) -> World {
    let lines: Vec<_> =
        attack.as_object().unwrap().iter().map(|(key, value)| format!("{key} = {}\n", toml(value))).collect();
    instance(world, name, "", &format!("[settings]\n{}", lines.concat()))
}
