//! The administrator's files: the configuration as it stands, and where another file belongs. They are read and written
//! by the door that the daemon reads them by, so what it would not believe is not built upon here either.

use std::path::{Path, PathBuf};

use regent_files::{Folder, Standing, Untrusted};
use regent_grants::Config;
use zeroize::Zeroizing;

use crate::ending::Failure;
use crate::output;

/// regent.toml without a mistake.
pub(crate) struct Configuration {
    /// The folder that it is in.
    pub(crate) folder: Folder,
    /// Its name there.
    pub(crate) name: String,
    /// It may hold secrets.
    pub(crate) text: Zeroizing<String>,
    /// The file as it was read.
    pub(crate) standing: Standing,
    /// What it says.
    pub(crate) config: Config,
}

impl Configuration {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let nothing = |failure: Failure| match path.try_exists() {
            Ok(false) => Failure {
                advice: Some("name it with --config FILE, or write a first one: regent init".into()),
                ..failure
            },
            _ => failure,
        };
        let (folder, name) = place(path).map_err(nothing)?;
        let (text, standing) = folder.read(&name).map_err(|why| nothing(said(why)))?;
        let text = Zeroizing::new(text);
        let config = parse(&folder.path().join(&name), &text)?;
        Ok(Self { folder, name, text, standing, config })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    /// Where grants files are.
    pub(crate) fn grants_folders(&self) -> Vec<&Path> {
        match &self.config.grants {
            Some(folder) => vec![folder],
            None => self.config.plugins.iter().map(PathBuf::as_path).collect(),
        }
    }
}

/// A configuration's text, whose mistakes are said.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Config, Failure> {
    let file = path.display().to_string();
    Config::parse(&file, text).map(|checked| checked.value).map_err(|mistakes| {
        mistakes.iter().for_each(|mistake| output::complain(&mistake.to_string()));
        Failure::other(format!("{file}: nothing is done while it has mistakes"))
    })
}

/// A file's folder, judged, and its name in it.
pub(crate) fn place(path: &Path) -> Result<(Folder, String), Failure> {
    let path = std::path::absolute(path).map_err(|why| Failure::other(format!("{}: {why}", path.display())))?;
    let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let (Some(folder), Some(name)) = (path.parent(), name) else {
        return Err(Failure::usage(format!("{}: names no file", path.display())));
    };
    Ok((Folder::open(folder).map_err(said)?, name))
}

/// What is wrong with a file or its folder, and whose business it is.
pub(crate) fn said(why: Untrusted) -> Failure {
    let denied = match &why {
        Untrusted::Failed(_, errno) => [rustix::io::Errno::ACCESS, rustix::io::Errno::PERM].contains(errno),
        why => matches!(why, Untrusted::Closed(_)),
    };
    let advice = denied.then(|| "say it as root, or as the user whose file this is".to_owned());
    Failure { advice, ..Failure::other(why.to_string()) }
}

/// A path as text, for a file that can hold nothing else.
pub(crate) fn text(path: &Path) -> Result<&str, Failure> {
    let plain = path.to_str().filter(|path| !path.contains(char::is_control));
    plain.ok_or_else(|| Failure::usage(format!("{:?}: a configuration cannot name such a path", path)))
}

/// A text as TOML writes it.
pub(crate) fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}
