//! Thin names for system calls. Each returns what the kernel said and decides nothing.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use regent_spawner::{FailedStage, Stage};

/// Of linux/sched.h; the C library's binding has it in too small a type.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// errno of the last call that failed.
pub(crate) fn errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

/// Whether this process is root's.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A result of a call that says -1 when it failed.
pub(crate) fn check(result: i64) -> Result<i64, i32> {
    if result < 0 { Err(errno()) } else { Ok(result) }
}

/// Makes this process the reaper of all that it starts, deaf to a terminal and holder of its socket alone, and returns
/// where SIGCHLD arrives. SIGTERM arrives there too and means nothing here, but must be blocked before a reaper is
/// cloned: ignored, as it is until the reaper blocks it itself, a kill that comes right behind its start would be lost.
pub(crate) fn prepare() -> Result<OwnedFd, i32> {
    // SAFETY: no memory of ours is involved; a session of its own fails only where it has one already.
    unsafe {
        libc::setsid();
        // A service manager's sockets, and whatever else the daemon was started with: none of it is for this process,
        // which holds for ever what it is given. Where the call is not known, nothing of it reaches a child either way.
        libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0);
        // It was executed by a descriptor, whose number would be its name.
        libc::prctl(libc::PR_SET_NAME, c"regent-spawner".as_ptr(), 0, 0, 0);
        // A reaper ends as its command did, perhaps by a signal that would write its core.
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        check(i64::from(libc::setrlimit(libc::RLIMIT_CORE, &raw const none)))?;
        // What it is asked to start is for nobody else to read. An ordinary user's spawner could not write the user
        // maps of children that are closed as well.
        if libc::geteuid() == 0 {
            check(i64::from(libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0)))?;
        }
        // What started us may have ignored any, and an exec keeps that: done here, it need not be done for each child.
        (1..=64).for_each(default_signal);
        for signal in IGNORED {
            libc::signal(signal, libc::SIG_IGN);
        }
    }
    adopt(true)?;
    signals(&[libc::SIGCHLD, libc::SIGTERM])
}

/// What a terminal or a daemon that is gone would say to the spawner.
pub(crate) const IGNORED: [i32; 3] = [libc::SIGINT, libc::SIGHUP, libc::SIGPIPE];

/// As a fresh process has it. By the kernel's own call: the C library keeps 32 and 33 to itself. KILL and STOP cannot
/// be set, and cannot be ignored either.
pub(crate) fn default_signal(signal: i32) {
    // All zeroes are SIG_DFL without flags; four words are the kernel's struct at its longest.
    let default = [0_u64; 4];
    // SAFETY: the kernel reads no more than the struct, and a mask of 8 bytes, which it has room for.
    unsafe {
        libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), std::ptr::null_mut::<u64>(), 8);
    }
}

/// Whether what loses its parent below this process becomes its child.
pub(crate) fn adopt(so: bool) -> Result<(), i32> {
    // SAFETY: no memory of ours is involved.
    check(i64::from(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, libc::c_ulong::from(so), 0, 0, 0) })).map(drop)
}

/// Blocks signals and returns where they arrive instead.
pub(crate) fn signals(wanted: &[i32]) -> Result<OwnedFd, i32> {
    // SAFETY: the set is ours, initialised by sigemptyset before it is read; the descriptor is new and nobody else's.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in wanted {
            libc::sigaddset(&raw mut set, *signal);
        }
        check(i64::from(libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut())))?;
        let fd = libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        check(i64::from(fd))?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Takes what arrived, and returns the signals' numbers.
pub(crate) fn drain(signals: &OwnedFd) -> Vec<u32> {
    let mut numbers = Vec::new();
    loop {
        let mut info = std::mem::MaybeUninit::<libc::signalfd_siginfo>::zeroed();
        let size = size_of::<libc::signalfd_siginfo>();
        // SAFETY: the buffer is as large as we say, and all zeroes are a valid value of it.
        let (read, info) = unsafe {
            let read = libc::read(signals.as_raw_fd(), info.as_mut_ptr().cast(), size);
            (read, info.assume_init())
        };
        if usize::try_from(read) != Ok(size) {
            return numbers;
        }
        numbers.push(info.ssi_signo);
    }
}

/// Waits for any of these, and returns which can be read or have ended.
pub(crate) fn poll(fds: &[RawFd]) -> Vec<RawFd> {
    poll_within(fds, -1)
}

/// The same, but no longer than so many milliseconds; -1 for ever.
pub(crate) fn poll_within(fds: &[RawFd], milliseconds: i32) -> Vec<RawFd> {
    let mut polled: Vec<_> = fds.iter().map(|fd| libc::pollfd { fd: *fd, events: libc::POLLIN, revents: 0 }).collect();
    // SAFETY: the array and its length are of one vector.
    let result = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, milliseconds) };
    if result < 0 {
        return Vec::new();
    }
    polled.iter().filter(|fd| fd.revents != 0).map(|fd| fd.fd).collect()
}

/// A child that has ended, and how.
pub(crate) fn wait_any() -> Option<(i32, i32)> {
    let mut status = 0;
    // SAFETY: status is ours.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG | libc::__WALL) };
    (pid > 0).then_some((pid, status))
}

/// Waits for the end of a child that was killed and that nobody else can have stopped.
pub(crate) fn wait(pid: i32) {
    let mut status = 0;
    // SAFETY: status is ours.
    while unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) } < 0 && errno() == libc::EINTR {}
}

