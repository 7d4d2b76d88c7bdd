//! The system calls that serving needs. Any other ends the process at once, and the kernel's log says which it was.
//!
//! Nothing here opens a file, makes a socket, starts a program, signals or looks at another process, or changes an
//! identity. Where machine code runs, memory may still become executable, because the code is loaded after this; where the
//! interpreter does, nothing ever may.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

use crate::engine::Kind;

/// Whatever their arguments.
const NEEDED: [i64; 34] = [
    // The lanes, the log, the image.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_close,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_statx,
    // Memory; images of memories, which the engine keeps to start instances from.
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_memfd_create,
    libc::SYS_ftruncate,
    libc::SYS_fcntl,
    // Threads of its own, and waiting for them.
    libc::SYS_clone3,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_futex,
    libc::SYS_clock_nanosleep,
    // What the kernel goes on with after a stop: only ever a sleep or a wait that was allowed before.
    libc::SYS_restart_syscall,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_getrandom,
    // Traps of the plugin's code come as signals.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// From here on only these.
pub(crate) fn keep_few(engine: Kind) -> Result<(), String> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = NEEDED.into_iter().map(|call| (call, Vec::new())).collect();
    if engine == Kind::Interpreter {
        for call in [libc::SYS_mmap, libc::SYS_mprotect] {
            rules.insert(call, vec![not_executable()?]);
        }
    }
    rules.insert(libc::SYS_clone, vec![thread_and_nothing_else()?]);
    rules.insert(libc::SYS_prctl, vec![first_is(libc::PR_SET_NAME.cast_unsigned())?]);
    let own = rustix::process::getpid().as_raw_nonzero().get();
    rules.insert(libc::SYS_tgkill, vec![first_is(own.cast_unsigned())?]);
    // The flags of clone3 stand in memory, where no filter sees them: "not there" makes the C library use clone. A filter
    // of its own, since a filter has one answer; of two answers the kernel takes the stricter.
    let clone3 = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    apply(clone3, SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS.cast_unsigned()))?;
    apply(rules, SeccompAction::KillProcess, SeccompAction::Allow)
}

fn apply(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    otherwise: SeccompAction,
    matching: SeccompAction,
) -> Result<(), String> {
    let machine = TargetArch::try_from(std::env::consts::ARCH).map_err(|why| why.to_string())?;
    let filter = SeccompFilter::new(rules, otherwise, matching, machine).map_err(|why| why.to_string())?;
    let program = BpfProgram::try_from(filter).map_err(|why| why.to_string())?;
    seccompiler::apply_filter(&program).map_err(|why| format!("cannot filter system calls: {why}"))
}

/// A thread in the same memory, and in no namespace of its own.
fn thread_and_nothing_else() -> Result<SeccompRule, String> {
    let must = u64::from((libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND).cast_unsigned());
    let must_not = libc::CLONE_NEWNS
        | libc::CLONE_NEWCGROUP
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUSER
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET
        | libc::CLONE_PTRACE;
    let looked_at = must | u64::from(must_not.cast_unsigned());
    rule(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(looked_at), must)
}

/// Of `mmap` and `mprotect`, whose third argument is what may be done with the memory.
fn not_executable() -> Result<SeccompRule, String> {
    let executable = u64::from(libc::PROT_EXEC.cast_unsigned());
    rule(2, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(executable), 0)
}

fn first_is(value: u32) -> Result<SeccompRule, String> {
    rule(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value.into())
}

fn rule(argument: u8, length: SeccompCmpArgLen, operator: SeccompCmpOp, value: u64) -> Result<SeccompRule, String> {
    let condition = SeccompCondition::new(argument, length, operator, value).map_err(|why| why.to_string())?;
    SeccompRule::new(vec![condition]).map_err(|why| why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What ends a child that keeps few system calls and then wants this of a page: a signal, or 0 for its own end.
    #[expect(unsafe_code, reason = "a filter cannot be taken off again, so it is a child that has it")]
    fn ended_by(engine: Kind, protection: i32, later: Option<i32>) -> i32 {
        // SAFETY: the child only filters, maps and ends; nothing that it touches is another thread's.
        let status = unsafe {
            match libc::fork() {
                0 => {
                    let kept = keep_few(engine).is_ok();
                    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                    let page = libc::mmap(std::ptr::null_mut(), 4096, protection, flags, -1, 0);
                    let changed = later.is_none_or(|later| libc::mprotect(page, 4096, later) == 0);
                    libc::_exit(i32::from(!kept || page == libc::MAP_FAILED || !changed));
                }
                child => {
                    let mut status = 0;
                    assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
                    status
                }
            }
        };
        assert!(libc::WIFSIGNALED(status) || libc::WEXITSTATUS(status) == 0, "{status:#x}");
        libc::WTERMSIG(status)
    }

    const DATA: i32 = libc::PROT_READ | libc::PROT_WRITE;
    const CODE: i32 = libc::PROT_READ | libc::PROT_EXEC;

    #[test]
    fn on_the_interpreter_asking_for_executable_memory_ends_the_process_and_other_memory_can_be_had() {
        let ended_by = |protection, later| ended_by(Kind::Interpreter, protection, later);
        assert_eq!((ended_by(DATA, None), ended_by(libc::PROT_NONE, Some(DATA))), (0, 0));
        assert_eq!((ended_by(CODE, None), ended_by(DATA, Some(CODE))), (libc::SIGSYS, libc::SIGSYS));
        assert_eq!(ended_by(DATA | libc::PROT_EXEC, None), libc::SIGSYS);
    }

    #[test]
    fn on_the_processor_memory_may_become_executable() {
        assert_eq!((ended_by(Kind::Native, CODE, None), ended_by(Kind::Native, DATA, Some(CODE))), (0, 0));
    }
}
