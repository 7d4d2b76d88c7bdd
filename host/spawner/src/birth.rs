//! A child from clone to exec. It inherits nothing that was not asked for: everything that an exec keeps is set here, in an
//! order in which each step can still be taken, and each is a stage that is named when it fails.

use std::ffi::CString;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};

use regent_lane::Layer;
use regent_spawner::{Confinement, Descent, Identity, Limit, Start};

use crate::confine::Outside;
use crate::{confine, sweep, sys};
use sys::check;

/// A child on its way to its exec.
pub(crate) struct Cloned {
    pub(crate) pid: i32,
    /// Where it says what stopped it; closed by its exec.
    pub(crate) failure: OwnedFd,
    /// Where its reaper says with which status it ended, if what it left is to live on.
    pub(crate) leaves: Option<OwnedFd>,
}

/// Everything that a child needs, made before the clone.
pub(crate) struct Birth<'a> {
    pub(crate) start: &'a Start,
    program: OwnedFd,
    standard: Vec<OwnedFd>,
    pub(crate) cgroup: Option<OwnedFd>,
    path: CString,
    cwd: CString,
    argv: Vec<CString>,
    env: Vec<CString>,
    pub(crate) failure: OwnedFd,
}

/// No child is given more descriptors; and so low that a limit of 64 open files is enough.
const ABOVE_ALL: RawFd = 16;

/// The kernel's own, in nanoseconds.
const TIMER_SLACK: libc::c_ulong = 50_000;

/// Of linux/ioprio.h, which the C library's binding leaves out: this process alone, and a priority by its niceness.
const IOPRIO_WHO_PROCESS: libc::c_int = 1;
const IOPRIO_NONE: libc::c_int = 0;

/// Linux, and nothing that an older program would ask for.
const PERSONALITY: libc::c_ulong = 0;

type Stage = (&'static str, i32);

const STAGES: [&str; 18] = [
    "session",
    "signals",
    "descriptors",
    "umask",
    "limits",
    "scheduling",
    "folder",
    "user map",
    "mounts",
    "groups",
    "user",
    "capabilities",
    "no new privileges",
    "exec",
    "reaper",
    "fork",
    "namespaces",
    "host name",
];

/// The name of a stage by its number.
pub(crate) fn stage_name(number: u8) -> &'static str {
    STAGES.get(usize::from(number)).copied().unwrap_or("unknown stage")
}

fn stage_number(name: &str) -> u8 {
    STAGES.iter().position(|stage| *stage == name).and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}

/// Starts a program.
///
/// # Errors
/// The stage and errno of what failed before the clone.
pub(crate) fn start(start: &Start, fds: Vec<OwnedFd>) -> Result<Cloned, Stage> {
    let (read, write) = sys::pipe().map_err(|errno| ("descriptors", errno))?;
    // Above every place that a child's descriptors can have.
    let write = sys::moved(write, ABOVE_ALL).map_err(|errno| ("descriptors", errno))?;
    let birth = Birth::new(start, fds, write)?;
    if let Confinement::Sandbox(layers) = &start.confinement {
        return confined(birth, layers, read);
    }
    match &start.descent {
        Descent::Sweep => reaped(birth, read, None),
        Descent::Leave { after } => reaped(birth, read, Some(after)),
        Descent::Alone { .. } | Descent::Cgroup => match clone(0, birth.cgroup.as_ref())? {
            Some(pid) => Ok(Cloned { pid, failure: read, leaves: None }),
            None => {
                drop(read);
                birth.exec(None)
            }
        },
    }
}

fn clone(flags: u64, cgroup: Option<&OwnedFd>) -> Result<Option<i32>, Stage> {
    sys::clone(flags, cgroup).map_err(|errno| ("fork", errno))
}

/// With a process between, which lets what the command leaves live on after these statuses.
fn reaped(birth: Birth<'_>, failure: OwnedFd, after: Option<&[i32]>) -> Result<Cloned, Stage> {
    let pipe = after.map(|_| sys::pipe()).transpose().map_err(|errno| ("descriptors", errno))?;
    let (leaves, says) = pipe.unzip();
    match clone(0, None)? {
        Some(pid) => Ok(Cloned { pid, failure, leaves }),
        None => {
            drop((failure, leaves));
            sweep::reaper(birth, after.zip(says))
        }
    }
}

