//! A daemon that somebody has taken over, and what it gains of the spawner: nothing but what was granted, by name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{IoSlice, IoSliceMut, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use regent_lane::Layer;
use regent_resolve::PlannedStep;
use regent_spawner::{
    Answer, Ask, Confinement, Descent, Exit, Granted, Identity, Look, Ready, Refused, Run, Say, Start, decode, encode,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use tempfile::TempDir;

const GRANTS: &str = "[operations.mark]\n[commands.mark]\nrun = [\"/usr/bin/touch\", \"{name}\"]\n\
                      params.name = { type = \"text\", pattern = \"[a-z]+\" }\ncwd = \"FOLDER\"\n";

fn open(path: &str) -> OwnedFd {
    rustix::fs::open(path, OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty()).unwrap()
}

/// A spawner with a configuration, and the daemon's end of its socket.
struct Spawned {
    folder: TempDir,
    child: Child,
    socket: Option<OwnedFd>,
    next: Cell<u64>,
    /// Where it has groups for runs.
    groups: Option<PathBuf>,
}

impl Spawned {
    /// With these grants of the plugin x.
    fn with(grants: &str) -> Self {
        assert!(rustix::process::geteuid().is_root(), "this test must run as root: `sudo -E cargo xtask test`");
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        ["plugins", "grants", "marks"].iter().for_each(|name| fs::create_dir(at(name)).unwrap());
        fs::write(at("secret"), "a secret of more than sixteen bytes\n").unwrap();
        fs::write(at("grants/x.toml"), grants.replace("FOLDER", at("marks").to_str().unwrap())).unwrap();
        let shown = folder.path().display();
        let config = format!(
            "plugins = [\"{shown}/plugins\"]\ngrants = \"{shown}/grants\"\nstate = \"{shown}/state\"\n[[sockets]]\n\
             name = \"web\"\npath = \"{shown}/run/web.sock\"\nsecret_file = \"{shown}/secret\"\noperations = [\"*\"]\n"
        );
        fs::write(at("regent.toml"), config).unwrap();
        fs::set_permissions(at("regent.toml"), fs::Permissions::from_mode(0o600)).unwrap();
        over(folder)
    }

    fn new() -> Self {
        Self::with(GRANTS)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn token(&self) -> u64 {
        self.next.replace(self.next.get() + 1)
    }

    fn say(&self, ask: &Ask, fds: &[BorrowedFd<'_>]) {
        let bytes = encode(ask).unwrap();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(16))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        assert!(fds.is_empty() || ancillary.push(SendAncillaryMessage::ScmRights(fds)));
        let socket = self.socket.as_ref().unwrap();
        sendmsg(socket, &[IoSlice::new(&bytes)], &mut ancillary, SendFlags::NOSIGNAL).unwrap();
    }

    fn hear(&self) -> (Say, Option<OwnedFd>) {
        let socket = self.socket.as_ref().unwrap();
        let patience = Timespec { tv_sec: 10, tv_nsec: 0 };
        assert_eq!(poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&patience)), Ok(1), "it says nothing");
        let mut bytes = vec![0; 192 << 10];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let message =
            recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, RecvFlags::CMSG_CLOEXEC).unwrap();
        let fd = ancillary.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut rights) => rights.next(),
            _ => None,
        });
        (decode(&bytes[..message.bytes]).expect("a word"), fd)
    }

    /// What is answered to this.
    fn ask(&self, ask: impl FnOnce(u64) -> Ask) -> (Result<Answer, Refused>, Option<OwnedFd>) {
        let token = self.token();
        self.say(&ask(token), &[]);
        match self.hear() {
            (Say::Answer(answered, answer), fd) if answered == token => (answer, fd),
            (other, _) => panic!("{other:?}"),
        }
    }

    fn text(&self) -> [u8; 32] {
        let text = fs::read_to_string(self.at("grants/x.toml")).unwrap();
        let config = fs::read_to_string(self.at("regent.toml")).unwrap();
        let config = regent_grants::Config::parse("regent.toml", &config).unwrap().value;
        regent_grants::Grants::parse("x", "x.toml", &text, &config).unwrap().value.text
    }

    fn looked(&self) -> [u8; 32] {
        let text = self.text();
        let look = |token| Ask::Look(Look { token, plugin: "x".into(), text, serving: None });
        let judged = Answer::Judged { mistakes: Vec::new(), warnings: Vec::new() };
        assert_eq!(self.ask(look).0, Ok(judged));
        text
    }

    fn granted(&self, text: [u8; 32], command: &str, values: &[(&str, &str)]) -> Granted {
        let values = values.iter().map(|(slot, value)| ((*slot).to_owned(), (*value).to_owned())).collect();
        Granted { token: self.token(), plugin: "x".into(), text, command: command.into(), values }
    }

    fn planned(&self, granted: &Granted) -> PlannedStep {
        self.say(&Ask::Plan(Box::new(granted.clone())), &[]);
        match self.hear().0 {
            Say::Answer(_, Ok(Answer::Planned(step))) => serde_json::from_str(&step).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn run(&self, granted: &Granted, planned: [u8; 32]) -> Say {
        let null = open("/dev/null");
        let (_read, write) = rustix::pipe::pipe().unwrap();
        self.run_with(granted, planned, &[null.as_fd(), write.as_fd(), write.as_fd()])
    }

    fn run_with(&self, granted: &Granted, planned: [u8; 32], fds: &[BorrowedFd<'_>]) -> Say {
        let grouped = fds.len() > 3;
        self.say(&Ask::Run(Box::new(Run { granted: granted.clone(), planned, grouped })), fds);
        self.hear().0
    }

    fn start(&self, start: Start) -> Say {
        let open = |path: &str, flags| rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let (program, null) = (open("/usr/bin/touch", OFlags::PATH), open("/dev/null", OFlags::RDWR));
        self.say(&Ask::Start(Box::new(start)), &[program.as_fd(), null.as_fd(), null.as_fd(), null.as_fd()]);
        self.hear().0
    }

    fn marks(&self) -> usize {
        fs::read_dir(self.at("marks")).unwrap().count()
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        self.socket = None;
        let _ended = self.child.wait();
    }
}

#[test]
fn what_is_granted_runs_as_it_was_planned() {
    let spawned = Spawned::new();
    let granted = spawned.granted(spawned.looked(), "mark", &[("name", "here")]);
    let step = spawned.planned(&granted);
    assert_eq!(step.argv, ["/usr/bin/touch", "here"]);
    assert_eq!(spawned.run(&granted, step.digest()), Say::Exited { token: granted.token, status: Exit::Status(0) });
    assert!(spawned.at("marks/here").exists());
}

#[test]
fn what_was_not_granted_or_not_planned_so_is_not_run() {
    let spawned = Spawned::new();
    let text = spawned.looked();
    let good = spawned.granted(text, "mark", &[("name", "here")]);
    let digest = spawned.planned(&good).digest();
    let of = |command: &str, values: &[(&str, &str)]| spawned.granted(text, command, values);
    let of_nobody = Granted { plugin: "y".into(), ..good.clone() };
    let of_other_text = Granted { text: [7; 32], ..good.clone() };
    for (granted, planned, why) in [
        (of("other", &[("name", "here")]), digest, "it grants no command"),
        (of("mark", &[("name", "../here")]), digest, "its slots do not take"),
        (of("mark", &[]), digest, "its slots do not take"),
        (of("mark", &[("name", "here"), ("more", "x")]), digest, "its slots do not take"),
        (of("mark", &[("name", "there")]), digest, "it is no longer what was planned"),
        (good.clone(), [0; 32], "it is no longer what was planned"),
        (of_nobody, digest, "the grants of y are no longer"),
        (of_other_text, digest, "the grants of x are no longer"),
    ] {
        match spawned.run(&granted, planned) {
            Say::NotRun(token, said) => assert!(token == granted.token && said.contains(why), "{said}"),
            other => panic!("{why}: {other:?}"),
        }
    }
    assert_eq!(spawned.marks(), 0);
}

#[test]
fn a_command_of_roots_is_given_no_terminal_no_input_and_no_group_of_the_daemons_choice() {
    let spawned = Spawned::new();
    let good = spawned.granted(spawned.looked(), "mark", &[("name", "here")]);
    let digest = spawned.planned(&good).digest();
    let (read, write) = rustix::pipe::pipe().unwrap();
    let (null, terminal) = (open("/dev/null"), open("/dev/ptmx"));
    rustix::fs::mkfifoat(rustix::fs::CWD, spawned.at("named"), Mode::RUSR | Mode::WUSR).unwrap();
    let named = open(spawned.at("named").to_str().unwrap());
    let group = rustix::fs::open("/sys/fs/cgroup", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    let (null, write) = (null.as_fd(), write.as_fd());
    for (what, fds) in [
        ("a terminal to ask by", vec![null, write, terminal.as_fd()]),
        ("a terminal to answer by", vec![terminal.as_fd(), write, write]),
        ("a pipe that has a name", vec![null, write, named.as_fd()]),
        ("input that its grant does not name", vec![read.as_fd(), write, write]),
        ("no descriptors", vec![]),
        ("a group that is not its own", vec![null, write, write, group.as_fd()]),
    ] {
        assert!(matches!(spawned.run_with(&good, digest, &fds), Say::NotRun(..)), "{what}");
    }
    assert_eq!(spawned.marks(), 0);
}

/// Who has taken the daemon over sees the file system as it likes, and so do the names of what it opens there.
#[test]
fn a_group_is_its_own_by_what_it_is_and_not_by_what_it_is_called() {
    let spawned = Spawned::new();
    let runs = spawned.groups.clone().expect("this machine has cgroup v2");
    let good = spawned.granted(spawned.looked(), "mark", &[("name", "here")]);
    let digest = spawned.planned(&good).digest();
    let (null, (_read, write)) = (open("/dev/null"), rustix::pipe::pipe().unwrap());
    let run =
        |group: &OwnedFd| spawned.run_with(&good, digest, &[null.as_fd(), write.as_fd(), write.as_fd(), group.as_fd()]);
    let script =
        "mount -t tmpfs none $0 && mkdir $0/run-1 && mount --bind $(dirname $0) $0/run-1 && exec sleep 60 <$0/run-1";
    #[allow(clippy::disallowed_methods, reason = "another mount namespace")]
    let mut elsewhere = Command::new("unshare");
    let mut elsewhere = elsewhere.args(["--mount", "sh", "-c", script]).arg(&runs).spawn().unwrap();
    let theirs = format!("/proc/{}/fd/0", elsewhere.id());
    while fs::read_link(&theirs).ok() != Some(runs.join("run-1")) {
        assert!(elsewhere.try_wait().unwrap().is_none());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let folder = |path: &Path| {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(path, flags, Mode::empty()).unwrap()
    };
    let disguised = folder(Path::new(&theirs));
    fs::create_dir(runs.join("run-1")).unwrap();
    assert!(matches!(run(&disguised), Say::NotRun(..)));
    assert_eq!(spawned.marks(), 0);
    assert!(matches!(run(&folder(&runs.join("run-1"))), Say::Exited { status: Exit::Status(0), .. }));
    assert_eq!(spawned.marks(), 1);
    elsewhere.kill().unwrap();
    elsewhere.wait().unwrap();
}

#[test]
fn grants_are_the_file_that_root_wrote_and_no_other_text() {
    let spawned = Spawned::new();
    let look = |plugin: &str, text| {
        spawned.ask(|token| Ask::Look(Look { token, plugin: plugin.into(), text, serving: None })).0
    };
    let refused = |answer: Result<Answer, Refused>| match answer {
        Err(Refused::Because(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(refused(look("x", [1; 32])).ends_with("has changed meanwhile"));
    assert!(refused(look("../secret", [1; 32])).contains("has no grants file"));
    // What others may write is nobody's grants.
    let file = spawned.at("grants/x.toml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(refused(look("x", spawned.text())).contains("can be written by others"));
}

#[test]
fn only_its_own_programs_are_started_confined_and_as_nobody_else() {
    let spawned = Spawned::new();
    let layers: Vec<_> = Layer::ALL.into_iter().filter(|layer| layer.is_namespace()).collect();
    let good = Start {
        token: 1,
        path: "regent-sandbox".into(),
        argv: vec!["regent-sandbox".into()],
        env: Vec::new(),
        cwd: "/".into(),
        umask: 0o077,
        identity: Some(Identity { uid: 1_900_000_000, gid: 1_900_000_000, groups: Vec::new() }),
        capabilities: None,
        may_gain: false,
        confinement: Confinement::Sandbox(layers.clone()),
        limits: Vec::new(),
        extra: 0,
        descent: Descent::Alone { grouped: false },
    };
    let of = |uid, gid, groups: &[u32]| Some(Identity { uid, gid, groups: groups.to_vec() });
    let told = |word: &str| Start { argv: vec!["regent-sandbox".into(), word.into()], ..good.clone() };
    for (what, bad) in [
        ("unconfined", Start { confinement: Confinement::None, ..good.clone() }),
        ("another program", Start { path: "/usr/bin/touch".into(), ..good.clone() }),
        ("with a layer less", Start { confinement: Confinement::Sandbox(layers[1..].to_vec()), ..good.clone() }),
        ("told to confine itself less", told("--without=seccomp")),
        ("told not to confine itself", told("--unconfined")),
        ("told that it shares its user", told("--shared-user")),
        ("told what nobody knows", told("/etc/shadow")),
        (
            "the compiler, told to look and to confine itself less",
            Start {
                path: "regent-compiler".into(),
                argv: ["regent-compiler", "--verify", "--unconfined"].map(str::to_owned).to_vec(),
                confinement: Confinement::Sandbox(Vec::new()),
                ..good.clone()
            },
        ),
        ("as root", Start { identity: of(0, 0, &[]), ..good.clone() }),
        ("as the spawner", Start { identity: None, ..good.clone() }),
        ("beyond the range", Start { identity: of(1_900_001_000, 1_900_001_000, &[]), ..good.clone() }),
        ("in another's group", Start { identity: of(1_900_000_000, 0, &[]), ..good.clone() }),
        ("in more groups", Start { identity: of(1_900_000_000, 1_900_000_000, &[0]), ..good.clone() }),
        ("with an environment", Start { env: vec!["LD_PRELOAD=/x".into()], ..good.clone() }),
    ] {
        assert!(matches!(spawned.start(bad), Say::NotRun(1, _)), "{what}");
    }
    // Whatever handle comes with it, what starts is the spawner's own: here `true`, and not `touch`.
    assert!(matches!(spawned.start(good), Say::Started { token: 1, .. }));
    assert!(matches!(spawned.hear().0, Say::Exited { token: 1, .. } | Say::NotStarted { token: 1, .. }));
    assert_eq!(spawned.marks(), 0);
}

#[test]
fn it_opens_binds_and_removes_only_what_regent_toml_names() {
    let spawned = Spawned::new();
    let shadow = spawned.ask(|token| Ask::Open(token, "/etc/shadow".into())).0;
    assert!(matches!(shadow, Err(Refused::Because(why)) if why.ends_with("regent.toml names no such file")));
    for name in ["regent.toml", "secret"] {
        let (answer, file) = spawned.ask(|token| Ask::Open(token, spawned.at(name)));
        assert_eq!(answer, Ok(Answer::Done));
        let mut text = String::new();
        File::from(file.unwrap()).read_to_string(&mut text).unwrap();
        assert_eq!(text, fs::read_to_string(spawned.at(name)).unwrap());
    }
    let elsewhere = spawned.ask(|token| Ask::Listen(token, spawned.at("run/other.sock"))).0;
    assert_eq!(elsewhere, Err(Refused::Because("regent.toml has no such socket".into())));
    let (answer, socket) = spawned.ask(|token| Ask::Listen(token, spawned.at("run/web.sock")));
    assert!(answer == Ok(Answer::Done) && socket.is_some());
    // Made once, as long as it has its name; and unlinked by its number alone.
    let again = spawned.ask(|token| Ask::Listen(token, spawned.at("run/web.sock")));
    assert!(again.0 == Ok(Answer::Kept) && again.1.is_none());
    spawned.say(&Ask::Unlink(99), &[]);
    spawned.looked();
    assert!(spawned.at("run/web.sock").exists());
}

#[test]
fn rights_that_no_command_needed_at_the_start_are_gone_for_good() {
    let modest = "[operations.o]\n[commands.c]\nrun = [\"/usr/bin/true\"]\ncapabilities = [\"cap_net_admin\"]\n";
    let spawned = Spawned::with(modest);
    let status = fs::read_to_string(format!("/proc/{}/status", spawned.child.id())).unwrap();
    let set = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(line.trim(), 16).unwrap()
    };
    let (net_admin, sys_boot) = (1 << 12, 1 << 22);
    for name in ["CapBnd:", "CapPrm:", "CapEff:"] {
        assert!(set(name) & net_admin != 0 && set(name) & sys_boot == 0, "{name} {:x}", set(name));
    }
    assert_eq!(set("NoNewPrivs:"), 1);
    for (more, why) in [
        (modest.replace("cap_net_admin", "cap_sys_boot"), "restart needed: no command had cap_sys_boot when"),
        (modest.replace("capabilities = [\"cap_net_admin\"]\n", ""), "restart needed: no command had all capabilities"),
        (format!("{modest}setuid = true\n"), "restart needed: no command had setuid = true when"),
    ] {
        fs::write(spawned.at("grants/x.toml"), more).unwrap();
        let text = spawned.text();
        match spawned.ask(|token| Ask::Look(Look { token, plugin: "x".into(), text, serving: None })).0 {
            Ok(Answer::Judged { mistakes, .. }) => {
                assert!(mistakes.len() == 1 && mistakes[0].contains(why), "{mistakes:?}");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Neither sandbox nor compiler is started where that is refused; a program that is there and harmless stands for both.
fn over(folder: TempDir) -> Spawned {
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    let config = folder.path().join("regent.toml");
    #[allow(clippy::disallowed_methods, reason = "what is tested is the door itself")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_regent-spawner"));
    let words = [Path::new("--config"), &config, Path::new("--sandbox"), Path::new("/usr/bin/true")];
    let words = words.into_iter().chain([Path::new("--compiler"), Path::new("/usr/bin/true")]);
    let child = command.args(words).env_clear().stdin(Stdio::from(theirs)).spawn().unwrap();
    let mut spawned = Spawned { folder, child, socket: Some(ours), next: Cell::new(1), groups: None };
    match spawned.hear().0 {
        Say::Ready(Ready { root: true, groups, .. }) => spawned.groups = groups,
        first => panic!("{first:?}"),
    }
    spawned
}

#[test]
fn when_the_daemon_is_gone_it_ends_though_somebody_else_has_its_socket() {
    let mut spawned = Spawned::new();
    let folder = std::mem::replace(&mut spawned.folder, tempfile::tempdir().unwrap());
    drop(spawned);
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    #[allow(clippy::disallowed_methods, reason = "what is tested is the door itself")]
    let mut daemon = Command::new("sh");
    // Its daemon is this shell; the other end of the socket is here.
    daemon.args(["-c", "exec 3<&0; \"$0\" \"$@\" <&3 & exec 3<&- </dev/null; sleep 60 & wait"]);
    daemon.arg(env!("CARGO_BIN_EXE_regent-spawner")).arg("--config").arg(folder.path().join("regent.toml"));
    daemon.args(["--sandbox", "/usr/bin/true", "--compiler", "/usr/bin/true"]).env_clear().stdin(Stdio::from(theirs));
    let child = daemon.spawn().unwrap();
    // With the shell's end of the socket.
    drop(daemon);
    let mut spawned = Spawned { folder, child, socket: Some(ours), next: Cell::new(1), groups: None };
    assert!(matches!(spawned.hear().0, Say::Ready(_)));
    spawned.looked();
    // Nor does it wait until somebody hears what it has to say.
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    let plan = encode(&Ask::Open(1, "/etc/shadow".into())).unwrap();
    let socket = spawned.socket.as_ref().unwrap();
    let mut unheard = 0;
    while unheard < 20 {
        match rustix::net::send(socket, &plan, flags) {
            Ok(_) => unheard = 0,
            Err(_) => unheard += 1,
        }
        std::thread::sleep(std::time::Duration::from_millis(if unheard > 0 { 5 } else { 0 }));
    }
    spawned.child.kill().unwrap();
    let patience = Timespec { tv_sec: 10, tv_nsec: 0 };
    let socket = spawned.socket.as_ref().unwrap();
    // Nothing is read, which would let it go on: that its end is closed is told all the same.
    assert_eq!(poll(&mut [PollFd::new(socket, PollFlags::empty())], Some(&patience)), Ok(1), "it lives on");
}
