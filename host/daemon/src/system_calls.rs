//! The system calls that the daemon needs: files, sockets, threads, time, and what the system's user databases are read
//! with. Any other is as unknown as to an older kernel: no program is started, no process looked at, nothing mounted,
//! bound or loaded, and no identity changed, whoever has taken the daemon over.

use regent_confine::Missing;
use regent_confine::filter::{ASK, Rules, argument, calls, is_on, only, signal_itself, thread_and_nothing_else};
use seccompiler::{SeccompCmpOp, SeccompRule};

const FILES: [i64; 39] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_pwrite64,
    libc::SYS_preadv,
    libc::SYS_pwritev,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_statfs,
    libc::SYS_fstatfs,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_ftruncate,
    libc::SYS_fallocate,
    libc::SYS_flock,
    libc::SYS_dup,
    libc::SYS_dup3,
    libc::SYS_pipe2,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_unlinkat,
    libc::SYS_mkdirat,
    libc::SYS_utimensat,
    libc::SYS_umask,
    libc::SYS_getcwd,
    libc::SYS_sendfile,
    libc::SYS_copy_file_range,
    libc::SYS_inotify_init1,
    libc::SYS_inotify_add_watch,
    libc::SYS_inotify_rm_watch,
];

/// What is sealed for a sandbox is a file of memory.
const MEMORY: [i64; 7] = [
    libc::SYS_memfd_create,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
];

/// Not `bind`, and not `listen`: sockets are made by the spawner.
const SOCKETS: [i64; 20] = [
    libc::SYS_connect,
    libc::SYS_accept4,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_sendto,
    libc::SYS_recvfrom,
    libc::SYS_sendmsg,
    libc::SYS_recvmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvmmsg,
    libc::SYS_shutdown,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2,
    libc::SYS_ppoll,
    libc::SYS_pselect6,
];

const THREADS_AND_TIME: [i64; 19] = [
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_gettid,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_restart_syscall,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
];

/// Who and where this process is.
const LOOKING: [i64; 13] = [
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getgroups,
    libc::SYS_getresuid,
    libc::SYS_getresgid,
    libc::SYS_capget,
    libc::SYS_uname,
    libc::SYS_sysinfo,
    libc::SYS_getrandom,
];

/// Older names of the same calls, where there are such.
#[cfg(target_arch = "x86_64")]
const OLDER: [i64; 20] = [
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_getdents,
    libc::SYS_rename,
    libc::SYS_unlink,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_dup2,
    libc::SYS_pipe,
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_epoll_wait,
    libc::SYS_epoll_create,
    libc::SYS_eventfd,
    libc::SYS_inotify_init,
    libc::SYS_accept,
    libc::SYS_time,
    libc::SYS_utimes,
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: [i64; 0] = [];

/// Calls that say a file's mode, and as which argument: no program of the daemon's making gives whoever executes it its
/// user.
#[cfg(target_arch = "x86_64")]
const MODES: &[(i64, u8)] =
    &[(libc::SYS_openat, 3), (libc::SYS_fchmod, 1), (libc::SYS_fchmodat, 2), (libc::SYS_open, 2), (libc::SYS_chmod, 1)];
#[cfg(not(target_arch = "x86_64"))]
const MODES: &[(i64, u8)] = &[(libc::SYS_openat, 3), (libc::SYS_fchmod, 1), (libc::SYS_fchmodat, 2)];
const GAINS: u64 = 0o6000;

/// Kinds of sockets: the spawner's and peers'; and what a user database may be asked by.
const FAMILIES: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Whether a descriptor waits, ends with an exec, is a terminal, and what it still has to give and to send. Not what
/// types into the terminal that the daemon was started in, and nothing of any device.
const CONTROLS: [libc::Ioctl; 6] =
    [libc::FIONBIO, libc::FIOCLEX, libc::FIONCLEX, libc::TCGETS, libc::FIONREAD, libc::TIOCOUTQ];

/// Copies, flags, locks and seals of descriptors. Not whom the kernel sends a signal about one, and which.
const OF_DESCRIPTORS: [i32; 14] = [
    libc::F_DUPFD,
    libc::F_DUPFD_CLOEXEC,
    libc::F_GETFD,
    libc::F_SETFD,
    libc::F_GETFL,
    libc::F_SETFL,
    libc::F_GETLK,
    libc::F_SETLK,
    libc::F_SETLKW,
    libc::F_OFD_GETLK,
    libc::F_OFD_SETLK,
    libc::F_OFD_SETLKW,
    libc::F_ADD_SEALS,
    libc::F_GET_SEALS,
];

/// From here on these and no other. Before there is a second thread.
pub fn keep() -> Result<(), Missing> {
    only(rules()?)?;
    is_on()
}

fn rules() -> Result<Rules, Missing> {
    let mut rules = Rules::new();
    for list in [&FILES[..], &MEMORY, &SOCKETS, &THREADS_AND_TIME, &LOOKING, &OLDER] {
        rules.extend(calls(list));
    }
    rules.extend(signal_itself()?);
    // A thread, which is no process: the flags of clone3 stand in memory, where no filter sees them, and without it the
    // C library takes clone.
    rules.insert(libc::SYS_clone, vec![thread_and_nothing_else()?]);
    // A thread's name, and whether this holds.
    rules.insert(libc::SYS_prctl, one_of(0, [libc::PR_SET_NAME.cast_unsigned(), ASK])?);
    rules.insert(libc::SYS_socket, one_of(0, FAMILIES.map(i32::cast_unsigned))?);
    rules.insert(libc::SYS_socketpair, one_of(0, [libc::AF_UNIX.cast_unsigned()])?);
    rules.insert(libc::SYS_fcntl, one_of(1, OF_DESCRIPTORS.map(i32::cast_unsigned))?);
    rules.insert(libc::SYS_ioctl, one_of(1, CONTROLS.into_iter().filter_map(|request| u32::try_from(request).ok()))?);
    for (call, mode) in MODES {
        rules.insert(*call, vec![argument(*mode, SeccompCmpOp::MaskedEq(GAINS), 0)?]);
    }
    // Its own limits, not another's.
    rules.insert(libc::SYS_prlimit64, vec![argument(0, SeccompCmpOp::Eq, 0)?]);
    Ok(rules)
}

/// An argument, counted from 0, that is one of these.
fn one_of(number: u8, values: impl IntoIterator<Item = u32>) -> Result<Vec<SeccompRule>, Missing> {
    values.into_iter().map(|value| argument(number, SeccompCmpOp::Eq, value)).collect()
}
