//! Where the demo plays: a private folder with copies of what was built, and, as root, a network namespace of its own.
//! All of it is gone when this is dropped, or when somebody interrupts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::place;
use regent_build::{At as _, Error, Result, Run};

/// It holds a secret.
pub(super) const CONFIG: &str = "regent.toml";
/// The daemon starts in some hundredths of a second; a machine may be busy.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// Somebody other than who asks: a user that every Debian has.
pub(super) const APPROVER: &str = "games";
pub(super) const SECRET: &str = "a secret that only the demo knows";

/// The table that the shipped grants of the firewall add to.
const TABLE: &str = "add table inet regent; add set inet regent open { type ipv4_addr . inet_service; }";

pub(super) struct Stage {
    folder: PathBuf,
    namespace: Option<String>,
    daemon: Arc<Mutex<Option<Child>>>,
}

impl Stage {
    /// Sets it up from `target/dist`.
    pub(super) fn set(root: bool) -> Result<Self> {
        let name = format!("regent-demo-{}", std::process::id());
        let folder = std::env::temp_dir().join(&name);
        fs::create_dir(&folder).at(&folder)?;
        let stage = Self { folder, namespace: root.then_some(name), daemon: Arc::default() };
        stage.clear_when_interrupted()?;
        fs::set_permissions(&stage.folder, fs::Permissions::from_mode(0o755)).at(&stage.folder)?;
        for part in ["bin", "plugins"] {
            copy(&place::dist().join(part), &stage.path(part))?;
        }
        if let Some(namespace) = &stage.namespace {
            Run::new("ip").args(["netns", "add", namespace]).done()?;
            stage.nft(&[TABLE])?;
        }
        Ok(stage)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.path("run/regent.sock")
    }

    /// A file whose content is a secret's, or one that the daemon's own user reads.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path(name);
        fs::write(&path, text).at(&path)?;
        let mode = if name == CONFIG { 0o600 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).at(&path)
    }

    /// Starts the daemon, in the namespace if there is one, and waits until it listens.
    pub(super) fn start(&self) -> Result<()> {
        let regentd = self.path("bin/regentd");
        let mut command = self.inside(&regentd);
        let log = fs::File::options().create(true).append(true).open(self.path("log")).at(&self.folder)?;
        command.arg("--config").arg(self.path(CONFIG)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        *self.child() = Some(command.spawn().at(&regentd)?);
        let begin = Instant::now();
        while !self.socket().exists() || !self.log().contains("READY") {
            let ended =
                self.child().as_mut().is_some_and(|child| child.try_wait().is_ok_and(|status| status.is_some()));
            if ended || begin.elapsed() > READY_WITHIN {
                return Err(Error::new(format!("the daemon does not start:\n{}", self.log())));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Ends the daemon as an administrator would.
    pub(super) fn stop(&self) {
        stop(&mut self.child());
        let _none_yet = fs::remove_file(self.path("log"));
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// What nft says in the namespace.
    pub(super) fn nft(&self, words: &[&str]) -> Result<String> {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        Run::new("ip").args(["netns", "exec", namespace, "nft"]).args(words).text()
    }

    /// `regent` as the approver.
    pub(super) fn approver(&self, words: &[&str]) -> Result<(i32, String)> {
        let id = |flag| Run::new("id").args([flag, APPROVER]).text();
        let number = |text: String| text.trim().parse::<u32>().map_err(|why| Error::new(why.to_string()));
        let mut command = Command::new(self.path("bin/regent"));
        command.uid(number(id("-u")?)?).gid(number(id("-g")?)?);
        command.args(words).env("REGENT_ADMIN", self.path("run-admin/admin.sock")).current_dir("/");
        let out = command.stdin(Stdio::null()).output().at(&self.path("bin/regent"))?;
        let text = [out.stdout, out.stderr].concat();
        Ok((out.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned()))
    }

    /// `regent status --json`, which root may ask.
    pub(super) fn status(&self) -> Result<String> {
        let regent = Run::new(self.path("bin/regent")).args(["status", "--json"]);
        regent.env("REGENT_ADMIN", self.path("run-admin/admin.sock")).text()
    }

    fn inside(&self, program: &Path) -> Command {
        let Some(namespace) = &self.namespace else { return Command::new(program) };
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace]).arg(program);
        command
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.daemon.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clear_when_interrupted(&self) -> Result<()> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).at(&self.folder)?;
        let (folder, namespace, daemon) = (self.folder.clone(), self.namespace.clone(), Arc::clone(&self.daemon));
        thread::spawn(move || {
            if signals.forever().next().is_some() {
                clear(&folder, namespace.as_deref(), &daemon);
                std::process::exit(130);
            }
        });
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        clear(&self.folder, self.namespace.as_deref(), &self.daemon);
    }
}

fn clear(folder: &Path, namespace: Option<&str>, daemon: &Mutex<Option<Child>>) {
    stop(&mut daemon.lock().unwrap_or_else(PoisonError::into_inner));
    if let Some(namespace) = namespace {
        let _already_gone = Run::new("ip").args(["netns", "delete", namespace]).done();
    }
    let _already_gone = fs::remove_dir_all(folder);
}

fn stop(daemon: &mut Option<Child>) {
    if let Some(mut child) = daemon.take() {
        // `ip netns exec` becomes the daemon, so its pid is the daemon's.
        let _already_ended = Run::new("kill").args(["-TERM", &child.id().to_string()]).done();
        let _ended = child.wait();
    }
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
