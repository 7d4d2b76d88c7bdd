//! A private folder with a configuration: sockets, people, grants, modules.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::running::Running;

pub const SECRET: &str = "a secret of more than sixteen bytes";

/// Everything that a daemon reads. Gone when dropped.
pub struct World {
    folder: TempDir,
    sockets: Vec<String>,
    engine: Option<String>,
    rest: String,
    /// Below which `regent init` made everything, if it did.
    machine: Option<PathBuf>,
    /// Programs of its own, where they are not those that were built.
    dist: Option<PathBuf>,
}

/// What `cargo xtask build` fills, or REGENT_DIST.
pub fn dist() -> PathBuf {
    let dist = std::env::var_os("REGENT_DIST").map(PathBuf::from);
    let dist = dist.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/dist"));
    assert!(dist.join("bin/regentd").exists(), "{} is not built: run `cargo xtask test`", dist.display());
    dist.canonicalize().unwrap()
}

/// Something that `cargo xtask test` builds for the tests alone: a hostile plugin, the Python component.
pub fn fixture(name: &str) -> PathBuf {
    let folder = std::env::var_os("REGENT_FIXTURES").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fixtures"));
    let path = folder.join(name);
    assert!(path.exists(), "{} is not built: run `cargo xtask test`", path.display());
    path
}

/// Most of what Regent promises needs root to be seen.
pub fn needs_root() {
    assert!(rustix::process::geteuid().is_root(), "this test must run as root: `sudo -E cargo xtask test`");
}

/// The uid of a user that every Debian has.
pub fn user(name: &str) -> u32 {
    number(name, 2)
}

/// The gid of its primary group.
pub fn group_of(name: &str) -> u32 {
    number(name, 3)
}

fn number(name: &str, column: usize) -> u32 {
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().find(|line| line.split(':').next() == Some(name));
    line.unwrap_or_else(|| panic!("there is no user {name}")).split(':').nth(column).unwrap().parse().unwrap()
}

