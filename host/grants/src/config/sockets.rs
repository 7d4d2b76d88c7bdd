//! Request sockets, each with its secret and its view, and the admin socket.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::apart::{self, At, Place};
use super::secret::{Secret, weak_secret};
use super::top_level::{misplaced, nowhere};
use crate::sheet::table::Table;
use crate::sheet::value::Value;

const MODE: u32 = 0o660;

/// `sun_path` of unix(7), less its final NUL.
const PATH_MAX: usize = 107;

/// A request socket.
#[derive(Debug)]
pub struct Socket {
    /// Its name, which stands in records and logs.
    pub name: String,
    /// Absolute, in a folder that no other socket is in.
    pub path: PathBuf,
    /// Permission bits.
    pub mode: u32,
    /// Name or number; `None`: the daemon's own.
    pub group: Option<String>,
    /// What opens it.
    pub secret: SecretSource,
    /// What may be asked on it.
    pub operations: Visible,
    /// Whether its peers' uids mean users of this machine.
    pub trust_peer_uid: bool,
    /// Where it stands in the file.
    pub line: usize,
    /// Where `operations` does.
    pub operations_line: usize,
    /// Where `trust_peer_uid` does, if it is there.
    pub trust_line: Option<usize>,
}

/// Where a secret is.
#[derive(Debug)]
pub enum SecretSource {
    /// In a file, one a line, all valid.
    File(PathBuf),
    /// In regent.toml itself.
    Text(Secret),
    /// Where the service manager puts what it hands over: a file of this name there, like any secret file.
    Credential(String),
}

/// What stands before a credential's name.
const CREDENTIAL: &str = "credential:";
/// systemd's limit, which is that of a file's name.
const CREDENTIAL_MAX: usize = 255;

/// The operations of a socket, under the names that callers use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visible {
    /// All that are granted.
    All,
    /// These.
    Only(BTreeSet<String>),
}

impl Visible {
    /// Whether this operation may be asked for.
    #[must_use]
    pub fn sees(&self, operation: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(operations) => operations.contains(operation),
        }
    }
}

/// The admin socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Absolute, in no request socket's folder.
    pub path: PathBuf,
    /// Permission bits.
    pub mode: u32,
    /// Name or number; `None`: the daemon's own.
    pub group: Option<String>,
}

/// The admin socket, and the line of its path.
pub(super) fn admin(value: &Value<'_>) -> Option<At<Admin>> {
    let mut table = value.table("[admin]")?;
    let path = table.need("path", "path = \"/run/regent-admin/admin.sock\"", socket_path);
    let mode = mode(&mut table);
    let group = table.read("group", Value::account_or_id);
    misplaced(&mut table, nowhere);
    table.finish(&[]);
    let (path, line) = path?;
    Some((Admin { path, mode, group }, line))
}

pub(super) fn read(root: &mut Table<'_>, admin: Option<&At<Admin>>) -> Vec<Socket> {
    let Some(list) = root.take("sockets") else {
        root.mistake("there is no socket, so nobody could ask: add [[sockets]]");
        return Vec::new();
    };
    if let DeValue::Table(_) = list.raw() {
        list.mistake("sockets is a table: write [[sockets]], in two brackets, since there can be several");
        return Vec::new();
    }
    let list = list.list_of_some("nobody could ask: add [[sockets]]").unwrap_or_default();
    let (places, sockets): (Vec<_>, Vec<_>) = list.iter().map(socket).unzip();
    apart::judge(root.sheet, &places, admin.map(|(admin, line)| (admin.path.clone(), *line)).as_ref());
    sockets.into_iter().flatten().collect()
}

fn socket(value: &Value<'_>) -> (Place, Option<Socket>) {
    let Some(mut table) = value.table("[[sockets]]") else { return (Place::default(), None) };
    let name = |value: &Value<'_>| Some((value.name()?.to_owned(), value.line));
    let name = table.need("name", "name = \"web\"", name);
    let path = table.need("path", "path = \"/run/regent/web/regent.sock\"", socket_path);
    let mode = mode(&mut table);
    let group = table.read("group", Value::account_or_id);
    let secret = secret(&mut table);
    let operations = table.need("operations", "operations = [\"whoami\"], or [\"*\"] for all", |value| {
        Some((visible(value)?, value.line))
    });
    let trust = table.take("trust_peer_uid");
    let trust_peer_uid = trust.as_ref().and_then(Value::boolean).unwrap_or(true);
    if matches!(operations, Some((Visible::All, _))) && !trust_peer_uid {
        let text = "operations = [\"*\"] where peers' uids are not trusted: all that is granted is asked for with the secret \
                    alone: name the operations";
        value.sheet.warning(value.line, text);
    }
    misplaced(&mut table, nowhere);
    table.finish(&["rate"]);
    let place = Place { name, path };
    let socket = match (&place, secret, operations) {
        (Place { name: Some((name, _)), path: Some((path, _)) }, Some(secret), Some((operations, operations_line))) => {
            let (name, path, line) = (name.clone(), path.clone(), value.line);
            let trust_line = trust.map(|trust| trust.line);
            Some(Socket {
                name,
                path,
                mode,
                group,
                secret,
                operations,
                trust_peer_uid,
                line,
                operations_line,
                trust_line,
            })
        }
        _ => None,
    };
    (place, socket)
}

