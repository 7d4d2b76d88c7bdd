//! Both services in a private folder: the original under Python, and the daemon from a dist.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use regent_client::Client;

use super::ground::{self, Ground};
use super::machine::{self, family, name, resident};
use super::original::Original;
use super::regentd::Regentd;
use regent_build::{At as _, Error, Result, Run};

/// echo, whoami and held.
const PLUGINS: usize = 3;
/// A user that every Debian has.
const APPROVER: &str = "games";

pub(super) struct Arena {
    original: Original,
    daemon: Regentd,
}

/// How long a start took.
pub(super) struct Start {
    pub(super) ready: Duration,
    pub(super) serving: Duration,
}

impl Arena {
    /// Starts both.
    pub(super) fn open(ground: &Rc<Ground>, dist: &Path, python: &Path) -> Result<Self> {
        let rest = format!("mode = \"0666\"\n[people.anna]\nuser = \"{APPROVER}\"\n");
        let daemon = Regentd::new(ground, "arena", dist, &rest)?;
        grant(&daemon, dist)?;
        let arena = Self { original: Original::start(ground, python)?, daemon };
        arena.start()?;
        Ok(arena)
    }

    pub(super) fn original(&self) -> PathBuf {
        self.original.socket()
    }

    pub(super) fn ours(&self) -> PathBuf {
        self.daemon.socket()
    }

    pub(super) fn client(&self) -> Client {
        self.daemon.client()
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
        let mut command = Command::new(self.daemon.folder().join("bin/regent"));
        command.uid(uid).args(words).env("REGENT_ADMIN", self.daemon.admin_socket()).current_dir("/");
        let out = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().at(self.daemon.folder())?;
        if !out.status.success() {
            return Err(Error::new(format!("regent {} failed", words.join(" "))));
        }
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    }

    /// Resident memory of each process, in KiB.
    pub(super) fn memory(&self) -> Vec<(String, f64)> {
        let original = std::iter::once(("the original".to_owned(), resident(self.original.pid())));
        let daemon = self.daemon.pid().into_iter().flat_map(family);
        original.chain(daemon.map(|pid| (name(pid), resident(pid)))).collect()
    }

    /// Ends the daemon and starts it again.
    pub(super) fn restart(&mut self, forget_compiled: bool) -> Result<Start> {
        self.daemon.end();
        if forget_compiled {
            let compiled = self.daemon.folder().join("state/compiled");
            fs::remove_dir_all(&compiled).at(&compiled)?;
        }
        self.start()
    }

    fn start(&self) -> Result<Start> {
        let started = self.daemon.start()?;
        let said = self.daemon.says(" serves ", PLUGINS, 0);
        said.map_err(|why| Error::new(format!("{why}; the daemon says:\n{}", self.daemon.log())))?;
        Ok(Start { ready: started.ready, serving: started.elapsed() })
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        self.daemon.end();
    }
}

/// echo and whoami as shipped, and whoami once more with an approval.
fn grant(daemon: &Regentd, dist: &Path) -> Result<()> {
    let plugins = daemon.folder().join("plugins");
    ground::copy(&dist.join("plugins"), &plugins)?;
    let _not_measured = fs::remove_file(plugins.join("firewall.toml"));
    let module = plugins.join("held.wasm");
    fs::copy(plugins.join("whoami.wasm"), &module).at(&module)?;
    let digest = Run::new("sha256sum").arg(&module).text()?;
    let digest = digest.split(' ').next().unwrap_or_default();
    let grants = format!(
        "sha256 = \"{digest}\"\n[operations.whoami]\nas = \"held-whoami\"\nrequire = [{{ step = \"approval\", of = \"anna\" \
         }}]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n"
    );
    daemon.write("plugins/held.toml", grants.as_bytes())
}
