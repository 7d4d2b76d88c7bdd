//! The order of a start. First what others could use against it is settled (the spawner, the lock, the predecessor), then
//! what is kept is read, then the sockets listen; modules are compiled afterwards.

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use regent_grants::Grants;
use rustix::fs::FlockOperation;
use sha2::{Digest as _, Sha256};
use tokio::task::spawn_local;

use crate::catalog::{Catalog, Entry, Status};
use crate::daemon::Daemon;
use crate::held::Held;
use crate::helpers::Helpers;
use crate::kept::audit::{Audit, Event};
use crate::kept::disk::Disk;
use crate::kept::ledger::{Ledger, Recovered};
use crate::kept::medium::OnDisk;
use crate::kept::store::Store;
use crate::listen::{Connections, Listener, own_folder};
use crate::plugin::cache::Cache;
use crate::plugin::load::{Loader, NotServed};
use crate::plugin::programs::Programs;
use crate::policy::{Policy, state_file};
use crate::process::{Cgroups, Spawner, SpawnerSocket};
use crate::refusals::Budget;
use crate::{resume, serve};

/// How often expiry is looked at.
const TICK: Duration = Duration::from_millis(500);
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
    all: Vec<Grants>,
    helpers: Helpers,
    spawner: SpawnerSocket,
) -> Result<Rc<Daemon>, CannotStart> {
    let state = policy.config.state.clone();
    let lock = lock_state(&state).map_err(CannotStart::because)?;
    let (audit, ledger) = kept(&policy).map_err(CannotStart::because)?;
    let instance = ledger.store.instance().map_err(CannotStart::because)?;
    let cgroups = predecessor(&instance).map_err(CannotStart::because)?;
    let recovered = ledger.recover(Timestamp::now()).map_err(CannotStart::because)?;
    tell(&recovered);
    let (catalog, mistakes) = Catalog::new(all);
    mistakes.iter().for_each(|mistake| crate::error!("{mistake}"));
    let uids = sandbox_uids(&policy, &catalog, &ledger).map_err(CannotStart::because)?;
    let holds = ledger.store.holds().map_err(CannotStart::because)?;
    let disk = Disk::start(ledger).map_err(CannotStart::because)?;
    let daemon = Rc::new(Daemon {
        held: Held::new(disk, policy.people.clone(), &holds),
        spawner: Spawner::attach(spawner, cgroups).map_err(CannotStart::because)?,
        policy,
        catalog,
        instance,
        audit,
        refusals: Budget::new(),
        running: Cell::new(0),
        ending: Cell::new(false),
        _lock: lock,
    });
    let started = Event { event: "started", outcome: Some(env!("CARGO_PKG_VERSION")), ..Event::default() };
    daemon.record(&started).map_err(CannotStart::because)?;
    listen(&daemon)?;
    spawn_local(load_all(Rc::clone(&daemon), helpers, uids));
    spawn_local(keep_time(Rc::clone(&daemon)));
    Ok(daemon)
}

/// Two daemons over one state folder would take one hold twice.
fn lock_state(state: &Path) -> Result<File, String> {
    own_folder(state, 0o700).map_err(|why| format!("{}: {why}", state.display()))?;
    crate::trusted_file::folder(state).map_err(|why| why.to_string())?;
    let path = state.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|why| format!("{}: {why}", path.display()))?;
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| format!("{}: another daemon runs over this state folder", state.display()))?;
    Ok(file)
}

fn kept(policy: &Policy) -> Result<(Arc<Mutex<Audit>>, Ledger), String> {
    let path = &policy.config.audit;
    let said = |path: &Path, why: &dyn fmt::Display| format!("{}: {why}", path.display());
    let medium = OnDisk::open(path).map_err(|why| said(path, &why))?;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let audit = Audit::open(Arc::new(medium), boot.trim().to_owned()).map_err(|why| said(path, &why))?;
    let audit = Arc::new(Mutex::new(audit));
    let path = state_file(&policy.config, "holds.redb");
    let store = Store::open_at(&path).map_err(|why| said(&path, &why))?;
    Ok((Arc::clone(&audit), Ledger::new(store, audit)))
}

/// Ends what a predecessor left running.
fn predecessor(instance: &str) -> Result<Option<Cgroups>, String> {
    let cgroups = Cgroups::open(instance).map_err(|why| format!("cgroup v2: {why}"))?;
    match &cgroups {
        Some(cgroups) => {
            let ended = cgroups.clear().map_err(|why| format!("cgroup v2: {why}"))?;
            if ended > 0 {
                crate::warning!("{ended} runs of a predecessor were still there and have been killed");
            }
        }
        None => crate::warning!("no cgroup v2: what a predecessor may have left running was not looked for"),
    }
    Ok(cgroups)
}

fn tell(recovered: &Recovered) {
    if let Some(why) = recovered.voided {
        crate::error!("{why}: everything that was held is void");
    }
    for id in &recovered.interrupted {
        crate::warning!("hold {id}: interrupted: the predecessor ended while it ran; whether it happened is not known");
    }
    if let Some(id) = &recovered.completed {
        crate::info!("hold {id}: its last change was on record and is stored now");
    }
}

