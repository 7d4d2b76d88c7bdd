//! The order of a start. What others could use against it is settled before (the spawner, the lock, the predecessor); then
//! what is kept and what is installed is read, then the sockets listen; modules are compiled afterwards.

use std::fmt;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::spawn_local;

use crate::activation::Activated;
use crate::daemon::{Daemon, Parts};
use crate::held::Held;
use crate::helpers::Helpers;
use crate::installed::Installed;
use crate::kept::audit::{Audit, Event};
use crate::kept::disk::Disk;
use crate::kept::ending::Closed;
use crate::kept::ledger::{self, Ledger, Recovered};
use crate::kept::medium::OnDisk;
use crate::kept::sandbox_numbers::SandboxNumbers;
use crate::kept::store::Store;
use crate::plugin::cache::Cache;
use crate::plugin::confinement::Layers;
use crate::plugin::load::Loader;
use crate::plugin::load_error::LoadError;
use crate::plugin::programs::Programs;
use crate::policy::{Policy, state_file};
use crate::process::{Cgroups, Spawner};
use crate::resume;

/// How often expiry is looked at.
const TICK: Duration = Duration::from_millis(500);
/// How often it is looked whether each socket still has its name.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often old results are looked for.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// Why the daemon does not start: for the administrator, one line each.
#[derive(Debug)]
pub struct CannotStart(pub Vec<String>);

impl CannotStart {
    fn because(what: impl fmt::Display) -> Self {
        Self(vec![what.to_string()])
    }
}

/// Starts everything and returns when the sockets listen.
///
/// # Errors
/// [`CannotStart`].
pub async fn start(
    policy: Policy,
    warnings: Vec<String>,
    helpers: Helpers,
    spawner: Rc<Spawner>,
    mut lacks: Vec<String>,
    mut handed: Activated,
) -> Result<Rc<Daemon>, CannotStart> {
    let (audit, ledger) = kept(&policy).map_err(CannotStart::because)?;
    let instance = ledger.store.instance().map_err(CannotStart::because)?;
    lacks.extend(no_groups(spawner.cgroups()));
    let recovered = ledger.recover(Timestamp::now()).map_err(CannotStart::because)?;
    tell(&recovered);
    let holds = ledger.store.holds().map_err(CannotStart::because)?;
    let disk = Disk::start(ledger).map_err(CannotStart::because)?;
    let numbers = SandboxNumbers::new(disk.clone());
    let held = Held::new(disk, policy.people.clone(), &holds, ledger::lock(&audit).time_by_uptime());
    let shelf = state_file(&policy.config, "modules");
    let said = |why: std::io::Error| CannotStart::because(format!("{}: {why}", shelf.display()));
    let (config, log) = (Arc::clone(&policy.config), Arc::clone(&audit));
    let installed = Installed::new(config, numbers, log, Rc::clone(&spawner), shelf.clone()).map_err(said)?;
    let programs = confined(&policy, &spawner, &helpers, &mut lacks).await?;
    lacks.iter().for_each(|lack| crate::warning!("{lack}"));
    let daemon = Daemon::of(Parts { policy, installed, held, spawner, instance, audit, lacks, warnings });
    let started = Event { event: "started", outcome: Some(env!("CARGO_PKG_VERSION")), ..Event::default() };
    daemon.record(&started).map_err(CannotStart::because)?;
    daemon.installed.look().await;
    daemon.listening.apply(&daemon, &daemon.policy(), &mut handed).await.map_err(CannotStart::because)?;
    for left in handed.left() {
        crate::warning!("{}: handed over by the service manager, and no socket is configured there", left.display());
    }
    spawn_local(load_all(Rc::clone(&daemon), programs, helpers));
    spawn_local(Rc::clone(&daemon.installed).keep_looking());
    spawn_local(keep_time(Rc::clone(&daemon)));
    Ok(daemon)
}

/// What this machine or this user has not, and what that means.
fn no_groups(cgroups: Option<&Cgroups>) -> Vec<String> {
    let without = "no cgroup v2: what a predecessor may have left running was not looked for";
    cgroups.map_or_else(|| Some(without.to_owned()), |cgroups| cgroups.confined().lacks()).into_iter().collect()
}

/// The programs that are confined, by layers that have been seen to be there.
async fn confined(
    policy: &Policy,
    spawner: &Rc<Spawner>,
    helpers: &Helpers,
    lacks: &mut Vec<String>,
) -> Result<Rc<Programs>, CannotStart> {
    let allowed = &policy.config.allow_missing;
    let uid = spawner.is_root().then_some(policy.config.sandbox.first);
    let layers = Layers::found(spawner, &helpers.sandbox, uid).await.map_err(CannotStart::because)?;
    for there in layers.there_all_the_same(allowed) {
        crate::warning!("allow_missing names {}, which is there: take it out, so that it is demanded", there.name());
    }
    let layers = layers.accepted(allowed).map_err(CannotStart)?;
    lacks.extend(layers.lacks());
    Programs::new(Rc::clone(spawner), helpers, layers).map(Rc::new).map_err(CannotStart::because)
}

