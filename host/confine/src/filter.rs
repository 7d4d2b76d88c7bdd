//! System calls: a list of those that are needed, each with what its arguments must be. Any other ends the process at
//! once, and the kernel's log says which it was. A call by another table (32-bit, x32) is no call of the list.

use std::collections::BTreeMap;

use regent_lane::Layer;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

use crate::Missing;

/// What is let through: calls, and rules of which one must hold; none: whatever the arguments.
pub type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Whom a filter binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    /// This one, and all that it starts.
    This,
    /// All that there are. They must have no other filters than this one has.
    All,
}

/// Calls whatever their arguments.
#[must_use]
pub fn calls(numbers: &[i64]) -> Rules {
    numbers.iter().map(|call| (*call, Vec::new())).collect()
}

/// From here on only these.
///
/// # Errors
/// [`Missing`]: the kernel has no filters.
pub fn keep(rules: Rules, threads: Threads) -> Result<(), Missing> {
    apply(rules, SeccompAction::KillProcess, SeccompAction::Allow, threads)
}

/// From here on any but these fail as if the kernel did not know them: of a program whose libraries may ask for more
/// than they need.
///
/// # Errors
/// [`Missing`]: the kernel has no filters.
pub fn only(rules: Rules) -> Result<(), Missing> {
    let not_there = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
    apply(rules, not_there, SeccompAction::Allow, Threads::This)
}

/// From here on these fail as if the kernel did not know them. Of two filters the stricter answer counts.
///
/// # Errors
/// [`Missing`]: the kernel has no filters.
pub fn unknown(rules: Rules) -> Result<(), Missing> {
    let not_there = SeccompAction::Errno(libc::ENOSYS.cast_unsigned());
    apply(rules, SeccompAction::Allow, not_there, Threads::This)
}

fn apply(rules: Rules, otherwise: SeccompAction, matching: SeccompAction, threads: Threads) -> Result<(), Missing> {
    let missing = |why: &dyn std::fmt::Display| Missing::layer(Layer::Seccomp, &format_args!("no filter: {why}"));
    let machine = TargetArch::try_from(std::env::consts::ARCH).map_err(|why| missing(&why))?;
    let filter = SeccompFilter::new(rules, otherwise, matching, machine).map_err(|why| missing(&why))?;
    let program = BpfProgram::try_from(filter).map_err(|why| missing(&why))?;
    let applied = match threads {
        Threads::This => seccompiler::apply_filter(&program),
        Threads::All => seccompiler::apply_filter_all_threads(&program),
    };
    applied.map_err(|why| missing(&why))
}

/// A rule by one condition on the lower half of an argument, counted from 0.
///
/// # Errors
/// [`Missing`]: there is no such argument.
pub fn argument(number: u8, operator: SeccompCmpOp, value: u32) -> Result<SeccompRule, Missing> {
    rule(number, SeccompCmpArgLen::Dword, operator, value.into())
}

/// The same on the whole of it.
///
/// # Errors
/// [`Missing`]: there is no such argument.
pub fn whole_argument(number: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompRule, Missing> {
    rule(number, SeccompCmpArgLen::Qword, operator, value)
}

/// Mapping memory, and changing what a mapping may be used for, but never to run what is in it. The kernel looks at the
/// same third argument of both.
///
/// # Errors
/// [`Missing`]: never, on a kernel with filters.
pub fn not_executable() -> Result<Rules, Missing> {
    let executable = libc::PROT_EXEC.cast_unsigned();
    let rule = || whole_argument(2, SeccompCmpOp::MaskedEq(executable.into()), 0).map(|rule| vec![rule]);
    Ok(Rules::from([(libc::SYS_mmap, rule()?), (libc::SYS_mprotect, rule()?)]))
}

/// Signals of a thread to its own process: how an abort ends it.
///
/// # Errors
/// [`Missing`]: never, on a kernel with filters.
pub fn signal_itself() -> Result<Rules, Missing> {
    let own = rustix::process::getpid().as_raw_nonzero().get().cast_unsigned();
    Ok(Rules::from([(libc::SYS_tgkill, vec![argument(0, SeccompCmpOp::Eq, own)?])]))
}

/// A clone that makes a thread of this process, in all of its namespaces.
///
/// # Errors
/// [`Missing`]: never, on a kernel with filters.
pub fn thread_and_nothing_else() -> Result<SeccompRule, Missing> {
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
    whole_argument(0, SeccompCmpOp::MaskedEq(looked_at), must)
}

fn rule(number: u8, length: SeccompCmpArgLen, operator: SeccompCmpOp, value: u64) -> Result<SeccompRule, Missing> {
    let missing = |why: seccompiler::BackendError| Missing::layer(Layer::Seccomp, &format_args!("no filter: {why}"));
    let condition = SeccompCondition::new(number, length, operator, value).map_err(missing)?;
    SeccompRule::new(vec![condition]).map_err(missing)
}

/// Whether this thread is filtered, by the kernel's own word. The filter must let the question through: `prctl` with
/// [`ASK`].
///
/// # Errors
/// [`Missing`].
pub fn is_on() -> Result<(), Missing> {
    match rustix::thread::secure_computing_mode() {
        Ok(rustix::thread::SecureComputingMode::Filter) => Ok(()),
        other => Err(Missing::layer(Layer::Seccomp, &format_args!("it was accepted, and the kernel says {other:?}"))),
    }
}

/// The option of `prctl` by which a thread asks whether it is filtered.
pub const ASK: u32 = libc::PR_GET_SECCOMP.cast_unsigned();
