//! The daemon that is soaked: shipped plugins, a hostile one, and commands that write down that they ran.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use regent_build::{At as _, Error, Result};

use crate::bench::ground::{Ground, until};
use crate::bench::machine::{family, name};
use crate::bench::regentd::Regentd;

/// Those that must serve at rest; each has a process.
pub(super) const PLUGINS: [&str; 5] = ["echo", "twin", "whoami", "tasks", "hostile"];
/// Results are kept long enough to be read, and are forgotten during the soak; root is somebody who approves.
const REST: &str = "keep_results = \"1m\"\n[people.root]\nuser = \"root\"\n";
/// Appends its argument to a file: what is in it twice has run twice. And says once in which control group it runs.
const MARK: &str =
    "#!/bin/sh\n[ -e \"$0.group\" ] || cat /proc/self/cgroup > \"$0.group\"\necho \"$1\" >> \"$0.ran\"\n";

/// The grants of the tests' hostile plugin.
const HOSTILE: &[u8] = include_bytes!("../../../plugins/hostile/hostile.toml");

/// A daemon over a private folder.
pub(super) struct Stage {
    daemon: Regentd,
    log: PathBuf,
}

impl Stage {
    /// Everything in its place, and the daemon serving it.
    pub(super) fn set(ground: &Rc<Ground>, dist: &Path, hostile: &Path) -> Result<Self> {
        let daemon = Regentd::new(ground, "soak", dist, "")?;
        let stage = Self { log: daemon.folder().join("state/audit.jsonl"), daemon };
        stage.configure()?;
        let folder = stage.folder().join("plugins");
        fs::create_dir(&folder).at(&folder)?;
        for file in ["echo.wasm", "whoami.wasm", "commands.wasm", "SHA256SUMS"] {
            let from = dist.join("plugins").join(file);
            stage.daemon.write(&format!("plugins/{file}"), &fs::read(&from).at(&from)?)?;
        }
        let module = folder.join("hostile.wasm");
        fs::copy(hostile, &module).at(&module)?;
        stage.grant()?;
        let begun = stage.daemon.start().and_then(|_| stage.all_serve());
        begun.map_err(|why| Error::new(format!("{why}; the daemon says:\n{}", stage.end_of_log())))?;
        Ok(stage)
    }

    fn configure(&self) -> Result<()> {
        self.daemon.open_to_all()?;
        let path = self.folder().join("regent.toml");
        let text = fs::read_to_string(&path).at(&path)?;
        let (head, rest) = text.split_once("[[sockets]]").ok_or_else(|| Error::new("no socket is configured"))?;
        let log = self.log.display();
        let (kept, people) = REST.split_at(REST.find('[').unwrap_or_default());
        let text = format!("audit = \"{log}\"\n{kept}{head}[[sockets]]{rest}{people}");
        self.daemon.write("regent.toml", text.as_bytes())
    }

    fn grant(&self) -> Result<()> {
        let mark = self.mark();
        fs::write(&mark, MARK).at(&mark)?;
        fs::set_permissions(&mark, fs::Permissions::from_mode(0o755)).at(&mark)?;
        let mark = mark.display();
        let token = "params.token = { type = \"text\", pattern = \"[A-Za-z0-9-]{1,80}\" }\n";
        let tasks = format!(
            "module = \"commands\"\n[operations.mark]\nrun = [\"{mark}\", \"{{token}}\"]\n{token}\
             [operations.held]\nrun = [\"{mark}\", \"{{token}}\"]\n{token}require = [{{ step = \"approval\", of = \"root\" }}]\n\
             [operations.slow]\nrun = [\"/usr/bin/sleep\", \"0.3\"]\n"
        );
        self.daemon.write("plugins/tasks.toml", tasks.as_bytes())?;
        self.daemon.write("plugins/echo.toml", b"[operations.echo]\n")?;
        self.daemon.write("plugins/hostile.toml", HOSTILE)?;
        let whoami = b"[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n";
        self.daemon.write("plugins/whoami.toml", whoami)?;
        self.daemon.write("plugins/twin.toml", b"module = \"echo\"\n[operations.echo]\nas = \"twin\"\n")
    }

    /// The program that writes down that it ran.
    fn mark(&self) -> PathBuf {
        self.folder().join("bin/mark")
    }

    /// All that it wrote down.
    pub(super) fn ran(&self) -> String {
        fs::read_to_string(self.mark().with_extension("ran")).unwrap_or_default()
    }

    /// The folder in which the daemon has a control group for each run; `None` without cgroup v2.
    pub(super) fn groups(&self) -> Option<PathBuf> {
        let said = fs::read_to_string(self.mark().with_extension("group")).ok()?;
        let run = said.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let mounted = mounts.lines().find(|line| line.contains(" - cgroup2 "))?.split(' ').nth(4)?;
        Path::new(mounted).join(run).parent().map(Path::to_path_buf)
    }

    /// The audit log.
    pub(super) fn audit(&self) -> &Path {
        &self.log
    }

    pub(super) fn daemon(&self) -> &Regentd {
        &self.daemon
    }

    pub(super) fn folder(&self) -> &Path {
        self.daemon.folder()
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.daemon.socket()
    }

    pub(super) fn pid(&self) -> Result<u32> {
        self.daemon.pid().ok_or_else(|| Error::new("the daemon does not run"))
    }

    /// Its processes of this name.
    pub(super) fn named(&self, program: &str) -> Vec<u32> {
        let family = self.daemon.pid().map(family).unwrap_or_default();
        family.into_iter().filter(|pid| name(*pid) == program).collect()
    }

    pub(super) fn reload(&self) -> Result<()> {
        self.daemon.admin().reload().map(drop).map_err(|why| Error::new(format!("reload: {why}")))
    }

    pub(super) fn all_serve(&self) -> Result<()> {
        let mut admin = self.daemon.admin();
        let mut last = String::new();
        let so = until("all plugins serve", || {
            let listed = admin.plugins();
            let sandboxes = self.named("regent-sandbox").len();
            last = format!("{sandboxes} sandboxes; {listed:?}");
            let listed = listed.unwrap_or_default();
            let serves = |name: &&str| listed.iter().any(|plugin| plugin.name == **name && plugin.serves.is_some());
            PLUGINS.iter().all(serves) && sandboxes == PLUGINS.len()
        });
        so.map_err(|why| Error::new(format!("{why}: {last}")))
    }

    /// The daemon is told to end; what its clients were told is where they wrote it.
    pub(super) fn end(&self) -> Result<PathBuf> {
        self.daemon.end();
        Ok(self.folder().join("told"))
    }

    pub(super) fn end_of_log(&self) -> String {
        let log = self.daemon.log();
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n")
    }
}
