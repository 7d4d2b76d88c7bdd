//! Processes as /proc shows them.

use std::fs;

/// A line of /proc/PID/status.
pub fn status(pid: u32, key: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    Some(line.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The processes whose parent this is.
pub fn children(pid: u32) -> Vec<u32> {
    all().into_iter().filter(|child| status(*child, "PPid").as_deref() == Some(&pid.to_string())).collect()
}

/// All below this one.
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut found = children(pid);
    let mut next = 0;
    while next < found.len() {
        found.extend(children(found[next]));
        next += 1;
    }
    found
}

/// Those below this one that have this name.
pub fn named(pid: u32, name: &str) -> Vec<u32> {
    let is = |pid: &u32| status(*pid, "Name").is_some_and(|found| found == name);
    descendants(pid).into_iter().filter(is).collect()
}

/// Those whose command line has this text. Zombies have none.
pub fn with_text(text: &str) -> Vec<u32> {
    let has = |pid: &u32| {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(text))
    };
    all().into_iter().filter(has).collect()
}

/// Where each descriptor leads.
pub fn descriptors(pid: u32) -> Vec<(u32, String)> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let to = fs::read_link(entry.path()).ok()?.display().to_string();
            Some((entry.file_name().to_str()?.parse().ok()?, to))
        })
        .collect();
    found.sort_unstable();
    found
}

/// Resident memory in KiB.
pub fn resident(pid: u32) -> u64 {
    status(pid, "VmRSS").unwrap().split(' ').next().unwrap().parse().unwrap()
}

fn all() -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}
