//! What a trial works with, started as a daemon starts it: the spawner first, then root's rights are given away, then
//! the sandbox is looked for.

use std::fmt::{self, Display};
use std::io;
use std::rc::Rc;

use regent_spawner::TRIAL_SANDBOX;
use regentd::helpers::Helpers;
use regentd::plugin::confinement::Layers;
use regentd::plugin::programs::Programs;
use regentd::process::{self, Launched, Spawner};
use regentd::{hardening, privileges};

/// What a trial works with.
pub(crate) struct Means {
    pub(crate) programs: Rc<Programs>,
    pub(crate) spawner: Rc<Spawner>,
    pub(crate) uid: Option<u32>,
}

/// Why nothing could be tried.
#[derive(Debug)]
pub(crate) enum StartError {
    /// A step of the daemon's own start failed, for the reason that it gives.
    Step(String),
    /// The spawner was not started.
    Spawner(io::Error),
    /// The spawner was started and is not ready, for these reasons.
    NotReady(Vec<String>),
    /// Root could not become another user.
    Privileges(String),
    /// Layers of the sandbox are missing, a line each.
    Layers(Vec<String>),
}

impl StartError {
    pub(crate) fn step(why: impl Display) -> Self {
        Self::Step(why.to_string())
    }
}

impl Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step(why) => f.write_str(why),
            Self::Spawner(why) => write!(f, "regent-spawner: {why}"),
            Self::NotReady(lines) => f.write_str(&lines.join("\n")),
            Self::Privileges(why) => {
                write!(f, "{why}\nwhere this machine maps no such user, try a module as an ordinary user")
            }
            Self::Layers(lines) => {
                write!(f, "{}\nto try a module without, do it as an ordinary user", lines.join("\n"))
            }
        }
    }
}

/// Before anything is read: what this process' memory does not hold, its children cannot find.
pub(crate) fn started(performs: bool) -> Result<(Helpers, Launched), StartError> {
    let helpers = Helpers::find().map_err(StartError::step)?;
    let launched = if performs {
        process::launch(&helpers.spawner).map_err(StartError::Spawner)?
    } else {
        hardening::keep_to_itself().and_then(|()| hardening::hear_nothing()).map_err(StartError::step)?;
        process::launch_confined(&helpers).map_err(StartError::NotReady)?
    };
    Ok((helpers, launched))
}

/// Nothing that a stranger wrote is looked at with the rights of who tries it, if those are root's.
pub(crate) fn give_away(spawner: &Launched) -> Result<(), StartError> {
    // A plan tells as whom its commands would run: as whoever tries, who this process is no longer.
    let _known_from_here_on = regent_resolve::users::own();
    let user = spawner.ready.as_ref().and_then(|ready| ready.user.as_ref());
    let lacks = privileges::give_away(user, privileges::Life::Starters);
    let lacks = lacks.map_err(|why| StartError::Privileges(why.to_string()))?;
    lacks.iter().for_each(|lack| regentd::warning!("{lack}"));
    Ok(())
}

impl Means {
    pub(crate) async fn found(helpers: &Helpers, launched: Launched) -> Result<Self, StartError> {
        let spawner = Spawner::attach(launched, None).map_err(StartError::step)?;
        let uid = spawner.is_root().then_some(TRIAL_SANDBOX);
        let layers = Layers::found(&spawner, &helpers.sandbox, uid).await.map_err(StartError::step)?;
        let layers = layers.accepted(&[]).map_err(StartError::Layers)?;
        let programs = Programs::new(Rc::clone(&spawner), helpers, layers).map_err(StartError::step)?;
        Ok(Self { programs: Rc::new(programs), spawner, uid })
    }
}
