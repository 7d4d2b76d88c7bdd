//! What a process and its descendants have used so far.
//!
//! Counted as CPU time:
//! - each process's own clock, in nanoseconds: all of its threads, also those that have ended. For threads that live it is the sum
//!   of the first fields of `/proc/PID/task/TID/schedstat`;
//! - its finished children, by `cutime` and `cstime` of `/proc/PID/stat`, in clock ticks (10 ms mostly). A child that ends moves
//!   from the first to the second, so that the sum never loses it.
//!
//! Counted as switches: `voluntary_ctxt_switches` of each thread that lives at the end.
//!
//! Not counted: switches of finished children and of threads that have ended, which the kernel tells nobody but the parent;
//! threads that lived before and have ended since are told apart, as a number. Neither is CPU time of the kernel's own threads,
//! nor of processes that left the family.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;
use regent_build::{At as _, Error, Result};

use crate::bench::machine::family;

/// How often the counters are read again because a process came or went.
const TRIES: usize = 20;

/// The counters of a family of processes, or their growth.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Usage {
    /// CPU time of the processes themselves.
    pub(super) own: Duration,
    /// CPU time of their finished children.
    pub(super) children: Duration,
    /// Voluntary switches by process and thread.
    pub(super) switches: BTreeMap<(u32, u32), u64>,
    /// Threads that have ended since.
    pub(super) ended: usize,
}

impl Usage {
    /// The counters of this process and its descendants.
    pub(super) fn of(pid: u32) -> Result<Self> {
        let mut last = Error::new("its processes come and go");
        for _ in 0..TRIES {
            let before = family(pid);
            match Self::read(&before) {
                Ok(usage) if family(pid) == before => return Ok(usage),
                Ok(_) => {}
                Err(error) => last = error,
            }
        }
        Err(Error::new(format!("the usage of process {pid}: {last}")))
    }

    fn read(pids: &[u32]) -> Result<Self> {
        let mut usage = Self::default();
        for pid in pids {
            usage.own += own_time(*pid)?;
            usage.children += children_time(*pid)?;
            usage.switches.extend(switches(*pid)?);
        }
        Ok(usage)
    }

    /// The growth since an earlier reading.
    pub(super) fn since(&self, before: &Self) -> Self {
        let growth = |(thread, now): (&(u32, u32), &u64)| {
            (*thread, now.saturating_sub(before.switches.get(thread).copied().unwrap_or(0)))
        };
        Self {
            own: self.own.saturating_sub(before.own),
            children: self.children.saturating_sub(before.children),
            switches: self.switches.iter().map(growth).collect(),
            ended: before.switches.keys().filter(|thread| !self.switches.contains_key(thread)).count(),
        }
    }

    pub(super) fn cpu(&self) -> Duration {
        self.own + self.children
    }

    pub(super) fn switches(&self) -> u64 {
        self.switches.values().sum()
    }
}

/// The process's own clock.
fn own_time(pid: u32) -> Result<Duration> {
    let failed = |error: nix::Error| Error::new(format!("the CPU clock of process {pid}: {error}"));
    let clock = clock_getcpuclockid(Pid::from_raw(pid.cast_signed())).map_err(failed)?;
    clock.now().map(Duration::from).map_err(failed)
}

/// The children that it has waited for, and theirs.
fn children_time(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).at(Path::new(&path))?;
    let ticks = children_ticks(&text).ok_or_else(|| Error::new(format!("{path}: not understood")))?;
    Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// `cutime` and `cstime`: fields 16 and 17, counted behind the name, which may contain spaces and brackets.
fn children_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(13).map(str::parse::<u64>);
    Some(fields.next()?.ok()? + fields.next()?.ok()?)
}

/// Each thread with its voluntary switches.
fn switches(pid: u32) -> Result<Vec<((u32, u32), u64)>> {
    let folder = format!("/proc/{pid}/task");
    let folder = Path::new(&folder);
    let mut switches = Vec::new();
    for entry in fs::read_dir(folder).at(folder)? {
        let thread = entry.at(folder)?.path();
        let id = thread.file_name().and_then(|name| name.to_string_lossy().parse().ok());
        // A thread that ends meanwhile has none that can be read.
        let Ok(status) = fs::read_to_string(thread.join("status")) else { continue };
        if let (Some(id), Some(count)) = (id, voluntary(&status)) {
            switches.push(((pid, id), count));
        }
    }
    Ok(switches)
}

fn voluntary(status: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?.trim().parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn counters_are_read_from_what_the_kernel_writes() {
        let stat = "7 (a) b c) S 1 7 7 0 -1 4194560 1 2 3 4 50 60 70 80 20 0 1 0 99";
        assert_eq!((children_ticks(stat), children_ticks("7 (a) S 1")), (Some(150), None));
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t3\n";
        assert_eq!((voluntary(status), voluntary("nonvoluntary_ctxt_switches:\t3\n")), (Some(12), None));
    }

    #[test]
    fn ended_threads_keep_their_time_and_are_told() {
        let usage = |cpu, threads: &[(u32, u64)]| Usage {
            own: Duration::from_millis(cpu),
            children: Duration::from_millis(cpu / 10),
            switches: threads.iter().map(|(thread, count)| ((1, *thread), *count)).collect(),
            ended: 0,
        };
        let growth = usage(30, &[(1, 12), (3, 4)]).since(&usage(10, &[(1, 5), (2, 9)]));
        assert_eq!((growth.cpu(), growth.switches(), growth.ended), (Duration::from_millis(22), 11, 1));
    }

    #[test]
    fn threads_and_children_that_have_ended_are_counted() {
        let own = std::process::id();
        let before = Usage::of(own).unwrap();
        let work = || (0..20_000_000_u64).fold(0, |sum, number| std::hint::black_box(sum ^ number));
        std::thread::spawn(work).join().unwrap();
        let thread = Usage::of(own).unwrap().since(&before);
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        assert!(Command::new("sh").args(["-c", busy]).status().unwrap().success());
        let both = Usage::of(own).unwrap().since(&before);
        assert!(thread.own > Duration::from_millis(5), "{thread:?}");
        assert!(both.children > thread.children + Duration::from_millis(20) && both.switches() > 0, "{both:?}");
    }
}
