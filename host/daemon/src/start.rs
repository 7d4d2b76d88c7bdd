//! The order of a start. What others could use against it is settled before (the spawner, the lock, the predecessor);
//! then what is kept and what is installed is read, then the sockets listen; modules are compiled afterwards.

use std::fmt;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::spawn_local;

use crate::activation::Activated;
use crate::admin::Admin;
use crate::crowd::Crowd;
use crate::held::Held;
use crate::helpers::Helpers;
use crate::installed::Installed;
use crate::kept::audit::{Audit, AuditLog};
use crate::kept::disk::Disk;
use crate::kept::ending::Closed;
use crate::kept::event::{Event, EventKind};
use crate::kept::ledger::{Ledger, Recovered};
use crate::kept::medium::OnDisk;
use crate::kept::sandbox_numbers::SandboxNumbers;
use crate::kept::store::Store;
use crate::listening::Listening;
use crate::perform::Executor;
use crate::pipeline::Pipeline;
use crate::plugin::cache::Cache;
use crate::plugin::confinement::Layers;
use crate::plugin::load::Loader;
use crate::plugin::load_error::LoadError;
use crate::plugin::programs::Programs;
use crate::policy::{CurrentPolicy, Policy};
use crate::prepare::Preparer;
use crate::process::{Cgroups, Spawner};
use crate::refusals::RefusalLog;
use crate::reload::Reload;
use crate::reloading::Reloader;
use crate::resume::Resumer;
use crate::serve::Server;
use crate::shutdown::Shutdown;
use crate::status::StatusSource;
const TICK: Duration = Duration::from_millis(500);
/// How often old results are looked for.
const FORGET_EVERY: Duration = Duration::from_secs(60);

const INTERRUPTED: &str = "interrupted: the predecessor ended while it ran; whether it happened is not known";
const HOST_ENDED: &str = "done: it was to end this host, and this is a later boot";

/// Why the daemon does not start: for the administrator, one line each.
#[derive(Debug)]
pub struct CannotStart(pub Vec<String>);

impl CannotStart {
    fn because(what: impl fmt::Display) -> Self {
        Self(vec![what.to_string()])
    }
}

#[derive(Debug)]
pub struct Started {
    pub reload: Reload,
    pub shutdown: Shutdown,
    pub spawner: Rc<Spawner>,
    pub sockets: usize,
}

/// What is there before the daemon: its rules, its programs, and what the machine lacks.
#[derive(Debug)]
pub struct Given {
    /// regent.toml, and what is to be looked at in it.
    pub policy: Policy,
    pub warnings: Vec<String>,
    pub helpers: Helpers,
    pub spawner: Rc<Spawner>,
    /// What this machine or this user lacks so far, and what that means.
    pub lacks: Vec<String>,
    pub handed: Activated,
}

/// Builds each service once, in order, and returns when the sockets listen.
pub async fn start(given: Given) -> Result<Started, CannotStart> {
    let Given { policy, warnings, helpers, spawner, mut lacks, mut handed } = given;
    let shutdown = Shutdown::default();
    let (audit, disk, held) = kept(&policy)?;
    lacks.extend(no_groups(spawner.cgroups()));
    let shelf = policy.config.state.join("modules");
    let said = |why: std::io::Error| CannotStart::because(format!("{}: {why}", shelf.display()));
    let config = Arc::clone(&policy.config);
    let numbers = SandboxNumbers(disk.clone());
    let installed = Installed::new(config, numbers, audit.clone(), Rc::clone(&spawner), shelf.clone());
    let installed = installed.map_err(said)?;
    let programs = confined(&policy, &spawner, &helpers, &mut lacks).await?;
    lacks.iter().for_each(|lack| crate::warning!("{lack}"));
    let policy = CurrentPolicy::new(policy);
    let (reload, orders) = Reload::new(warnings);
    let services = Services { policy, audit, disk, held, installed, spawner, shutdown, reload };
    let resumer = services.resumer();
    let server = services.server(&resumer, lacks);
    let Services { policy, audit, held, installed, spawner, shutdown, reload, .. } = services;
    let started = Event { version: Some(env!("CARGO_PKG_VERSION")), ..Event::of(EventKind::Started) };
    audit.record(&started).map_err(CannotStart::because)?;
    installed.look().await;
    let reloader = Reloader {
        server,
        listening: Listening::new(Rc::clone(&spawner)),
        installed: Rc::clone(&installed),
        spawner: Rc::clone(&spawner),
        reload: reload.clone(),
    };
    let sockets = reloader.open(&mut handed).await.map_err(CannotStart::because)?;
    for left in handed.left() {
        crate::warning!("{}: handed over by the service manager, and no socket is configured there", left.display());
    }
    spawn_local(reloader.run(orders));
    spawn_local(load_all(resumer, programs, helpers));
    spawn_local(installed.keep_looking());
    spawn_local(keep_time(held, policy));
    Ok(Started { reload, shutdown, spawner, sockets })
}

/// Those that everything else is built on.
struct Services {
    policy: Rc<CurrentPolicy>,
    audit: AuditLog,
    disk: Disk,
    held: Rc<Held>,
    installed: Rc<Installed>,
    spawner: Rc<Spawner>,
    shutdown: Shutdown,
    reload: Reload,
}

impl Services {
    fn resumer(&self) -> Rc<Resumer> {
        let executor = Executor {
            spawner: Rc::clone(&self.spawner),
            audit: self.audit.clone(),
            disk: self.disk.clone(),
            shutdown: self.shutdown.clone(),
        };
        Rc::new(Resumer {
            held: Rc::clone(&self.held),
            installed: Rc::clone(&self.installed),
            policy: Rc::clone(&self.policy),
            executor: Rc::new(executor),
        })
    }

