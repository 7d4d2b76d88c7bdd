//! The one door by which commands are started, with the spawner that ships.

use std::future::Future;
use std::path::Path;
use std::rc::Rc;

use regentd::process::{Cgroups, Spawner, launch};
use rustix::fs::{Mode, OFlags};

/// Runs with a spawner of its own: with cgroups of this instance, or with the sweep.
pub(crate) fn with_spawner<F: Future<Output = ()>>(instance: Option<&str>, test: impl FnOnce(Rc<Spawner>) -> F) {
    assert!(rustix::process::geteuid().is_root(), "this test must run as root: `sudo -E cargo xtask test`");
    let dist = std::env::var_os("REGENT_DIST")
        .map_or(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/dist"), Into::into);
    let program = rustix::fs::open(dist.join("bin/regent-spawner"), OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    let socket = launch(&program.expect("built by `cargo xtask build`")).unwrap();
    let cgroups = instance.map(|instance| Cgroups::open(instance).unwrap().expect("this test needs cgroup v2"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let spawner = Spawner::attach(socket, cgroups).unwrap();
        test(spawner).await;
    });
}
