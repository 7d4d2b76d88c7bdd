//! regent.toml, read for this process' own use; and opened for the daemon, which may not.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use regent_files::{Trusted, Untrusted};
use regent_grants::{Config, SecretSource};
use regent_spawner::Refused;
use zeroize::Zeroizing;

use super::Office;

/// What there was to read.
pub(super) struct Read {
    /// `None`: it has mistakes, which the daemon tells.
    pub(super) config: Option<Config>,
    /// The very file, for whoever reads it too.
    file: File,
}

/// Opens and reads it. Its secrets are wiped as soon as it is parsed; nothing here needs them.
pub(super) fn read(path: &Path) -> Result<Read, Untrusted> {
    let file = Trusted::open(path)?;
    let text = Zeroizing::new(file.look()?);
    let mut config = Config::parse(&path.display().to_string(), &text).ok().map(|checked| checked.value);
    config.iter_mut().for_each(Config::forget_secrets);
    Ok(Read { config, file: file.into_file() })
}

/// What is said where there is no configuration to act by.
pub(super) fn none(path: &Path) -> Refused {
    Refused::Because(format!("{}: the spawner has read no regent.toml without mistakes yet", path.display()))
}

pub(super) fn refused(why: Untrusted) -> Refused {
    match why {
        Untrusted::Missing(path) => Refused::Missing(path),
        why => Refused::Because(why.to_string()),
    }
}

impl Office {
    /// The file at this path, if it is regent.toml, or a secret file that this names.
    pub(super) fn open_file(&mut self, path: &Path) -> Result<OwnedFd, Refused> {
        if path == self.path {
            let read = read(path).map_err(refused)?;
            self.next = read.config;
            return Ok(read.file.into());
        }
        let credentials = self.credentials.as_deref();
        let named = [&self.next, &self.config].into_iter().flatten().any(|config| names(config, credentials, path));
        if !named {
            return Err(Refused::Because(format!("{}: regent.toml names no such file", path.display())));
        }
        Ok(trusted(path)?.into())
    }

    pub(super) fn adopt(&mut self) -> Result<(), Refused> {
        if self.kept.is_none() {
            let why = format!("{}: has changed while the daemon started: start it again", self.path.display());
            return Err(Refused::Because(why));
        }
        let next = self.next.take().ok_or_else(|| none(&self.path))?;
        let fixed = self.config.as_ref().map(|config| config.fixed_otherwise(&next)).unwrap_or_default();
        if let Some(key) = fixed.first() {
            return Err(Refused::Because(format!("{}: {key} has changed: restart needed", self.path.display())));
        }
        self.config = Some(next);
        Ok(())
    }

    /// What was opened last is not lived by.
    pub(super) fn forget(&mut self) {
        self.next = None;
    }
}

fn trusted(path: &Path) -> Result<File, Refused> {
    Trusted::open(path).map(Trusted::into_file).map_err(refused)
}

fn names(config: &Config, credentials: Option<&Path>, path: &Path) -> bool {
    let is = |source: &SecretSource| match source {
        SecretSource::File(file) => file == path,
        SecretSource::Credential(name) => credentials.is_some_and(|folder| folder.join(name) == path),
        SecretSource::Text(_) => false,
    };
    config.sockets.iter().any(|socket| is(&socket.secret))
}
