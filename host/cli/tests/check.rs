//! `check` becomes the daemon's own program; here that is one of the system's, which says what it was given.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]
#![allow(clippy::disallowed_methods, reason = "these tests start the program that they are about")]

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

/// The program where it stands alone with this as its `regentd`. It is linked and not copied: a file that was just
/// written may be still open in a sibling test's child, and does not start then.
fn beside(regentd: &str, place: &str, words: &[&str], environment: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let own = folder.path().join("bin/regent");
    let regentd_at = folder.path().join(place);
    for path in [&own, &regentd_at] {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    }
    std::fs::hard_link(env!("CARGO_BIN_EXE_regent"), &own).unwrap();
    symlink(Path::new(regentd), regentd_at).unwrap();
    Command::new(own).args(words).env_clear().envs(environment.iter().copied()).output().unwrap()
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

#[test]
fn a_check_is_the_daemons_own_with_the_file_that_was_named() {
    for place in ["bin/regentd", "sbin/regentd"] {
        let output = beside("/bin/echo", place, &["check"], &[]);
        assert_eq!(out(&output), "--config /etc/regent/regent.toml --check\n", "{place}");
    }
    let variable = [("REGENT_CONFIG", "/srv/regent.toml")];
    let output = beside("/bin/echo", "bin/regentd", &["check"], &variable);
    assert_eq!(out(&output), "--config /srv/regent.toml --check\n");
    let output = beside("/bin/echo", "bin/regentd", &["check", "--config", "a b;$(id)"], &variable);
    assert_eq!(out(&output), "--config a b;$(id) --check\n");
}

#[test]
fn a_check_ends_as_the_daemons_own_ends() {
    assert_eq!(beside("/bin/true", "bin/regentd", &["check"], &[]).status.code(), Some(0));
    assert_eq!(beside("/bin/false", "bin/regentd", &["check"], &[]).status.code(), Some(1));
}

#[test]
fn a_daemon_on_the_path_is_not_the_one_that_is_started() {
    let elsewhere = tempfile::tempdir().unwrap();
    symlink("/bin/false", elsewhere.path().join("regentd")).unwrap();
    let path = [("PATH", elsewhere.path().to_str().unwrap())];
    assert_eq!(beside("/bin/true", "bin/regentd", &["check"], &path).status.code(), Some(0));
}

#[test]
fn what_cannot_be_started_is_an_error_that_names_it() {
    let output = beside("/etc/passwd", "bin/regentd", &["check"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.starts_with("regent: ") && err.contains("bin/regentd: "), "{err}");
}
