//! Cgroups of the same weight, as a service and a container have: who asks, who is attacked and who attacks each have a
//! third of the processors, however many threads each is.

use std::fs;
use std::path::{Path, PathBuf};

use regent_build::{At as _, Result};

/// Where version 1 has what weighs processors, and version 2 everything.
const VERSIONS: [&str; 2] = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup"];

/// Where they can be made; `None`: no controller of processors is free on this machine.
pub(super) fn place() -> Option<&'static Path> {
    let fits = |at: &Path| {
        // A container often may only read it.
        if rustix::fs::access(at, rustix::fs::Access::WRITE_OK).is_err() {
            return false;
        }
        let enabled = fs::read_to_string(at.join("cgroup.subtree_control")).unwrap_or_default();
        at.join("cpu.shares").exists() || enabled.split_whitespace().any(|name| name == "cpu")
    };
    VERSIONS.into_iter().map(Path::new).find(|at| fits(at))
}

/// All of them, gone when this is dropped and their processes have ended.
#[derive(Debug)]
pub(super) struct Sides {
    place: &'static Path,
    /// Where this process was before.
    before: PathBuf,
    attackers: PathBuf,
    others: Vec<PathBuf>,
}

impl Sides {
    /// That of who attacks, and nobody in it.
    pub(super) fn new(place: &'static Path) -> Result<Self> {
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let before = own(&groups, place.ends_with("cpu")).unwrap_or_default();
        let before = place.join(before.trim_start_matches('/'));
        Ok(Self { place, before, attackers: made(place, "attackers")?, others: Vec::new() })
    }

    /// This process into another, and whatever it starts from now on.
    pub(super) fn enter(&mut self, name: &str) -> Result<()> {
        let folder = made(self.place, name)?;
        self.others.push(folder.clone());
        moved(&folder, std::process::id())
    }

    /// This process, with all of its threads, is one that attacks.
    pub(super) fn attacks(&self, pid: u32) -> Result<()> {
        moved(&self.attackers, pid)
    }
}

/// The group in the hierarchy of version 1 that weighs processors, or in that of version 2.
fn own(groups: &str, version_1: bool) -> Option<&str> {
    groups.lines().find_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let fits = if version_1 { controllers.split(',').any(|name| name == "cpu") } else { controllers.is_empty() };
        fits.then_some(path)
    })
}

fn made(place: &Path, name: &str) -> Result<PathBuf> {
    let folder = place.join(format!("regent-bench-{}-{name}", std::process::id()));
    fs::create_dir(&folder).at(&folder)?;
    Ok(folder)
}

fn moved(folder: &Path, pid: u32) -> Result<()> {
    let processes = folder.join("cgroup.procs");
    fs::write(&processes, pid.to_string()).at(&processes)
}

impl Drop for Sides {
    fn drop(&mut self) {
        let _stays_where_it_is = moved(&self.before, std::process::id());
        for folder in self.others.iter().chain([&self.attackers]) {
            let _in_use = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_own_group_is_found_in_either_version() {
        let groups = "4:memory:/m\n3:cpu,cpuacct:/a/b\n2:cpuset:/s\n0::/user.slice\n";
        assert_eq!((own(groups, true), own(groups, false)), (Some("/a/b"), Some("/user.slice")));
        assert_eq!(own("4:memory:/m\n", true), None);
    }
}
