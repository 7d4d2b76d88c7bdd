//! A daemon from a dist, in a folder of its own: `bin`, `plugins`, and what it makes itself.

use regent_build::{At as _, Result};
use std::cell::Cell;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use regent_client::{Admin, Client};

use super::ground::{self, Ground, until};

pub(super) const SECRET: &str = "a secret that only the bench knows";

pub(super) struct Regentd {
    ground: Rc<Ground>,
    folder: PathBuf,
    pid: Cell<Option<u32>>,
}

/// A start on its way.
pub(super) struct Started {
    begin: Instant,
    /// From exec to READY.
    pub(super) ready: Duration,
}

impl Started {
    pub(super) fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }
}

impl Regentd {
    /// The programs of a dist under this name; `rest` is what `regent.toml` says besides where everything is.
    pub(super) fn new(ground: &Rc<Ground>, name: &str, dist: &Path, rest: &str) -> Result<Self> {
        let folder = ground.folder().join(name);
        fs::create_dir(&folder).at(&folder)?;
        ground::copy(&dist.join("bin"), &folder.join("bin"))?;
        let daemon = Self { ground: Rc::clone(ground), folder, pid: Cell::new(None) };
        let at = daemon.folder.display();
        let config = format!(
            "plugins = [\"{at}/plugins\"]\nstate = \"{at}/state\"\n[[sockets]]\nname = \"bench\"\npath = \
             \"{at}/run/regent.sock\"\nsecret = \"{SECRET}\"\noperations = [\"*\"]\n[admin]\npath = \
             \"{at}/run-admin/admin.sock\"\n{rest}"
        );
        daemon.write("regent.toml", config.as_bytes())?;
        Ok(daemon)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.pid.get()
    }

    /// A file as the daemon trusts it, put there whole as a package manager does.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        let half = path.with_extension("half");
        fs::write(&half, bytes).at(&half)?;
        fs::set_permissions(&half, fs::Permissions::from_mode(0o600)).at(&half)?;
        fs::rename(&half, &path).at(&path)
    }

    pub(super) fn remove(&self, name: &str) -> Result<()> {
        let path = self.folder.join(name);
        fs::remove_file(&path).at(&path)
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.folder.join("run/regent.sock")
    }

    pub(super) fn client(&self) -> Client {
        Client::new(self.socket(), SECRET)
    }

    pub(super) fn admin_socket(&self) -> PathBuf {
        self.folder.join("run-admin/admin.sock")
    }

    pub(super) fn admin(&self) -> Admin {
        Admin::new(self.admin_socket())
    }

    /// Starts it, and returns when it says READY.
    pub(super) fn start(&self) -> Result<Started> {
        let log = self.folder.join("log");
        let file = fs::File::create(&log).at(&log)?;
        let mut command = Command::new(self.folder.join("bin/regentd"));
        command.arg("--config").arg(self.folder.join("regent.toml")).stderr(file);
        let begin = Instant::now();
        self.pid.set(Some(self.ground.start(&mut command)?));
        self.says("READY", 1, 0)?;
        Ok(Started { begin, ready: begin.elapsed() })
    }

    pub(super) fn end(&self) {
        if let Some(pid) = self.pid.take() {
            self.ground.end(pid);
        }
    }

    /// All that it said since it was started.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// How long the log is, to look for what is new in it.
    pub(super) fn log_length(&self) -> u64 {
        fs::metadata(self.folder.join("log")).map_or(0, |log| log.len())
    }

    /// Waits until the log says this so many times after its first `from` bytes.
    pub(super) fn says(&self, what: &str, times: usize, from: u64) -> Result<()> {
        let path = self.folder.join("log");
        let mut log = fs::File::open(&path).at(&path)?;
        log.seek(SeekFrom::Start(from)).at(&path)?;
        let mut read = Vec::new();
        until(what, || {
            let _more_later = log.read_to_end(&mut read);
            String::from_utf8_lossy(&read).matches(what).count() >= times
        })
    }
}
