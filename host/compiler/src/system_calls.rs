//! The system calls that compiling needs. Any other ends the process at once.

use std::collections::BTreeMap;

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

/// Reading, writing, memory, and dying. No file is opened, nothing is started, nothing is signalled but itself (an abort).
const NEEDED: [i64; 24] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_close,
    libc::SYS_fcntl,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_statx,
    libc::SYS_mmap,
    libc::SYS_mprotect,
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

/// From here on only these, and `tgkill` of the process itself, by which an abort ends it.
pub(crate) fn keep_few() -> Result<(), String> {
    let mut rules: BTreeMap<i64, Vec<seccompiler::SeccompRule>> =
        NEEDED.into_iter().map(|call| (call, Vec::new())).collect();
    rules.insert(libc::SYS_tgkill, vec![to_itself()?]);
    let machine = TargetArch::try_from(std::env::consts::ARCH).map_err(|why| why.to_string())?;
    let filter = SeccompFilter::new(rules, SeccompAction::KillProcess, SeccompAction::Allow, machine)
        .map_err(|why| why.to_string())?;
    let program = BpfProgram::try_from(filter).map_err(|why| why.to_string())?;
    seccompiler::apply_filter(&program).map_err(|why| format!("cannot filter system calls: {why}"))
}

fn to_itself() -> Result<seccompiler::SeccompRule, String> {
    use seccompiler::{SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};
    let own = u64::try_from(rustix::process::getpid().as_raw_nonzero().get()).map_err(|why| why.to_string())?;
    let target = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, own);
    SeccompRule::new(vec![target.map_err(|why| why.to_string())?]).map_err(|why| why.to_string())
}
