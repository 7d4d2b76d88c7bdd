//! Where the demo plays: a private folder with copies of what was built, and, as root, a network namespace of its own. All of
//! it is gone when this is dropped, or when somebody interrupts.
//!
//! The namespace has no name that could stay: it lives as long as a process that only holds it, and the daemon in it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::company::Company;
use super::props::Props;
use crate::error::{At, Error, Result};
use crate::run::Run;

/// The daemon starts in some hundredths of a second; a machine may be busy.
const READY_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);
/// Removing a folder in which the interrupted demo still writes is tried again.
const REMOVALS: u32 = 20;
/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;
/// Somebody other than who asks: a user that every Debian has.
pub(super) const APPROVER: &str = "games";
pub(super) const SECRET: &str = "a secret that only the demo knows";
/// As the firewall's grants have it.
pub(super) const NFT: &str = "/usr/sbin/nft";
/// What these grants add to; in an administrator's /etc/nftables.conf rules would use the set.
const TABLE: &str = "add table inet regent; add set inet regent open { type ipv4_addr . inet_service; }";

/// The folder and who is in it.
pub(super) struct Stage {
    folder: PathBuf,
    company: Company,
    /// The process that holds it.
    namespace: Option<u32>,
}

impl Stage {
    /// Sets it up.
    pub(super) fn set(props: &Props) -> Result<Self> {
        let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|why| Error::new(why.to_string()))?;
        let folder = PathBuf::from(Run::new("mktemp").args(["-d", "-t", "regent-demo-XXXXXX"]).text()?.trim());
        let mut stage = Self { folder, company: Company::default(), namespace: None };
        stage.clear_when_interrupted(signals);
        for part in ["bin", "plugins"] {
            copy(&props.dist.join(part), &stage.path(part))?;
        }
        // The approver has to reach a program and a socket in it; a list of what is there is nobody's business.
        permit(&stage.folder, 0o711)?;
        if props.root {
            stage.namespace = Some(stage.unshare()?);
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

    pub(super) fn admin_socket(&self) -> PathBuf {
        self.path("run-admin/admin.sock")
    }

    pub(super) fn company(&self) -> &Company {
        &self.company
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path(name);
        fs::write(&path, text).at(&path)?;
        permit(&path, 0o600)
    }

    /// Starts the daemon, in the namespace if there is one, and waits until it listens.
    pub(super) fn start(&self) -> Result<()> {
        let log = fs::File::create(self.path("log")).at(&self.folder)?;
        let mut command = self.inside();
        command.args(["setpriv", "--pdeathsig", "TERM"]).arg(self.path("bin/regentd"));
        command.arg("--config").arg(self.path("regent.toml")).stdout(Stdio::null()).stderr(log);
        self.company.start("regentd", &mut command, false)?;
        let begin = Instant::now();
        while !self.log().contains("READY") {
            if self.company.has_ended("regentd") || begin.elapsed() > READY_WITHIN {
                return Err(Error::new("the daemon does not start"));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// Ends the daemon as an administrator would.
    pub(super) fn stop(&self) {
        self.company.end("regentd");
    }

    /// What the daemon said since its start.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// What nft says in the namespace.
    pub(super) fn nft(&self, words: &[&str]) -> Result<String> {
        let Some(holder) = self.namespace else { return Err(Error::new("nft runs in a namespace or not at all")) };
        Run::new("nsenter").args([&namespace(holder), NFT]).args(words).text()
    }

    /// Interrupted, there is nothing to be said: the process ends as soon as all is cleared.
    pub(super) fn wait_if_interrupted(&self) {
        while self.company.is_closed() {
            thread::sleep(POLL);
        }
    }

    fn inside(&self) -> Command {
        let mut command = Command::new(if self.namespace.is_some() { "nsenter" } else { "env" });
        command.args(self.namespace.map(namespace));
        command
    }

    /// A network namespace, and the process that holds it; once that speaks, it is there.
    fn unshare(&self) -> Result<u32> {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", "echo; exec cat >/dev/null"]).stdout(Stdio::piped());
        let holder = self.company.start("the network namespace", &mut command, true)?;
        self.company.hear("the network namespace")?;
        Ok(holder)
    }

    fn clear_when_interrupted(&self, mut signals: Signals) {
        let (folder, company) = (self.folder.clone(), self.company.clone());
        thread::spawn(move || {
            if signals.forever().next().is_some() {
                eprintln!("\ninterrupted: clearing up");
                clear(&folder, &company);
                std::process::exit(INTERRUPTED);
            }
        });
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        clear(&self.folder, &self.company);
    }
}

fn namespace(holder: u32) -> String {
    format!("--net=/proc/{holder}/ns/net")
}

fn clear(folder: &Path, company: &Company) {
    company.close();
    for _ in 0..REMOVALS {
        let _tried_again = fs::remove_dir_all(folder);
        if !folder.exists() {
            return;
        }
        thread::sleep(POLL);
    }
    eprintln!("{} could not be removed", folder.display());
}

/// Whatever the umask: the daemon trusts nothing that others may write, and the approver has to run a program.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to).at(to)?;
    permit(to, 0o755)?;
    for entry in fs::read_dir(from).at(from)? {
        let entry = entry.at(from)?;
        let to = to.join(entry.file_name());
        fs::copy(entry.path(), &to).at(&to)?;
    }
    Ok(())
}

fn permit(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).at(path)
}
