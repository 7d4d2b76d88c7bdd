//! What a process and its descendants have used so far.
//!
//! Counted as CPU time:
//! - each process's own clock, in nanoseconds: all of its threads, also those that have ended. For threads that live it
//!   is the sum
//!   of the first fields of `/proc/PID/task/TID/schedstat`;
//! - its finished children, by `cutime` and `cstime` of `/proc/PID/stat`, in clock ticks (10 ms mostly). A child that
//!   ends moves from the first to the second, so that the sum never loses it.
//!
//! Counted as switches: `voluntary_ctxt_switches` of each thread that lives at the end.
//!
//! Not counted:
//! - the switches of finished children and of threads that have ended, which the kernel shows to the parent alone.
//!   Threads of the first reading that are gone in the second are told as a number. A sandbox that is replaced within a
//!   turn is among them; the median of several turns bears that;
//! - the CPU time of the kernel's own threads, and of processes whose parent did not wait for them.

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

/// The counters of a family of processes.
#[derive(Debug, Default, Clone)]
pub(super) struct Usage {
    /// CPU time of each process.
    own: BTreeMap<u32, Duration>,
    /// CPU time of their finished children.
    children: Duration,
    /// Voluntary switches by process and thread.
    switches: BTreeMap<(u32, u32), u64>,
}

/// What the counters grew by.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Growth {
    /// CPU time of all.
    pub(super) cpu: Duration,
    /// Of that, finished children that came and went in between.
    pub(super) children: Duration,
    pub(super) switches: u64,
    /// Threads that have ended in between.
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
            usage.own.insert(*pid, own_time(*pid)?);
            usage.children += children_time(*pid)?;
            usage.switches.extend(switches(*pid)?);
        }
        Ok(usage)
    }

    /// The growth since an earlier reading.
    pub(super) fn since(&self, before: &Self) -> Growth {
        // A process that has ended is among the children now, with all that it had before.
        let moved: Duration =
            before.own.iter().filter(|(pid, _)| !self.own.contains_key(pid)).map(|(_, cpu)| *cpu).sum();
        let growth =
            |(thread, now): (&(u32, u32), &u64)| now.saturating_sub(before.switches.get(thread).copied().unwrap_or(0));
        Growth {
            cpu: self.cpu().saturating_sub(before.cpu()),
            children: self.children.saturating_sub(before.children + moved),
            switches: self.switches.iter().map(growth).sum(),
            ended: before.switches.keys().filter(|thread| !self.switches.contains_key(thread)).count(),
        }
    }

    fn cpu(&self) -> Duration {
        self.own.values().sum::<Duration>() + self.children
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

    fn usage(own: &[(u32, u64)], children: u64, switches: &[((u32, u32), u64)]) -> Usage {
        Usage {
            own: own.iter().map(|(pid, millis)| (*pid, Duration::from_millis(*millis))).collect(),
            children: Duration::from_millis(children),
            switches: switches.iter().copied().collect(),
        }
    }

    #[test]
    fn ended_threads_are_told() {
        let before = usage(&[(1, 10)], 0, &[((1, 1), 5), ((1, 2), 9)]);
        let growth = usage(&[(1, 30)], 0, &[((1, 1), 12), ((1, 3), 4)]).since(&before);
        let expected = Growth { cpu: Duration::from_millis(20), switches: 11, ended: 1, ..Growth::default() };
        assert_eq!(growth, expected);
    }

    #[test]
    fn ended_processes_are_counted_once() {
        let before = usage(&[(1, 10), (2, 500)], 100, &[]);
        // Process 2 used another 20 ms, ended, and left its place to 3; a command used 30 ms.
        let growth = usage(&[(1, 15), (3, 7)], 100 + 520 + 30, &[]).since(&before);
        assert_eq!(growth.cpu, Duration::from_millis(5 + 7 + 20 + 30));
        assert_eq!(growth.children, Duration::from_millis(20 + 30));
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
        assert!(thread.cpu > Duration::from_millis(5), "{thread:?}");
        assert!(both.children > thread.children + Duration::from_millis(20) && both.cpu > thread.cpu, "{both:?}");
    }
}
