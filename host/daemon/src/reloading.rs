//! All files read again: regent.toml whole or not at all, then each grants file by itself. What cannot change while the
//! daemon runs is said, and then nothing of regent.toml changes. One task does it, so that no two live by half of what
//! the other read.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use regent_grants::Config;
use regent_protocol::Reloaded;
use regent_spawner::Ask;
use tokio::sync::mpsc;
use tokio::task::spawn_local;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::activation::Activated;
use crate::handed;
use crate::installed::Installed;
use crate::listening::{Listening, Opened};
use crate::notify;
use crate::policy::{Findings, Policy, Socket};
use crate::process::Spawner;
use crate::reload::{Order, Reload};
use crate::serve::Server;

/// Modules that are new are compiled meanwhile: the answer waits so long for them, and less than a client waits for it.
const SETTLE_WITHIN: Duration = Duration::from_secs(45);
/// How often it is looked whether each socket still has its name.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// The task that opens and closes sockets and changes the policy.
#[derive(Debug)]
pub struct Reloader {
    pub server: Rc<Server>,
    pub listening: Listening,
    pub installed: Rc<Installed>,
    /// Who reads what only root may read.
    pub spawner: Rc<Spawner>,
    pub reload: Reload,
}

impl Reloader {
    /// Opens the first sockets, those that were handed over among them.
    pub async fn open(&self, handed: &mut Activated) -> Result<usize, crate::listen::CannotListen> {
        let opened = self.listening.apply(&self.server.policy.get(), handed).await?;
        self.begin(opened);
        Ok(self.listening.count())
    }

    /// Does what is ordered, one order after the other, and looks after the sockets.
    pub async fn run(self, mut orders: mpsc::Receiver<Order>) {
        let (mut look, mut said) = (interval(LOOK_EVERY), Vec::new());
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.reload(order).await,
                    None => return,
                },
                _ = look.tick() => said = self.look_after_sockets(&said).await,
            }
        }
    }

    /// Reads everything again. Nobody who orders the next has to wait until modules are compiled.
    async fn reload(&self, Order(done): Order) {
        notify::reloading();
        // What happened by itself before is no news of this.
        let _earlier = self.installed.take_news();
        let reloaded = self.configuration().await;
        self.reload.set_last(|last| last.not_taken.clone_from(&reloaded.mistakes));
        self.installed.forgive();
        let installed = Rc::clone(&self.installed);
        spawn_local(async move {
            // Nobody waits for a reload by SIGHUP.
            let _gone = done.send(settled(&installed, reloaded).await);
        });
    }

    /// regent.toml, whole or not at all.
    async fn configuration(&self) -> Reloaded {
        let before = self.server.policy.get();
        let (policy, Findings { mut mistakes, warnings, .. }) = handed::read(&self.spawner, &before.path).await;
        let policy = policy.filter(|policy| {
            mistakes.extend(fixed(&before.config, &policy.config));
            mistakes.is_empty()
        });
        let Some(policy) = policy else {
            self.spawner.tell(Ask::Forget);
            return refused(mistakes, warnings);
        };
        let again = match self.listening.apply(&policy, &mut Activated::default()).await {
            Ok(opened) => self.begin(opened),
            Err(why) => {
                self.spawner.tell(Ask::Forget);
                return refused(vec![why.to_string()], warnings);
            }
        };
        if let Err(why) = self.spawner.adopt().await {
            self.spawner.tell(Ask::Forget);
            return refused(self.back(&before, why.to_string()).await, warnings);
        }
        let again =
            again.iter().map(|path| format!("{}: the socket's name was gone, and is there again", path.display()));
        let changed: Vec<String> = changes(&before, &policy).into_iter().chain(again).collect();
        self.installed.configure(Arc::clone(&policy.config));
        self.server.policy.set(policy);
        self.reload.set_last(|last| last.warnings.clone_from(&warnings));
        changed.iter().for_each(|change| crate::info!("{change}"));
        Reloaded { applied: true, changed, mistakes, warnings }
    }

    /// Whole or not at all: back to the sockets that there were.
    async fn back(&self, before: &Policy, why: String) -> Vec<String> {
        let back = self.listening.apply(before, &mut Activated::default()).await;
        let back = back.map(|opened| self.begin(opened)).err().map(|why| why.to_string());
        [Some(why), back].into_iter().flatten().collect()
    }

    /// Serves what was opened; the paths of those that had lost their names.
    fn begin(&self, opened: Vec<Opened>) -> Vec<PathBuf> {
        let mut again = Vec::new();
        for opened in opened {
            again.extend(opened.again.then(|| opened.place.path.clone()));
            let (key, place, own) = (opened.key.clone(), opened.place.clone(), opened.listener.is_own());
            self.listening.begun(key, place, own, self.server.serve(opened));
        }
        again
    }

    /// A socket whose name somebody removed gets it again. What stands in the way is said once; it is returned.
    async fn look_after_sockets(&self, said: &[String]) -> Vec<String> {
        let (opened, without) = self.listening.name_again().await;
        for path in self.begin(opened) {
            crate::warning!("{}: the socket's name was gone, and is there again", path.display());
        }
        let without: Vec<String> = without.iter().map(ToString::to_string).collect();
        for why in without.iter().filter(|why| !said.contains(why)) {
            crate::error!("a socket's name is gone, so nobody can connect there: {why}");
        }
        without
    }
}

