//! Who speaks: the requester, by the unchanged Python client and by `regent`; and the approver, another user, by `regent`.
//! All of them through relays, so that their lines are seen.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::props::Props;
use super::relay::Relay;
use super::stage::{APPROVER, SECRET, Stage};
use crate::error::{At, Error, Result};
use crate::run::Run;

/// A process starts and listens in a hundredth of that.
const LISTENS_WITHIN: Duration = Duration::from_secs(10);
/// The first argument says how the client of 2022 is called, the second with what.
const CLIENT: &str = "\
import json, os, sys
from regent.client import Client
client = Client(os.environ['REGENT_SOCKET'], os.environ['REGENT_SECRET'])
getattr(client, sys.argv[1])(*json.loads(sys.argv[2]))
";

/// Everybody, each with a socket that is seen.
pub(super) struct Talk {
    python: PathBuf,
    regent: PathBuf,
    socket: PathBuf,
    admin: PathBuf,
    approvers_admin: PathBuf,
    approver: Option<(u32, u32)>,
    requests: Relay,
    _admin_requests: Relay,
}

/// What a command of `regent` came to.
pub(super) struct Said {
    pub(super) status: i32,
    /// What it printed, on either output.
    pub(super) text: String,
}

impl Talk {
    /// Opens the relays.
    pub(super) fn open(stage: &Stage, props: &Props) -> Result<Self> {
        let (socket, admin) = (stage.path("seen.sock"), stage.path("seen-admin.sock"));
        let mut talk = Self {
            python: props.python.clone(),
            regent: stage.path("bin/regent"),
            requests: Relay::open(&socket, &stage.socket())?,
            _admin_requests: Relay::open(&admin, &stage.admin_socket())?,
            socket,
            admin,
            approvers_admin: stage.path("seen-by-approver/admin.sock"),
            approver: None,
        };
        if props.root {
            let approver = (id("-u")?, id("-g")?);
            talk.approver = Some(approver);
            talk.open_for(approver, stage)?;
        }
        Ok(talk)
    }

    /// A relay that runs as the approver: the daemon has to see that user.
    fn open_for(&self, (uid, gid): (u32, u32), stage: &Stage) -> Result<()> {
        let folder = stage.path("seen-by-approver");
        fs::create_dir(&folder).at(&folder)?;
        chown(&folder, Some(uid), Some(gid)).at(&folder)?;
        // That user may not be able to reach this program where it is.
        let (this, program) = (std::env::current_exe().at("/proc/self/exe".as_ref())?, stage.path("bin/relay"));
        fs::copy(&this, &program).at(&this)?;
        let mut relay = Command::new(&program);
        relay.arg("relay").arg(&self.approvers_admin).arg(stage.admin_socket()).uid(uid).gid(gid).current_dir("/");
        stage.company().start("the approver's relay", &mut relay, true)?;
        let begin = Instant::now();
        while !self.approvers_admin.exists() {
            if begin.elapsed() > LISTENS_WITHIN || stage.company().has_ended("the approver's relay") {
                return Err(Error::new("the approver's relay does not start"));
            }
            sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// A request of the unchanged Python client, and the reply as it crossed the socket.
    pub(super) fn python(&self, secret: &str, op: &str, data: Value) -> Result<Value> {
        self.client(secret, "request", &Value::from(vec![Value::from(op), data]))
    }

    /// The same with keys that it passes on without knowing them.
    pub(super) fn python_keys(&self, keys: Value) -> Result<Value> {
        self.client(SECRET, "call_service", &Value::from(vec![keys]))
    }

    fn client(&self, secret: &str, method: &str, arguments: &Value) -> Result<Value> {
        self.requests.last();
        let mut client = Command::new(&self.python);
        client.args(["-c", CLIENT, method, &arguments.to_string()]);
        client.env("REGENT_SOCKET", &self.socket).env("REGENT_SECRET", secret);
        let said = said(&mut client)?;
        let reply = self.requests.last();
        if said.status != 0 {
            return Err(Error::new(format!("the Python client ended with {}:\n{}", said.status, said.text)));
        }
        serde_json::from_str(&reply).map_err(|why| Error::new(format!("{why} in {reply:?}")))
    }

    /// `regent` as the requester.
    pub(super) fn requester(&self, words: &[&str]) -> Result<Said> {
        let mut regent = Command::new(&self.regent);
        regent.env_clear().env("REGENT_ADMIN", &self.admin);
        shown(regent.env("REGENT_SOCKET", &self.socket).env("REGENT_SECRET", SECRET), words)
    }

    /// `regent` as the approver, who has no secret.
    pub(super) fn approver(&self, words: &[&str]) -> Result<Said> {
        let Some((uid, gid)) = self.approver else { return Err(Error::new("only root can be somebody else")) };
        let mut regent = Command::new(&self.regent);
        regent.env_clear().env("REGENT_ADMIN", &self.approvers_admin).uid(uid).gid(gid).current_dir("/");
        shown(&mut regent, words)
    }
}

/// As somebody typed it, and what it printed.
fn shown(regent: &mut Command, words: &[&str]) -> Result<Said> {
    println!("$ regent {}", words.join(" "));
    let said = said(regent.args(words))?;
    // For programs, and seen already as a line.
    if !words.contains(&"--json") {
        print!("{}", said.text);
    }
    Ok(said)
}

fn said(command: &mut Command) -> Result<Said> {
    let out = command.stdin(Stdio::null()).process_group(0).output();
    let out = out.map_err(|why| Error::new(format!("{}: {why}", command.get_program().display())))?;
    let text = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    Ok(Said { status: out.status.code().unwrap_or(-1), text })
}

fn id(which: &str) -> Result<u32> {
    let text = Run::new("id").args([which, APPROVER]).text()?;
    text.trim().parse().map_err(|why| Error::new(format!("the id of {APPROVER}: {why}")))
}