fn kept(policy: &Policy) -> Result<(Arc<Mutex<Audit>>, Ledger), String> {
    let path = &policy.config.audit;
    let said = |path: &Path, why: &dyn fmt::Display| format!("{}: {why}", path.display());
    let medium = OnDisk::open(path).map_err(|why| match why.kind() {
        std::io::ErrorKind::PermissionDenied => {
            let uid = rustix::process::geteuid().as_raw();
            format!("{}: {why}; uid {uid} opens it (daemon_user): each folder above needs chmod o+x", path.display())
        }
        _ => said(path, &why),
    })?;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let audit = Audit::open(Arc::new(medium), boot.trim().to_owned()).map_err(|why| said(path, &why))?;
    let audit = Arc::new(Mutex::new(audit));
    let path = state_file(&policy.config, "holds.redb");
    let store = Store::open_at(&path).map_err(|why| said(&path, &why))?;
    Ok((Arc::clone(&audit), Ledger::new(store, audit)))
}

fn tell(recovered: &Recovered) {
    if let Some(why) = recovered.voided {
        crate::error!("{why}: everything that was held is void");
    }
    for id in &recovered.interrupted {
        crate::warning!("hold {id}: interrupted: the predecessor ended while it ran; whether it happened is not known");
    }
    for id in &recovered.ended_host {
        crate::info!("hold {id}: done: it was to end this host, and this is a later boot");
    }
    for Closed { reference, operation, done } in &recovered.closed {
        match done {
            true => {
                crate::info!("ref {reference}: {operation}: done: it was to end this host, and this is a later boot")
            }
            false => crate::warning!(
                "ref {reference}: {operation}: interrupted: the predecessor ended while it ran; whether it happened is not known"
            ),
        }
    }
    if let Some(id) = &recovered.completed {
        crate::info!("hold {id}: its last change was on record and is stored now");
    }
}

/// Lets plugins be loaded, each on its own, and what was approved before this start run.
async fn load_all(daemon: Rc<Daemon>, programs: Rc<Programs>, helpers: Helpers) {
    let loader = loader(&daemon, programs, helpers).await;
    if let Err(why) = &loader {
        crate::error!("no plugin can serve: {why}");
    }
    daemon.installed.can_load(loader);
    daemon.installed.tidy();
    resume::start_all(&daemon).await;
}

async fn loader(daemon: &Daemon, programs: Rc<Programs>, helpers: Helpers) -> Result<Loader, LoadError> {
    let compiler = tokio::task::spawn_blocking(move || helpers.compiler_digest()).await;
    let compiler: [u8; 32] = compiler.map_err(|why| why.to_string())?.map_err(|why| why.to_string())?;
    let folder = state_file(&daemon.policy().config, "compiled");
    let cache = Cache::open(folder.clone(), compiler).map_err(|why| format!("{}: {why}", folder.display()))?;
    let recycle = daemon.policy().config.recycle;
    Ok(Loader::new(programs, cache, recycle))
}

/// A socket whose name somebody removed gets it again. What stands in the way is said once; it is returned.
async fn look_after_sockets(daemon: &Rc<Daemon>, said: &[String]) -> Vec<String> {
    // Not in the middle of a reload, which does the same.
    let _one_at_a_time = daemon.one_reload.lock().await;
    let (again, without) = daemon.listening.name_again(daemon).await;
    for path in again {
        crate::warning!("{}: the socket's name was gone, and is there again", path.display());
    }
    let without: Vec<String> = without.iter().map(ToString::to_string).collect();
    for why in without.iter().filter(|why| !said.contains(why)) {
        crate::error!("a socket's name is gone, so nobody can connect there: {why}");
    }
    without
}

/// Expiry, the end of what is kept, and the names of sockets.
async fn keep_time(daemon: Rc<Daemon>) {
    let mut tick = tokio::time::interval(TICK);
    let mut forget = tokio::time::interval(FORGET_EVERY);
    let (mut look, mut said) = (tokio::time::interval(LOOK_EVERY), Vec::new());
    loop {
        tokio::select! {
            _ = look.tick() => said = look_after_sockets(&daemon, &said).await,
            _ = tick.tick() => daemon.held.expire().await,
            _ = forget.tick() => daemon.held.forget(daemon.policy().config.keep_results).await,
        }
    }
}
