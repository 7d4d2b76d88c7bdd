//! Both services in a private folder: the original under Python, and the daemon from `target/dist`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use regent_client::Client;

use crate::error::{At, Error, Result};
use crate::place;
use crate::run::Run;
use crate::test::machine;

pub(super) const SECRET: &str = "a secret that only the bench knows";
const WITHIN: Duration = Duration::from_secs(60);
/// A user that every Debian has.
const APPROVER: &str = "games";

pub(super) struct Arena {
    folder: PathBuf,
    original: Child,
    daemon: Child,
}

impl Arena {
    /// Starts both.
    pub(super) fn open(python: &Path) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("regent-bench-{}", std::process::id()));
        fs::create_dir(&folder).at(&folder)?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).at(&folder)?;
        for part in ["bin", "plugins"] {
            copy(&place::dist().join(part), &folder.join(part))?;
        }
        configure(&folder)?;
        let script = place::root().join("xtask/src/bench/original.py");
        let mut original = Command::new(python);
        original.arg(script).arg(folder.join("original.sock")).arg(SECRET);
        let original = original.stdin(Stdio::null()).spawn().at(python)?;
        let daemon = spawn(&folder)?;
        let arena = Self { folder, original, daemon };
        until("the original listens", || arena.original().exists())?;
        arena.until_all_serve()?;
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

    pub(super) fn pending(&self, uid: u32) -> Result<String> {
        let listed = self.regent(uid, &["pending", "--json"])?;
        let id = listed.split("\"id\":").nth(1).and_then(|rest| rest.split('"').nth(1));
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
        let mut all = vec![("the original".to_owned(), resident(self.original.id()))];
        for pid in descendants(self.daemon.id()) {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            all.push((name.trim().to_owned(), resident(pid)));
        }
        all
    }

    /// Ends the daemon and starts it again; how long until it was ready.
    pub(super) fn restart(&mut self, forget_compiled: bool) -> Result<Duration> {
        end(&mut self.daemon);
        if forget_compiled {
            let compiled = self.folder.join("state/compiled");
            fs::remove_dir_all(&compiled).at(&compiled)?;
        }
        fs::write(self.folder.join("log"), "").at(&self.folder)?;
        let begin = Instant::now();
        self.daemon = spawn(&self.folder)?;
        until("READY", || self.log().contains("READY"))?;
        let took = begin.elapsed();
        self.until_all_serve()?;
        Ok(took)
    }

    fn until_all_serve(&self) -> Result<()> {
        until("all plugins serve", || self.log().matches(" serves ").count() >= 3)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        end(&mut self.daemon);
        let _already_ended = self.original.kill();
        let _ended = self.original.wait();
        let _already_gone = fs::remove_dir_all(&self.folder);
    }
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

fn spawn(folder: &Path) -> Result<Child> {
    let log = fs::File::options().create(true).append(true).open(folder.join("log")).at(folder)?;
    let mut command = Command::new(folder.join("bin/regentd"));
    command.arg("--config").arg(folder.join("regent.toml"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().at(folder)
}

fn end(child: &mut Child) {
    let _already_ended = Run::new("kill").args(["-TERM", &child.id().to_string()]).done();
    let _ended = child.wait();
}

fn until(what: &str, mut so: impl FnMut() -> bool) -> Result<()> {
    let begin = Instant::now();
    while !so() {
        if begin.elapsed() > WITHIN {
            return Err(Error::new(format!("never came true: {what}")));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
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