    fn server(&self, resumer: &Rc<Resumer>, lacks: Vec<String>) -> Rc<Server> {
        let refusals = Rc::new(RefusalLog::new(self.audit.clone()));
        let crowd = Crowd::new();
        let preparer = Preparer {
            policy: Rc::clone(&self.policy),
            installed: Rc::clone(&self.installed),
            held: Rc::clone(&self.held),
            spawner: Rc::clone(&self.spawner),
            shutdown: self.shutdown.clone(),
        };
        let status = StatusSource {
            since: Timestamp::now(),
            lacks,
            installed: Rc::clone(&self.installed),
            held: Rc::clone(&self.held),
            crowd: Rc::clone(&crowd),
            shutdown: self.shutdown.clone(),
            reload: self.reload.clone(),
        };
        Rc::new(Server {
            pipeline: Pipeline::new(preparer, Rc::clone(&resumer.executor), Rc::clone(&refusals)),
            admin: Admin {
                policy: Rc::clone(&self.policy),
                held: Rc::clone(&self.held),
                installed: Rc::clone(&self.installed),
                resumer: Rc::clone(resumer),
                reload: self.reload.clone(),
                refusals: Rc::clone(&refusals),
                audit: self.audit.clone(),
                status,
            },
            policy: Rc::clone(&self.policy),
            refusals,
            crowd,
            shutdown: self.shutdown.clone(),
        })
    }
}

/// Opens what is kept, and settles what the predecessor left.
fn kept(policy: &Policy) -> Result<(AuditLog, Disk, Rc<Held>), CannotStart> {
    let (audit, ledger) = opened(policy).map_err(CannotStart::because)?;
    let instance = ledger.store.instance().map_err(CannotStart::because)?;
    let recovered = ledger.recover(Timestamp::now()).map_err(CannotStart::because)?;
    tell(&recovered);
    let holds = ledger.store.holds().map_err(CannotStart::because)?;
    let disk = Disk::start(ledger).map_err(CannotStart::because)?;
    let known = audit.lock().time_by_uptime();
    let held = Held::new(disk.clone(), instance, &holds, known);
    Ok((audit, disk, held))
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

fn opened(policy: &Policy) -> Result<(AuditLog, Ledger), String> {
    let said = |path: &Path, why: &dyn fmt::Display| format!("{}: {why}", path.display());
    // The store first: one of another format is refused before the log is changed.
    let path = policy.config.state.join("holds.redb");
    let store = Store::open_at(&path).map_err(|why| said(&path, &why))?;
    let path = &policy.config.audit;
    let medium = OnDisk::open(path).map_err(|why| match why.kind() {
        std::io::ErrorKind::PermissionDenied => {
            let uid = rustix::process::geteuid().as_raw();
            format!("{}: {why}; uid {uid} opens it (daemon_user): each folder above needs chmod o+x", path.display())
        }
        _ => said(path, &why),
    })?;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let audit = Audit::open(Arc::new(medium), boot.trim().to_owned()).map_err(|why| said(path, &why))?;
    let audit = AuditLog::new(audit);
    Ok((audit.clone(), Ledger::new(store, audit)))
}

fn tell(recovered: &Recovered) {
    if let Some(why) = &recovered.voided {
        crate::error!("{why}: everything that was held is void");
    }
    for id in &recovered.interrupted {
        crate::warning!("hold {id}: {INTERRUPTED}");
    }
    for id in &recovered.ended_host {
        crate::info!("hold {id}: {HOST_ENDED}");
    }
    for Closed { reference, operation, done } in &recovered.closed {
        match done {
            true => crate::info!("ref {reference}: {operation}: {HOST_ENDED}"),
            false => crate::warning!("ref {reference}: {operation}: {INTERRUPTED}"),
        }
    }
    if let Some(id) = &recovered.completed {
        crate::info!("hold {id}: its last change was on record and is stored now");
    }
}

/// Lets plugins be loaded, each on its own, and what was approved before this start run.
async fn load_all(resumer: Rc<Resumer>, programs: Rc<Programs>, helpers: Helpers) {
    let loader = loader(&resumer.policy.get(), programs, helpers).await;
    if let Err(why) = &loader {
        crate::error!("no plugin can serve: {why}");
    }
    resumer.installed.can_load(loader);
    resumer.installed.tidy();
    resumer.start_all().await;
}

async fn loader(policy: &Policy, programs: Rc<Programs>, helpers: Helpers) -> Result<Loader, LoadError> {
    let compiler = tokio::task::spawn_blocking(move || helpers.compiler_digest()).await;
    let compiler: [u8; 32] = compiler.map_err(|why| why.to_string())?.map_err(|why| why.to_string())?;
    let folder = policy.config.state.join("compiled");
    let cache = Cache::open(folder.clone(), compiler).map_err(|why| format!("{}: {why}", folder.display()))?;
    Ok(Loader::new(programs, cache, policy.config.recycle))
}

/// Expiry, and the end of what is kept.
async fn keep_time(held: Rc<Held>, policy: Rc<CurrentPolicy>) {
    let mut tick = tokio::time::interval(TICK);
    let mut forget = tokio::time::interval(FORGET_EVERY);
    loop {
        tokio::select! {
            _ = tick.tick() => held.expire().await,
            _ = forget.tick() => held.forget(policy.get().config.keep_results).await,
        }
    }
}
