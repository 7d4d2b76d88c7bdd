//! A granted command whose user's other processes stop it as soon as they see it: between its new user and its exec, or
//! later. It is late, and nobody else is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![allow(clippy::disallowed_methods, reason = "a test starts the other process")]

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use regent_tests::{World, code, needs_root, proc, user};
use serde_json::Value;

/// Stops whatever else runs under its own user, as often as it can.
const STOPS: &str = r#"
import os, signal
own = os.getuid()
spared = {os.getpid()}
print("go", flush=True)
while True:
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and int(name) not in spared and os.stat("/proc/" + name).st_uid == own:
                os.kill(int(name), signal.SIGSTOP)
        except OSError:
            pass
"#;

#[test]
fn a_command_that_its_own_user_stops_before_its_exec_or_after_is_late_and_nobody_else_is() {
    needs_root();
    // A user of no other test, and of nothing else on a Debian that only runs tests.
    let (stopped, own) = (user("uucp"), "uucp");
    let world = World::new().without_code(
        "tasks",
        &format!(
            "[operations.stopped]\nrun = [\"/usr/bin/sleep\", \"0.01\"]\nrun_as = \"{own}\"\ntimeout = \"1s\"\n\
             [operations.good]\nrun = [\"/usr/bin/echo\", \"hello\"]\n"
        ),
    );
    let running = world.start().serving("tasks");
    let mut other = Command::new("/usr/bin/python3");
    other.args(["-c", STOPS]).uid(stopped).gid(stopped).current_dir("/").stdout(Stdio::piped());
    let mut other = other.spawn().unwrap();
    other.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).unwrap();
    let (mut late, mut slowest) = (0, Duration::ZERO);
    thread::scope(|scope| {
        let asked: Vec<_> = (0..12).map(|_| scope.spawn(|| running.op("stopped", Value::Null))).collect();
        while asked.iter().any(|each| !each.is_finished()) {
            let begin = Instant::now();
            assert_eq!(running.op("good", Value::Null)["data"], "hello");
            slowest = slowest.max(begin.elapsed());
        }
        let replies: Vec<Value> = asked.into_iter().map(|each| each.join().unwrap()).collect();
        late = replies.iter().filter(|reply| reply["success"] != true && code(reply) == "timeout").count();
    });
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(late > 0, "none was stopped");
    assert!(slowest < Duration::from_millis(900), "somebody waited {slowest:?} for what was stopped");
    let left = proc::descendants(running.pid())
        .into_iter()
        .filter(|pid| proc::status(*pid, "Name").as_deref() == Some("sleep"));
    assert_eq!(left.count(), 0, "what was stopped is gone");
}
