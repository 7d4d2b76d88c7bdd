//! What is granted, asked of the spawner: it alone may read what root keeps to itself, and it alone runs anything as
//! somebody. A spawner without grants of its own is a trial's; there this process answers for itself, with the rights
//! that it has left.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use regent_grants::{Command, Grants};
use regent_resolve::{Findings, PlannedStep, Unresolved, resolve};
use regent_spawner::{Answer, Ask, Granted, Look, Refused, born};
use tokio::time::timeout;

use super::command::What;
use super::error::{SpawnerError, Unplanned};
use super::spawner::Spawner;

/// A plan is made of files and of the user databases, and within the time of an exchange with a plugin, who waits for
/// it.
const PLANNED_WITHIN: Duration = Duration::from_secs(1);
/// The kernel drops what a process may not hold.
const NO_DESCRIPTOR: &str = "no descriptor came: the daemon has too many open";

impl Spawner {
    /// What a granted command with these values comes to on this machine.
    pub async fn plan(
        &self,
        grants: &Grants,
        command: &Command,
        values: &[(String, String)],
    ) -> Result<PlannedStep, Unplanned> {
        if !self.has_grants {
            return resolve(command, values).map_err(|why| match why {
                Unresolved::Path { slot, rule } => Unplanned::Path { slot, rule },
                Unresolved::Host(why) => Unplanned::Host(why),
                Unresolved::Values(_) => Unplanned::Host(format!("command {}: its slots changed", command.name)),
            });
        }
        let planned = self.question(|token| Ask::Plan(Box::new(granted(token, grants, command, values))));
        let slow =
            |_| Unplanned::Unanswered("the spawner does not answer: is a user database of nsswitch.conf slow?".into());
        let answer = timeout(PLANNED_WITHIN, planned).await.map_err(slow)??;
        match answer.0 {
            Answer::Planned(step) => serde_json::from_str(&step).map_err(|why| Unplanned::Host(why.to_string())),
            _ => Err(Unplanned::Host("the spawner answered what was not asked".into())),
        }
    }

    /// A step as this spawner takes it.
    pub fn granted(&self, grants: &Grants, command: &Command, step: &PlannedStep) -> Result<What, SpawnerError> {
        if self.has_grants {
            return Ok(What::Granted(Box::new(granted(0, grants, command, &step.values)), step.digest()));
        }
        let (program, start) = born(0, command, step, false).map_err(|why| SpawnerError::because(why.to_string()))?;
        Ok(What::Born(program, Box::new(start)))
    }

    /// Has the spawner read a plugin's grants, which are to be those with this text, and judge them.
    pub async fn look(&self, plugin: &str, text: [u8; 32], serving: Option<[u8; 32]>) -> Findings {
        let mistake = |why: String| Findings { mistakes: vec![why], ..Findings::default() };
        let look = |token| Ask::Look(Look { token, plugin: plugin.to_owned(), text, serving });
        match self.question(look).await {
            Ok((Answer::Judged { mistakes, warnings }, _)) => Findings { mistakes, warnings },
            Ok(_) => mistake("the spawner answered what was not asked".into()),
            Err(why) => mistake(why.to_string()),
        }
    }

    /// A file that only root may read: regent.toml, or a secret that it names.
    pub async fn open(&self, path: PathBuf) -> Result<OwnedFd, Refused> {
        let (_, file) = self.question(|token| Ask::Open(token, path)).await?;
        file.ok_or_else(|| Refused::Because(NO_DESCRIPTOR.into()))
    }

    /// Has the spawner live by regent.toml as it was opened last.
    pub async fn adopt(&self) -> Result<(), SpawnerError> {
        self.question(Ask::Adopt).await.map(drop)
    }

    /// A socket that listens at this path, as regent.toml has it, and the number by which it is unlinked; `None`: the
    /// one that was made before still has its name.
    pub async fn listen(&self, path: PathBuf) -> Result<Option<(OwnedFd, u64)>, SpawnerError> {
        let mut number = 0;
        let answer = self.question(|token| {
            number = token;
            Ask::Listen(token, path)
        });
        match answer.await? {
            (Answer::Kept, _) => Ok(None),
            (_, Some(socket)) => Ok(Some((socket, number))),
            (_, None) => {
                // It listens, and nobody would ever accept: away with it, so that the next try makes one.
                self.tell(Ask::Unlink(number));
                Err(SpawnerError::because(NO_DESCRIPTOR))
            }
        }
    }

    /// Gives the socket at this path its mode and group, as regent.toml has them.
    pub async fn permit(&self, path: PathBuf) -> Result<(), SpawnerError> {
        self.question(|token| Ask::Permit(token, path)).await.map(drop)
    }
}

fn granted(token: u64, grants: &Grants, command: &Command, values: &[(String, String)]) -> Granted {
    Granted {
        token,
        plugin: grants.name.clone(),
        text: grants.text,
        command: command.name.clone(),
        values: values.to_vec(),
    }
}
