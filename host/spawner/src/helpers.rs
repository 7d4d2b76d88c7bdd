//! Regent's own programs that run strangers' bytes, and how they may be started: confined, as somebody who is nobody
//! else, with nothing of whoever asks. A trial's spawner and a daemon's hold to the same.

use std::ops::Range;
use std::os::fd::OwnedFd;
use std::path::Path;

use regent_files::{Program, Untrusted};
use regent_lane::{Demands, Layer};
use regent_spawner::{Confinement, Identity, Start};

use crate::sys::is_root;

/// Words of a sandbox and a compiler that say nothing of what confines them.
const PLAIN: [&str; 2] = ["--interpreter", "--imports"];

/// What a confined start calls them by.
const SANDBOX: &str = "regent-sandbox";
const COMPILER: &str = "regent-compiler";

/// Both, each opened and judged once.
pub(crate) struct Helpers {
    sandbox: OwnedFd,
    compiler: OwnedFd,
}

/// What of a confined start is the administrator's to say.
pub(crate) struct Bounds<'a> {
    /// Uids of sandboxes, if we are root.
    pub(crate) uids: Range<u32>,
    /// Layers that this machine may lack.
    pub(crate) allow_missing: &'a [Layer],
}

impl Helpers {
    /// Opens and judges them.
    ///
    /// # Errors
    /// For the administrator.
    pub(crate) fn open(sandbox: &Path, compiler: &Path) -> Result<Self, Untrusted> {
        let open = |path: &Path| Program::open(path).map(|program| program.into_parts().0);
        Ok(Self { sandbox: open(sandbox)?, compiler: open(compiler)? })
    }

    /// The program of a confined start, if it may be started so: one of these, as a user of a sandbox if we are root,
    /// and with every layer that may not be missing.
    pub(crate) fn program(&self, start: &Start, bounds: &Bounds<'_>) -> Option<OwnedFd> {
        let of_a_sandbox = |identity: &Identity| {
            let Identity { uid, gid, groups } = identity;
            uid == gid && groups.is_empty() && bounds.uids.contains(uid)
        };
        let Confinement::Sandbox(layers) = &start.confinement else { return None };
        let looks = start.path == SANDBOX;
        let confined = !is_root() || is_whole(layers, start.argv.get(1..)?, bounds.allow_missing, looks);
        let user = start.identity.as_ref().map_or(!is_root(), of_a_sandbox);
        let program = match start.path.as_str() {
            SANDBOX => &self.sandbox,
            COMPILER => &self.compiler,
            _ => return None,
        };
        program.try_clone().ok().filter(|_| confined && user && start.env.is_empty())
    }
}

/// Whether nothing is left out but what may be; of a program that can be told to look and to end, anything may where it
/// is.
fn is_whole(layers: &[Layer], arguments: &[String], allowed: &[Layer], looks: bool) -> bool {
    let mut demands = Demands::default();
    let known = arguments.iter().all(|word| demands.take(word) || PLAIN.contains(&word.as_str()));
    let there = Layer::ALL.into_iter().filter(|layer| layer.is_namespace() && !allowed.contains(layer));
    let whole = there.into_iter().all(|layer| layers.contains(&layer))
        && demands.without.iter().all(|layer| allowed.contains(layer))
        && !demands.unconfined
        && !demands.shared_user;
    known && if demands.verify { looks } else { whole }
}
