//! The system calls that compiling needs. Any other ends the process at once.

use regent_confine::Missing;
use regent_confine::filter::{ASK, Threads, argument, calls, is_on, keep, not_executable, signal_itself};
use seccompiler::SeccompCmpOp;

/// Reading, writing, memory, and dying. No file is opened, nothing is started, nothing is signalled but itself (an abort).
const NEEDED: [i64; 22] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_close,
    libc::SYS_fcntl,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_statx,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// From here on only these, and the two by which an abort ends it, and the question whether this holds.
pub(crate) fn keep_few() -> Result<(), Missing> {
    let mut rules = calls(&NEEDED);
    rules.extend(signal_itself()?);
    rules.insert(libc::SYS_prctl, vec![argument(0, SeccompCmpOp::Eq, ASK)?]);
    // What is compiled is written down, and never run here.
    rules.extend(not_executable()?);
    keep(rules, Threads::This)?;
    is_on()
}
