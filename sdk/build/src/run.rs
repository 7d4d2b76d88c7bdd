//! The one door through which a builder starts programs: never with standard input, and never longer than they say.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::error::{Error, Result};

/// How often a running program is looked at: far below what a person notices.
const POLL: Duration = Duration::from_millis(50);
/// A build from nothing on two slow cores takes minutes; what takes this long hangs.
const LONGEST: Duration = Duration::from_mins(40);

/// A program to be run.
#[derive(Debug)]
pub struct Run {
    command: Command,
    within: Duration,
}

impl Run {
    /// This program, without arguments.
    #[must_use]
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        Self { command, within: LONGEST }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// With this variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Without this variable, whatever this process has.
    #[must_use]
    pub fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Started there.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Killed after so long.
    #[must_use]
    pub fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    /// Runs it to its end; what it writes is seen.
    ///
    /// # Errors
    /// It could not be started, failed, or took too long; the text has its command line.
    pub fn done(mut self) -> Result<()> {
        let status = self.status()?;
        if status.success() { Ok(()) } else { Err(self.failed(&status.to_string())) }
    }

    /// The same of a program that says itself why it failed: whether it succeeded.
    ///
    /// # Errors
    /// It could not be started, or took too long.
    pub fn succeeds(mut self) -> Result<bool> {
        Ok(self.status()?.success())
    }

    fn status(&mut self) -> Result<ExitStatus> {
        let child = self.command.spawn().map_err(|error| self.failed(&error.to_string()))?;
        self.ended(child)
    }

    /// Runs it and gives back what it wrote to standard output. For short programs: their output has to fit into a
    /// pipe.
    ///
    /// # Errors
    /// As [`done`](Self::done).
    pub fn text(mut self) -> Result<String> {
        let child = self.command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn();
        let output = child.and_then(Child::wait_with_output).map_err(|error| self.failed(&error.to_string()))?;
        if !output.status.success() {
            return Err(self.failed(&output.status.to_string()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn ended(&self, mut child: Child) -> Result<ExitStatus> {
        let deadline = Instant::now() + self.within;
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if Instant::now() < deadline => sleep(POLL),
                Ok(None) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(self.failed(&format!("not done within {} s", self.within.as_secs())));
                }
                Err(error) => return Err(self.failed(&error.to_string())),
            }
        }
    }

    fn failed(&self, how: &str) -> Error {
        let mut line = self.command.get_program().to_string_lossy().into_owned();
        for arg in self.command.get_args() {
            let _ = write!(line, " {}", arg.to_string_lossy());
        }
        Error::new(format!("{line}\n  {how}"))
    }
}

/// Cargo in this folder, free of what would make its builds another's: flags for all targets, and another compiler.
#[must_use]
pub fn cargo(folder: &Path) -> Run {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_BUILD_RUSTFLAGS", "CARGO_TARGET_DIR"]
        .into_iter()
        .fold(Run::new(cargo).folder(folder), Run::without_env)
}
