//! The one door by which commands are started, with the spawner that ships.

use std::future::Future;
use std::path::Path;
use std::rc::Rc;

use regent_cgroups::Groups;
use regent_spawner::{Confinement, Descent, Identity, Start};
use regentd::process::{Cgroups, Spawner, What, launch};
use rustix::fs::{Mode, OFlags};

/// A program with these arguments, as root.
pub(crate) fn born(path: &str, argv: Vec<String>) -> What {
    let program = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
    let start = Start {
        token: 0,
        path: path.into(),
        argv,
        env: vec!["PATH=/usr/bin:/bin".into()],
        cwd: "/".into(),
        umask: 0o022,
        identity: Some(Identity { uid: 0, gid: 0, groups: Vec::new() }),
        capabilities: None,
        may_gain: true,
        confinement: Confinement::None,
        limits: Vec::new(),
        extra: 0,
        descent: Descent::Sweep,
    };
    What::Born(program, Box::new(start))
}

/// Runs with a spawner of its own: with cgroups of this instance, or with the sweep.
pub(crate) fn with_spawner<F: Future<Output = ()>>(instance: Option<&str>, test: impl FnOnce(Rc<Spawner>) -> F) {
    assert!(rustix::process::geteuid().is_root(), "this test must run as root: `sudo -E cargo xtask test`");
    let dist = std::env::var_os("REGENT_DIST")
        .map_or(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/dist"), Into::into);
    let program = rustix::fs::open(dist.join("bin/regent-spawner"), OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    let socket = launch(&program.expect("built by `cargo xtask build`")).unwrap();
    let groups = instance.map(|instance| Groups::open(instance).unwrap().expect("this test needs cgroup v2"));
    let cgroups = groups.as_ref().map(|groups| Cgroups::at(groups.runs().into()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let spawner = Spawner::attach(socket, cgroups).unwrap();
        test(spawner).await;
    });
    if let Some(groups) = groups {
        groups.remove();
    }
}
