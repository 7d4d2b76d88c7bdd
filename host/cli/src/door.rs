//! The one place that starts a program, and the program is Regent's own: `regentd`, `regent-dry-run`, or `regent`
//! itself. It is looked for where it is installed and never along `PATH`, which says what a shell wants and not which
//! Regent this is.

use std::ffi::OsStr;
use std::io::{self, Read as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::ending::{Ending, Failure};

/// More than it says of the largest module that is looked at.
const SAID_MAX: u64 = 8 << 20;
/// The daemon.
const DAEMON: &str = "regentd";
/// The program that inspects and tries modules.
pub(crate) const DRY_RUN: &str = "regent-dry-run";
/// What a shell adds to the number of the signal that ended a program.
const BY_SIGNAL: i32 = 128;

/// Becomes `regentd` with these arguments; whatever it ends with, this ends with. Returns only if that cannot be.
pub(crate) fn regentd<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Ending, Failure> {
    become_program(DAEMON, arguments)
}

/// The same of `regent-dry-run`.
pub(crate) fn dry_run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Ending, Failure> {
    become_program(DRY_RUN, arguments)
}

fn become_program<S: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = S>) -> Result<Ending, Failure> {
    let program = find(name)?;
    let error = command(&program).args(arguments).exec();
    Err(cannot(&program, &error))
}

/// What `regent-dry-run` prints with these arguments, and how it ends. What it complains of, it says itself.
pub(crate) fn dry_run_says<S: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = S>,
) -> Result<(Vec<u8>, Ending), Failure> {
    let program = find(DRY_RUN)?;
    said(command(&program).args(arguments), SAID_MAX).map_err(|error| cannot(&program, &error))
}

/// Whoever has taken it over by a module may say what it likes.
fn said(command: &mut Command, most: u64) -> io::Result<(Vec<u8>, Ending)> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut text = Vec::new();
    let read = child.stdout.take().map(|out| out.take(most + 1).read_to_end(&mut text)).transpose();
    let too_much = text.len() as u64 > most;
    if too_much {
        let _has_ended = child.kill();
    }
    let status = child.wait()?;
    read?;
    if too_much {
        return Err(io::Error::other(format!("it said more than {} MiB, so it was ended", most >> 20)));
    }
    Ok((text, ending(status)))
}

/// Starts `regent-dry-run` with these arguments before the same terminal, and waits for its end.
pub(crate) fn dry_run_runs<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Ending, Failure> {
    let program = find(DRY_RUN)?;
    command(&program).args(arguments).status().map(ending).map_err(|error| cannot(&program, &error))
}

/// The same of this very program.
pub(crate) fn regent_runs<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Ending, Failure> {
    let program = own()?;
    command(&program).args(arguments).status().map(ending).map_err(|error| cannot(&program, &error))
}

/// Where `regentd` is.
pub(crate) fn regentd_at() -> Result<PathBuf, Failure> {
    find(DAEMON)
}

#[allow(clippy::disallowed_methods, reason = "this is the door: it starts Regent's own programs and nothing else")]
fn command(program: &Path) -> Command {
    Command::new(program)
}

/// How a program ended, as a shell would tell it.
pub(crate) fn ending(status: ExitStatus) -> Ending {
    let number = status.code().or_else(|| status.signal().map(|signal| BY_SIGNAL + signal));
    match number.and_then(|number| u8::try_from(number).ok()) {
        Some(0) => Ending::Done,
        Some(number) => Ending::As(number),
        None => Ending::Failed,
    }
}

fn own() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|error| Failure::other(format!("which program am I? {error}")))
}

fn cannot(program: &Path, error: &std::io::Error) -> Failure {
    Failure::other(format!("{}: {error}", program.display()))
}

/// Beside this program, in the `sbin` beside its folder, and where a package or an administrator puts it.
fn places(own: &Path, name: &str) -> Vec<PathBuf> {
    let folder = own.parent().unwrap_or(Path::new("/"));
    let sbin = folder.parent().map(|above| above.join("sbin"));
    let folders = [Some(folder.to_owned()), sbin, Some("/usr/sbin".into()), Some("/usr/local/sbin".into())];
    let mut places: Vec<_> = folders.into_iter().flatten().map(|folder| folder.join(name)).collect();
    places.dedup();
    places
}

fn find(name: &str) -> Result<PathBuf, Failure> {
    find_in(&places(&own()?, name), name)
}

fn find_in(places: &[PathBuf], name: &str) -> Result<PathBuf, Failure> {
    places.iter().find(|place| place.is_file()).cloned().ok_or_else(|| {
        let looked: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
        Failure::other(format!(
            "{name} is not installed here: there is no {}. Install it next to regent, from the same build",
            looked.join(", no ")
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemon_is_looked_for_where_it_is_installed_and_nowhere_else() {
        for name in [DAEMON, DRY_RUN] {
            let places = |own: &str| places(Path::new(own), name);
            let at = |folders: &[&str]| folders.iter().map(|folder| Path::new(folder).join(name)).collect::<Vec<_>>();
            assert_eq!(
                places("/opt/regent/bin/regent"),
                at(&["/opt/regent/bin", "/opt/regent/sbin", "/usr/sbin", "/usr/local/sbin"])
            );
            assert_eq!(places("/usr/bin/regent"), at(&["/usr/bin", "/usr/sbin", "/usr/local/sbin"]));
        }
    }

    #[test]
    fn a_program_that_says_too_much_is_ended_and_one_that_does_not_is_heard() {
        let shell = |script: &str| {
            let mut shell = command(Path::new("/bin/sh"));
            shell.args(["-c", script]);
            shell
        };
        let (text, ending) = said(&mut shell("printf four; exit 3"), 4).unwrap();
        assert_eq!((text.as_slice(), ending), (&b"four"[..], Ending::As(3)));
        let too_much = said(&mut shell("while :; do echo more; done"), 1 << 20).unwrap_err();
        assert_eq!(too_much.to_string(), "it said more than 1 MiB, so it was ended");
    }

    #[test]
    fn where_it_is_not_people_are_told_where_it_was_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
        let words = find_in(&[one.clone(), two.clone()], DRY_RUN).unwrap_err().words;
        assert!(words.starts_with("regent-dry-run is not installed here: there is no "), "{words}");
        assert!(words.contains(one.to_str().unwrap()) && words.contains(two.to_str().unwrap()), "{words}");
        // A folder of that name is no program.
        std::fs::create_dir(&one).unwrap();
        std::fs::write(&two, "").unwrap();
        assert_eq!(find_in(&[one, two.clone()], DRY_RUN).unwrap(), two);
    }

    #[test]
    fn a_program_ended_by_a_signal_is_told_as_a_shell_tells_it() {
        assert_eq!(ending(ExitStatus::from_raw(0)).number(), 0);
        assert_eq!(ending(ExitStatus::from_raw(70 << 8)).number(), 70);
        assert_eq!(ending(ExitStatus::from_raw(9)).number(), 137);
    }
}