/// A signal to a child that was not waited for yet, so that its pid is still its own.
pub(crate) fn kill(pid: i32, signal: i32) {
    // SAFETY: no memory of ours is involved.
    unsafe { libc::kill(pid, signal) };
}

/// Whoever started this process; it can be read from when that has ended. `None` where it is in no namespace of ours:
/// then the socket's end alone tells.
pub(crate) fn parent() -> Option<OwnedFd> {
    // SAFETY: no memory of ours is involved; the descriptor is new and nobody else's.
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, libc::getppid(), 0);
        check(fd).ok().and_then(|fd| i32::try_from(fd).ok()).map(|fd| OwnedFd::from_raw_fd(fd))
    }
}

/// Kills every child and what becomes one when its parent dies, until none is left, or [`ALL_GONE_WITHIN`] is over.
pub(crate) fn kill_all_children() {
    let begin = Instant::now();
    while begin.elapsed() < ALL_GONE_WITHIN {
        for pid in children() {
            kill(pid, libc::SIGKILL);
        }
        let mut status = 0;
        // SAFETY: status is ours.
        match unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | libc::WNOHANG) } {
            0 => std::thread::sleep(LOOK_EVERY),
            waited if waited < 0 && errno() == libc::ECHILD => return,
            _ => {}
        }
    }
}

/// A killed process needs a moment, a reaper one to end what is below it.
pub(crate) const ALL_GONE_WITHIN: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(1);

fn children() -> Vec<i32> {
    let list = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// A pipe whose ends close at exec; reading does not wait.
pub(crate) fn pipe() -> Result<(OwnedFd, OwnedFd), i32> {
    let mut ends = [0; 2];
    // SAFETY: the array has room for both; both descriptors are new and nobody else's.
    unsafe {
        check(i64::from(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK)))?;
        let [read, write] = ends;
        Ok((OwnedFd::from_raw_fd(read), OwnedFd::from_raw_fd(write)))
    }
}

/// A copy of a descriptor at this number or above, closed by an exec.
pub(crate) fn move_above(fd: RawFd, number: RawFd) -> Result<RawFd, i32> {
    // SAFETY: no memory of ours is involved.
    let moved = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, number) };
    check(i64::from(moved)).and_then(|fd| i32::try_from(fd).map_err(|_| libc::EBADF))
}

/// The descriptor at this number or above.
pub(crate) fn moved(fd: OwnedFd, number: RawFd) -> Result<OwnedFd, i32> {
    let copy = move_above(fd.as_raw_fd(), number)?;
    // SAFETY: the copy is new and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Ends this process at once.
pub(crate) fn exit(status: i32) -> ! {
    // SAFETY: the process ends.
    unsafe { libc::_exit(status) }
}

/// What a child that has ended said before its exec: the stage that failed, and errno. `None` if it had its exec.
pub(crate) fn read_failure(pipe: &OwnedFd) -> Option<FailedStage> {
    let mut bytes = [0_u8; 5];
    // SAFETY: the buffer is as large as we say.
    let read = unsafe { libc::read(pipe.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len()) };
    let [stage, rest @ ..] = bytes;
    (read == 5).then(|| (Stage::of(stage), i32::from_le_bytes(rest)))
}

/// A number that was written to a pipe whole, if it was.
pub(crate) fn read_number(pipe: &OwnedFd) -> Option<i32> {
    let mut bytes = [0_u8; 4];
    // SAFETY: the buffer is as large as we say.
    let read = unsafe { libc::read(pipe.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len()) };
    (read == 4).then(|| i32::from_le_bytes(bytes))
}

/// Writes a number to a pipe; whether anybody reads it is not known.
pub(crate) fn write_number(pipe: &OwnedFd, number: i32) {
    let bytes = number.to_le_bytes();
    // SAFETY: the buffer is as large as we say.
    unsafe { libc::write(pipe.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
}

/// Says at which step a birth failed, and ends this process.
pub(crate) fn fail(pipe: RawFd, stage: Stage, errno: i32) -> ! {
    let [a, b, c, d] = errno.to_le_bytes();
    let bytes = [stage as u8, a, b, c, d];
    // SAFETY: the buffer is as large as we say; the process ends.
    unsafe {
        libc::write(pipe, bytes.as_ptr().cast(), bytes.len());
        libc::_exit(127)
    }
}

/// A forked child in new namespaces, perhaps in a cgroup: its pid in the parent, `None` in the child.
pub(crate) fn clone(flags: u64, cgroup: Option<&OwnedFd>) -> Result<Option<i32>, i32> {
    // SAFETY: all zeroes are a valid value, and the argument outlives the call. Without CLONE_VM the child has a copy
    // of this memory, and this process has one thread, so the child may do what any program may.
    unsafe {
        let mut args: libc::clone_args = std::mem::zeroed();
        args.flags = flags;
        args.exit_signal = libc::SIGCHLD as u64;
        if let Some(cgroup) = cgroup {
            args.flags |= CLONE_INTO_CGROUP;
            args.cgroup = u64::try_from(cgroup.as_raw_fd()).unwrap_or(0);
        }
        let pid = check(libc::syscall(libc::SYS_clone3, &raw mut args, size_of::<libc::clone_args>()))?;
        match i32::try_from(pid) {
            Ok(0) => Ok(None),
            Ok(pid) => Ok(Some(pid)),
            Err(_) => Err(libc::EOVERFLOW),
        }
    }
}

/// Texts as the kernel wants them: a list of addresses that ends with none. The texts must outlive it.
pub(crate) fn addresses(texts: &[CString]) -> Vec<*const libc::c_char> {
    texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
}