/// In namespaces: the child waits until the one user that it can be is known in its own.
fn confined(birth: Birth<'_>, layers: &[Layer], failure: OwnedFd) -> Result<Cloned, Stage> {
    // A pid namespace leaves nothing to sweep, and a reaper between would not be in it.
    if !matches!(birth.start.descent, Descent::Alone { .. }) {
        return Err(("fork", libc::EINVAL));
    }
    // SAFETY: no memory of ours is involved.
    if birth.start.identity.is_none() && unsafe { libc::geteuid() } == 0 {
        return Err(("user", libc::EINVAL));
    }
    let outside = Outside::of(layers).map_err(|errno| ("namespaces", errno))?;
    let (go_read, go_write) = sys::pipe().map_err(|errno| ("descriptors", errno))?;
    let cloned = sys::clone(confine::flags(layers), birth.cgroup.as_ref());
    match cloned.map_err(|errno| ("namespaces", errno))? {
        Some(pid) => {
            if layers.contains(&Layer::UserNamespace) {
                confine::map_user(pid, birth.start.identity.as_ref()).map_err(|errno| {
                    sys::kill(pid, libc::SIGKILL);
                    ("user map", errno)
                })?;
            }
            drop(go_write);
            Ok(Cloned { pid, failure, leaves: None })
        }
        None => {
            drop(failure);
            // Its end tells that the map is written, or that nobody will.
            drop(go_write);
            sys::poll(&[go_read.as_raw_fd()]);
            birth.exec(Some(&outside))
        }
    }
}

impl<'a> Birth<'a> {
    fn new(start: &'a Start, fds: Vec<OwnedFd>, failure: OwnedFd) -> Result<Self, Stage> {
        let malformed = ("descriptors", libc::EINVAL);
        let mut fds = fds.into_iter();
        let program = fds.next().ok_or(malformed)?;
        let standard: Vec<OwnedFd> = fds.by_ref().take(3 + usize::from(start.extra)).collect();
        let grouped = matches!(start.descent, Descent::Cgroup | Descent::Alone { grouped: true });
        let cgroup = if grouped { Some(fds.next().ok_or(malformed)?) } else { None };
        if standard.len() != 3 + usize::from(start.extra) || fds.next().is_some() {
            return Err(malformed);
        }
        let text = |text: &str| CString::new(text).map_err(|_| ("exec", libc::EINVAL));
        let texts = |list: &[String]| list.iter().map(|each| text(each)).collect::<Result<Vec<_>, _>>();
        Ok(Self {
            start,
            program,
            standard,
            cgroup,
            path: text(&start.path)?,
            cwd: text(&start.cwd)?,
            argv: texts(&start.argv)?,
            env: texts(&start.env)?,
            failure,
        })
    }

    /// Everything up to the exec, in the child; returns only by its end.
    pub(crate) fn exec(&self, outside: Option<&Outside>) -> ! {
        let failure = self.failure.as_raw_fd();
        let (stage, errno) = match self.become_program(outside) {
            Ok(never) => match never {},
            Err(failed) => failed,
        };
        sys::fail(failure, stage_number(stage), errno)
    }

    fn become_program(&self, outside: Option<&Outside>) -> Result<std::convert::Infallible, Stage> {
        // Its own session, unless a reaper's clone gave it one already.
        // SAFETY: no memory of ours is involved.
        unsafe { libc::setsid() };
        reset_signals().map_err(|errno| ("signals", errno))?;
        self.scheduling();
        let program = self.place_descriptors().map_err(|errno| ("descriptors", errno))?;
        // SAFETY: no memory of ours is involved.
        unsafe { libc::umask(self.start.umask) };
        set_limits(&self.start.limits).map_err(|errno| ("limits", errno))?;
        match outside {
            Some(outside) => confine::sandbox(self.start.identity.as_ref(), outside)?,
            None => self.be_the_user()?,
        }
        Err(("exec", self.execute(program)))
    }

    fn be_the_user(&self) -> Result<(), Stage> {
        if let Some(identity) = &self.start.identity {
            let capabilities = |done: Result<(), i32>| done.map_err(|errno| ("capabilities", errno));
            capabilities(confine::plain_capabilities())?;
            match (self.start.capabilities, identity.uid) {
                (None, 0) => become_user(identity)?,
                (None, _) => {
                    become_user(identity)?;
                    capabilities(confine::drop_capabilities())?;
                }
                (Some(some), uid) => {
                    capabilities(confine::bound_to(some))?;
                    become_user(identity)?;
                    capabilities(confine::keep_capabilities(some, uid != 0))?;
                }
            }
        }
        if !self.start.may_gain {
            no_new_privileges().map_err(|errno| ("no new privileges", errno))?;
        }
        // As the user: where it may not go, its program does not start.
        self.change_folder().map_err(|errno| ("folder", errno))
    }

