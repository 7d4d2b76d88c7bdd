//! Users and groups of this machine, by name or number: the one door to the system's databases. A look-up that fails is
//! a refusal, never a default.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CString, NulError};
use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::unistd::{Gid, Group, Uid, User};

/// A user that commands run as, with all that the name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// Its primary group.
    pub gid: u32,
    /// Every group that it is in, its primary one included, in ascending order.
    pub groups: Vec<u32>,
    /// Its home.
    pub home: String,
}

/// Why a user or group was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountError {
    /// The databases have no user of this name or number.
    NoUser(String),
    /// The databases have no group of this name.
    NoGroup(String),
    /// The databases have no user of this process' own number.
    NoOwnUser(u32),
    /// The databases could not be asked for this name or number.
    Database(String, Errno),
    /// The databases could not be asked for this process' own user.
    OwnDatabase(Errno),
    /// This name cannot be handed to the databases.
    Nul(String, NulError),
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUser(name) => write!(f, "there is no user {name}"),
            Self::NoGroup(name) => write!(f, "there is no group {name}"),
            Self::NoOwnUser(uid) => write!(f, "uid {uid} is no user"),
            Self::Database(name, errno) => write!(f, "{name}: {errno}"),
            Self::OwnDatabase(errno) => write!(f, "{errno}"),
            Self::Nul(name, error) => write!(f, "{name}: {error}"),
        }
    }
}

impl std::error::Error for AccountError {}

/// The user that this process is, as it was when first asked.
///
/// # Errors
/// For the administrator: the databases do not know it.
pub fn own() -> Result<Identity, AccountError> {
    static OWN: OnceLock<Result<Identity, AccountError>> = OnceLock::new();
    OWN.get_or_init(look_up_own).clone()
}

fn look_up_own() -> Result<Identity, AccountError> {
    let uid = Uid::effective();
    let found = User::from_uid(uid).map_err(AccountError::OwnDatabase)?;
    let user = found.ok_or(AccountError::NoOwnUser(uid.as_raw()))?;
    let mut groups: Vec<u32> =
        nix::unistd::getgroups().map_err(AccountError::OwnDatabase)?.into_iter().map(Gid::as_raw).collect();
    groups.push(Gid::effective().as_raw());
    Ok(identity(user, groups))
}

/// A user by name or number.
///
/// # Errors
/// For the administrator: there is no such user.
pub fn user(name: &str) -> Result<Identity, AccountError> {
    let failed = |errno| AccountError::Database(name.to_owned(), errno);
    let found = match name.parse() {
        Ok(uid) => User::from_uid(Uid::from_raw(uid)),
        Err(_) => User::from_name(name),
    };
    let user = found.map_err(failed)?.ok_or_else(|| AccountError::NoUser(name.to_owned()))?;
    let c_name = CString::new(user.name.as_str()).map_err(|error| AccountError::Nul(name.to_owned(), error))?;
    let groups = nix::unistd::getgrouplist(&c_name, user.gid).map_err(failed)?;
    Ok(identity(user, groups.into_iter().map(Gid::as_raw).collect()))
}

fn identity(user: User, mut groups: Vec<u32>) -> Identity {
    groups.sort_unstable();
    groups.dedup();
    Identity {
        uid: user.uid.as_raw(),
        gid: user.gid.as_raw(),
        groups,
        home: user.dir.to_string_lossy().into_owned(),
        name: user.name,
    }
}

/// A group's number, by name or number.
///
/// # Errors
/// For the administrator: there is no such group.
pub fn group(name: &str) -> Result<u32, AccountError> {
    if let Ok(gid) = name.parse() {
        return Ok(gid);
    }
    let found = Group::from_name(name).map_err(|errno| AccountError::Database(name.to_owned(), errno))?;
    found.map(|group| group.gid.as_raw()).ok_or_else(|| AccountError::NoGroup(name.to_owned()))
}

/// How long a name is believed, and how many are: each refusal says one, and a database may take its time to find it.
const NAME_KEPT: Duration = Duration::from_secs(60);
const NAMES_KEPT: usize = 1_024;

thread_local! {
    static NAMES: RefCell<HashMap<u32, (Instant, String)>> = RefCell::default();
}

/// What people call a uid: a user's name, else its number. As it was up to a minute ago; nothing is decided by it.
#[must_use]
pub fn name_of(uid: u32) -> String {
    NAMES.with_borrow_mut(|names| {
        let now = Instant::now();
        if names.len() >= NAMES_KEPT {
            names.clear();
        }
        let known = names.entry(uid).or_insert_with(|| (now, look_up_name(uid)));
        if now.saturating_duration_since(known.0) > NAME_KEPT {
            *known = (now, look_up_name(uid));
        }
        known.1.clone()
    })
}

fn look_up_name(uid: u32) -> String {
    match User::from_uid(Uid::from_raw(uid)) {
        Ok(Some(user)) => user.name,
        _ => format!("uid {uid}"),
    }
}