fn socket_path(value: &Value<'_>) -> Option<At<PathBuf>> {
    let path = value.file_path()?;
    if path.as_os_str().len() > PATH_MAX {
        value
            .mistake(format!("path is longer than the {PATH_MAX} bytes that a socket's may have: write a shorter one"));
    }
    if path.parent() == Some(Path::new("/")) {
        value.mistake("path is in /: give the socket a folder of its own");
    }
    Some((path, value.line))
}

fn mode(table: &mut Table<'_>) -> u32 {
    let Some(value) = table.take("mode") else { return MODE };
    let mode = value.mode("mode = \"0660\"").unwrap_or(MODE);
    if mode & 0o002 != 0 {
        let text = "every user of this machine may connect: write mode = \"0660\" and group";
        value.sheet.warning(value.line, text);
    }
    mode
}

fn secret(table: &mut Table<'_>) -> Option<SecretSource> {
    let (text, file) = (table.take("secret"), table.take("secret_file"));
    match (text, file) {
        (Some(text), None) => written(&text),
        (None, Some(file)) => secret_file(&file),
        (Some(_), Some(file)) => {
            file.mistake("secret and secret_file: keep one of them");
            None
        }
        (None, None) => {
            table.mistake("[[sockets]] has no secret: write secret_file = \"/etc/regent/web.secret\"");
            None
        }
    }
}

/// Whoever took the key for the secret itself must not read it in a log.
fn secret_file(value: &Value<'_>) -> Option<SecretSource> {
    if let Some(name) = value.text()?.strip_prefix(CREDENTIAL) {
        return credential(value, name);
    }
    if !value.text()?.starts_with('/') {
        value.mistake(
            "secret_file is no absolute path: write secret_file = \"/etc/regent/web.secret\", or \"credential:NAME\" for one that \
             systemd hands over",
        );
        return None;
    }
    value.file_path().map(SecretSource::File)
}

/// Less than systemd takes for a name: no spaces, and nothing that leads out of its folder.
fn credential(value: &Value<'_>, name: &str) -> Option<SecretSource> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "._-@".contains(letter);
    let is_name = !name.is_empty() && !name.starts_with('.') && name.len() <= CREDENTIAL_MAX && name.chars().all(fits);
    if !is_name {
        value.mistake(
            "secret_file: a credential's name is made of letters, digits, \".\", \"_\", \"-\" and \"@\" and does not begin with \".\": \
             write secret_file = \"credential:web.secret\"",
        );
        return None;
    }
    Some(SecretSource::Credential(name.to_owned()))
}

fn written(value: &Value<'_>) -> Option<SecretSource> {
    let text = value.text()?;
    if text.trim().is_empty() {
        value.mistake("secret is empty: write 16 random bytes or more, or secret_file = \"/etc/regent/web.secret\"");
        return None;
    }
    value.sheet.warning(value.line, "the secret is in this file, and known to whoever reads it: write secret_file = …");
    if let Some(why) = weak_secret(text) {
        value.sheet.warning(value.line, why);
    }
    Some(SecretSource::Text(Secret::new(text)))
}

fn visible(value: &Value<'_>) -> Option<Visible> {
    let list = value.list_of_some("nothing could be asked: write the operations' names, or [\"*\"] for all")?;
    if let [only] = list.as_slice()
        && only.text()? == "*"
    {
        return Some(Visible::All);
    }
    let mut names = BTreeSet::new();
    for item in &list {
        if item.text() == Some("*") {
            item.mistake("\"*\" means all: write it alone, or take it out");
        } else if let Some(name) = item.name()
            && !names.insert(name.to_owned())
        {
            item.mistake(format!("{name} stands twice: take one out"));
        }
    }
    Some(Visible::Only(names))
}