    /// Descriptors 0, 1, 2 and the further ones in their places; all others end with the exec.
    fn place_descriptors(&self) -> Result<RawFd, i32> {
        // First out of the way of every place, then into the places.
        let beyond = i32::from(self.start.extra) + 3;
        let away = |fd: &OwnedFd| sys::move_above(fd.as_raw_fd(), ABOVE_ALL);
        let program = away(&self.program)?;
        let moved = self.standard.iter().map(away).collect::<Result<Vec<_>, _>>()?;
        for (place, fd) in (0..).zip(moved) {
            // SAFETY: whatever held this place is not used again: what is needed was moved away.
            check(i64::from(unsafe { libc::dup2(fd, place) }))?;
        }
        let first = u32::try_from(beyond).unwrap_or(3);
        // SAFETY: the descriptors stay open until the exec.
        check(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) })?;
        Ok(program)
    }

    /// What an exec keeps and nobody would look for. None of it fails on a kernel that knows it; some do not.
    fn scheduling(&self) {
        if std::fs::read("/proc/self/oom_score_adj").is_ok_and(|score| score != b"0\n") {
            let _only_root_may_lower_it = std::fs::write("/proc/self/oom_score_adj", "0");
        }
        let usual = libc::sched_param { sched_priority: 0 };
        // SAFETY: the parameters outlive the call, and no other memory of ours is involved.
        unsafe {
            libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const usual);
            libc::setpriority(libc::PRIO_PROCESS, 0, 0);
            libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_NONE);
            // Among others whether addresses are random.
            libc::personality(PERSONALITY);
            // Nought would be what was inherited.
            libc::prctl(libc::PR_SET_TIMERSLACK, TIMER_SLACK, 0, 0, 0);
            libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, std::ptr::null::<libc::c_char>());
        }
    }

    fn change_folder(&self) -> Result<(), i32> {
        // SAFETY: the text ends with a null and outlives the call.
        check(i64::from(unsafe { libc::chdir(self.cwd.as_ptr()) })).map(drop)
    }

    /// By the handle that was judged; a script by its path, since its interpreter opens it again.
    fn execute(&self, program: RawFd) -> i32 {
        let (argv, env) = (sys::addresses(&self.argv), sys::addresses(&self.env));
        // SAFETY: both lists end with a null address and, like the texts in them, outlive the calls.
        unsafe {
            libc::syscall(libc::SYS_execveat, program, c"".as_ptr(), argv.as_ptr(), env.as_ptr(), libc::AT_EMPTY_PATH);
            if sys::errno() == libc::ENOENT {
                libc::execve(self.path.as_ptr(), argv.as_ptr(), env.as_ptr());
            }
        }
        sys::errno()
    }
}

/// What the spawner itself does not have as a fresh process has it: it made all others so when it began.
fn reset_signals() -> Result<(), i32> {
    for signal in sys::IGNORED {
        sys::default_signal(signal);
    }
    // SAFETY: the set is initialised before it is read.
    unsafe {
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        check(i64::from(libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut())))?;
    }
    Ok(())
}

/// Files as a fresh session has them, no core dumps, and what was asked.
fn set_limits(limits: &[(Limit, u64)]) -> Result<(), i32> {
    let files = limit(libc::RLIMIT_NOFILE)?;
    set_limit(libc::RLIMIT_NOFILE, files.rlim_max.min(1024), files.rlim_max)?;
    set_limit(libc::RLIMIT_CORE, 0, 0)?;
    for (which, value) in limits {
        let resource = match which {
            Limit::Memory => libc::RLIMIT_AS,
            Limit::Processor => libc::RLIMIT_CPU,
            Limit::File => libc::RLIMIT_FSIZE,
            Limit::Descriptors => libc::RLIMIT_NOFILE,
        };
        let value = limit(resource)?.rlim_max.min(*value);
        set_limit(resource, value, value)?;
    }
    Ok(())
}

fn limit(resource: libc::__rlimit_resource_t) -> Result<libc::rlimit, i32> {
    let mut found = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the struct is ours.
    check(i64::from(unsafe { libc::getrlimit(resource, &raw mut found) }))?;
    Ok(found)
}

fn set_limit(resource: libc::__rlimit_resource_t, soft: u64, hard: u64) -> Result<(), i32> {
    let wanted = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: the struct is ours.
    check(i64::from(unsafe { libc::setrlimit(resource, &raw const wanted) })).map(drop)
}

/// Groups, group, user, and a look whether the kernel agrees.
pub(crate) fn become_user(identity: &Identity) -> Result<(), Stage> {
    let Identity { uid, gid, groups } = identity;
    // SAFETY: the list and its length are of one vector, and the six numbers that are asked for are ours.
    unsafe {
        check(i64::from(libc::setgroups(groups.len(), groups.as_ptr()))).map_err(|errno| ("groups", errno))?;
        check(i64::from(libc::setresgid(*gid, *gid, *gid))).map_err(|errno| ("groups", errno))?;
        check(i64::from(libc::setresuid(*uid, *uid, *uid))).map_err(|errno| ("user", errno))?;
        let (mut users, mut groups) = ([!*uid; 3], [!*gid; 3]);
        let ([real, effective, saved], [real_group, effective_group, saved_group]) = (&mut users, &mut groups);
        check(i64::from(libc::getresuid(real, effective, saved))).map_err(|errno| ("user", errno))?;
        let found = libc::getresgid(real_group, effective_group, saved_group);
        check(i64::from(found)).map_err(|errno| ("groups", errno))?;
        if users != [*uid; 3] || groups != [*gid; 3] {
            return Err(("user", libc::EPERM));
        }
    }
    Ok(())
}

/// Nothing that is executed from here on gains rights.
pub(crate) fn no_new_privileges() -> Result<(), i32> {
    // SAFETY: no memory of ours is involved.
    check(i64::from(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })).map(drop)
}
