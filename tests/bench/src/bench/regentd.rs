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

pub(crate) const SECRET: &str = "a secret that only the bench knows";

pub(crate) struct Regentd {
    ground: Rc<Ground>,
    folder: PathBuf,
    pid: Cell<Option<u32>>,
}

/// A start on its way.
pub(crate) struct Started {
    begin: Instant,
    /// From exec to READY.
    pub(crate) ready: Duration,
}

impl Started {
    pub(crate) fn elapsed(&self) -> Duration {
        self.begin.elapsed()
    }
}

impl Regentd {
    /// The programs of a dist under this name; `rest` is what `regent.toml` says besides where everything is.
    pub(crate) fn new(ground: &Rc<Ground>, name: &str, dist: &Path, rest: &str) -> Result<Self> {
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

    /// One that has `echo` to serve and is not started yet.
    pub(crate) fn with_echo(ground: &Rc<Ground>, name: &str, dist: &Path) -> Result<Self> {
        let daemon = Self::new(ground, name, dist, "")?;
        let plugins = daemon.folder.join("plugins");
        fs::create_dir(&plugins).at(&plugins)?;
        for file in ["echo.wasm", "SHA256SUMS"] {
            let from = dist.join("plugins").join(file);
            daemon.write(&format!("plugins/{file}"), &fs::read(&from).at(&from)?)?;
        }
        daemon.write("plugins/echo.toml", b"module = \"echo\"\n[operations.echo]\n")?;
        Ok(daemon)
    }

    /// One with these plugins of the dist and their own grants files; it is not started yet.
    pub(crate) fn with_shipped(ground: &Rc<Ground>, name: &str, dist: &Path, shipped: &[&str]) -> Result<Self> {
        let daemon = Self::new(ground, name, dist, "")?;
        let plugins = daemon.folder.join("plugins");
        fs::create_dir(&plugins).at(&plugins)?;
        let files = shipped.iter().flat_map(|plugin| [format!("{plugin}.wasm"), format!("{plugin}.toml")]);
        for file in files.chain(["SHA256SUMS".to_owned()]) {
            let from = dist.join("plugins").join(&file);
            daemon.write(&format!("plugins/{file}"), &fs::read(&from).at(&from)?)?;
        }
        Ok(daemon)
    }

    /// Every user may connect.
    pub(crate) fn open_to_all(&self) -> Result<()> {
        let path = self.folder.join("regent.toml");
        let text = fs::read_to_string(&path).at(&path)?;
        self.write("regent.toml", text.replace("operations = ", "mode = \"0666\"\noperations = ").as_bytes())
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.pid.get()
    }

    /// A file as the daemon trusts it, put there whole as a package manager does: for its user to read, but for what
    /// holds the secret, which root reads for it.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        let half = path.with_extension("half");
        fs::write(&half, bytes).at(&half)?;
        let mode = if name == "regent.toml" { 0o600 } else { 0o644 };
        fs::set_permissions(&half, fs::Permissions::from_mode(mode)).at(&half)?;
        fs::rename(&half, &path).at(&path)
    }

    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let path = self.folder.join(name);
        fs::remove_file(&path).at(&path)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("run/regent.sock")
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.socket(), SECRET)
    }

    pub(crate) fn admin_socket(&self) -> PathBuf {
        self.folder.join("run-admin/admin.sock")
    }

    pub(crate) fn admin(&self) -> Admin {
        Admin::new(self.admin_socket())
    }

    /// Starts it, and returns when it says READY.
    pub(crate) fn start(&self) -> Result<Started> {
        let log = self.folder.join("log");
        let file = fs::File::create(&log).at(&log)?;
        let mut command = Command::new(self.folder.join("bin/regentd"));
        command.arg("--config").arg(self.folder.join("regent.toml")).stderr(file);
        let begin = Instant::now();
        self.pid.set(Some(self.ground.start(&mut command)?));
        self.says("READY", 1, 0)?;
        Ok(Started { begin, ready: begin.elapsed() })
    }

    pub(crate) fn end(&self) {
        if let Some(pid) = self.pid.take() {
            self.ground.end(pid);
        }
    }

    /// All that it said since it was started.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// How long the log is, to look for what is new in it.
    pub(crate) fn log_length(&self) -> u64 {
        fs::metadata(self.folder.join("log")).map_or(0, |log| log.len())
    }

    /// Waits until the log says this so many times after its first `from` bytes.
    pub(crate) fn says(&self, what: &str, times: usize, from: u64) -> Result<()> {
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