/// A plugin that is to be brought to serve, and the uid of its sandboxes.
struct ToLoad {
    entry: Rc<Entry>,
    uid: Option<u32>,
}

/// A uid for each plugin, the same after every restart; none where only root could give one.
fn sandbox_uids(policy: &Policy, catalog: &Catalog, ledger: &Ledger) -> Result<Vec<ToLoad>, String> {
    let range = &policy.config.sandbox;
    let root = rustix::process::geteuid().is_root();
    if !root {
        crate::warning!("not started as root: sandboxes share this user's uid and have no namespaces of their own");
    }
    let uid = |entry: &Rc<Entry>| {
        let number = ledger.store.sandbox(&entry.grants.name, range.count).map_err(|why| why.to_string())?;
        let number =
            number.ok_or_else(|| format!("[sandbox] uids: all {} are taken: give a wider range", range.count))?;
        Ok::<_, String>(range.first + number)
    };
    catalog
        .entries()
        .map(|entry| Ok(ToLoad { entry: Rc::clone(entry), uid: if root { Some(uid(entry)?) } else { None } }))
        .collect()
}

fn listen(daemon: &Rc<Daemon>) -> Result<(), CannotStart> {
    let connections = Rc::new(Connections::default());
    let mut opened = Vec::new();
    for socket in &daemon.policy.sockets {
        opened.push((socket, Listener::open(&socket.place).map_err(CannotStart::because)?));
    }
    let admin = daemon.policy.admin.as_ref().map(Listener::open).transpose().map_err(CannotStart::because)?;
    for (socket, listener) in opened {
        serve::requests(daemon, socket, listener, &connections);
    }
    if let Some(listener) = admin {
        serve::admins(daemon, listener, &connections);
    }
    Ok(())
}

/// Brings the plugins to serve, each on its own, and what was approved before this start to run.
async fn load_all(daemon: Rc<Daemon>, helpers: Helpers, all: Vec<ToLoad>) {
    match loader(&daemon, helpers).await {
        Ok(loader) => {
            let loader = Rc::new(loader);
            for ToLoad { entry, uid } in all {
                let (daemon, loader) = (Rc::clone(&daemon), Rc::clone(&loader));
                spawn_local(async move { load(&daemon, &loader, &entry, uid).await });
            }
        }
        Err(why) => {
            crate::error!("no plugin can serve: {why}");
            all.iter().for_each(|to_load| to_load.entry.set(Status::Unserved(None)));
        }
    }
    resume::start_all(&daemon).await;
}

async fn loader(daemon: &Daemon, helpers: Helpers) -> Result<Loader, String> {
    let programs = Rc::new(Programs::new(Rc::clone(&daemon.spawner), &helpers).map_err(|why| why.to_string())?);
    let compiler = tokio::task::spawn_blocking(move || helpers.compiler_digest()).await;
    let compiler: [u8; 32] = compiler.map_err(|why| why.to_string())?.map_err(|why| why.to_string())?;
    let folder = state_file(&daemon.policy.config, "compiled");
    let cache = Cache::open(folder.clone(), compiler).map_err(|why| format!("{}: {why}", folder.display()))?;
    Ok(Loader { programs, cache })
}

async fn load(daemon: &Daemon, loader: &Loader, entry: &Entry, uid: Option<u32>) {
    let name = &entry.grants.name;
    match loader.load(&entry.grants, &daemon.policy.config.plugins, uid).await {
        Ok(plugin) => {
            let serves: Vec<&str> = entry.grants.operations.iter().map(|operation| operation.called.as_str()).collect();
            crate::info!("plugin {name} serves {} (sha256 {})", serves.join(", "), hex::encode(plugin.digest));
            entry.set(Status::Serving(plugin));
        }
        Err(NotServed { reasons, module }) => {
            reasons.iter().for_each(|reason| crate::error!("plugin {name} does not serve: {reason}"));
            entry.set(Status::Unserved(module));
        }
    }
}

/// Expiry, and the end of what is kept.
async fn keep_time(daemon: Rc<Daemon>) {
    let mut tick = tokio::time::interval(TICK);
    let mut forget = tokio::time::interval(FORGET_EVERY);
    loop {
        tokio::select! {
            _ = tick.tick() => daemon.held.expire().await,
            _ = forget.tick() => daemon.held.forget(daemon.policy.config.keep_results).await,
        }
    }
}

/// SHA-256 of a file, by its handle.
///
/// # Errors
/// What the kernel says.
pub fn digest_of(mut file: impl std::io::Read) -> std::io::Result<[u8; 32]> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(Sha256::digest(&bytes).into())
}

/// All grants files, for a start or a check.
#[must_use]
pub fn grants_folders(policy: &Policy) -> Vec<PathBuf> {
    match &policy.config.grants {
        Some(folder) => vec![folder.clone()],
        None => policy.config.plugins.clone(),
    }
}
