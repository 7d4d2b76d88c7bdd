//! `socket add`: a socket of its own for a container or another user, with a secret of its own and only the operations
//! that it needs. The whole configuration is parsed with it first: a mistake writes nothing.

// What a container is told.
mod container;

use std::path::{Path, PathBuf};

use regent_protocol::visible;

use crate::arguments::SocketAdd;
use crate::ending::{Ending, Failure};
use crate::files::{self, Configuration, quoted};
use crate::{output, secret};

/// Where sockets' folders usually are.
const RUN: &str = "/run/regent";

/// Its owner and the group of the socket, whose members need the secret to use it.
const GROUP_MODE: u32 = 0o640;

/// A socket that is to be.
struct Added<'a> {
    add: &'a SocketAdd,
    /// The folder that a container mounts.
    folder: PathBuf,
    secret: PathBuf,
    /// The group's number.
    group: Option<u32>,
}

pub(crate) fn add(add: &SocketAdd) -> Result<Ending, Failure> {
    let configuration = Configuration::read(&add.config.config)?;
    is_new(&add.name, &configuration)?;
    let added = Added::of(add, &configuration)?;
    let table = added.table()?;
    let end = if configuration.text.is_empty() || configuration.text.ends_with('\n') { "" } else { "\n" };
    let whole = zeroize::Zeroizing::new(format!("{}{end}\n{table}", configuration.text.as_str()));
    files::parse(&configuration.path(), &whole)?;
    let name = format!("{}.secret", add.name);
    let folder = &configuration.folder;
    if folder.has(&name).map_err(files::said)? {
        let path = added.secret.display();
        return Err(Failure::other(format!("{path}: is there already: remove it, or name the socket otherwise")));
    }
    if add.print {
        output::complain("nothing was written: --print");
    } else {
        let mode = if added.group.is_some() { GROUP_MODE } else { secret::MODE };
        let fresh = secret::line(&secret::fresh()?);
        folder.create(&name, mode, added.group, fresh.as_bytes()).map_err(files::said)?;
        let written = folder.replace(&configuration.name, &configuration.standing, whole.as_bytes());
        if let Err(why) = written {
            folder.remove(&name).map_err(files::said)?;
            return Err(files::said(why));
        }
    }
    output::print(&added.shown(&configuration.path(), &table)).map(|()| Ending::Done)
}

/// Said before the file with the table in it is judged: its lines are not those of the file that is there.
fn is_new(name: &str, configuration: &Configuration) -> Result<(), Failure> {
    let Some(other) = configuration.config.sockets.iter().find(|socket| socket.name == name) else { return Ok(()) };
    let (path, line) = (configuration.path(), other.line);
    let advice = "name the new one otherwise, or change that table and say regent reload";
    Err(Failure {
        advice: Some(advice.into()),
        ..Failure::other(format!("{}:{line}: socket {name} is there already", path.display()))
    })
}

impl<'a> Added<'a> {
    fn of(add: &'a SocketAdd, configuration: &Configuration) -> Result<Self, Failure> {
        let group = add.group.as_deref().map(number).transpose()?;
        let above = configuration.config.sockets.iter().find_map(|socket| socket.path.parent()?.parent());
        let run = above.filter(|above| above.ends_with("regent")).unwrap_or(Path::new(RUN));
        let secret = configuration.folder.path().join(format!("{}.secret", add.name));
        Ok(Self { add, folder: run.join(&add.name), secret, group })
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("regent.sock")
    }

    /// Whether the mode lets everybody connect. That it is one was seen when the configuration was parsed.
    fn open(&self) -> bool {
        let mode = self.add.mode.as_deref().and_then(|mode| u32::from_str_radix(mode, 8).ok());
        mode.is_some_and(|mode| mode & 0o002 != 0)
    }

    /// As it stands in regent.toml.
    fn table(&self) -> Result<String, Failure> {
        let add = self.add;
        let operations: Vec<String> = add.operations.iter().map(|name| quoted(name)).collect();
        let mut table = format!(
            "[[sockets]]\nname = {}\npath = {}\nsecret_file = {}\noperations = [{}]\n",
            quoted(&add.name),
            quoted(files::text(&self.socket())?),
            quoted(files::text(&self.secret)?),
            operations.join(", ")
        );
        if !add.trust_peer_uid {
            table.push_str("# A container's uids are not this machine's: whoever knows the secret is one caller.\n");
            table.push_str("trust_peer_uid = false\n");
        }
        for (key, value) in [("group", &add.group), ("mode", &add.mode)] {
            if let Some(value) = value {
                table.push_str(&format!("{key} = {}\n", quoted(value)));
            }
        }
        Ok(table)
    }

    /// What was written, and how it is used.
    fn shown(&self, config: &Path, table: &str) -> String {
        let word = |path: &Path| visible::argument(&path.display().to_string());
        let lines: String = table.lines().map(|line| format!("    {}\n", visible::line(line))).collect();
        let used = if self.add.trust_peer_uid {
            let (socket, secret) = (word(&self.socket()), word(&self.secret));
            format!("# Programs beside it:\nexport REGENT_SOCKET={socket} REGENT_SECRET_FILE={secret}\n")
        } else {
            container::lines(&self.folder, &self.secret, self.group)
        };
        let who = match self.group {
            Some(_) => String::new(),
            None if self.open() => format!(
                "Whoever reaches the folder may connect, and needs the secret, which only root reads: for another user in a\n\
                 container mount a copy that is its own: install -m 0400 -o UID {} COPY\n",
                word(&self.secret)
            ),
            None => "Without --group only root may connect, in a container too.\n".to_owned(),
        };
        let allow = if self.add.trust_peer_uid {
            ""
        } else {
            "Operations whose grants have `allow` cannot be asked for here: it names users of this machine.\n"
        };
        format!(
            "{}: a fresh secret, which is not shown\n{}, at its end:\n{lines}\n{who}{allow}Next:\n    regent reload\n\n{used}",
            word(&self.secret),
            word(config),
        )
    }
}

/// A group's number, by name or number.
fn number(group: &str) -> Result<u32, Failure> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    match nix::unistd::Group::from_name(group) {
        Ok(Some(found)) => Ok(found.gid.as_raw()),
        Ok(None) => Err(Failure {
            advice: Some(format!("make it: groupadd --system {}", visible::argument(group))),
            ..Failure::usage(format!("--group: there is no group {group}"))
        }),
        Err(why) => Err(Failure::other(format!("--group {group}: {why}"))),
    }
}
