//! The texts that a trial reads: grants files, regent.toml and Cargo.toml. All of it is done with the rights of who
//! tries, so for root nothing is parsed that somebody else could have written.

use std::fmt::{self, Display};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use regent_files::{Trusted, Untrusted};
use regent_grants::{Config, Mistake, Mistakes};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// The largest Cargo.toml, regent.toml or grants file.
const TEXT_MAX: u64 = 1 << 20;

/// Why a text does not serve.
#[derive(Debug)]
pub(crate) enum FileError {
    /// The present folder is unknown, or no name was given.
    Name(io::Error),
    /// It cannot be read.
    Io(PathBuf, io::Error),
    /// Somebody else can change it, or it cannot be opened.
    Untrusted(Untrusted),
    /// Root does not follow what somebody else may have linked.
    Link(PathBuf),
    NotAFile(PathBuf),
    TooLarge(PathBuf),
    /// Root does not parse it, for this reason.
    NotForRoot(Box<FileError>),
    /// Root does not run commands by it, for this reason.
    NotForCommands(Box<FileError>),
    /// All that is wrong in it.
    Mistakes(Vec<Mistake>),
}

impl Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(why) => write!(f, "{why}"),
            Self::Io(path, why) => write!(f, "{}: {why}", path.display()),
            Self::Untrusted(why) => write!(f, "{why}"),
            Self::Link(path) => {
                let path = path.display();
                write!(f, "{path}: is a symbolic link: root follows it only where it is named, with --grants")
            }
            Self::NotAFile(path) => write!(f, "{}: is not a file", path.display()),
            Self::TooLarge(path) => write!(f, "{}: is larger than 1 MiB", path.display()),
            Self::NotForRoot(why) => write!(f, "{why}. Root reads it only if nobody else can change it"),
            Self::NotForCommands(why) => {
                write!(f, "{why}. Root runs commands only by files that nobody else can change")
            }
            Self::Mistakes(mistakes) => {
                let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

impl From<Untrusted> for FileError {
    fn from(why: Untrusted) -> Self {
        Self::Untrusted(why)
    }
}

impl From<Mistakes> for FileError {
    fn from(mistakes: Mistakes) -> Self {
        Self::Mistakes(mistakes.iter().cloned().collect())
    }
}

/// A file's text, as it was read while that was allowed.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Text {
    /// A grants file, or the regent.toml to it. For root's commands grants count only if nobody else could have written
    /// them.
    pub(crate) fn read(path: &Path, believed: bool) -> Result<Self, FileError> {
        Self::by(path, believed, read_text)
    }

    /// The same of the file that was found beside the module.
    pub(crate) fn beside(path: &Path, believed: bool) -> Result<Self, FileError> {
        Self::by(path, believed, read_beside)
    }

    fn by(path: &Path, believed: bool, read: fn(&Path) -> Result<String, FileError>) -> Result<Self, FileError> {
        let text = match believed {
            false => read(path)?,
            true => read_believed(path).map_err(|why| FileError::NotForCommands(Box::new(why)))?,
        };
        Ok(Self { path: path.to_path_buf(), text })
    }
}

/// regent.toml, read for its names alone.
pub(crate) fn read_config(path: &Path, text: &str) -> Result<Config, FileError> {
    Ok(Config::parse(&path.display().to_string(), text)?.value)
}

/// A text that is parsed while this process may still be root.
pub(crate) fn read_as_root(path: &Path) -> Result<String, FileError> {
    if !rustix::process::geteuid().is_root() {
        return read_text(path);
    }
    read_believed(path).map_err(|why| if path.exists() { FileError::NotForRoot(Box::new(why)) } else { why })
}

/// A whole text file that counts only if nobody else could have written it.
fn read_believed(path: &Path) -> Result<String, FileError> {
    let path = std::path::absolute(path).map_err(FileError::Name)?;
    Ok(Trusted::open(&path).and_then(Trusted::text)?)
}

/// A text that nobody named. Whoever has the folder may have made it a link to what only root reads, or a pipe to wait
/// for.
fn read_beside(path: &Path) -> Result<String, FileError> {
    if !rustix::process::geteuid().is_root() {
        return read_text(path);
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).map(File::from).map_err(|why| match why {
        Errno::LOOP => FileError::Link(path.to_path_buf()),
        why => FileError::Io(path.to_path_buf(), why.into()),
    })?;
    if !file.metadata().is_ok_and(|found| found.is_file()) {
        return Err(FileError::NotAFile(path.to_path_buf()));
    }
    text_of(path, file)
}

/// A whole text file.
fn read_text(path: &Path) -> Result<String, FileError> {
    text_of(path, File::open(path).map_err(|why| FileError::Io(path.to_path_buf(), why))?)
}

fn text_of(path: &Path, file: File) -> Result<String, FileError> {
    let mut text = String::new();
    let read = file.take(TEXT_MAX + 1).read_to_string(&mut text);
    read.map_err(|why| FileError::Io(path.to_path_buf(), why))?;
    if text.len() as u64 > TEXT_MAX { Err(FileError::TooLarge(path.to_path_buf())) } else { Ok(text) }
}
