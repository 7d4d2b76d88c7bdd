//! The system calls that a sandbox needs, in two stages. Any other ends the process at once, and the kernel's log says
//! which it was.
//!
//! The first, from before the image is read: what loading needs, threads among it, and executable memory where machine
//! code runs. The second, from when the component is loaded and before the first of its instructions runs: what running
//! needs. Neither opens a file, makes a socket, starts a program, signals or looks at another process, or changes an
//! identity; in the second no thread is started and no memory becomes executable. Where the interpreter runs, none ever
//! does.

use regent_confine::Missing;
use regent_confine::filter::{
    ASK, Threads, argument, calls, keep, not_executable, signal_itself, thread_and_nothing_else, unknown,
};
use seccompiler::SeccompCmpOp;

use crate::engine::Kind;

/// In both stages, whatever their arguments.
const RUNNING: [i64; 20] = [
    // The lanes, and the log.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_close,
    // Memory: it grows, and is given back.
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_madvise,
    libc::SYS_brk,
    // Threads that wait for each other, and for the clock.
    libc::SYS_sched_yield,
    libc::SYS_futex,
    libc::SYS_clock_nanosleep,
    // What the kernel goes on with after a stop: only ever a sleep or a wait that was allowed before.
    libc::SYS_restart_syscall,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_getrandom,
    // Traps of the plugin's code come as signals, on a stack of their own; what is no trap is given back to the kernel,
    // which ends the process by that very signal.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// In the first alone.
const LOADING: [i64; 10] = [
    // The image, once.
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_statx,
    // Images of memories, which the engine keeps to start instances from.
    libc::SYS_memfd_create,
    libc::SYS_ftruncate,
    libc::SYS_fcntl,
    // Threads.
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_getaffinity,
    libc::SYS_gettid,
];

/// From here on what loading needs.
pub(crate) fn for_loading(engine: Kind) -> Result<(), Missing> {
    let mut rules = calls(&RUNNING);
    rules.extend(calls(&LOADING));
    rules.extend(match engine {
        // Code that was loaded becomes executable.
        Kind::Native => calls(&[libc::SYS_mmap, libc::SYS_mprotect]),
        Kind::Interpreter => not_executable()?,
    });
    rules.extend(signal_itself()?);
    rules.extend(calls(&[libc::SYS_getpid, libc::SYS_clone3]));
    rules.insert(libc::SYS_clone, vec![thread_and_nothing_else()?]);
    // A thread's name; whether this holds; and the second stage, which begins with giving up what was given up before.
    let options = [libc::PR_SET_NAME.cast_unsigned(), ASK, libc::PR_SET_NO_NEW_PRIVS.cast_unsigned()];
    let options = options.map(|option| argument(0, SeccompCmpOp::Eq, option));
    rules.insert(libc::SYS_prctl, options.into_iter().collect::<Result<_, _>>()?);
    rules.insert(libc::SYS_seccomp, vec![argument(0, SeccompCmpOp::Eq, libc::SECCOMP_SET_MODE_FILTER)?]);
    // The flags of clone3 stand in memory, where no filter sees them: "not there" makes the C library use clone. A
    // filter of its own, since a filter has one answer; of two answers the kernel takes the stricter.
    unknown(calls(&[libc::SYS_clone3]))?;
    keep(rules, Threads::This)
}

/// From here on, and on every thread that there is, what running needs.
pub(crate) fn for_running() -> Result<(), Missing> {
    let mut rules = calls(&RUNNING);
    rules.extend(not_executable()?);
    rules.extend(signal_itself()?);
    // An abort asks who it is.
    rules.extend(calls(&[libc::SYS_getpid, libc::SYS_gettid]));
    keep(rules, Threads::All)
}

// What native code would gain by, as the tests of the whole program have it; the numbers are those of x86-64.
#[cfg(all(test, target_arch = "x86_64"))]
#[path = "../tests/dangerous/mod.rs"]
mod dangerous;

#[cfg(test)]
mod tests {
    use super::*;

    type Filter = fn() -> Result<(), Missing>;

    /// What ends a child that keeps few system calls and then does this: a signal, or 0 for its own end when it came
    /// off.
    #[expect(unsafe_code, reason = "a filter cannot be taken off again, so it is a child that has it")]
    fn ended_by(filter: Filter, what: impl FnOnce() -> bool) -> i32 {
        // SAFETY: the child only filters, does this and ends; nothing that it touches is another thread's.
        let status = unsafe {
            match libc::fork() {
                0 => {
                    let came_off = filter().is_ok() && what();
                    libc::_exit(i32::from(!came_off));
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

    /// The same of a page of this protection, which is to have another later.
    #[expect(unsafe_code, reason = "memory is asked for as the kernel is asked")]
    fn mapping_is_ended_by(filter: Filter, protection: i32, later: Option<i32>) -> i32 {
        // SAFETY: the page is new, and nobody's.
        ended_by(filter, || unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let page = libc::mmap(std::ptr::null_mut(), 4096, protection, flags, -1, 0);
            page != libc::MAP_FAILED && later.is_none_or(|later| libc::mprotect(page, 4096, later) == 0)
        })
    }

    /// The same of a call that the kernel is to refuse by this word, if it comes so far.
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "nothing safe would ask for this")]
    fn calling_is_ended_by(filter: Filter, number: i64, with: [i64; 6], refused: i32) -> i32 {
        let [a, b, c, d, e, f] = with;
        // SAFETY: no argument is an address; whatever comes of it is this child's.
        ended_by(filter, || unsafe {
            libc::syscall(number, a, b, c, d, e, f) == -1 && *libc::__errno_location() == refused
        })
    }

    const DATA: i32 = libc::PROT_READ | libc::PROT_WRITE;
    const CODE: i32 = libc::PROT_READ | libc::PROT_EXEC;

    fn native() -> Result<(), Missing> {
        for_loading(Kind::Native)
    }

    fn interpreter() -> Result<(), Missing> {
        for_loading(Kind::Interpreter)
    }

    fn running() -> Result<(), Missing> {
        native().and_then(|()| for_running())
    }

    #[test]
    fn on_the_interpreter_and_where_plugins_run_asking_for_executable_memory_ends_the_process_and_other_memory_can_be_had()
     {
        for filter in [interpreter, running] {
            let ended_by = |protection, later| mapping_is_ended_by(filter, protection, later);
            assert_eq!((ended_by(DATA, None), ended_by(libc::PROT_NONE, Some(DATA))), (0, 0));
            assert_eq!((ended_by(CODE, None), ended_by(DATA, Some(CODE))), (libc::SIGSYS, libc::SIGSYS));
            assert_eq!(ended_by(DATA | libc::PROT_EXEC, None), libc::SIGSYS);
        }
    }

    #[test]
    fn while_machine_code_is_loaded_memory_may_become_executable() {
        let ended_by = |protection, later| mapping_is_ended_by(native, protection, later);
        assert_eq!((ended_by(CODE, None), ended_by(DATA, Some(CODE))), (0, 0));
    }

    /// No descriptor, no address, no process, and every flag that there is.
    #[cfg(target_arch = "x86_64")]
    const VOID: [i64; 6] = [-1; 6];

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn every_dangerous_call_ends_the_process_while_it_loads_already() {
        for (filter, loads) in [(native as Filter, true), (interpreter, true), (running, false)] {
            for (name, number) in dangerous::DANGEROUS {
                let ended_by = |refused| calling_is_ended_by(filter, number, VOID, refused);
                match name {
                    // While it loads, images of memories are made in such files.
                    "memfd_create" if loads => assert_eq!(ended_by(libc::EINVAL), 0, "{name}"),
                    // As unknown as to an older kernel, so that the C library takes clone.
                    "clone3" if loads => assert_eq!(ended_by(libc::ENOSYS), 0, "{name}"),
                    _ => assert_eq!(ended_by(0), libc::SIGSYS, "{name}"),
                }
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn while_it_loads_what_is_cloned_is_a_thread_in_the_same_namespaces_or_nothing() {
        let thread = libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND;
        for filter in [native, interpreter] {
            let cloning = |flags: i32, refused| {
                calling_is_ended_by(filter, libc::SYS_clone, [i64::from(flags), 0, 0, 0, 0, 0], refused)
            };
            for flags in [
                0,
                libc::SIGCHLD,
                libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD,
                libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID | libc::SIGCHLD,
                thread | libc::CLONE_NEWUSER,
                thread | libc::CLONE_NEWNS,
                thread | libc::CLONE_NEWNET,
                thread | libc::CLONE_PTRACE,
            ] {
                assert_eq!(cloning(flags, 0), libc::SIGSYS, "{flags:#x}");
            }
            // A thread is let through; the kernel refuses this one, which wants two answers at one address.
            assert_eq!(cloning(thread | libc::CLONE_PIDFD | libc::CLONE_PARENT_SETTID, libc::EINVAL), 0);
        }
    }
}
