//! The system calls that compiling needs. Any other ends the process at once.

use regent_confine::Missing;
use regent_confine::filter::{ASK, Threads, argument, calls, is_on, keep, not_executable, signal_itself};
use seccompiler::SeccompCmpOp;

/// Reading, writing, memory, and dying. No file is opened, nothing is started, nothing is signalled but itself (an
/// abort).
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

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Command;

    use super::*;

    /// Set in a process that is to be filtered: a filter cannot be taken off again.
    const TRIES: &str = "REGENT_COMPILER_TRIES";
    /// Of a process that was not ended.
    const LIVES: i32 = 42;

    type Try = (&'static str, fn());

    #[expect(clippy::disallowed_methods, reason = "that nothing can be started is what is tested")]
    const ENDS: [Try; 7] = [
        ("open a file", || drop(File::open("/"))),
        ("make a file in memory", || drop(rustix::fs::memfd_create("file", rustix::fs::MemfdFlags::CLOEXEC))),
        ("make a socket", || drop(std::os::unix::net::UnixStream::pair())),
        ("start a program", || drop(Command::new("/bin/true").spawn())),
        ("start a thread", || drop(std::thread::Builder::new().spawn(|| {}))),
        ("signal another process", || {
            let _either_way = rustix::process::test_kill_process(rustix::process::Pid::INIT);
        }),
        ("read a folder's name", || drop(std::env::current_dir())),
    ];
    const DOES_NOT: Try = ("ask who it is", || assert_ne!(std::process::id(), 0));

    /// This very test, in a process that is filtered and then tries this.
    fn is_filtered_and_tries(name: &str) -> std::process::ExitStatus {
        let test = "system_calls::tests::what_is_not_needed_ends_the_process_that_compiles";
        #[expect(clippy::disallowed_methods, reason = "a test starts what it tests")]
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", test, "--nocapture"]).env(TRIES, name).output().unwrap().status
    }

    #[test]
    fn what_is_not_needed_ends_the_process_that_compiles() {
        if let Ok(name) = std::env::var(TRIES) {
            let (_, tries) = ENDS.into_iter().chain([DOES_NOT]).find(|(known, _)| *known == name).unwrap();
            keep_few().unwrap();
            tries();
            std::process::exit(LIVES);
        }
        for (name, _) in ENDS {
            let status = is_filtered_and_tries(name);
            assert_eq!(status.signal(), Some(libc::SIGSYS), "{name}: {status}");
        }
        let (name, _) = DOES_NOT;
        assert_eq!(is_filtered_and_tries(name).code(), Some(LIVES), "{name}");
    }
}
