//! kill -9, and disks that fail, at every moment of a held operation's life: nothing runs without consent, nothing twice,
//! nothing that was acknowledged is lost, and what was running is `interrupted`.
//!
//! The granted command writes the request's address, unlike in each request, at the end of a file: a line a run. Power cuts,
//! which lose and tear what was not synced, are the daemon's own tests (`power_cut`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![allow(clippy::disallowed_methods, reason = "a test starts what it kills")]

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
/// Of a running loop, at random moments.
const RANDOM_KILLS: usize = 200;
/// A start and a story are shorter.
const LIFE_MAX: u64 = 400;
/// Requests whose ends must still be known: fewer than are kept for a requester.
const REMEMBERED: usize = 40;

fn world(pause: &str) -> World {
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
struct Mortal {
    child: Child,
    log: PathBuf,
}

impl Mortal {
    /// Starts it, with a log of its own.
    fn spawn(world: &World, wrapper: &[&str]) -> Self {
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

    fn start(world: &World) -> Self {
        let mut daemon = Self::spawn(world, &[]);
        assert!(daemon.is_ready(world), "{:?}\n{}", daemon.child.try_wait(), log(world));
        daemon
    }

    /// Waits until it is ready, or has ended.
    fn is_ready(&mut self, world: &World) -> bool {
        eventually("the daemon is ready or has ended", || match self.child.try_wait().unwrap() {
            Some(_) => Some(false),
            None => log(world).contains("READY").then_some(true),
        })
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The plugin's sandbox dies.
    fn kill_sandbox(&self) {
        for sandbox in proc::named(self.child.id(), "regent-sandbox") {
            kill(sandbox);
        }
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    fn ended(mut self) -> ExitStatus {
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

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

fn log(world: &World) -> String {
    String::from_utf8_lossy(&fs::read(world.path("daemon.log")).unwrap_or_default()).into_owned()
}

/// A request to a daemon that may be dead or die meanwhile.
fn tell(world: &World, mut request: Value) -> Option<Value> {
    request["secret"] = SECRET.into();
    let mut stream = UnixStream::connect(world.socket_path("web")).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(format!("{request}\n").as_bytes()).ok()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).ok().filter(|_| line.ends_with('\n'))?;
    Some(serde_json::from_str(&line).unwrap())
}

/// `regent` as this user; its standard output if it ended with 0.
fn regent(world: &World, name: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(dist().join("bin/regent"));
    command.uid(user(name)).gid(user(name)).args(arguments).env("REGENT_ADMIN", world.admin_path());
    let out = command.current_dir("/").stdin(Stdio::null()).output().unwrap();
    out.status.success().then(|| String::from_utf8(out.stdout).unwrap())
}

/// What waits for a decision: IDs and addresses.
fn pending(world: &World) -> Option<Vec<(String, String)>> {
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
struct Asked {
    ip: String,
    handle: Option<String>,
    approval_asked: bool,
    approved: bool,
    end: Option<Value>,
}

/// All requests so far, over all deaths of the daemon.
struct Story<'w> {
    world: &'w World,
    asked: Vec<Asked>,
}

impl<'w> Story<'w> {
    fn of(world: &'w World) -> Self {
        Self { world, asked: Vec::new() }
    }

    /// Asked, held, shown, approved, performing, run, finished, read: until the daemon is dead.
    fn go_on(&mut self) -> Option<()> {
        self.ask()?;
        self.decide()?;
        self.read_last()
    }

    fn ask(&mut self) -> Option<()> {
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
    fn decide(&mut self) -> Option<()> {
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

    fn read_last(&mut self) -> Option<()> {
        let last = self.asked.last_mut()?;
        let reply = tell(self.world, json!({"uid": last.handle.clone()?, "wait": 10}))?;
        last.end = is_end(&reply).then_some(reply);
        Some(())
    }

    /// What a daemon says of all that had no end before fits what was acknowledged.
    fn look(&mut self) -> Option<()> {
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
    fn settle(&mut self) {
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
    fn count(&self) {
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
    fn runs(&self) -> String {
        fs::read_to_string(self.world.path("runs")).unwrap_or_default()
    }

    /// How many ended so.
    fn ended(&self, state: &str) -> usize {
        self.asked.iter().filter(|asked| asked.end.as_ref().is_some_and(|end| end["state"] == state)).count()
    }
}

fn is_end(reply: &Value) -> bool {
    ["done", "failed", "interrupted"].iter().any(|state| reply["state"] == *state)
}

/// Each error has a `ref` of its own.
fn same(one: &Value, other: &Value) -> bool {
    let without = |reply: &Value| {
        let mut reply = reply.clone();
        reply["ref"].take();
        reply
    };
    without(one) == without(other)
}

/// strace at the daemon's disk thread: what it does at its Nth call of this name. Attached when this returns.
fn at_disk(daemon: &Mortal, call: &str, what: &str, nth: usize) -> Child {
    let tasks = format!("/proc/{}/task", daemon.child.id());
    let disk = eventually("the daemon has a disk thread", || {
        let mut tasks = fs::read_dir(&tasks).unwrap().map(|task| task.unwrap().path());
        tasks.find(|task| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "disk"))
    });
    let inject = format!("inject={call}:{what}:when={nth}");
    let trace = format!("trace={call}");
    let mut strace = Command::new("strace")
        .args(["-e", &trace, "-e", &inject, "-p", disk.file_name().unwrap().to_str().unwrap()])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace");
    let mut said = BufReader::new(strace.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.contains("attached"), "{line}");
    thread::spawn(move || said.lines().count());
    strace
}

/// One story for each call of this name that the disk thread makes in a story, or for each so manieth, ended at that call.
/// How many stories that were.
fn at_each(call: &str, what: &str, step: usize, ended: impl Fn(ExitStatus)) -> usize {
    let world = world("");
    let mut story = Story::of(&world);
    for nth in (1..).step_by(step) {
        let mut daemon = Mortal::start(&world);
        eventually("it serves", || log(&world).contains("plugin firewall serves").then_some(()));
        let mut strace = at_disk(&daemon, call, what, nth);
        let whole = story.go_on().is_some();
        // The last write may still be on its way when its result is told.
        thread::sleep(Duration::from_millis(if whole { 100 } else { 0 }));
        let over = whole && !daemon.has_ended();
        if over {
            daemon.kill();
        } else {
            ended(daemon.ended());
        }
        strace.wait().unwrap();
        let daemon = Mortal::start(&world);
        story.settle();
        daemon.kill();
        if over {
            break;
        }
    }
    assert!(story.ended("interrupted") > 0, "some deaths are between the start of a run and its end");
    assert!(story.ended("done") > 0);
    story.asked.len() - 1
}

fn by_signal(status: ExitStatus) {
    assert_eq!(status.code(), None, "{status}");
}

/// EX_IOERR: nobody can say what is on the disk, and the next start can.
fn by_itself(status: ExitStatus) {
    assert_eq!(status.code(), Some(74), "{status}");
}

#[test]
fn killed_at_any_sync_of_a_story_it_settles_with_the_next_start() {
    let syncs = at_each("fdatasync", "signal=KILL", 1, by_signal);
    assert!(syncs >= 8, "log and store are synced for each of four states, not {syncs} times in all");
}

#[test]
fn killed_before_writes_all_over_a_story_it_settles_with_the_next_start() {
    at_each("pwrite64", "signal=KILL", 3, by_signal);
}

#[test]
fn a_sync_that_fails_ends_the_daemon_and_the_next_start_settles_it() {
    at_each("fdatasync", "error=EIO", 1, by_itself);
}

#[test]
fn a_write_that_fails_ends_the_daemon_and_the_next_start_settles_it() {
    at_each("pwrite64", "error=ENOSPC", 5, by_itself);
}

#[test]
fn killed_at_any_sync_of_a_start_it_settles_with_the_next() {
    let world = world("sleep 0.3");
    let mut story = Story::of(&world);
    for nth in 1.. {
        // Something is performing when the predecessor dies.
        let daemon = Mortal::start(&world);
        story.settle();
        story.ask().unwrap();
        story.decide().unwrap();
        eventually("it runs", || story.runs().contains(&story.asked.last()?.ip).then_some(()));
        daemon.kill();
        let (traced, inject) = ("trace=fdatasync", format!("inject=fdatasync:signal=KILL:when={nth}"));
        let mut dying = Mortal::spawn(&world, &["strace", "-o", "/dev/null", "-e", traced, "-e", &inject]);
        if dying.is_ready(&world) {
            proc::children(dying.child.id()).into_iter().for_each(kill);
            // Its lock goes when it has gone.
            dying.child.wait().unwrap();
            assert!(nth > 2, "a start that finds something to settle syncs");
            break;
        }
    }
    let _daemon = Mortal::start(&world);
    story.settle();
    assert_eq!(story.ended("interrupted"), story.asked.len(), "what was running is interrupted");
}

#[test]
fn what_was_running_is_interrupted_and_nothing_of_it_goes_on() {
    let world = world("sleep 2\necho late >>$0.late");
    let mut story = Story::of(&world);
    let daemon = Mortal::start(&world);
    story.ask().unwrap();
    story.decide().unwrap();
    eventually("it runs", || story.runs().contains("8.8.0.1").then_some(()));
    daemon.kill();
    let _daemon = Mortal::start(&world);
    story.settle();
    assert_eq!(story.ended("interrupted"), 1);
    thread::sleep(Duration::from_secs(2));
    assert!(!world.path("record.late").exists(), "the command outlived its daemon");
}

#[test]
fn a_sandbox_that_is_killed_while_held_or_performing_takes_no_hold_with_it() {
    let world = world("sleep 0.5");
    let mut story = Story::of(&world);
    let daemon = Mortal::start(&world);
    story.ask().unwrap();
    daemon.kill_sandbox();
    story.look().unwrap();
    story.decide().unwrap();
    eventually("it runs", || story.runs().contains("8.8.0.1").then_some(()));
    daemon.kill_sandbox();
    story.settle();
    assert_eq!(story.ended("interrupted"), 0, "the daemon knows how it ended");
    eventually("the plugin serves again", || story.ask());
    story.settle();
    assert!(story.ended("done") > 0);
}

#[test]
fn two_hundred_random_kills_lose_nothing_and_repeat_nothing() {
    let world = world("");
    let mut story = Story::of(&world);
    // Compiled once: no life is long enough for that.
    let daemon = Mortal::start(&world);
    story.go_on().unwrap();
    daemon.kill();
    let mut random = Random::new();
    for life in 0..RANDOM_KILLS {
        let mut daemon = Mortal::spawn(&world, &[]);
        let pid = daemon.child.id();
        let (sandbox, end) = (random.below(LIFE_MAX), random.below(LIFE_MAX));
        let killer = thread::spawn(move || {
            if life % 2 == 1 && sandbox < end {
                thread::sleep(Duration::from_millis(sandbox));
                proc::named(pid, "regent-sandbox").into_iter().for_each(kill);
                thread::sleep(Duration::from_millis(end - sandbox));
            } else {
                thread::sleep(Duration::from_millis(end));
            }
            kill(pid);
        });
        if daemon.is_ready(&world) && story.look().is_some() {
            while !daemon.has_ended() {
                if story.go_on().is_none() {
                    thread::sleep(Duration::from_millis(5));
                }
            }
        }
        killer.join().unwrap();
        by_signal(daemon.ended());
        story.count();
    }
    let _daemon = Mortal::start(&world);
    story.settle();
    let (done, interrupted) = (story.ended("done"), story.ended("interrupted"));
    println!("{} asked, {done} done, {interrupted} interrupted; seed {}", story.asked.len(), random.seed);
    assert!(done > RANDOM_KILLS / 4 && interrupted > 0, "{done} done, {interrupted} interrupted");
}

/// xorshift64: moments need no better.
struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    fn new() -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let seed = u64::from(now.subsec_nanos()) | 1;
        Self { seed, state: seed }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % end
    }
}
