//! What only the spawner of a daemon may do: read what the administrator wrote, with its own eyes, and act by that. The
//! daemon, which reads strangers' bytes, has no right that it could not be given here.

// regent.toml, and what is opened for the daemon.
mod config;
// Grants files: what is planned and run.
mod grants;
// Descriptors that came from the daemon.
mod handed;
// Sockets in the file system.
mod listen;
// What a start needs root for.
mod prepare;
// What of root's rights is kept.
mod privileges;

pub(crate) use grants::RunError;
pub(crate) use prepare::PrepareError;

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use regent_cgroups::Groups;
use regent_grants::DAEMON_USER;
use regent_spawner::{Answer, Ask, Descent, Ready, Refused, Run, Start};

use crate::helpers::{Bounds, Helpers};
use crate::sys::is_root;

use config::ConfigFile;
use grants::Files;
use listen::Sockets;
use prepare::Kept;
use privileges::Privileges;

/// Its descriptor, where one was asked for.
pub(crate) type Answered = Result<(Answer, Option<OwnedFd>), Refused>;

pub(crate) struct Office {
    helpers: Helpers,
    config: ConfigFile,
    files: Files,
    sockets: Sockets,
    kept: Option<Kept>,
    privileges: Option<Privileges>,
}

/// What this process was told when it was started.
pub(crate) struct Told {
    pub(crate) config: PathBuf,
    /// Regent's own programs.
    pub(crate) helpers: Helpers,
    /// Where a service manager put what it hands over.
    pub(crate) credentials: Option<PathBuf>,
}

impl Office {
    /// Opens what it is told of; of regent.toml only what it says, for the daemon tells what is wrong with it.
    pub(crate) fn open(told: Told) -> Self {
        let config = ConfigFile::open(told.config, told.credentials);
        let (files, sockets) = (Files::default(), Sockets::default());
        Self { helpers: told.helpers, config, files, sockets, kept: None, privileges: None }
    }

    /// Does what a start needs root for.
    ///
    /// # Errors
    /// For the administrator.
    pub(crate) fn prepare(&mut self) -> Result<Ready, PrepareError> {
        // What is wrong with a configuration that is none, the daemon says, as nobody, and ends.
        let Some(config) = self.config.current().filter(|config| regent_resolve::daemon_user(config).is_ok()) else {
            let user = is_root().then_some((DAEMON_USER, DAEMON_USER, Vec::new()));
            return Ok(Ready { root: is_root(), user, groups: None, ended: 0 });
        };
        let (ready, kept) = prepare::prepare(config)?;
        self.kept = Some(kept);
        self.privileges = Some(Privileges::kept(&grants::granted(config))?);
        Ok(ready)
    }

    /// What was asked that is answered at once; `None` if it is no such word.
    pub(crate) fn answer(&mut self, ask: &Ask) -> Option<(u64, Answered)> {
        let done = |done: Result<Option<OwnedFd>, Refused>| done.map(|fd| (Answer::Done, fd));
        Some(match ask {
            Ask::Plan(granted) => (granted.token, self.files.plan(granted).map(|planned| (planned, None))),
            Ask::Look(look) => {
                let known = self.config.current().zip(self.privileges.as_ref());
                let judged = known.map(|(config, privileges)| self.files.look(config, privileges, look));
                let judged = judged.unwrap_or_else(|| Err(self.config.none()));
                (look.token, judged.map(|judged| (judged, None)))
            }
            Ask::Open(token, path) => (*token, done(self.config.open_file(path).map(Some))),
            Ask::Adopt(token) => (*token, done(self.config.adopt(self.kept.is_some()).map(|()| None))),
            Ask::Listen(token, path) => {
                let made = |made: Option<_>| (if made.is_some() { Answer::Done } else { Answer::Kept }, made);
                (*token, self.sockets.listen(&self.config, *token, path).map(made))
            }
            Ask::Permit(token, path) => (*token, done(self.sockets.permit(&self.config, path).map(|()| None))),
            Ask::Forget => {
                self.config.forget();
                return None;
            }
            Ask::Unlink(number) => {
                self.sockets.unlink(*number);
                return None;
            }
            Ask::Start(_) | Ask::Run(_) | Ask::Kill(_) => return None,
        })
    }

    /// A granted command as it is to be born, with these descriptors: its pipes, and its group if it has one.
    pub(crate) fn granted(&self, run: &Run, fds: &[OwnedFd]) -> Result<(OwnedFd, Start), RunError> {
        let (program, start, stdin_data) = self.files.born(run)?;
        let [stdin, stdout, stderr, group @ ..] = fds else { return Err(RunError::MissingDescriptors) };
        // A terminal would have it ask, and whoever holds the other end answer.
        let fit = handed::is_pipe(stdout) && handed::is_pipe(stderr) && handed::is_input(stdin, stdin_data);
        let grouped = group.iter().all(|group| self.groups().is_some_and(|own| own.is_of_a_run(group)));
        if fit && grouped { Ok((program, start)) } else { Err(RunError::WrongDescriptors) }
    }

    /// The program of a confined start, if it may be started so: with every layer that regent.toml does not let this
    /// machine lack, and in no other group than one of the confined.
    pub(crate) fn helper(&self, start: &Start, fds: &[OwnedFd]) -> Option<OwnedFd> {
        let config = self.config.current()?;
        let group = match start.descent {
            Descent::Alone { grouped: true } => {
                self.groups().is_some_and(|own| fds.last().is_some_and(|fd| own.is_of_the_confined(fd)))
            }
            _ => true,
        };
        let uids = config.sandbox.first..config.sandbox.first.saturating_add(config.sandbox.count);
        let program = self.helpers.program(start, &Bounds { uids, allow_missing: &config.allow_missing });
        program.filter(|_| group)
    }

    fn groups(&self) -> Option<&Groups> {
        self.kept.as_ref()?.groups.as_ref()
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
