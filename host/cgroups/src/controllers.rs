//! Controllers for what is confined, as far as they are free. Where they are not, version 1 has them, or nobody
//! delegated them.

use std::fs;
use std::io;
use std::path::Path;

/// What is asked for, each by itself: any of them is worth having alone.
pub const CONTROLLERS: [&str; 3] = ["memory", "cpu", "pids"];

/// Attributes of a group that a service manager has delegated: systemd sets one of them to `1`.
const DELEGATED: [&str; 2] = ["trusted.delegate", "user.delegate"];

/// Makes the folder, and gives the groups in it what can be had.
pub(crate) fn open(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(why) if why.kind() != io::ErrorKind::AlreadyExists => return Err(why),
        _ => {}
    }
    let own = folder.parent().unwrap_or(folder);
    for controller in CONTROLLERS.into_iter().filter(|controller| hand_down(own, controller)) {
        let _found_says_so = enable(folder, controller);
    }
    Ok(())
}

/// Those that the groups in this folder have.
#[must_use]
pub fn found(folder: &Path) -> Vec<&'static str> {
    let has = fs::read_to_string(folder.join("cgroup.subtree_control")).unwrap_or_default();
    CONTROLLERS.into_iter().filter(|controller| has.split_whitespace().any(|has| has == *controller)).collect()
}

/// Lets the groups in the daemon's own have a controller. A group with processes in it can hand down none but the root
/// can: where the group was delegated, the processes, which are all this daemon's, move into one of their own.
fn hand_down(own: &Path, controller: &str) -> bool {
    match enable(own, controller) {
        Ok(()) => true,
        Err(why) if why.kind() == io::ErrorKind::ResourceBusy && is_delegated(own) => {
            step_aside(own).and_then(|()| enable(own, controller)).is_ok()
        }
        Err(_) => false,
    }
}

fn enable(group: &Path, controller: &str) -> io::Result<()> {
    fs::write(group.join("cgroup.subtree_control"), format!("+{controller}"))
}

fn is_delegated(group: &Path) -> bool {
    let mut value = [0; 1];
    DELEGATED.into_iter().any(|name| rustix::fs::getxattr(group, name, &mut value) == Ok(1) && value == *b"1")
}

fn step_aside(own: &Path) -> io::Result<()> {
    let aside = own.join("daemon");
    match fs::create_dir(&aside) {
        Err(why) if why.kind() != io::ErrorKind::AlreadyExists => return Err(why),
        _ => {}
    }
    let pids = fs::read_to_string(own.join("cgroup.procs"))?;
    pids.lines().try_for_each(|pid| fs::write(aside.join("cgroup.procs"), pid))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that looks like a group. That a kernel holds a process to what is written there is no test's, for it
    /// takes a machine whose controllers are free: `docs/confinement.md` says where it was seen.
    #[test]
    fn what_a_group_has_is_told_and_nothing_else() {
        let own = tempfile::tempdir().unwrap();
        assert_eq!(found(own.path()), Vec::<&str>::new());
        fs::write(own.path().join("cgroup.subtree_control"), "cpu hugetlb pids\n").unwrap();
        assert_eq!(found(own.path()), ["cpu", "pids"]);
    }

    #[test]
    fn each_controller_is_asked_for_in_the_group_and_in_the_folder() {
        let own = tempfile::tempdir().unwrap();
        let folder = own.path().join("confined");
        open(&folder).unwrap();
        for group in [own.path(), &folder] {
            // A file of this kind keeps what was written last.
            assert_eq!(fs::read_to_string(group.join("cgroup.subtree_control")).unwrap(), "+pids");
        }
    }
}
