//! What only the spawner of a daemon may do: read what the administrator wrote, with its own eyes, and act by that. The daemon,
//! which reads strangers' bytes, has no right that it could not be given here.

// regent.toml, and what is opened for the daemon.
mod config;
// Grants files: what is planned and run.
mod grants;
// Sockets in the file system.
mod listen;
// What a start needs root for.
mod prepare;
// What of root's rights is kept.
mod privileges;

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use regent_cgroups::Groups;
use regent_files::Program;
use regent_grants::Config;
use regent_spawner::{Answer, Ask, Confinement, Identity, Ready, Refused, Run, Start};

use grants::Files;
use listen::Sockets;
use prepare::Kept;
use privileges::Privileges;

/// Its descriptor, where one was asked for.
pub(crate) type Answered = Result<(Answer, Option<OwnedFd>), Refused>;

/// Programs that are confined, each opened and judged once.
struct Helpers {
    sandbox: OwnedFd,
    compiler: OwnedFd,
}

pub(crate) struct Office {
    path: PathBuf,
    credentials: Option<PathBuf>,
    helpers: Helpers,
    /// As the daemon lives by it.
    config: Option<Config>,
    /// As it was opened last.
    next: Option<Config>,
    files: Files,
    sockets: Sockets,
    kept: Option<Kept>,
    privileges: Option<Privileges>,
}

/// What this process was told when it was started.
pub(crate) struct Told {
    pub(crate) config: PathBuf,
    pub(crate) sandbox: PathBuf,
    pub(crate) compiler: PathBuf,
    /// Where a service manager put what it hands over.
    pub(crate) credentials: Option<PathBuf>,
}

impl Office {
    /// Opens what it is told of; of regent.toml only what it says, for the daemon tells what is wrong with it.
    ///
    /// # Errors
    /// For the administrator.
    pub(crate) fn open(told: Told) -> Result<Self, String> {
        let open = |path: &Path| Program::open(path).map(|program| program.into_parts().0);
        let helpers = Helpers {
            sandbox: open(&told.sandbox).map_err(|why| why.to_string())?,
            compiler: open(&told.compiler).map_err(|why| why.to_string())?,
        };
        let config = config::read(&told.config).ok().and_then(|read| read.config);
        let (files, sockets) = (Files::default(), Sockets::default());
        Ok(Self {
            path: told.config,
            credentials: told.credentials,
            helpers,
            config,
            next: None,
            files,
            sockets,
            kept: None,
            privileges: None,
        })
    }

    /// Does what a start needs root for.
    ///
    /// # Errors
    /// For the administrator, a line each.
    pub(crate) fn prepare(&mut self) -> Result<Ready, Vec<String>> {
        // What is wrong with a configuration that is none, the daemon says, and ends.
        let Some(config) = &self.config else {
            return Ok(Ready { root: prepare::is_root(), user: None, groups: None, ended: 0 });
        };
        let (ready, kept) = prepare::prepare(config).map_err(|why| vec![why])?;
        self.kept = Some(kept);
        self.privileges = Some(Privileges::kept(config).map_err(|why| vec![why])?);
        Ok(ready)
    }

    /// What was asked that is answered at once; `None` if it is no such word.
    pub(crate) fn answer(&mut self, ask: &Ask) -> Option<(u64, Answered)> {
        let done = |done: Result<Option<OwnedFd>, Refused>| done.map(|fd| (Answer::Done, fd));
        Some(match ask {
            Ask::Plan(granted) => (granted.token, self.files.plan(granted).map(|planned| (planned, None))),
            Ask::Look(look) => {
                let known = self.config.as_ref().zip(self.privileges.as_ref());
                let judged = known.map(|(config, privileges)| self.files.look(config, privileges, look));
                let judged = judged.unwrap_or_else(|| Err(config::none(&self.path)));
                (look.token, judged.map(|judged| (judged, None)))
            }
            Ask::Open(token, path) => (*token, done(self.open_file(path).map(Some))),
            Ask::Adopt(token) => (*token, done(self.adopt().map(|()| None))),
            Ask::Listen(token, path) => (*token, done(self.listen(*token, path))),
            Ask::Permit(token, path) => (*token, done(self.permit(path).map(|()| None))),
            Ask::Unlink(number) => {
                self.sockets.unlink(*number);
                return None;
            }
            Ask::Start(_) | Ask::Run(_) | Ask::Kill(_) => return None,
        })
    }

    /// A granted command as it is to be born.
    pub(crate) fn granted(&self, run: &Run) -> Result<(OwnedFd, Start), String> {
        self.files.born(run)
    }

    /// The program of a confined start, if it may be started so: one of our own, as a user of a sandbox if we are root.
    pub(crate) fn helper(&self, start: &Start) -> Option<OwnedFd> {
        let uids = self.config.as_ref()?.sandbox;
        let of_a_sandbox = |identity: &Identity| {
            let Identity { uid, gid, groups } = identity;
            uid == gid && groups.is_empty() && (uids.first..uids.first.saturating_add(uids.count)).contains(uid)
        };
        let fits = matches!(start.confinement, Confinement::Sandbox(_))
            && (start.identity.as_ref().map_or(!prepare::is_root(), of_a_sandbox))
            && start.env.is_empty();
        let program = match start.path.as_str() {
            "regent-sandbox" => &self.helpers.sandbox,
            "regent-compiler" => &self.helpers.compiler,
            _ => return None,
        };
        program.try_clone().ok().filter(|_| fits)
    }

    /// Everything has ended.
    pub(crate) fn close(self) {
        self.sockets.close();
        // The state folder is let go of last: a successor waits for that.
        if let Some(kept) = self.kept {
            kept.groups.iter().for_each(Groups::remove);
        }
    }
}
