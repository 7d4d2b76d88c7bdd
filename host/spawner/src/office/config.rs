//! regent.toml, read for this process' own use; and opened for the daemon, which may not.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use regent_files::{Trusted, Untrusted};
use regent_grants::{Config, SecretSource};
use regent_spawner::Refused;
use zeroize::Zeroizing;

/// regent.toml: as the daemon lives by it, and as it was opened last.
pub(super) struct ConfigFile {
    path: PathBuf,
    credentials: Option<PathBuf>,
    /// As the daemon lives by it.
    current: Option<Config>,
    /// As it was opened last.
    next: Option<Config>,
}

/// What there was to read.
struct Read {
    /// `None`: it has mistakes, which the daemon tells.
    config: Option<Config>,
    /// The very file, for whoever reads it too.
    file: File,
}

/// Opens and reads it. Its secrets are wiped as soon as it is parsed; nothing here needs them.
fn read(path: &Path) -> Result<Read, Untrusted> {
    let file = Trusted::open(path)?;
    let text = Zeroizing::new(file.look()?);
    let mut config = Config::parse(&path.display().to_string(), &text).ok().map(|checked| checked.value);
    config.iter_mut().for_each(Config::forget_secrets);
    Ok(Read { config, file: file.into_file() })
}

impl ConfigFile {
    /// Opens it; only what it says, for the daemon tells what is wrong with it.
    pub(super) fn open(path: PathBuf, credentials: Option<PathBuf>) -> Self {
        let current = read(&path).ok().and_then(|read| read.config);
        Self { path, credentials, current, next: None }
    }

    /// As the daemon lives by it; `None`: no such file without mistakes was read yet.
    pub(super) fn current(&self) -> Option<&Config> {
        self.current.as_ref()
    }

    /// What was opened last, if the daemon may be about to live by that, before what it lives by.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Config> {
        [&self.next, &self.current].into_iter().flatten()
    }

    /// What is said where there is no configuration to act by.
    pub(super) fn none(&self) -> Refused {
        Refused::Because(format!("{}: the spawner has read no regent.toml without mistakes yet", self.path.display()))
    }

    /// The file at this path, if it is regent.toml, or a secret file that this names.
    pub(super) fn open_file(&mut self, path: &Path) -> Result<OwnedFd, Refused> {
        if path == self.path {
            let read = read(path)?;
            self.next = read.config;
            return Ok(read.file.into());
        }
        let credentials = self.credentials.as_deref();
        let named = self.newest_first().any(|config| names(config, credentials, path));
        if !named {
            return Err(Refused::Because(format!("{}: regent.toml names no such file", path.display())));
        }
        Ok(Trusted::open(path)?.into_file().into())
    }

    /// Lives by what was opened last; only where what a start needs root for was done.
    pub(super) fn adopt(&mut self, prepared: bool) -> Result<(), Refused> {
        if !prepared {
            let why = format!("{}: has changed while the daemon started: start it again", self.path.display());
            return Err(Refused::Because(why));
        }
        let next = self.next.take().ok_or_else(|| self.none())?;
        let fixed = self.current.as_ref().map(|config| config.fixed_otherwise(&next)).unwrap_or_default();
        if let Some(key) = fixed.first() {
            return Err(Refused::Because(format!("{}: {key} has changed: restart needed", self.path.display())));
        }
        self.current = Some(next);
        Ok(())
    }

    /// What was opened last is not lived by.
    pub(super) fn forget(&mut self) {
        self.next = None;
    }
}

fn names(config: &Config, credentials: Option<&Path>, path: &Path) -> bool {
    let is = |source: &SecretSource| match source {
        SecretSource::File(file) => file == path,
        SecretSource::Credential(name) => credentials.is_some_and(|folder| folder.join(name) == path),
        SecretSource::Text(_) => false,
    };
    config.sockets.iter().any(|socket| is(&socket.secret))
}
