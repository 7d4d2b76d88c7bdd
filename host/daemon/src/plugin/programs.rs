//! Compiler and sandboxes as processes: what each is given, and what it may use up. As root each gets a uid of its
//! plugin's own and namespaces over an empty root; otherwise what an ordinary user can give.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::rc::Rc;

use regent_grants::Engine;
use regent_lane::ModuleError;
use regent_spawner::{Descent, Limit, Start};
use tokio::sync::Semaphore;

use super::confinement::{Layers, bare};
use super::load_error::{LoadErrors, joined};
use crate::helpers::Helpers;
use crate::process::{Cgroup, Running, Share, Spawner, StartError};

/// Compilers at a time: each takes a processor.
const COMPILERS: usize = 2;
/// Neither opens anything; each has what it is born with.
pub(super) const DESCRIPTORS: u64 = 64;

#[derive(Debug)]
pub struct Programs {
    spawner: Rc<Spawner>,
    pub(super) sandbox: OwnedFd,
    pub(super) compiler: OwnedFd,
    layers: Layers,
    pub(super) compilers: Semaphore,
}

/// What a plugin's processes are started for.
#[derive(Debug, Clone, Copy)]
pub struct Launch<'a> {
    pub name: &'a str,
    pub uid: Option<u32>,
    pub engine: Engine,
    pub settings: &'a str,
}
#[derive(Debug, thiserror::Error)]
pub enum Unloadable {
    /// The code is of another engine or machine.
    #[error("{}", joined(_0))]
    Incompatible(Vec<ModuleError>),
    #[error("{}", joined(_0))]
    Refused(Vec<ModuleError>),
    /// The sandbox could not be started: this machine's fault.
    #[error("{0}")]
    NotStarted(String),
    /// The sandbox ended, or said what it should not.
    #[error("{0}")]
    Failed(String),
}

impl From<Unloadable> for LoadErrors {
    fn from(why: Unloadable) -> Self {
        match why {
            Unloadable::Incompatible(errors) | Unloadable::Refused(errors) => errors.into(),
            Unloadable::NotStarted(why) | Unloadable::Failed(why) => why.into(),
        }
    }
}

impl From<io::Error> for Unloadable {
    fn from(why: io::Error) -> Self {
        Self::NotStarted(why.to_string())
    }
}

impl From<StartError> for Unloadable {
    fn from(why: StartError) -> Self {
        Self::NotStarted(format!("its sandbox cannot be started: {why}"))
    }
}

impl Programs {
    /// By the handles that were judged.
    pub fn new(spawner: Rc<Spawner>, helpers: &Helpers, layers: Layers) -> io::Result<Self> {
        Ok(Self {
            spawner,
            sandbox: helpers.sandbox.try_clone()?,
            compiler: helpers.compiler.try_clone()?,
            layers,
            compilers: Semaphore::new(COMPILERS),
        })
    }

    /// A helper with no rights, as far as this daemon can take them away.
    pub(super) fn confined(&self, name: &str, uid: Option<u32>, limits: Vec<(Limit, u64)>) -> Start {
        Start { limits, ..bare(name, uid, self.layers.confinement(), self.layers.arguments()) }
    }

    /// Born in a group with its share of the machine, where there are such.
    pub(super) async fn start(
        &self,
        mut start: Start,
        fds: &[BorrowedFd<'_>],
        share: Share,
    ) -> Result<(Running, Option<Cgroup>), Unloadable> {
        let group = self.spawner.cgroups().map(|all| all.confined().group(share)).transpose()?.flatten();
        start.descent = Descent::Alone { grouped: group.is_some() };
        let fds: Vec<_> = fds.iter().copied().chain(group.as_ref().map(|group| group.handle.as_fd())).collect();
        Ok((self.spawner.start(start, &fds).await?, group))
    }
}

/// What a helper is told of the engine; nothing where it is the processor.
pub(super) fn told(engine: Engine) -> Option<&'static str> {
    (engine == Engine::Interpreter).then_some("--interpreter")
}
