//! `cargo xtask fuzz`: libFuzzer at each reader of others' bytes, beginning with the kept corpora of `tests/fuzz`.
//!
//! Coverage is what any stable compiler can be told to count; a sanitizer, which it cannot, would look for what code
//! without `unsafe` does not do. What is found stays below `target/fuzz`; the repository changes by `--keep` alone.

// The programs.
mod programs;
// One of them at work.
mod session;

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use regent_build::{At as _, Error, Result};

use crate::{place, test::machine};
use programs::Programs;
use session::Session;

/// Of each target, unless another number is typed: as long as in CI.
const SECONDS: u64 = 20;
/// libFuzzer itself is C++.
const NEEDED: [(&str, &str); 1] = [("c++", "g++")];

/// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct Fuzz {
    /// Only these readers; each has its folder in tests/fuzz/corpus
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// How long each of them runs
    #[arg(long, value_name = "N", default_value_t = SECONDS, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Add inputs that reach new code to tests/fuzz/corpus
    #[arg(long)]
    keep: bool,
}

/// Runs the targets, tells what came of each, and fails if one has a finding.
pub(crate) fn fuzz(options: &Fuzz) -> Result<()> {
    let targets = targets(&options.targets)?;
    if let Some(missing) = machine::programs(&NEEDED) {
        return Err(missing);
    }
    let programs = Programs::build()?;
    let sessions: Vec<_> = targets.iter().map(|target| Session::new(&programs, target)).collect::<Result<_>>()?;
    let findings = run(&sessions, Duration::from_secs(options.seconds))?;
    if findings > 0 {
        return Err(Error::new(format!("{findings} with a finding; docs/fuzzing.md says what to do with it")));
    }
    if options.keep { sessions.iter().try_for_each(Session::keep) } else { Ok(()) }
}

/// Those that were named, or all: each has its folder in the kept corpora.
fn targets(named: &[String]) -> Result<Vec<String>> {
    let corpora = corpora();
    let mut known = Vec::new();
    for entry in fs::read_dir(&corpora).at(&corpora)? {
        known.push(entry.at(&corpora)?.file_name().to_string_lossy().into_owned());
    }
    known.sort();
    if let Some(unknown) = named.iter().find(|name| !known.iter().any(|known| known == *name)) {
        return Err(Error::new(format!("no target is called {unknown}; there is {}", known.join(", "))));
    }
    known.retain(|known| named.is_empty() || named.contains(known));
    Ok(known)
}

fn corpora() -> PathBuf {
    place::root().join("tests/fuzz/corpus")
}

/// What cargo builds here, what was found, and the programs' own words.
fn folder() -> PathBuf {
    place::target().join("fuzz")
}

/// Runs all, one a core, and returns how many have a finding.
fn run(sessions: &[Session], time: Duration) -> Result<usize> {
    let ahead = Mutex::new(sessions.iter());
    let next = || ahead.lock().ok().and_then(|mut ahead| ahead.next());
    let work = || -> Result<usize> {
        let mut findings = 0;
        while let Some(session) = next() {
            findings += usize::from(!session.run(time)?);
        }
        Ok(findings)
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let lost = |_| Error::new("a thread of xtask itself has panicked");
        workers.into_iter().map(|worker| worker.join().map_err(lost)?).sum()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        fuzz: Fuzz,
    }

    #[test]
    fn what_is_typed_is_targets_a_time_and_whether_to_keep() {
        let read = |words: &[&'static str]| {
            let typed = Typed::try_parse_from([&["fuzz"], words].concat());
            typed.map(|Typed { fuzz: Fuzz { targets, seconds, keep } }| (targets, seconds, keep)).ok()
        };
        assert_eq!(read(&[]), Some((vec![], SECONDS, false)));
        let targets = ["slot", "line"].map(String::from).to_vec();
        assert_eq!(read(&["slot", "--seconds", "7", "line", "--keep"]), Some((targets, 7, true)));
        for wrong in [&["--seconds"][..], &["--seconds", "0"], &["--seconds", "x"], &["--kept"]] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_target_that_is_not_there_is_told_with_those_that_are() {
        assert_eq!(targets(&["slot".into()]).unwrap(), ["slot"]);
        assert!(targets(&[]).unwrap().len() > 9);
        let told = targets(&["slots".into()]).unwrap_err().to_string();
        assert!(told.contains("slots") && told.contains("grants, hold"), "{told}");
    }

    #[test]
    fn executions_are_those_that_libfuzzer_counted() {
        assert_eq!(session::executions("x\nstat::number_of_executed_units: 705775\nstat::y: 1"), "705775");
        assert_eq!(session::executions("no figure"), "?");
    }
}
