//! Secrets of sockets: made here from the kernel's own source, written into files that only their owner reads, and
//! never shown unless somebody says so.

use std::path::Path;

use regent_files::Untrusted;
use regent_grants::SecretSource;
use regent_protocol::visible;
use zeroize::Zeroizing;

use crate::arguments::{SecretNew, SecretRotate};
use crate::ending::{Ending, Failure};
use crate::files::{self, Configuration};
use crate::output;

/// Nobody guesses so many.
const BYTES: usize = 32;

/// Only its owner reads it.
pub(crate) const MODE: u32 = 0o600;

/// A secret that nobody has seen, as hexadecimal digits.
pub(crate) fn fresh() -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    let read = rustix::rand::getrandom(bytes.as_mut_slice(), rustix::rand::GetRandomFlags::empty());
    match read {
        Ok(BYTES) => Ok(Zeroizing::new(hex::encode(bytes.as_slice()))),
        Ok(_) => Err(Failure::other("the kernel gave too few random bytes: say it again")),
        Err(why) => Err(Failure::other(format!("random bytes: {why}"))),
    }
}

pub(crate) fn new(new: &SecretNew) -> Result<Ending, Failure> {
    let secret = fresh()?;
    let Some(file) = &new.file else { return output::print(&secret).map(|()| Ending::Done) };
    let (folder, name) = files::place(file)?;
    folder.create(&name, MODE, None, line(&secret).as_bytes()).map_err(|why| match why {
        Untrusted::Failed(path, rustix::io::Errno::EXIST) => {
            Failure::other(format!("{}: is there already, and is left as it is", path.display()))
        }
        why => files::said(why),
    })?;
    Ok(Ending::Done)
}

pub(crate) fn rotate(rotate: &SecretRotate) -> Result<Ending, Failure> {
    let configuration = Configuration::read(&rotate.config.config)?;
    let path = secret_file(&configuration, &rotate.name)?;
    let (folder, name) = files::place(path)?;
    let (text, standing) = folder.read(&name).map_err(files::said)?;
    let text = Zeroizing::new(text);
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let socket = visible::argument(&rotate.name);
    let shown = path.display().to_string();
    let shown = visible::line(&shown);
    if rotate.finish {
        let newest = lines().next().filter(|_| lines().count() > 1);
        let newest = newest.ok_or_else(|| {
            Failure::other(format!("{shown}: has no second secret: regent secret rotate {socket} adds one"))
        })?;
        folder.replace(&name, &standing, line(newest).as_bytes()).map_err(files::said)?;
        output::advise_all(&format!(
            "{shown}: only the newest secret is left\nNext:\n    regent reload    # from then on no other opens the socket"
        ));
        return Ok(Ending::Done);
    }
    let secret = fresh()?;
    let all = Zeroizing::new(line(&secret).to_string() + &text);
    folder.replace(&name, &standing, all.as_bytes()).map_err(files::said)?;
    if rotate.show {
        output::print(&secret)?;
    }
    output::advise_all(&format!(
        "{shown}: a fresh secret is its first line, and {}\nNext:\n    \
         regent reload    # from then on the daemon knows it\n    \
         head -n 1 {}    # what each client gets; a container that mounts the file sees it after its own restart\n    \
         regent secret rotate {socket} --finish    # once no client has an old one",
        match lines().count() {
            1 => "the one before it stays valid".to_owned(),
            more => format!("the {more} before it stay valid"),
        },
        visible::argument(&path.display().to_string())
    ));
    Ok(Ending::Done)
}

/// Where the secrets of this socket are.
fn secret_file<'a>(configuration: &'a Configuration, socket: &str) -> Result<&'a Path, Failure> {
    let file = configuration.path();
    let sockets = &configuration.config.sockets;
    let Some(found) = sockets.iter().find(|known| known.name == socket) else {
        let names: Vec<&str> = sockets.iter().map(|socket| socket.name.as_str()).collect();
        return Err(Failure::other(format!(
            "{}: no socket is called {socket}: it has {}",
            file.display(),
            names.join(", ")
        )));
    };
    match &found.secret {
        SecretSource::File(path) => Ok(path),
        SecretSource::Text(_) => Err(Failure::other(format!(
            "{}:{}: the secret of {socket} is in this file: put it into one of its own, and name that as secret_file",
            file.display(),
            found.line
        ))),
        SecretSource::Credential(name) => Err(Failure::other(format!(
            "{}:{}: the secret of {socket} is the credential {name}, which systemd hands over: write a new one into the file that \
             LoadCredential= of the unit of regentd names, or encrypt it anew, and restart regentd",
            file.display(),
            found.line
        ))),
    }
}

/// As a secret file has it.
pub(crate) fn line(secret: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("{secret}\n"))
}
