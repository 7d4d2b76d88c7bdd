//! What confines a sandbox, layer by layer, in the words of configuration, logs and status. What is not named here
//! (limits, no capabilities, `no_new_privs`, no environment, no descriptor but its own) every kernel has, and it is
//! never left out.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A layer that a kernel, a container or an ordinary user's daemon may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Layer {
    /// `user_namespaces(7)`: one user and nobody else, so that no capability is worth anything outside.
    UserNamespace,
    /// `mount_namespaces(7)`: an empty root that nobody can write.
    MountNamespace,
    /// `pid_namespaces(7)`: no other process to signal or to look at.
    PidNamespace,
    /// `network_namespaces(7)`: no interface that is up.
    NetworkNamespace,
    /// `ipc_namespaces(7)`: no shared memory, semaphores or queues by name.
    IpcNamespace,
    /// `uts_namespaces(7)`: not even the machine's name.
    UtsNamespace,
    /// `cgroup_namespaces(7)`: not the control groups above its own.
    CgroupNamespace,
    /// `landlock(7)`: no right to any file, port or process outside, whatever namespace it is in.
    Landlock,
    /// `seccomp(2)`: few system calls, and fewer once the plugin is loaded.
    Seccomp,
}

/// The name of the machine in a sandbox's own UTS namespace, by which it knows that it is in one.
pub const HOST_NAME: &str = "regent-sandbox";

impl Layer {
    /// All of them, from the outside to the inside.
    pub const ALL: [Self; 9] = [
        Self::UserNamespace,
        Self::MountNamespace,
        Self::PidNamespace,
        Self::NetworkNamespace,
        Self::IpcNamespace,
        Self::UtsNamespace,
        Self::CgroupNamespace,
        Self::Landlock,
        Self::Seccomp,
    ];

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UserNamespace => "user-namespace",
            Self::MountNamespace => "mount-namespace",
            Self::PidNamespace => "pid-namespace",
            Self::NetworkNamespace => "network-namespace",
            Self::IpcNamespace => "ipc-namespace",
            Self::UtsNamespace => "uts-namespace",
            Self::CgroupNamespace => "cgroup-namespace",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
        }
    }

    /// The layer of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.name() == name)
    }

    /// Whether a process is born into it; the others it takes upon itself.
    #[must_use]
    pub fn is_namespace(self) -> bool {
        !matches!(self, Self::Landlock | Self::Seccomp)
    }
}

/// Something that was demanded and is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// The layer; `None`: what no kernel lacks, so that somebody started the program who should not have.
    pub layer: Option<Layer>,
    /// How that was seen.
    pub why: String,
}

impl Missing {
    pub fn layer(layer: Layer, why: &dyn fmt::Display) -> Self {
        Self { layer: Some(layer), why: why.to_string() }
    }

    /// What no kernel lacks.
    pub fn other(why: &dyn fmt::Display) -> Self {
        Self { layer: None, why: why.to_string() }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { layer, why } = self;
        write!(f, "{}: {why}", layer.map_or("confinement", Layer::name))
    }
}

/// What a confined program is told of what confines it: its arguments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demands {
    /// The daemon is not root's: the user and its groups are the daemon's own.
    pub shared_user: bool,
    /// Nothing that a process is born into is demanded: for tests, which start it as it comes.
    pub unconfined: bool,
    /// Only to look whether everything is there, and to end.
    pub verify: bool,
    /// What is known to be missing, and was accepted.
    pub without: Vec<Layer>,
}

const UNCONFINED: &str = "--unconfined";
const SHARED_USER: &str = "--shared-user";
const VERIFY: &str = "--verify";
const WITHOUT: &str = "--without=";

impl Demands {
    /// Whether this layer must be there.
    #[must_use]
    pub fn layer(&self, layer: Layer) -> bool {
        !self.without.contains(&layer)
    }

    /// As arguments.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let names: Vec<_> = self.without.iter().map(|layer| layer.name()).collect();
        let without = (!names.is_empty()).then(|| format!("{WITHOUT}{}", names.join(",")));
        let flags = [(self.shared_user, SHARED_USER), (self.unconfined, UNCONFINED), (self.verify, VERIFY)];
        flags.into_iter().filter(|(set, _)| *set).map(|(_, flag)| flag.to_owned()).chain(without).collect()
    }

    /// Takes an argument; false if it is none of these.
    pub fn take(&mut self, argument: &str) -> bool {
        match argument {
            SHARED_USER => self.shared_user = true,
            VERIFY => self.verify = true,
            UNCONFINED => self.unconfined = true,
            _ => match argument.strip_prefix(WITHOUT).map(|names| names.split(',').map(Layer::of).collect()) {
                Some(Some::<Vec<_>>(layers)) => self.without.extend(layers),
                _ => return false,
            },
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layer_is_known_by_its_name_and_by_no_other() {
        for layer in Layer::ALL {
            assert_eq!(Layer::of(layer.name()), Some(layer));
        }
        assert_eq!(Layer::of("Landlock"), None);
    }

    #[test]
    fn demands_are_the_same_after_the_way_through_arguments() {
        let demands = Demands {
            shared_user: true,
            unconfined: true,
            verify: true,
            without: vec![Layer::Landlock, Layer::Seccomp],
        };
        let mut read = Demands::default();
        assert!(demands.arguments().iter().all(|argument| read.take(argument)));
        assert_eq!(read, demands);
        assert!(Demands::default().arguments().is_empty(), "everything is demanded of who is told nothing");
    }

    #[test]
    fn what_is_no_argument_or_names_no_layer_is_refused() {
        for argument in ["", "--without", "--without=", "--without=landlock,", "--without=walls", "landlock"] {
            assert!(!Demands::default().take(argument), "{argument}");
        }
    }
}
