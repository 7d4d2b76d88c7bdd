//! All files read again: regent.toml whole or not at all, then each grants file by itself. What cannot change while the daemon
//! runs is said, and then nothing of regent.toml changes.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use regent_grants::Config;
use regent_protocol::Reloaded;
use regent_spawner::Ask;
use tokio::time::Instant;

use crate::activation::Activated;
use crate::daemon::Daemon;
use crate::handed;
use crate::notify;
use crate::policy::{Findings, Policy, Socket};

/// Modules that are new are compiled meanwhile: the answer waits so long for them, and less than a client waits for it.
const SETTLE_WITHIN: Duration = Duration::from_secs(45);

/// Reads everything again, and says what came of it.
pub async fn reload(daemon: &Rc<Daemon>) -> Reloaded {
    notify::reloading();
    // What happened by itself before is no news of this.
    let _earlier = daemon.installed.take_news();
    let mut reloaded = configuration(daemon).await;
    daemon.not_taken.borrow_mut().clone_from(&reloaded.mistakes);
    daemon.installed.forgive();
    daemon.installed.look().await;
    if !daemon.installed.settle(Instant::now() + SETTLE_WITHIN).await {
        reloaded.warnings.push("some plugins are still being prepared: see regent plugin list".into());
    }
    reloaded.changed.extend(daemon.installed.take_news());
    let found = daemon.installed.found();
    reloaded.mistakes.extend(found.mistakes);
    reloaded.warnings.extend(found.warnings);
    notify::ready();
    let (changes, mistakes) = (reloaded.changed.len(), reloaded.mistakes.len());
    let (s, es) = (if changes == 1 { "" } else { "s" }, if mistakes == 1 { "" } else { "s" });
    crate::info!("reloaded: {changes} change{s}, {mistakes} mistake{es}");
    reloaded
}

/// regent.toml, whole or not at all.
async fn configuration(daemon: &Rc<Daemon>) -> Reloaded {
    // Two at once would each live by half of what the other read.
    let _one_at_a_time = daemon.one_reload.lock().await;
    let before = daemon.policy();
    let (policy, Findings { mut mistakes, warnings, .. }) = handed::read(&daemon.spawner, &before.path).await;
    let policy = policy.filter(|policy| {
        mistakes.extend(fixed(&before.config, &policy.config));
        mistakes.is_empty()
    });
    let Some(policy) = policy else {
        daemon.spawner.tell(Ask::Forget);
        return refused(mistakes, warnings);
    };
    let again = match daemon.listening.apply(daemon, &policy, &mut Activated::default()).await {
        Ok(again) => again,
        Err(why) => {
            daemon.spawner.tell(Ask::Forget);
            return refused(vec![why.to_string()], warnings);
        }
    };
    if let Err(why) = daemon.spawner.adopt().await {
        daemon.spawner.tell(Ask::Forget);
        // Whole or not at all: back to the sockets that there were.
        let back = daemon.listening.apply(daemon, &before, &mut Activated::default()).await;
        let mistakes = [Some(why.to_string()), back.err().map(|why| why.to_string())];
        return refused(mistakes.into_iter().flatten().collect(), warnings);
    }
    let again = again.iter().map(|path| format!("{}: the socket's name was gone, and is there again", path.display()));
    let changed: Vec<String> = changes(&before, &policy).into_iter().chain(again).collect();
    daemon.held.set_people(policy.people.clone());
    daemon.installed.configure(Arc::clone(&policy.config));
    daemon.set_policy(policy);
    *daemon.warnings.borrow_mut() = warnings.clone();
    changed.iter().for_each(|change| crate::info!("{change}"));
    Reloaded { applied: true, changed, mistakes, warnings }
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

/// What is different, in words.
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
