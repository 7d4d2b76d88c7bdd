//! Which socket, and which secret. The secret comes from a file or from `REGENT_SECRET`, is never shown, and is wiped.

use std::ffi::OsString;
use std::io::Read as _;
use std::iter;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::arguments::Place;
use crate::ending::{Ending, Failure};

/// Where an admin socket usually is, below `/run` or a user's own folder of such things.
const ADMIN_SOCKET_BELOW: &str = "regent-admin/admin.sock";

/// Where the request socket is that `regent init` makes, likewise; and its secret, below `/etc` or a user's own
/// settings.
const LOCAL_SOCKET_BELOW: &str = "regent/local/regent.sock";
const LOCAL_SECRET_BELOW: &str = "regent/local.secret";

/// Bytes of a secret file: what a request could hold.
const SECRET_FILE_MAX: u64 = 64 << 10;

impl Place {
    /// The request socket, and its secret. The secret of the usual socket is for that alone: another that is named here
    /// could be anybody's.
    pub(crate) fn request_socket(&self) -> Result<(PathBuf, Zeroizing<String>), Failure> {
        if let Some(path) = given(&self.socket) {
            return Ok((path.to_owned(), self.secret()?));
        }
        let usual = usual_sockets().into_iter().find(|(socket, _)| socket.exists());
        let (socket, secret) = usual.ok_or_else(|| {
            no_daemon(format!(
                "which daemon? there is no /run/{LOCAL_SOCKET_BELOW}: start regentd, or give --socket PATH or set REGENT_SOCKET"
            ))
        })?;
        let own = given(&self.secret_file).is_some() || std::env::var_os("REGENT_SECRET").is_some();
        let secret = if own { self.secret()? } else { of_file(&secret)? };
        Ok((socket, secret))
    }

    /// The admin socket.
    pub(crate) fn admin_socket(&self) -> Result<PathBuf, Failure> {
        let usual = || {
            let own = std::env::var_os("XDG_RUNTIME_DIR").map(|folder| Path::new(&folder).join(ADMIN_SOCKET_BELOW));
            first_there(iter::once(Path::new("/run").join(ADMIN_SOCKET_BELOW)).chain(own))
        };
        given(&self.admin).map(Path::to_owned).or_else(usual).ok_or_else(|| {
            no_daemon(format!(
                "which daemon? there is no /run/{ADMIN_SOCKET_BELOW}: start regentd, or give --admin PATH or set REGENT_ADMIN"
            ))
        })
    }

    /// The request socket's secret.
    fn secret(&self) -> Result<Zeroizing<String>, Failure> {
        match given(&self.secret_file) {
            Some(path) => of_file(path),
            None => of_variable(std::env::var_os("REGENT_SECRET")),
        }
    }
}

/// Where nobody named a socket, none at the usual places is no daemon there.
fn no_daemon(words: String) -> Failure {
    Failure { words, ending: Ending::NoDaemon, advice: None }
}

/// What `regent init` makes for the machine, and for a user alone: a socket, and the file of its secret.
fn usual_sockets() -> Vec<(PathBuf, PathBuf)> {
    let below = |run: &Path, config: &Path| (run.join(LOCAL_SOCKET_BELOW), config.join(LOCAL_SECRET_BELOW));
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")));
    let own = folder("XDG_RUNTIME_DIR").zip(config).map(|(run, config)| below(&run, &config));
    iter::once(below(Path::new("/run"), Path::new("/etc"))).chain(own).collect()
}

/// The first of the places that is there. One that this user may not even look for comes after those that it can see,
/// but before none: "Permission denied" is a better answer than "which daemon?".
fn first_there(places: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    let mut hidden = None;
    for place in places.filter(|place| place.is_absolute()) {
        match place.try_exists() {
            Ok(true) => return Some(place),
            Ok(false) => {}
            Err(_) => hidden = hidden.or(Some(place)),
        }
    }
    hidden
}

/// A path that was given and is not empty, as a variable set to nothing is.
fn given(path: &Option<PathBuf>) -> Option<&Path> {
    path.as_deref().filter(|path| !path.as_os_str().is_empty())
}

/// The first line of a file that may hold several, all of them valid.
fn of_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    std::fs::File::open(path).and_then(|file| file.take(SECRET_FILE_MAX).read_to_string(&mut text)).map_err(
        |error| Failure {
            advice: (error.kind() == std::io::ErrorKind::PermissionDenied).then(|| {
                "only its owner and its group may read it: ask the administrator for a copy of your own".into()
            }),
            ..Failure::other(format!("{}: {error}", path.display()))
        },
    )?;
    let first = text.lines().find(|line| !line.is_empty());
    let first = first.ok_or_else(|| Failure::other(format!("{}: no secret in it", path.display())))?;
    Ok(Zeroizing::new(first.to_owned()))
}

fn of_variable(value: Option<OsString>) -> Result<Zeroizing<String>, Failure> {
    let secret = value.filter(|secret| !secret.is_empty()).ok_or_else(|| {
        Failure::usage("which secret? give --secret-file PATH, or set REGENT_SECRET_FILE or REGENT_SECRET")
    })?;
    secret.into_string().map(Zeroizing::new).map_err(|_| Failure::usage("REGENT_SECRET is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_secret_file_is_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        for (text, secret) in [("one", "one"), ("one\ntwo\n", "one"), ("\r\n\n one \r\n", " one ")] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(of_file(&path).unwrap().as_str(), secret);
        }
        std::fs::write(&path, "\n").unwrap();
        assert!(of_file(&path).unwrap_err().words.ends_with("no secret in it"));
        assert!(of_file(&folder.path().join("none")).is_err());
    }

    #[test]
    fn of_the_usual_places_the_first_that_is_there_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let [absent, one, two] = ["absent", "one", "two"].map(|name| folder.path().join(name));
        std::fs::write(&one, "").unwrap();
        std::fs::write(&two, "").unwrap();
        // What cannot be looked for stands for a folder that this user may not enter.
        let hidden = one.join("x".repeat(300));
        let first = |places: &[&PathBuf]| first_there(places.iter().map(|place| (*place).clone()));
        assert_eq!(first(&[&absent, &one, &two]), Some(one.clone()));
        assert_eq!(first(&[&hidden, &two]), Some(two));
        assert_eq!(first(&[&absent, &hidden]), Some(hidden));
        assert_eq!(first(&[&absent, &PathBuf::from("Cargo.toml")]), None);
    }

    #[test]
    fn a_missing_secret_is_wrong_usage_that_says_what_to_give() {
        assert_eq!(of_variable(None).unwrap_err().ending.number(), 2);
        assert_eq!(of_variable(Some("x".into())).unwrap().as_str(), "x");
    }
}
