//! What the daemon and all its processes hold.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use regent_build::{Error, Result};
use serde_json::{Value, json};

use super::stage::Stage;
use super::trouble::Done;
use crate::bench::machine::{family, name, open, resident, share};

/// Between two samples under load.
pub(super) const EVERY: Duration = Duration::from_secs(5);
/// The daemon's memory at rest may be so much more at the end, in KiB: what an allocator keeps of the highest tide.
/// What is lost with each request would be hundreds of MiB.
const GROWTH: f64 = 16.0 * 1024.0;
/// The same of a spawner, and of a sandbox.
const GROWTH_OF_OTHERS: f64 = 2.0 * 1024.0;

/// At one moment. Memory in KiB.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample {
    at: f64,
    daemon: f64,
    spawner: f64,
    /// Of all sandboxes, what is shared divided among those who share it.
    sandboxes: f64,
    descriptors: usize,
    threads: usize,
    processes: usize,
    groups: usize,
    /// Store, compiled modules and whatever else lies there, without the audit log.
    state: u64,
    audit: u64,
}

impl Sample {
    pub(super) fn of(stage: &Stage) -> Result<Self> {
        let pid = stage.pid()?;
        let family = family(pid);
        let of = |program: &str| family.iter().copied().filter(|pid| name(*pid) == program).collect::<Vec<_>>();
        let (spawners, sandboxes) = (of("regent-spawner"), of("regent-sandbox"));
        // One that ended meanwhile holds nothing.
        let sum =
            |pids: &[u32], of: fn(u32) -> f64| pids.iter().map(|pid| of(*pid)).filter(|kib| kib.is_finite()).sum();
        let audit = fs::metadata(stage.audit()).map_or(0, |file| file.len());
        Ok(Self {
            at: 0.0,
            daemon: resident(pid),
            spawner: sum(&spawners, resident),
            sandboxes: sum(&sandboxes, share),
            descriptors: open(pid).descriptors + spawners.iter().map(|pid| open(*pid).descriptors).sum::<usize>(),
            threads: entries(&format!("/proc/{pid}/task")),
            processes: family.len(),
            groups: stage.groups().map_or(0, |folder| folders(&folder)),
            state: size(&stage.folder().join("state")).saturating_sub(audit),
            audit,
        })
    }

    fn json(&self) -> Value {
        json!({
            "second": self.at, "daemon_kib": self.daemon, "spawner_kib": self.spawner, "sandboxes_pss_kib": self.sandboxes,
            "descriptors": self.descriptors, "threads": self.threads, "processes": self.processes, "cgroups": self.groups,
            "state_bytes": self.state, "audit_bytes": self.audit,
        })
    }

    fn row(&self, name: &str) -> String {
        let mib = |kib: f64| kib / 1024.0;
        format!(
            "| {name} | {:.1} | {:.1} | {:.1} | {} | {} | {} | {} | {:.1} | {:.1} |\n",
            mib(self.daemon),
            mib(self.spawner),
            mib(self.sandboxes),
            self.descriptors,
            self.threads,
            self.processes,
            self.groups,
            self.state as f64 / f64::from(1 << 20),
            self.audit as f64 / f64::from(1 << 20),
        )
    }
}

/// All that were taken under load.
pub(super) struct Samples {
    begun: Instant,
    all: Vec<Sample>,
    trouble: Done,
}

impl Samples {
    pub(super) fn begin(stage: &Stage) -> Result<Self> {
        Ok(Self { begun: Instant::now(), all: vec![Sample::of(stage)?], trouble: Vec::new() })
    }

    pub(super) fn take(&mut self, stage: &Stage) -> Result<()> {
        self.all.push(Sample { at: self.begun.elapsed().as_secs_f64().round(), ..Sample::of(stage)? });
        Ok(())
    }

    /// What happened meanwhile.
    pub(super) fn trouble(&mut self, more: Done) {
        for (name, count) in more {
            match self.trouble.iter_mut().find(|(of, _)| *of == name) {
                Some((_, all)) => *all += count,
                None => self.trouble.push((name, count)),
            }
        }
    }

    /// For people, and for the repository.
    pub(super) fn table(&self, before: &Sample, after: &Sample) -> String {
        let mut table = String::from(
            "| MiB, and counts | daemon | spawner | sandboxes | descriptors | threads | processes | cgroups | state | audit |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        );
        table.push_str(&before.row("at rest, after the warm-up"));
        let part = (self.all.len() / 6).max(1);
        for sample in self.all.iter().skip(part).step_by(part) {
            table.push_str(&sample.row(&format!("under load, after {:.0} s", sample.at)));
        }
        table.push_str(&self.most().row("under load, the most of each"));
        table.push_str(&after.row("at rest, at the end"));
        table.push('\n');
        for (name, count) in &self.trouble {
            let _infallible = writeln!(table, "- {count} {name}");
        }
        table
    }

    fn most(&self) -> Sample {
        self.all.iter().fold(Sample::default(), |most, sample| Sample {
            at: 0.0,
            daemon: most.daemon.max(sample.daemon),
            spawner: most.spawner.max(sample.spawner),
            sandboxes: most.sandboxes.max(sample.sandboxes),
            descriptors: most.descriptors.max(sample.descriptors),
            threads: most.threads.max(sample.threads),
            processes: most.processes.max(sample.processes),
            groups: most.groups.max(sample.groups),
            state: most.state.max(sample.state),
            audit: most.audit.max(sample.audit),
        })
    }

    pub(super) fn json(&self, before: &Sample, after: &Sample) -> Value {
        let all: Vec<Value> = self.all.iter().map(Sample::json).collect();
        let done: serde_json::Map<_, _> =
            self.trouble.iter().map(|(name, count)| ((*name).into(), json!(count))).collect();
        json!({"before": before.json(), "after": after.json(), "under_load": all, "done": done})
    }
}

/// Compares what was held at rest, before and after.
pub(super) fn has_not_grown(before: &Sample, after: &Sample) -> Result<()> {
    let sandboxes = GROWTH_OF_OTHERS * super::stage::PLUGINS.len() as f64;
    let grown = [
        ("the daemon's memory", after.daemon > before.daemon + GROWTH),
        ("the spawner's memory", after.spawner > before.spawner + GROWTH_OF_OTHERS),
        ("the sandboxes' memory", after.sandboxes > before.sandboxes + sandboxes),
        ("descriptors", after.descriptors > before.descriptors),
        ("threads", after.threads > before.threads),
        ("processes", after.processes > before.processes),
        ("control groups", after.groups > before.groups),
    ];
    match grown.iter().find(|(_, grown)| *grown) {
        None => Ok(()),
        Some((what, _)) => Err(Error::new(format!("{what} has grown: from {before:?} to {after:?}"))),
    }
}

fn entries(folder: &str) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

fn folders(path: &Path) -> usize {
    let below =
        fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| path.is_dir());
    below.map(|path| 1 + folders(&path)).sum()
}

fn size(path: &Path) -> u64 {
    match fs::symlink_metadata(path) {
        Ok(file) if file.is_dir() => {
            fs::read_dir(path).into_iter().flatten().flatten().map(|entry| size(&entry.path())).sum()
        }
        Ok(file) => file.len(),
        Err(_) => 0,
    }
}
