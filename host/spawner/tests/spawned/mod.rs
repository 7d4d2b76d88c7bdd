//! A spawner under test: the daemon's end of its socket, and what it starts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::cell::RefCell;
use std::io::{IoSlice, IoSliceMut, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use regent_spawner::{Ask, Confinement, Descent, Exit, Say, Start, decode, encode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags,
    SocketType, recvmsg, sendmsg, socketpair,
};

/// Longer than anything here takes.
const PATIENCE: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

/// What does not come to its exec says so at once; what does is on its way meanwhile.
const BIRTH: Timespec = Timespec { tv_sec: 0, tv_nsec: 300_000_000 };

pub(crate) struct Spawner {
    pub(crate) child: Child,
    socket: Option<OwnedFd>,
    /// Heard already, and still to be told.
    heard: RefCell<Option<Say>>,
}

#[allow(
    clippy::disallowed_methods,
    reason = "what is tested is the door itself; it and its spy are started without it"
)]
fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    Command::new(program)
}

/// Most of what a spawner promises needs root to be seen.
pub(crate) fn needs_root() {
    assert!(rustix::process::geteuid().is_root(), "this test must run as root: `sudo -E cargo xtask test`");
}

/// The static spy.
pub(crate) fn spy() -> &'static Path {
    static SPY: OnceLock<PathBuf> = OnceLock::new();
    SPY.get_or_init(|| {
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("spy-{}", std::process::id()));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spawned/spy.rs");
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let status = command(rustc)
            .args(["--edition=2024", "-Ctarget-feature=+crt-static", "-o"])
            .args([&made, &source])
            .status()
            .unwrap();
        assert!(status.success());
        made
    })
}

/// A start of this argument list, with nothing special about it.
pub(crate) fn plain(argv: &[&str]) -> Start {
    Start {
        token: 1,
        path: argv[0].into(),
        argv: argv.iter().map(|text| (*text).to_owned()).collect(),
        env: vec!["PATH=/usr/bin:/bin".into()],
        cwd: "/".into(),
        umask: 0o022,
        identity: None,
        capabilities: None,
        may_gain: true,
        confinement: Confinement::None,
        limits: Vec::new(),
        extra: 0,
        descent: Descent::Alone { grouped: false },
    }
}

impl Spawner {
    pub(crate) fn new() -> Self {
        Self::under(&[])
    }

    /// Started by this program, which becomes it.
    pub(crate) fn under(wrapper: &[&str]) -> Self {
        Self::told(wrapper, &[])
    }

    /// The same, with these arguments.
    pub(crate) fn told(wrapper: &[&str], arguments: &[&str]) -> Self {
        odd();
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        let mut words = wrapper.iter().copied().chain([env!("CARGO_BIN_EXE_regent-spawner")]);
        let child = command(words.next().unwrap())
            .args(words)
            .args(arguments)
            .env("SECRET", "inherited")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, socket: Some(ours), heard: RefCell::default() }
    }

    pub(crate) fn say(&self, ask: &Ask, fds: &[BorrowedFd<'_>]) {
        let bytes = encode(ask).unwrap();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(16))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            assert!(ancillary.push(SendAncillaryMessage::ScmRights(fds)));
        }
        sendmsg(self.socket.as_ref().unwrap(), &[IoSlice::new(&bytes)], &mut ancillary, SendFlags::NOSIGNAL).unwrap();
    }

    /// What it says next.
    pub(crate) fn hear(&self) -> Say {
        let heard = self.heard.take();
        heard.or_else(|| self.hear_within(&PATIENCE)).expect("the spawner says nothing")
    }

    fn hear_within(&self, patience: &Timespec) -> Option<Say> {
        let socket = self.socket.as_ref().unwrap();
        if poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(patience)) != Ok(1) {
            return None;
        }
        let mut bytes = [0; 1024];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let slices = &mut [IoSliceMut::new(&mut bytes)];
        let message = recvmsg(socket, slices, &mut ancillary, RecvFlags::CMSG_CLOEXEC).unwrap();
        Some(decode(&bytes[..message.bytes]).expect("a word"))
    }

    /// Starts it with the end of a pipe as its output, and returns what was said and where to read. Of a command
    /// nothing is said until it ends, unless it is not started.
    pub(crate) fn start(&self, start: Start, cgroup: Option<BorrowedFd<'_>>) -> (Say, OwnedFd) {
        let program = rustix::fs::open(&start.path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let (output, end) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let mut fds = vec![program.as_fd(), null.as_fd(), end.as_fd(), null.as_fd()];
        fds.extend((0..start.extra).map(|_| null.as_fd()));
        fds.extend(cgroup);
        let alone = matches!(start.descent, Descent::Alone { .. });
        self.say(&Ask::Start(Box::new(start)), &fds);
        drop(end);
        let mut said = if alone { self.hear() } else { Say::Started { token: 1, pid: 0 } };
        if matches!(said, Say::Started { .. }) {
            match self.hear_within(&BIRTH) {
                Some(failed @ Say::NotStarted { .. }) => said = failed,
                other => *self.heard.borrow_mut() = other,
            }
        }
        (said, output)
    }

    /// The whole output of one that ends by itself with 0.
    pub(crate) fn output(&self, start: Start) -> String {
        let (said, output) = self.start(start, None);
        assert!(matches!(said, Say::Started { .. }), "{said:?}");
        let mut text = String::new();
        std::fs::File::from(output).read_to_string(&mut text).unwrap();
        assert_eq!(self.hear(), Say::Exited { token: 1, status: Exit::Status(0) }, "{text}");
        text
    }

    /// The daemon is gone.
    pub(crate) fn hang_up(&mut self) {
        self.socket = None;
    }
}

impl Drop for Spawner {
    fn drop(&mut self) {
        self.socket = None;
        let _ended = self.child.wait();
    }
}

/// What the daemon's own start may have set, and its spawner has from it.
fn odd() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    rustix::thread::set_current_timer_slack(1_000_000.try_into().ok()).unwrap();
    let size = Some(1 << 20);
    let _only_root_may_raise_it = setrlimit(Resource::Core, Rlimit { current: size, maximum: size });
}

pub(crate) fn pid_of(said: &Say) -> i32 {
    let Say::Started { pid, .. } = said else { panic!("{said:?}") };
    *pid
}

/// Pids of all whose command line has this text.
pub(crate) fn running(text: &str) -> Vec<i32> {
    let all = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    all.filter(|pid: &i32| {
        *pid != std::process::id().cast_signed()
            && std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(text))
    })
    .collect()
}

/// Waits until it is so.
pub(crate) fn within(time: Duration, what: &str, mut so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !so() {
        assert!(begin.elapsed() < time, "not within {time:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
