//! Where everything goes, for root, for a user, or for a trial below one folder.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::arguments::Init;
use crate::ending::Failure;

/// A place for each thing.
pub(super) struct Layout {
    pub(super) kind: Kind,
    /// regent.toml, grants and secrets.
    pub(super) etc: PathBuf,
    pub(super) state: PathBuf,
    /// The folder of the sockets' folders.
    pub(super) run: PathBuf,
    /// The folder of the admin socket.
    pub(super) run_admin: PathBuf,
    /// Folders of modules; the last is made if it is ours to make.
    pub(super) plugins: Vec<PathBuf>,
    /// The folder of the service manager's units, if there is one.
    pub(super) units: Option<PathBuf>,
    pub(super) regentd: PathBuf,
}

/// Whose daemon it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The machine's.
    Machine,
    /// A user's own.
    User,
    /// One that is tried, below a folder.
    Trial,
}

impl Layout {
    pub(super) fn of(init: &Init) -> Result<Self, Failure> {
        let own = std::env::current_exe().map_err(|why| Failure::other(format!("which program am I? {why}")))?;
        let regentd = crate::door::regentd_at().unwrap_or_else(|_| "/usr/sbin/regentd".into());
        let shipped = shipped(&own);
        match &init.prefix {
            _ if init.user => Self::user(|name| std::env::var_os(name), shipped, regentd),
            Some(prefix) => {
                let prefix = std::path::absolute(prefix);
                let prefix = prefix.map_err(|why| Failure::usage(format!("--prefix: {why}")))?;
                Ok(Self::below(&prefix, Kind::Trial, shipped, regentd))
            }
            None if rustix::process::geteuid().is_root() => {
                Ok(Self::below(Path::new("/"), Kind::Machine, shipped, regentd))
            }
            None => Err(Failure {
                advice: Some("say it as root, or for a daemon of your own: regent init --user".into()),
                ..Failure::usage("a daemon for this machine is root's")
            }),
        }
    }

    fn below(root: &Path, kind: Kind, shipped: Option<PathBuf>, regentd: PathBuf) -> Self {
        let units = root.join("etc/systemd/system");
        let served = kind == Kind::Trial || units.is_dir() || Path::new("/run/systemd/system").is_dir();
        Self {
            kind,
            etc: root.join("etc/regent"),
            state: root.join("var/lib/regent"),
            run: root.join("run/regent"),
            run_admin: root.join("run/regent-admin"),
            plugins: vec![shipped.unwrap_or_else(|| root.join("usr/lib/regent/plugins"))],
            units: served.then_some(units),
            regentd,
        }
    }

    /// By the XDG Base Directory Specification; where nothing is for what lives as long as a login, beside the state.
    fn user(
        variable: impl Fn(&str) -> Option<OsString>,
        shipped: Option<PathBuf>,
        regentd: PathBuf,
    ) -> Result<Self, Failure> {
        let given = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = given("HOME").ok_or_else(|| Failure::usage("HOME is not set: set it to your home folder"))?;
        let at = |name: &str, usual: &str| given(name).unwrap_or_else(|| home.join(usual));
        let config = at("XDG_CONFIG_HOME", ".config");
        let state = at("XDG_STATE_HOME", ".local/state").join("regent");
        let run = given("XDG_RUNTIME_DIR").unwrap_or_else(|| state.join("run"));
        let own = at("XDG_DATA_HOME", ".local/share").join("regent/plugins");
        Ok(Self {
            kind: Kind::User,
            etc: config.join("regent"),
            run: run.join("regent"),
            run_admin: run.join("regent-admin"),
            state,
            plugins: shipped.into_iter().chain([own]).collect(),
            units: Some(config.join("systemd/user")),
            regentd,
        })
    }

    pub(super) fn config(&self) -> PathBuf {
        self.etc.join("regent.toml")
    }

    pub(super) fn grants(&self) -> PathBuf {
        self.etc.join("plugins")
    }

    pub(super) fn secret(&self) -> PathBuf {
        self.etc.join("local.secret")
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.run.join("local/regent.sock")
    }

    pub(super) fn admin(&self) -> PathBuf {
        self.run_admin.join("admin.sock")
    }
}

/// The folder of the plugins that came with this program.
fn shipped(own: &Path) -> Option<PathBuf> {
    let above = own.parent()?.parent()?;
    ["plugins", "lib/regent/plugins"].iter().map(|name| above.join(name)).find(|folder| folder.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(variables: &'static [(&str, &str)]) -> Result<Layout, Failure> {
        let variable = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        Layout::user(variable, None, "/usr/sbin/regentd".into())
    }

    #[test]
    fn a_users_files_are_where_the_xdg_variables_say_or_below_home() {
        let home = user(&[("HOME", "/home/anna")]).unwrap();
        assert_eq!(home.config(), Path::new("/home/anna/.config/regent/regent.toml"));
        assert_eq!(home.socket(), Path::new("/home/anna/.local/state/regent/run/regent/local/regent.sock"));
        let set = user(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/c"), ("XDG_RUNTIME_DIR", "/r")]).unwrap();
        assert_eq!((set.config(), set.admin()), ("/c/regent/regent.toml".into(), "/r/regent-admin/admin.sock".into()));
        let relative = user(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "c")]).unwrap();
        assert_eq!(relative.config(), Path::new("/h/.config/regent/regent.toml"));
        assert_eq!(user(&[]).err().unwrap().ending.number(), 2);
    }

    #[test]
    fn plugins_that_came_with_the_program_are_found_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("bin/regent");
        assert_eq!(shipped(&own), None);
        std::fs::create_dir_all(folder.path().join("lib/regent/plugins")).unwrap();
        assert_eq!(shipped(&own), Some(folder.path().join("lib/regent/plugins")));
        std::fs::create_dir(folder.path().join("plugins")).unwrap();
        assert_eq!(shipped(&own), Some(folder.path().join("plugins")));
    }
}
