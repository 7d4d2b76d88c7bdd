//! What people see of whole conversations, kept as files in `tests/screens`: what is typed, what it prints, and by
//! which number it ends. What differs from one run to the next is replaced by what it is, so that each file is the
//! whole of it.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use regex::{Captures, Regex};

use crate::running::{Cli, Running};
use crate::screens::screen;
use crate::world::{SECRET, dist, user};

/// What differs, and what it is: with a number where it tells which of several it is.
const VARYING: [(&str, &str); 10] = [
    (r"[0-9a-f]{64}", "HEX#"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", "UID#"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z| ?UTC)?", "TIME"),
    (r"\b(?:ref|regent why) ([a-z]{8})\b", "REF#"),
    (r"\bpid (\d+)", "PID"),
    (r"\b(\d+(?:\.\d+)?) ms\b", "N"),
    (r"at most (\d+(?:\.\d+)?) MiB of memory", "N"),
    (r"\b(\d{4,}) bytes\b", "N"),
    // A toolchain's numbers, and where in the source of a test's plugin it is.
    (r"in (function \d+(?: < function \d+)*)", "FUNCTIONS"),
    (r"\.rs:(\d+:\d+)", "LINE"),
];

/// A conversation so far.
pub struct Screen {
    folder: PathBuf,
    environment: Vec<(&'static str, String)>,
    names: Vec<(String, String)>,
    text: String,
}

impl Screen {
    /// Typed in this folder.
    pub fn in_folder(folder: &Path) -> Self {
        let mut screen =
            Self { folder: folder.into(), environment: Vec::new(), names: Vec::new(), text: String::new() };
        screen.name(dist().to_str().unwrap(), "/DIST");
        screen.name(folder.to_str().unwrap(), "/FOLDER");
        screen
    }

    /// Typed beside this daemon, with all that it takes to reach it.
    pub fn beside(running: &Running<'_>) -> Self {
        let world = running.world;
        let path = |path: PathBuf| path.display().to_string();
        let environment = vec![
            ("REGENT_SOCKET", path(world.socket_path(world.first_socket()))),
            ("REGENT_ADMIN", path(world.admin_path())),
            ("REGENT_CONFIG", path(world.config_path())),
            ("REGENT_SECRET", SECRET.to_owned()),
        ];
        Self { environment, ..Self::in_folder(&world.path("")) }
    }

    /// From now on this is shown as that.
    pub fn name(&mut self, value: &str, shown: &str) {
        self.names.push((value.trim_end_matches('/').to_owned(), shown.to_owned()));
    }

    /// What root types.
    pub fn root(&mut self, line: &str) -> Cli {
        self.typed("root", "#", line)
    }

    /// What this user of the machine types.
    pub fn user(&mut self, who: &str, line: &str) -> Cli {
        self.typed(who, "$", line)
    }

    fn typed(&mut self, who: &str, prompt: &str, line: &str) -> Cli {
        let path = format!("{}:/usr/bin:/bin", dist().join("bin").display());
        let mut shell = Command::new("sh");
        if who != "root" {
            shell.uid(user(who)).gid(user(who));
        }
        let environment = self.environment.iter().map(|(name, value)| (*name, value.as_str()));
        let shell = shell.args(["-c", line]).env_clear().env("PATH", path).envs(environment);
        let out = shell.current_dir(&self.folder).stdin(Stdio::null()).output().unwrap();
        let cli = Cli {
            status: out.status.code().unwrap_or(-1),
            stdout: String::from_utf8(out.stdout).unwrap(),
            stderr: String::from_utf8(out.stderr).unwrap(),
        };
        let shown = if who == "root" { String::new() } else { who.to_owned() };
        self.text.push_str(&format!("{shown}{prompt} {line}\n{}", cli.stdout));
        cli.stderr.lines().for_each(|line| self.text.push_str(&format!("2> {line}\n")));
        if cli.status != 0 {
            self.text.push_str(&format!("(exit {})\n", cli.status));
        }
        self.text.push('\n');
        cli
    }

    /// Something else that people read: a file, the log.
    pub fn shows(&mut self, what: &str, text: &str) {
        self.text.push_str(&format!("-- {what}\n{}\n\n", text.trim_end()));
    }

    /// Compares all of it with the file of this name.
    #[track_caller]
    pub fn is(self, name: &str) {
        let named = self.names.iter().fold(self.text, |text, (value, shown)| text.replace(value, shown));
        let settled = VARYING.iter().fold(named, |text, (pattern, shown)| settled(&text, pattern, shown));
        screen(name, &format!("{}\n", settled.trim_end()));
    }
}

/// With what matches, or its part in brackets, replaced.
fn settled(text: &str, pattern: &str, shown: &str) -> String {
    let mut seen: Vec<String> = Vec::new();
    let replace = |found: &Captures<'_>| {
        let varies = found.get(1).or(found.get(0)).unwrap().as_str();
        // The same one, the same number.
        let number = seen.iter().position(|known| known == varies).unwrap_or(seen.len());
        if number == seen.len() {
            seen.push(varies.to_owned());
        }
        found[0].replace(varies, &shown.replace('#', &format!("-{}", number + 1)))
    };
    Regex::new(pattern).unwrap().replace_all(text, replace).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_numbered_so_that_one_is_told_from_another_and_nothing_else_is_touched() {
        let (one, other) = ("1".repeat(64), "e".repeat(64));
        let text = format!("{one} {other} {one} 12 bytes, at most 3 s, 64 MiB");
        let shown = VARYING.iter().fold(text, |text, (pattern, shown)| settled(&text, pattern, shown));
        assert_eq!(shown, "HEX-1 HEX-2 HEX-1 12 bytes, at most 3 s, 64 MiB");
        let text = "(denied, ref abcdefgh)\nask: regent why abcdefgh or hgfedcba; took 12.5 ms, 123456 bytes";
        let shown = VARYING.iter().fold(text.to_owned(), |text, (pattern, shown)| settled(&text, pattern, shown));
        assert_eq!(shown, "(denied, ref REF-1)\nask: regent why REF-1 or hgfedcba; took N ms, N bytes");
    }
}
