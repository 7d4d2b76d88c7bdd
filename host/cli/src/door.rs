//! The one place that starts a program, and the program is Regent's own: `regentd`, as this process, with the same terminal
//! and the same rights. It is looked for where it is installed and never along `PATH`, which says what a shell wants and not
//! which Regent this is.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ending::{Ending, Failure};

/// Becomes `regentd` with these arguments; whatever it ends with, this ends with. Returns only if that cannot be.
pub(crate) fn regentd<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Ending, Failure> {
    let own = std::env::current_exe().map_err(|error| Failure::other(format!("which program am I? {error}")))?;
    let program = find(&places(&own))?;
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the door: it starts the daemon's own program and nothing else"
    )]
    let mut command = Command::new(&program);
    let error = command.args(arguments).exec();
    Err(Failure::other(format!("{}: {error}", program.display())))
}

/// Beside this program, in the `sbin` beside its folder, and where a package or an administrator puts it.
fn places(own: &Path) -> Vec<PathBuf> {
    let folder = own.parent().unwrap_or(Path::new("/"));
    let sbin = folder.parent().map(|above| above.join("sbin"));
    let folders = [Some(folder.to_owned()), sbin, Some("/usr/sbin".into()), Some("/usr/local/sbin".into())];
    let mut places: Vec<_> = folders.into_iter().flatten().map(|folder| folder.join("regentd")).collect();
    places.dedup();
    places
}

fn find(places: &[PathBuf]) -> Result<PathBuf, Failure> {
    places.iter().find(|place| place.is_file()).cloned().ok_or_else(|| {
        let looked: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
        Failure::other(format!("regentd is not installed here: there is no {}", looked.join(", no ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemon_is_looked_for_where_it_is_installed_and_nowhere_else() {
        let places = |own: &str| places(Path::new(own)).iter().map(|p| p.display().to_string()).collect::<Vec<_>>();
        assert_eq!(
            places("/opt/regent/bin/regent"),
            ["/opt/regent/bin/regentd", "/opt/regent/sbin/regentd", "/usr/sbin/regentd", "/usr/local/sbin/regentd"]
        );
        assert_eq!(places("/usr/bin/regent"), ["/usr/bin/regentd", "/usr/sbin/regentd", "/usr/local/sbin/regentd"]);
    }

    #[test]
    fn where_it_is_not_people_are_told_where_it_was_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
        let words = find(&[one.clone(), two.clone()]).unwrap_err().words;
        assert!(words.contains(one.to_str().unwrap()) && words.contains(two.to_str().unwrap()), "{words}");
        // A folder of that name is no program.
        std::fs::create_dir(&one).unwrap();
        std::fs::write(&two, "").unwrap();
        assert_eq!(find(&[one, two.clone()]).unwrap(), two);
    }
}
