//! A trial that somebody has taken over, and what it gains of its spawner: nothing but what is confined.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

#[allow(dead_code, reason = "other tests need more of it")]
mod spawned;

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use regent_lane::Layer;
use regent_spawner::{
    Ask, Confinement, Descent, Exit, Granted, Identity, Ready, Run, Say, Start, TRIAL_SANDBOX, TRIAL_USER,
};
use rustix::fs::{Mode, OFlags};
use spawned::{Spawner, needs_root};

/// Neither sandbox nor compiler: a program that is there and harmless stands for both.
const CONFINED: [&str; 5] = ["--confined", "--sandbox", "/usr/bin/true", "--compiler", "/usr/bin/true"];

/// An ordinary user.
const NOBODY: [&str; 4] = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

fn layers() -> Vec<Layer> {
    Layer::ALL.into_iter().filter(|layer| layer.is_namespace()).collect()
}

fn user(uid: u32, gid: u32, groups: &[u32]) -> Option<Identity> {
    Some(Identity { uid, gid, groups: groups.to_vec() })
}

/// A start as a trial asks for it. What comes with it is `touch`, which leaves this mark if it runs after all.
fn good(mark: &Path) -> Start {
    Start {
        token: 1,
        path: "regent-sandbox".into(),
        argv: vec!["regent-sandbox".into()],
        env: Vec::new(),
        cwd: mark.parent().unwrap().to_str().unwrap().into(),
        umask: 0o077,
        identity: user(TRIAL_SANDBOX, TRIAL_SANDBOX, &[]),
        capabilities: None,
        may_gain: false,
        confinement: Confinement::Sandbox(layers()),
        limits: Vec::new(),
        extra: 0,
        descent: Descent::Alone { grouped: false },
    }
}

/// As root, unconfined, with a word more: the mark.
fn unconfined(mark: &Path) -> Start {
    let argv = vec!["regent-sandbox".into(), mark.to_str().unwrap().into()];
    Start { argv, confinement: Confinement::None, identity: user(0, 0, &[]), ..good(mark) }
}

fn open(path: &str, flags: OFlags) -> OwnedFd {
    rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty()).unwrap()
}

fn start(spawner: &Spawner, start: Start) -> Say {
    let (program, null) = (open("/usr/bin/touch", OFlags::PATH), open("/dev/null", OFlags::RDWR));
    let group = open("/", OFlags::RDONLY | OFlags::DIRECTORY);
    let mut fds = vec![program.as_fd(), null.as_fd(), null.as_fd(), null.as_fd()];
    let grouped = matches!(start.descent, Descent::Cgroup | Descent::Alone { grouped: true });
    fds.extend(grouped.then(|| group.as_fd()));
    spawner.say(&Ask::Start(Box::new(start)), &fds);
    spawner.hear()
}

fn confined(wrapper: &[&str], ready: &Ready) -> Spawner {
    let spawner = Spawner::told(wrapper, &CONFINED);
    assert_eq!(spawner.hear(), Say::Ready(ready.clone()));
    spawner
}

fn of_root() -> Spawner {
    needs_root();
    let user = Some((TRIAL_USER, TRIAL_USER, Vec::new()));
    confined(&[], &Ready { root: true, user, groups: None, ended: 0 })
}

