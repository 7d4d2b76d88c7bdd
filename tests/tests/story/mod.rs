//! A held operation's life, told over and over to a daemon that may die at any moment: what was asked, what of it was
//! acknowledged, and whether what is there afterwards fits.
#![allow(dead_code, reason = "each test needs a part")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use regent_tests::{SECRET, World, dist, eventually, needs_root, proc, user};
use serde_json::{Value, json};

/// More than any answer takes, less than a test may hang.
const PATIENCE: Duration = Duration::from_secs(20);
/// Requests whose ends must still be known: fewer than are kept for a requester.
const REMEMBERED: usize = 40;

pub(crate) fn world(pause: &str) -> World {
    needs_root();
    let world = World::new();
    let record = world.path("record");
    fs::write(&record, format!("#!/bin/sh\necho $1 >>{}\n{pause}\n", world.path("runs").display())).unwrap();
    fs::set_permissions(&record, fs::Permissions::from_mode(0o755)).unwrap();
    let grants = format!(
        r#"
sha256 = "PIN"
[settings]
ports = [22]
[operations.open]
require = [{{ step = "approval", of = "ops" }}]
[commands.open-port]
run = ["{}", "{{ip}}", "{{port}}"]
params.ip = {{ type = "ipv4", scope = "public" }}
params.port = {{ type = "integer", one_of = "settings.ports" }}
[commands.list-ports]
run = ["/usr/bin/true"]
"#,
        record.display()
    );
    world.plugin("firewall", &grants)
}

/// A daemon that may end at any moment.
pub(crate) struct Mortal {
    pub(crate) child: Child,
    log: PathBuf,
}

impl Mortal {
    /// Starts it, with a log of its own.
    pub(crate) fn spawn(world: &World, wrapper: &[&str]) -> Self {
        let regentd = dist().join("bin/regentd").display().to_string();
        let config = world.write_config().display().to_string();
        let line = [wrapper, &[&regentd, "--config", &config]].concat();
        let log = fs::File::options().create(true).append(true).open(world.path("daemon.log")).unwrap();
        fs::write(world.path("daemon.log"), "").unwrap();
        let mut command = Command::new(line[0]);
        command.args(&line[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().unwrap_or_else(|why| panic!("{}: {why}", line[0]));
        Self { child, log: world.path("daemon.log") }
    }

    pub(crate) fn start(world: &World) -> Self {
        let mut daemon = Self::spawn(world, &[]);
        assert!(daemon.is_ready(world), "{:?}\n{}", daemon.child.try_wait(), log(world));
        daemon
    }

    /// Waits until it is ready, or has ended.
    pub(crate) fn is_ready(&mut self, world: &World) -> bool {
        eventually("the daemon is ready or has ended", || match self.child.try_wait().unwrap() {
            Some(_) => Some(false),
            None => log(world).contains("READY").then_some(true),
        })
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The number of the thread that writes to the disk.
    pub(crate) fn disk_thread(&self) -> u32 {
        let tasks = format!("/proc/{}/task", self.child.id());
        let disk = eventually("the daemon has a disk thread", || {
            let mut tasks = fs::read_dir(&tasks).unwrap().map(|task| task.unwrap().path());
            tasks.find(|task| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "disk"))
        });
        disk.file_name().unwrap().to_str().unwrap().parse().unwrap()
    }

    /// The plugin's sandbox dies.
    pub(crate) fn kill_sandbox(&self) {
        for sandbox in proc::named(self.child.id(), "regent-sandbox") {
            kill(sandbox);
        }
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) fn ended(mut self) -> ExitStatus {
        eventually("the daemon ends", || self.child.try_wait().unwrap())
    }
}

impl Drop for Mortal {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- the daemon's log\n{}---", String::from_utf8_lossy(&fs::read(&self.log).unwrap()));
        }
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

pub(crate) fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

pub(crate) fn log(world: &World) -> String {
    String::from_utf8_lossy(&fs::read(world.path("daemon.log")).unwrap_or_default()).into_owned()
}

/// A request to a daemon that may be dead or die meanwhile.
pub(crate) fn tell(world: &World, mut request: Value) -> Option<Value> {
    request["secret"] = SECRET.into();
    let mut stream = UnixStream::connect(world.socket_path("web")).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(format!("{request}\n").as_bytes()).ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok().filter(|_| line.ends_with('\n'))?;
    Some(serde_json::from_str(&line).unwrap())
}

/// `regent` as this user; its standard output if it ended with 0.
pub(crate) fn regent(world: &World, name: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(dist().join("bin/regent"));
    command.uid(user(name)).gid(user(name)).args(arguments).env("REGENT_ADMIN", world.admin_path());
    let out = command.current_dir("/").stdin(Stdio::null()).output().unwrap();
    out.status.success().then(|| String::from_utf8(out.stdout).unwrap())
}

/// What waits for a decision: IDs and addresses.
pub(crate) fn pending(world: &World) -> Option<Vec<(String, String)>> {
    let list: Value = serde_json::from_str(&regent(world, "games", &["pending", "--json"])?).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Some(
        list.as_array()
            .unwrap()
            .iter()
            .map(|hold| (text(&hold["id"]), text(&hold["plan"][0]["values"]["ip"])))
            .collect(),
    )
}

/// What was asked, and what of it was acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) ip: String,
    pub(crate) handle: Option<String>,
    pub(crate) approval_asked: bool,
    pub(crate) approved: bool,
    pub(crate) end: Option<Value>,
}

/// All requests so far, over all deaths of the daemon.
pub(crate) struct Story<'w> {
    pub(crate) world: &'w World,
    pub(crate) asked: Vec<Asked>,
}

