//! One target at work: what it begins with, what it finds, and what is kept of that.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use regent_build::{At as _, Result, Run};

use super::programs::Programs;

/// One input may take so long: a reader that needs seconds is a finding.
const INPUT_SECONDS: u64 = 10;

/// How many inputs `--keep` adds at most.
const KEPT_AT_ONCE: usize = 20;

/// A target, with its places.
pub(super) struct Session {
    target: String,
    program: PathBuf,
    /// Inputs of the repository.
    kept: PathBuf,
    /// Inputs that went new ways, of this run and those before.
    found: PathBuf,
    /// Where inputs go that break something.
    findings: PathBuf,
    log: PathBuf,
}

impl Session {
    pub(super) fn new(programs: &Programs, target: &str) -> Result<Self> {
        let made = |name: &str| {
            let folder = super::folder().join(name);
            fs::create_dir_all(&folder).at(&folder).map(|()| folder)
        };
        Ok(Self {
            target: target.to_owned(),
            program: programs.path(target),
            kept: super::corpora().join(target),
            found: made(&format!("found/{target}"))?,
            findings: made("findings")?,
            log: made("log")?.join(target),
        })
    }

    /// Runs it for so long; whether it found nothing, which is told either way.
    pub(super) fn run(&self, time: Duration) -> Result<bool> {
        let log = File::create(&self.log).at(&self.log)?;
        let before = self.inputs(&self.found)?;
        let status = Command::new(&self.program)
            .args([&self.found, &self.kept])
            .arg(format!("-max_total_time={}", time.as_secs()))
            .arg(format!("-timeout={INPUT_SECONDS}"))
            .arg(format!("-artifact_prefix={}/{}-", self.findings.display(), self.target))
            .arg("-print_final_stats=1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().at(&self.log)?)
            .stderr(log)
            .status()
            .at(&self.program)?;
        let said = String::from_utf8_lossy(&fs::read(&self.log).at(&self.log)?).into_owned();
        let new = self.inputs(&self.found)?.saturating_sub(before);
        println!("{:12} {:>12} executions, {new} new inputs", self.target, executions(&said));
        if !status.success() {
            self.tell(&said);
        }
        Ok(status.success())
    }

    /// What was found, and how it is seen again.
    fn tell(&self, said: &str) {
        let written = said.lines().find_map(|line| line.split_once("Test unit written to ")).map(|(_, path)| path);
        let panic = said.lines().skip_while(|line| !line.contains("panicked at")).take(2);
        println!("  FINDING: {}", panic.map(str::trim).collect::<Vec<_>>().join(" "));
        println!("  again:   {} {}", self.program.display(), written.unwrap_or("(no input was written)"));
        println!("  all:     {}", self.log.display());
    }

    /// Takes into the kept corpus what goes ways that it does not: the shortest few, for it is read in every run of the
    /// tests.
    pub(super) fn keep(&self) -> Result<()> {
        let next = regent_build::emptied(super::folder().join("keep").join(&self.target))?;
        let merge = Run::new(&self.program).args(["-merge=1", "-set_cover_merge=1", "-use_counters=0"]);
        merge.args([&next, &self.kept, &self.found]).done()?;
        let mut new = Vec::new();
        for entry in fs::read_dir(&next).at(&next)? {
            let entry = entry.at(&next)?;
            let length = entry.metadata().at(&next)?.len();
            new.push((length, entry.file_name()));
        }
        new.sort();
        for (_, name) in new.into_iter().take(KEPT_AT_ONCE) {
            fs::copy(next.join(&name), self.kept.join(&name)).at(&next)?;
        }
        println!("{:12} {} inputs kept", self.target, self.inputs(&self.kept)?);
        Ok(())
    }

    fn inputs(&self, folder: &Path) -> Result<usize> {
        Ok(fs::read_dir(folder).at(folder)?.count())
    }
}

/// By libFuzzer's own count.
pub(super) fn executions(said: &str) -> &str {
    const STAT: &str = "stat::number_of_executed_units:";
    said.split_once(STAT).and_then(|(_, rest)| rest.split_whitespace().next()).unwrap_or("?")
}