#[test]
fn a_trial_has_nothing_started_but_its_own_programs_confined_and_as_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let spawner = of_root();
    let good = good(&mark);
    let told = |word: &str| Start { argv: vec!["regent-sandbox".into(), word.into()], ..good.clone() };
    for (what, bad) in [
        ("unconfined, as root", unconfined(&mark)),
        ("unconfined", Start { identity: good.identity.clone(), ..unconfined(&mark) }),
        ("another program", Start { path: "/usr/bin/touch".into(), ..good.clone() }),
        ("with a layer less", Start { confinement: Confinement::Sandbox(layers()[1..].to_vec()), ..good.clone() }),
        ("told to confine itself less", told("--without=seccomp")),
        ("told not to confine itself", told("--unconfined")),
        ("told that it shares its user", told("--shared-user")),
        ("told what nobody knows", told("/etc/shadow")),
        ("as root", Start { identity: user(0, 0, &[]), ..good.clone() }),
        ("as the spawner", Start { identity: None, ..good.clone() }),
        ("as the trial", Start { identity: user(TRIAL_USER, TRIAL_USER, &[]), ..good.clone() }),
        ("as a daemon's sandbox", Start { identity: user(1_900_000_000, 1_900_000_000, &[]), ..good.clone() }),
        ("in another's group", Start { identity: user(TRIAL_SANDBOX, 0, &[]), ..good.clone() }),
        ("in more groups", Start { identity: user(TRIAL_SANDBOX, TRIAL_SANDBOX, &[0]), ..good.clone() }),
        ("with an environment", Start { env: vec!["LD_PRELOAD=/x".into()], ..good.clone() }),
        ("in a group of its choice", Start { descent: Descent::Alone { grouped: true }, ..good.clone() }),
        ("with a reaper", Start { descent: Descent::Sweep, ..good.clone() }),
    ] {
        assert!(matches!(start(&spawner, bad), Say::NotRun(1, _)), "{what}");
    }
    assert!(!mark.exists());
    for path in ["regent-sandbox", "regent-compiler"] {
        let own = Start { path: path.into(), argv: vec![path.into()], ..good.clone() };
        assert!(matches!(start(&spawner, own), Say::Started { token: 1, .. }), "{path}");
        assert!(matches!(spawner.hear(), Say::Exited { token: 1, .. } | Say::NotStarted { token: 1, .. }), "{path}");
    }
}

#[test]
fn who_performs_has_a_spawner_that_starts_what_it_is_told() {
    needs_root();
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let spawner = Spawner::new();
    assert!(matches!(start(&spawner, unconfined(&mark)), Say::Started { token: 1, .. }));
    assert_eq!(spawner.hear(), Say::Exited { token: 1, status: Exit::Status(0) });
    assert!(mark.exists());
}

#[test]
fn a_trial_has_no_command_run_by_any_grants() {
    let spawner = of_root();
    let granted = Granted {
        token: 1,
        plugin: "x".into(),
        text: [0; 32],
        command: "mark".into(),
        values: vec![("name".into(), "here".into())],
    };
    let null = open("/dev/null", OFlags::RDWR);
    let run = Ask::Run(Box::new(Run { granted, planned: [0; 32], grouped: false }));
    spawner.say(&run, &[null.as_fd(), null.as_fd(), null.as_fd()]);
    assert_eq!(spawner.hear(), Say::NotRun(1, "this spawner has no grants".into()));
}

#[test]
fn an_ordinary_users_trial_starts_no_program_of_that_user_either() {
    needs_root();
    let folder = tempfile::tempdir().unwrap();
    let spawner = confined(&NOBODY, &Ready { root: false, user: None, groups: None, ended: 0 });
    let bad = Start { identity: None, ..unconfined(&folder.path().join("mark")) };
    assert!(matches!(start(&spawner, bad), Say::NotRun(1, _)));
}

#[test]
fn what_a_spawner_is_told_and_does_not_know_is_no_reason_to_start_anything() {
    for arguments in [
        &["--confind"][..],
        &["--confined"],
        &CONFINED[..3],
        &[&CONFINED[..], &["--more"]].concat(),
        &[&["--confined", "--config", "/x"], &CONFINED[1..]].concat(),
        &CONFINED[1..],
    ] {
        let mut spawner = Spawner::told(&[], arguments);
        assert!(matches!(spawner.hear(), Say::Unready(_)), "{arguments:?}");
        assert_eq!(spawner.child.wait().unwrap().code(), Some(69), "{arguments:?}");
    }
}