impl<'w> Story<'w> {
    pub(crate) fn of(world: &'w World) -> Self {
        Self { world, asked: Vec::new() }
    }

    /// Asked, held, shown, approved, performing, run, finished, read: until the daemon is dead.
    pub(crate) fn go_on(&mut self) -> Option<()> {
        self.ask()?;
        self.decide()?;
        self.read_last()
    }

    pub(crate) fn ask(&mut self) -> Option<()> {
        let number = self.asked.len();
        let ip = format!("8.8.{}.{}", number / 250, number % 250 + 1);
        self.asked.push(Asked { ip: ip.clone(), ..Asked::default() });
        let reply = tell(self.world, json!({"op": "open", "data": {"ip": ip, "port": 22}}))?;
        let handle = reply["uid"].as_str();
        self.asked[number].handle = handle.map(str::to_owned);
        // A plugin whose process was killed is a failure that says so; every other reply is a hold.
        assert!(handle.is_some() || reply["error"] == "Operation failed", "{reply}");
        handle.map(|_| ())
    }

    /// Approves whatever its requester knows to be held, and denies the rest.
    pub(crate) fn decide(&mut self) -> Option<()> {
        for (id, ip) in pending(self.world)? {
            let asked = self.asked.iter_mut().find(|asked| asked.ip == ip).unwrap();
            if asked.handle.is_none() {
                regent(self.world, "games", &["deny", &id])?;
                continue;
            }
            assert!(regent(self.world, "games", &["show", &id])?.contains(&ip));
            asked.approval_asked = true;
            regent(self.world, "games", &["approve", &id])?;
            asked.approved = true;
        }
        Some(())
    }

    pub(crate) fn read_last(&mut self) -> Option<()> {
        let last = self.asked.last_mut()?;
        let reply = tell(self.world, json!({"uid": last.handle.clone()?, "wait": 10}))?;
        last.end = is_end(&reply).then_some(reply);
        Some(())
    }

    /// What a daemon says of all that had no end before fits what was acknowledged.
    pub(crate) fn look(&mut self) -> Option<()> {
        for asked in self.asked.iter_mut().filter(|asked| asked.end.is_none() && asked.handle.is_some()) {
            let reply = tell(self.world, json!({"uid": asked.handle}))?;
            let state = reply["state"].as_str().unwrap_or_else(|| panic!("{reply} of {asked:?}"));
            let fits = match (asked.approval_asked, asked.approved) {
                (false, _) => state == "held",
                (true, false) => ["held", "approved", "performing", "done", "interrupted", "failed"].contains(&state),
                (true, true) => ["approved", "performing", "done", "interrupted", "failed"].contains(&state),
            };
            assert!(fits, "{state} does not fit {asked:?}");
            asked.end = is_end(&reply).then_some(reply);
        }
        Some(())
    }

    /// The same of a daemon that lives on, and all is brought to an end.
    pub(crate) fn settle(&mut self) {
        self.look().unwrap();
        self.decide().unwrap();
        let begin = self.asked.len().saturating_sub(REMEMBERED);
        for asked in self.asked[begin..].iter_mut().filter(|asked| asked.handle.is_some()) {
            let end = tell(self.world, json!({"uid": asked.handle, "wait": 10})).unwrap();
            assert!(is_end(&end), "{end}");
            let known = asked.end.get_or_insert_with(|| end.clone());
            assert!(same(known, &end), "{known} was acknowledged, now it is {end}");
        }
        self.count();
    }

    /// Runs and consents fit.
    pub(crate) fn count(&self) {
        let runs = self.runs();
        for asked in &self.asked {
            let runs = runs.lines().filter(|line| *line == asked.ip).count();
            assert!(runs <= 1, "ran twice: {asked:?}");
            assert!(runs == 0 || asked.approval_asked, "ran without consent: {asked:?}");
            let done = asked.end.as_ref().is_some_and(|end| end["state"] == "done");
            assert!(!done || runs == 1, "done and has not run: {asked:?}");
        }
    }

    /// A line a run.
    pub(crate) fn runs(&self) -> String {
        fs::read_to_string(self.world.path("runs")).unwrap_or_default()
    }

    /// How many ended so.
    pub(crate) fn ended(&self, state: &str) -> usize {
        self.asked.iter().filter(|asked| asked.end.as_ref().is_some_and(|end| end["state"] == state)).count()
    }
}

pub(crate) fn is_end(reply: &Value) -> bool {
    ["done", "failed", "interrupted"].iter().any(|state| reply["state"] == *state)
}

/// Each error has a `ref` of its own.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    let without = |reply: &Value| {
        let mut reply = reply.clone();
        reply["ref"].take();
        reply
    };
    without(one) == without(other)
}
/// xorshift64: moments need no better.
pub(crate) struct Random {
    pub(crate) seed: u64,
    state: u64,
}

impl Random {
    pub(crate) fn new() -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let seed = u64::from(now.subsec_nanos()) | 1;
        Self { seed, state: seed }
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % end
    }
}
