//! A daemon that says what each test wants, and the program before it.
#![allow(clippy::disallowed_methods, reason = "these tests start the program that they are about")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

/// What came of one run.
pub(crate) struct Ended {
    pub(crate) asked: String,
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// All that a person sees of it.
    pub(crate) fn screen(&self) -> String {
        let mut text = self.out.clone();
        if !self.err.is_empty() {
            let _ = write!(text, "--- standard error\n{}", self.err);
        }
        if self.status != 0 {
            let _ = writeln!(text, "--- exit status {}", self.status);
        }
        text
    }
}

/// Runs the program, with no daemon and an environment of nothing but this.
pub(crate) fn run(words: &[&str], environment: &[(&str, &str)]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regent"));
    command.args(words).env_clear().envs(environment.iter().copied()).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let status = output.status.code().unwrap();
    Ended { asked: String::new(), status, out: text(output.stdout), err: text(output.stderr) }
}

/// Runs the program before a daemon that answers once, at a request socket and an admin socket alike.
pub(crate) fn told(words: &[&str], reply: &str) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sock");
    let listener = UnixListener::bind(&path).unwrap();
    let reply = format!("{reply}\n");
    let daemon = std::thread::spawn(move || {
        let mut peer = BufReader::new(listener.accept().unwrap().0);
        let mut asked = String::new();
        peer.read_line(&mut asked).unwrap();
        peer.get_mut().write_all(reply.as_bytes()).unwrap();
        asked
    });
    let path = path.to_str().unwrap();
    let ended = run(words, &[("REGENT_SOCKET", path), ("REGENT_ADMIN", path), ("REGENT_SECRET", "hunter2")]);
    Ended { asked: daemon.join().unwrap(), ..ended }
}

/// A reply that is a success with this data; several lines are allowed.
pub(crate) fn success(data: &str) -> String {
    format!("{{\"success\":true,\"uid\":null,\"data\":{}}}", data.replace('\n', ""))
}
