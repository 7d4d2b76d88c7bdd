//! Both services in a private folder: the original under Python, and the daemon from a dist. All of it is gone when this is
//! dropped, or when somebody interrupts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use regent_client::Client;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::test::machine;
use regent_build::{At as _, Error, Result, Run};

pub(super) const SECRET: &str = "a secret that only the bench knows";
/// Compiling three plugins takes seconds; a machine may be busy.
const WITHIN: Duration = Duration::from_secs(60);
/// What was asked to end and has not is killed.
const END_WITHIN: Duration = Duration::from_secs(5);
/// Between two looks: far below the shortest start.
const LOOK_EVERY: Duration = Duration::from_micros(500);
/// The original ends by itself after so many seconds, whatever becomes of the bench.
const ORIGINAL_LONGEST: u32 = 20 * 60;
/// echo, whoami and held.
const PLUGINS: usize = 3;
/// A user that every Debian has.
const APPROVER: &str = "games";

pub(super) struct Arena {
    folder: PathBuf,
    running: Arc<Mutex<Running>>,
}

/// What has to be ended.
#[derive(Default)]
struct Running {
    original: Option<Child>,
    daemon: Option<Child>,
}

/// How long a start took.
pub(super) struct Start {
    pub(super) ready: Duration,
    pub(super) serving: Duration,
}

impl Arena {
    /// Starts both.
    pub(super) fn open(dist: &Path, python: &Path) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("regent-bench-{}", std::process::id()));
        fs::create_dir(&folder).at(&folder)?;
        let arena = Self { folder, running: Arc::default() };
        arena.clear_when_interrupted()?;
        fs::set_permissions(&arena.folder, fs::Permissions::from_mode(0o755)).at(&arena.folder)?;
        for part in ["bin", "plugins"] {
            copy(&dist.join(part), &arena.folder.join(part))?;
        }
        configure(&arena.folder)?;
        let mut running = arena.running();
        running.original = Some(original(&arena.folder, python)?);
        drop(running);
        until("the original listens", || arena.original().exists())?;
        arena.start()?;
        Ok(arena)
    }

    pub(super) fn original(&self) -> PathBuf {
        self.folder.join("original.sock")
    }

    pub(super) fn ours(&self) -> PathBuf {
        self.folder.join("run/regent.sock")
    }

    pub(super) fn client(&self) -> Client {
        Client::new(self.ours(), SECRET)
    }

    /// The approver's uid, if there can be one.
    pub(super) fn approver(&self) -> Option<u32> {
        machine::is_root().then(|| Run::new("id").args(["-u", APPROVER]).text().ok()?.trim().parse().ok()).flatten()
    }

    /// The one hold that waits.
    pub(super) fn pending(&self, uid: u32) -> Result<String> {
        let listed = self.regent(uid, &["pending", "--json"])?;
        let listed: serde_json::Value = serde_json::from_str(&listed).map_err(|why| Error::new(why.to_string()))?;
        let id = listed.pointer("/0/id").and_then(serde_json::Value::as_str);
        id.map(str::to_owned).ok_or_else(|| Error::new("nothing is pending"))
    }

    pub(super) fn approve(&self, uid: u32, id: &str) -> Result<()> {
        self.regent(uid, &["approve", id]).map(drop)
    }

    fn regent(&self, uid: u32, words: &[&str]) -> Result<String> {
        let mut command = Command::new(self.folder.join("bin/regent"));
        command.uid(uid).args(words).env("REGENT_ADMIN", self.folder.join("run-admin/admin.sock")).current_dir("/");
        let out = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().at(&self.folder)?;
        if !out.status.success() {
            return Err(Error::new(format!("regent {} failed", words.join(" "))));
        }
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    }

    /// Resident memory of each process, in KiB.
    pub(super) fn memory(&self) -> Vec<(String, f64)> {
        let running = self.running();
        let original = running.original.iter().map(|child| ("the original".to_owned(), resident(child.id())));
        let daemon = running.daemon.iter().flat_map(|child| descendants(child.id()));
        original.chain(daemon.map(|pid| (name(pid), resident(pid)))).collect()
    }

    /// Ends the daemon and starts it again.
    pub(super) fn restart(&mut self, forget_compiled: bool) -> Result<Start> {
        end(&mut self.running().daemon);
        if forget_compiled {
            let compiled = self.folder.join("state/compiled");
            fs::remove_dir_all(&compiled).at(&compiled)?;
        }
        self.start()
    }

    fn start(&self) -> Result<Start> {
        let log = self.folder.join("log");
        let file = fs::File::create(&log).at(&log)?;
        let regentd = self.folder.join("bin/regentd");
        let mut command = Command::new(&regentd);
        command.arg("--config").arg(self.folder.join("regent.toml"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
        let mut running = self.running();
        let begin = Instant::now();
        running.daemon = Some(command.spawn().at(&regentd)?);
        drop(running);
        let read = || fs::read_to_string(&log).unwrap_or_default();
        let so = |what, so: &dyn Fn(&str) -> bool| {
            until(what, || so(&read())).map_err(|why| Error::new(format!("{why}; the daemon says:\n{}", read())))
        };
        so("READY", &|log| log.contains("READY"))?;
        let ready = begin.elapsed();
        so("all plugins serve", &|log| log.matches(" serves ").count() >= PLUGINS)?;
        Ok(Start { ready, serving: begin.elapsed() })
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clear_when_interrupted(&self) -> Result<()> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).at(&self.folder)?;
        let (folder, running) = (self.folder.clone(), Arc::clone(&self.running));
        thread::spawn(move || {
            if signals.forever().next().is_some() {
                // Held to the end, so that nothing is started meanwhile.
                let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
                clear(&folder, &mut running);
                std::process::exit(130);
            }
        });
        Ok(())
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        clear(&self.folder, &mut self.running());
    }
}

