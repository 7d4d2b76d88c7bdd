//! A child from clone to exec. It inherits nothing that was not asked for: everything that an exec keeps is set here,
//! in an order in which each step can still be taken, and each is a stage that is named when it fails.

use std::ffi::CString;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};

use regent_spawner::{Descent, FailedStage, Limit, Stage, Start};

use crate::confine::{self, Outside};
use crate::rights::{self, become_user, no_new_privileges};

use crate::sys::{self, check};

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
pub(crate) const ABOVE_ALL: RawFd = 16;

/// The kernel's own, in nanoseconds.
const TIMER_SLACK: libc::c_ulong = 50_000;

/// Of linux/ioprio.h, which the C library's binding leaves out: this process alone, and a priority by its niceness.
const IOPRIO_WHO_PROCESS: libc::c_int = 1;
const IOPRIO_NONE: libc::c_int = 0;

/// Linux, and nothing that an older program would ask for.
const PERSONALITY: libc::c_ulong = 0;

impl<'a> Birth<'a> {
    pub(crate) fn new(start: &'a Start, fds: Vec<OwnedFd>, failure: OwnedFd) -> Result<Self, FailedStage> {
        let malformed = (Stage::Descriptors, libc::EINVAL);
        let mut fds = fds.into_iter();
        let program = fds.next().ok_or(malformed)?;
        let standard: Vec<OwnedFd> = fds.by_ref().take(3 + usize::from(start.extra)).collect();
        let grouped = matches!(start.descent, Descent::Cgroup | Descent::Alone { grouped: true });
        let cgroup = if grouped { Some(fds.next().ok_or(malformed)?) } else { None };
        if standard.len() != 3 + usize::from(start.extra) || fds.next().is_some() {
            return Err(malformed);
        }
        let text = |text: &str| CString::new(text).map_err(|_| (Stage::Exec, libc::EINVAL));
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
        sys::fail(failure, stage, errno)
    }

    fn become_program(&self, outside: Option<&Outside>) -> Result<std::convert::Infallible, FailedStage> {
        // Its own session, unless a reaper's clone gave it one already.
        // SAFETY: no memory of ours is involved.
        unsafe { libc::setsid() };
        reset_signals().map_err(|errno| (Stage::Signals, errno))?;
        self.scheduling();
        let program = self.place_descriptors().map_err(|errno| (Stage::Descriptors, errno))?;
        // SAFETY: no memory of ours is involved.
        unsafe { libc::umask(self.start.umask) };
        set_limits(&self.start.limits).map_err(|errno| (Stage::Limits, errno))?;
        match outside {
            Some(outside) => confine::sandbox(self.start.identity.as_ref(), outside)?,
            None => self.be_the_user()?,
        }
        Err((Stage::Exec, self.execute(program)))
    }

    fn be_the_user(&self) -> Result<(), FailedStage> {
        if let Some(identity) = &self.start.identity {
            let capabilities = |done: Result<(), i32>| done.map_err(|errno| (Stage::Capabilities, errno));
            capabilities(rights::plain_capabilities())?;
            match (self.start.capabilities, identity.uid) {
                (None, 0) => become_user(identity)?,
                (None, _) => {
                    become_user(identity)?;
                    capabilities(rights::drop_capabilities())?;
                }
                (Some(some), uid) => {
                    capabilities(rights::bound_to(some))?;
                    become_user(identity)?;
                    capabilities(rights::keep_capabilities(some, uid != 0))?;
                }
            }
        }
        if !self.start.may_gain {
            no_new_privileges().map_err(|errno| (Stage::NoNewPrivileges, errno))?;
        }
        // As the user: where it may not go, its program does not start.
        self.change_folder().map_err(|errno| (Stage::Folder, errno))
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