/// What has come of it once what was new is compiled, or the time for that is over.
async fn settled(installed: &Rc<Installed>, mut reloaded: Reloaded) -> Reloaded {
    installed.look().await;
    if !installed.settle(Instant::now() + SETTLE_WITHIN).await {
        reloaded.warnings.push("some plugins are still being prepared: see regent plugin list".into());
    }
    reloaded.changed.extend(installed.take_news());
    let found = installed.found();
    reloaded.mistakes.extend(found.mistakes);
    reloaded.warnings.extend(found.warnings);
    notify::ready();
    let (changes, mistakes) = (reloaded.changed.len(), reloaded.mistakes.len());
    let (s, es) = (if changes == 1 { "" } else { "s" }, if mistakes == 1 { "" } else { "s" });
    crate::info!("reloaded: {changes} change{s}, {mistakes} mistake{es}");
    reloaded
}

fn refused(mistakes: Vec<String>, warnings: Vec<String>) -> Reloaded {
    mistakes.iter().for_each(|mistake| crate::error!("not reloaded: {mistake}"));
    Reloaded { applied: false, changed: Vec::new(), mistakes, warnings }
}

/// What only a restart can change.
fn fixed(before: &Config, now: &Config) -> Vec<String> {
    let said = |key| format!("{key} has changed: restart needed (nothing of regent.toml is changed until then)");
    before.fixed_otherwise(now).into_iter().map(said).collect()
}

fn changes(before: &Policy, now: &Policy) -> Vec<String> {
    let mut changes = Vec::new();
    for socket in &now.sockets {
        match before.socket(&socket.name) {
            None => changes.push(format!("socket {}: listens at {}", socket.name, socket.place.path.display())),
            Some(former) => changes.extend(differences(former, socket)),
        }
    }
    let gone = before.sockets.iter().filter(|socket| now.socket(&socket.name).is_none());
    changes.extend(gone.map(|socket| format!("socket {}: is closed", socket.name)));
    let mut differs = |differs: bool, what: &str| differs.then(|| changes.push(what.to_owned()));
    differs(before.admin != now.admin, "[admin] has changed");
    differs(before.config.people != now.config.people, "[people] have changed");
    differs(before.config.teams != now.config.teams, "[teams] have changed");
    differs(before.config.plugins != now.config.plugins, "plugins: other folders");
    differs(before.config.grants != now.config.grants, "grants: another folder");
    differs(before.config.keep_results != now.config.keep_results, "keep_results has changed");
    changes
}

fn differences(before: &Socket, now: &Socket) -> Vec<String> {
    let name = &now.name;
    let mut changes = Vec::new();
    let mut differs = |differs: bool, what: &str| differs.then(|| changes.push(format!("socket {name}: {what}")));
    differs(before.place.path != now.place.path, &format!("listens at {}", now.place.path.display()));
    differs(before.place.mode != now.place.mode || before.place.group != now.place.group, "another mode or group");
    differs(before.operations != now.operations, "other operations");
    differs(before.trust_peer_uid != now.trust_peer_uid, "trust_peer_uid has changed");
    differs(!before.secrets.are(&now.secrets), "other secrets");
    changes
}
