//! What this machine gives to confine sandboxes and compilers with: tried once, by a sandbox that only looks, before
//! anything is served. As root a layer that is missing ends the start, unless the administrator has accepted that; for
//! an ordinary user what can be had is used, and the rest is said.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use regent_lane::{Demands, Layer, Missing, Side, decode_all};
use regent_spawner::{Confinement, Descent, Exit, Identity, Stage, Start};
use tokio::net::unix::pipe::Receiver;

use super::load_error::joined;
use crate::process::{Spawner, StartError};

/// A sandbox that only looks takes milliseconds.
const LOOK_WITHIN: Duration = Duration::from_secs(10);
/// Of a program that found a layer missing.
const NOT_CONFINED: i32 = regent_confine::NOT_CONFINED as i32;

#[derive(Debug, Clone)]
pub struct Layers {
    /// Whether each plugin has a user of its own: whether the daemon is root's.
    own_user: bool,
    missing: Vec<(Layer, String)>,
}

#[derive(Debug, thiserror::Error)]
#[error("no sandbox can be started: {0}")]
pub struct NoSandbox(String);

struct Look<'a> {
    spawner: &'a Rc<Spawner>,
    sandbox: &'a OwnedFd,
    uid: Option<u32>,
}

impl Layers {
    /// Tries what there is; `uid`: of a sandbox, if the daemon is root's.
    pub async fn found(spawner: &Rc<Spawner>, sandbox: &OwnedFd, uid: Option<u32>) -> Result<Self, NoSandbox> {
        let look = Look { spawner, sandbox, uid };
        let mut layers = Self { own_user: uid.is_some(), missing: Vec::new() };
        // Each look that finds something missing finds at least one layer.
        for _ in Layer::ALL {
            let missing = look.at(&layers).await?;
            if missing.is_empty() {
                return Ok(layers);
            }
            layers.missing.extend(missing);
            layers.missing.sort_by_key(|(layer, _)| *layer);
        }
        look.at(&layers).await.map(|_| layers)
    }

    /// All that can be had, if everything that is missing was accepted.
    ///
    /// # Errors
    /// A line for each layer that is missing and was not.
    pub fn accepted(self, allowed: &[Layer]) -> Result<Self, Vec<String>> {
        let refused = self.missing.iter().filter(|(layer, _)| !allowed.contains(layer));
        let lines: Vec<_> = refused.map(|(layer, why)| lacks(*layer, why)).collect();
        if lines.is_empty() || !self.own_user { Ok(self) } else { Err(lines) }
    }

    /// What is missing, for logs and status.
    pub fn lacks(&self) -> Vec<String> {
        let user = "not started as root: sandboxes share this user's uid and its groups";
        let user = (!self.own_user).then(|| user.to_owned());
        user.into_iter().chain(self.missing.iter().map(|(layer, why)| format!("no {}: {why}", layer.name()))).collect()
    }

    /// What was accepted to be missing, and is there: it should not stand in the configuration.
    pub fn there_all_the_same<'a>(&'a self, allowed: &'a [Layer]) -> impl Iterator<Item = Layer> + 'a {
        allowed.iter().copied().filter(|layer| self.has(*layer))
    }

    pub fn confinement(&self) -> Confinement {
        Confinement::Sandbox(Layer::ALL.into_iter().filter(|layer| layer.is_namespace() && self.has(*layer)).collect())
    }

    pub fn arguments(&self) -> Vec<String> {
        self.demands().arguments()
    }

    fn demands(&self) -> Demands {
        let without = self.missing.iter().map(|(layer, _)| *layer).collect();
        Demands { shared_user: !self.own_user, without, ..Demands::default() }
    }

    fn has(&self, layer: Layer) -> bool {
        !self.missing.iter().any(|(missing, _)| *missing == layer)
    }
}

fn lacks(layer: Layer, why: &str) -> String {
    let name = layer.name();
    format!(
        "sandboxes lack a layer, {name}: {why}. See docs/confinement.md for what has it; to serve without, write \
         allow_missing = [\"{name}\"] under [sandbox] in regent.toml"
    )
}

impl Look<'_> {
    /// What is missing besides what is known to be.
    async fn at(&self, layers: &Layers) -> Result<Vec<(Layer, String)>, NoSandbox> {
        match self.start(layers.confinement(), &Demands { verify: true, ..layers.demands() }).await {
            Err(Failed::Born(StartError::Stage { stage: Stage::Namespaces, why })) => self.each(layers, &why).await,
            Err(why) => Err(NoSandbox(why.to_string())),
            Ok((Exit::Status(0), _)) => Ok(Vec::new()),
            Ok((Exit::Status(NOT_CONFINED), said)) => {
                let found: Vec<Missing> = decode_all(Side::Sandbox, &said);
                let layer = |missing: &Missing| missing.layer.map(|layer| (layer, missing.why.clone()));
                let missing: Vec<_> = found.iter().filter_map(layer).collect();
                if missing.is_empty() { Err(NoSandbox(joined(&found))) } else { Ok(missing) }
            }
            Ok((exit, said)) => {
                let said = String::from_utf8_lossy(&said);
                Err(NoSandbox(format!("it ended with {exit:?}: {}", said.trim())))
            }
        }
    }

    /// Namespaces were refused together: which of them alone?
    async fn each(&self, layers: &Layers, why: &str) -> Result<Vec<(Layer, String)>, NoSandbox> {
        let Confinement::Sandbox(asked) = layers.confinement() else { return Ok(Vec::new()) };
        let mut missing = Vec::new();
        for layer in &asked {
            // An ordinary user has the others within one of users only.
            let within = (!layers.own_user && *layer != Layer::UserNamespace).then_some(Layer::UserNamespace);
            let alone = Confinement::Sandbox(within.into_iter().chain([*layer]).collect());
            let demands = Demands { unconfined: true, verify: true, ..layers.demands() };
            if let Err(Failed::Born(error)) = self.start(alone, &demands).await {
                missing.push((*layer, error.to_string()));
            }
        }
        if missing.is_empty() { Err(NoSandbox(format!("{}: {why}", Stage::Namespaces))) } else { Ok(missing) }
    }

    async fn start(&self, confinement: Confinement, demands: &Demands) -> Result<(Exit, Vec<u8>), Failed> {
        let null = File::options().read(true).write(true).open("/dev/null")?;
        let (said, said_end) = io::pipe()?;
        let start = bare("regent-sandbox", self.uid, confinement, demands.arguments());
        let fds = [self.sandbox.as_fd(), null.as_fd(), null.as_fd(), said_end.as_fd()];
        let running = self.spawner.start(start, &fds).await?;
        drop(said_end);
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "it does not end");
        let said = Receiver::from_owned_fd(said.into())?;
        let (exit, said) = running.heard(said, LOOK_WITHIN).await.map_err(late)?;
        Ok((exit?, said))
    }
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    /// It did not come to its exec.
    #[error("{0}")]
    Born(#[from] StartError),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A helper's start with nothing but what confines it.
pub(super) fn bare(name: &str, uid: Option<u32>, confinement: Confinement, arguments: Vec<String>) -> Start {
    Start {
        token: 0,
        path: name.to_owned(),
        argv: [name.to_owned()].into_iter().chain(arguments).collect(),
        env: Vec::new(),
        cwd: "/".into(),
        umask: 0o077,
        identity: uid.map(|uid| Identity { uid, gid: uid, groups: Vec::new() }),
        capabilities: None,
        may_gain: false,
        confinement,
        limits: Vec::new(),
        extra: 0,
        descent: Descent::Alone { grouped: false },
    }
}