fn clear(folder: &Path, running: &mut Running) {
    end(&mut running.daemon);
    end(&mut running.original);
    let _already_gone = fs::remove_dir_all(folder);
}

fn original(folder: &Path, python: &Path) -> Result<Child> {
    let mut command = Command::new(python);
    command.arg(crate::place::root().join("xtask/src/bench/original.py"));
    command.arg(folder.join("original.sock")).args([SECRET, &ORIGINAL_LONGEST.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().at(python)
}

/// echo and whoami as shipped, and whoami once more with an approval.
fn configure(folder: &Path) -> Result<()> {
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).at(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).at(&path)
    };
    let at = folder.display();
    let _not_measured = fs::remove_file(folder.join("plugins/firewall.toml"));
    let module = folder.join("plugins/held.wasm");
    fs::copy(folder.join("plugins/whoami.wasm"), &module).at(&module)?;
    let digest = Run::new("sha256sum").arg(&module).text()?;
    let digest = digest.split(' ').next().unwrap_or_default();
    write(
        "plugins/held.toml",
        format!(
            "sha256 = \"{digest}\"\n[operations.whoami]\nas = \"held-whoami\"\nrequire = [{{ step = \"approval\", of = \"anna\" }}]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n"
        ),
    )?;
    write(
        "regent.toml",
        format!(
            "plugins = [\"{at}/plugins\"]\nstate = \"{at}/state\"\n[[sockets]]\nname = \"bench\"\npath = \"{at}/run/regent.sock\"\nsecret = \"{SECRET}\"\noperations = [\"*\"]\n[admin]\npath = \"{at}/run-admin/admin.sock\"\nmode = \"0666\"\n[people.anna]\nuser = \"{APPROVER}\"\n"
        ),
    )
}

fn end(child: &mut Option<Child>) {
    let Some(mut child) = child.take() else { return };
    let _already_ended = Run::new("kill").args(["-TERM", &child.id().to_string()]).done();
    let begin = Instant::now();
    while matches!(child.try_wait(), Ok(None)) {
        if begin.elapsed() > END_WITHIN {
            let _already_ended = child.kill();
            let _ended = child.wait();
            return;
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn until(what: &str, so: impl Fn() -> bool) -> Result<()> {
    let begin = Instant::now();
    while !so() {
        if begin.elapsed() > WITHIN {
            return Err(Error::new(format!("never came true: {what}")));
        }
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// The file that it runs: its short name may be a descriptor's number.
fn name(pid: u32) -> String {
    let file = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
    let file = file.file_name().map(|name| name.to_string_lossy().into_owned());
    file.unwrap_or_else(|| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned())
}

fn descendants(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
    std::iter::once(pid).chain(children.flat_map(descendants)).collect()
}

fn resident(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or(f64::NAN)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to).at(to)?;
    for entry in fs::read_dir(from).at(from)? {
        let entry = entry.at(from)?;
        let to = to.join(entry.file_name());
        fs::copy(entry.path(), &to).at(&to)?;
    }
    Ok(())
}