impl World {
    /// One socket `web` with every operation, an admin socket open to all, and three persons: anna is the user `games`,
    /// ben is `mail`, carl is `news`; all three are `ops`.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("regent-test-").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        // Set, every test is one of that engine.
        let engine = std::env::var("REGENT_ENGINE").ok();
        let world = Self { folder, sockets: Vec::new(), engine, rest: String::new(), machine: None, dist: None };
        for name in ["plugins", "grants", "log"] {
            fs::create_dir(world.path(name)).unwrap();
        }
        world
            .socket("web", "operations = [\"*\"]")
            .people("[people.anna]\nuser = \"games\"\n[people.ben]\nuser = \"mail\"\n[people.carl]\nuser = \"news\"\n[teams]\nops = [\"anna\", \"ben\", \"carl\"]\n")
    }

    /// A machine on which `regent init --prefix` has been typed: the socket `local` for root, and the module
    /// `commands`. Its secret is the tests' own.
    pub fn initialised() -> Self {
        let world = Self::new();
        let machine = world.path("machine");
        let out = Command::new(dist().join("bin/regent")).args(["init", "--prefix"]).arg(&machine).output().unwrap();
        assert!(out.status.success(), "{out:?}");
        fs::write(machine.join("etc/regent/local.secret"), format!("{SECRET}\n")).unwrap();
        Self { machine: Some(machine), ..world }
    }

    /// regent.toml.
    pub fn config_path(&self) -> PathBuf {
        self.machine.as_ref().map_or_else(|| self.path("regent.toml"), |machine| machine.join("etc/regent/regent.toml"))
    }

    /// The programs that were built, in a folder of its own, with another in this one's place.
    pub fn with_program(mut self, name: &str, instead: &Path) -> Self {
        let own = self.path("dist");
        if self.dist.is_none() {
            fs::create_dir_all(own.join("bin")).unwrap();
            for program in fs::read_dir(dist().join("bin")).unwrap() {
                let program = program.unwrap();
                fs::copy(program.path(), own.join("bin").join(program.file_name())).unwrap();
            }
        }
        fs::copy(instead, own.join("bin").join(name)).unwrap();
        fs::set_permissions(own.join("bin").join(name), fs::Permissions::from_mode(0o755)).unwrap();
        self.dist = Some(own);
        self
    }

    /// The programs that it runs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.dist.clone().unwrap_or_else(dist).join("bin").join(name)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// One more socket, open to all users, with these further lines.
    pub fn socket(self, name: &str, lines: &str) -> Self {
        self.socket_with(name, SECRET, lines)
    }

    /// The same with a secret of its own.
    pub fn socket_with(mut self, name: &str, secret: &str, lines: &str) -> Self {
        let path = self.socket_path(name);
        self.sockets.push(format!(
            "[[sockets]]\nname = \"{name}\"\npath = \"{}\"\nmode = \"0666\"\nsecret = \"{secret}\"\n{lines}\n",
            path.display()
        ));
        self
    }

    /// A socket as it stands in a file.
    pub fn socket_lines(mut self, lines: &str) -> Self {
        self.sockets.push(lines.to_owned());
        self
    }

    pub fn socket_path(&self, name: &str) -> PathBuf {
        match &self.machine {
            Some(machine) => machine.join(format!("run/regent/{name}/regent.sock")),
            None => self.path(&format!("run-{name}/regent.sock")),
        }
    }

    /// The one that tests speak to unless they say another.
    pub(crate) fn first_socket(&self) -> &'static str {
        if self.machine.is_some() { "local" } else { "web" }
    }

    pub fn admin_path(&self) -> PathBuf {
        match &self.machine {
            Some(machine) => machine.join("run/regent-admin/admin.sock"),
            None => self.path("run-admin/admin.sock"),
        }
    }

    /// What runs plugins whose grants file does not say.
    pub fn engine(mut self, engine: &str) -> Self {
        self.engine = Some(engine.to_owned());
        self
    }

    /// Instead of the persons that there are.
    pub fn people(mut self, lines: &str) -> Self {
        self.rest = lines.to_owned();
        self
    }

    /// A module from `target/dist/plugins` or a fixture, and its grants.
    pub fn plugin(self, name: &str, grants: &str) -> Self {
        let shipped = dist().join("plugins").join(format!("{name}.wasm"));
        let from = if shipped.exists() { shipped } else { fixture(&format!("{name}.wasm")) };
        self.module(name, &from, grants)
    }

    /// The same under another name.
    pub fn module(self, name: &str, from: &Path, grants: &str) -> Self {
        fs::copy(from, self.path(&format!("plugins/{name}.wasm"))).unwrap();
        self.grants(name, grants)
    }

    /// A grants file of operations without code, and the shipped module that serves them, whose digest PIN becomes.
    pub fn without_code(self, name: &str, grants: &str) -> Self {
        fs::copy(dist().join("plugins/commands.wasm"), self.path("plugins/commands.wasm")).unwrap();
        let pinned = grants.replace("PIN", &self.digest("commands"));
        self.grants(name, &pinned)
    }

    /// A grants file; `PIN` in it becomes the digest of the module that is there.
    pub fn grants(self, name: &str, grants: &str) -> Self {
        let pinned = grants.replace("PIN", &self.digest(name));
        fs::write(self.path(&format!("grants/{name}.toml")), pinned).unwrap();
        self
    }

    /// SHA-256 of a module, as coreutils count it.
    pub fn digest(&self, name: &str) -> String {
        let path = self.path(&format!("plugins/{name}.wasm"));
        if !path.exists() {
            return String::new();
        }
        let out = Command::new("sha256sum").arg(path).output().unwrap();
        String::from_utf8(out.stdout).unwrap().split(' ').next().unwrap().to_owned()
    }

    /// regent.toml as it is written at a start.
    pub fn config(&self) -> String {
        let sandbox = self.engine.as_ref().map(|engine| format!("[sandbox]\nengine = \"{engine}\"\n"));
        format!(
            "plugins = [\"{}\"]\ngrants = \"{}\"\nstate = \"{}\"\naudit = \"{}\"\n\n{}\n{}[admin]\npath = \"{}\"\nmode = \"0666\"\n{}",
            self.path("plugins").display(),
            self.path("grants").display(),
            self.path("state").display(),
            self.path("log/audit.jsonl").display(),
            self.sockets.join("\n"),
            sandbox.unwrap_or_default(),
            self.admin_path().display(),
            self.rest,
        )
    }

    pub fn write_config(&self) -> PathBuf {
        let path = self.path("regent.toml");
        fs::write(&path, self.config()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Starts the daemon and waits until it is ready.
    pub fn start(&self) -> Running<'_> {
        Running::start(self, &[])
    }

    /// The same under another program, such as strace.
    pub fn start_under(&self, wrapper: &[&str]) -> Running<'_> {
        Running::start(self, wrapper)
    }

    /// The same with a standard input, which the wrapper may make another descriptor of.
    pub fn start_given(&self, wrapper: &[&str], stdin: impl Into<std::process::Stdio>) -> Running<'_> {
        Running::start_given(self, self.write_config(), wrapper, stdin.into())
    }

    /// The same over the configuration that was written before.
    pub fn start_as_is(&self, wrapper: &[&str]) -> Running<'_> {
        Running::start_over(self, self.config_path(), wrapper)
    }

    pub fn audit(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.path("log/audit.jsonl")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}
