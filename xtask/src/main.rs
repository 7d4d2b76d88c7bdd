//! `cargo xtask build` and its like: everything that has to be done to this repository and is more than one cargo call.
//!
//! It runs as whoever types it, trusts the repository and the machine's package sources, and writes below `target/`
//! only (`rustup target add` apart, and what root's `test` installs by apt). It downloads nothing that the step at hand
//! can do without. A file a command; the rooms that commands share stand below.

#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "the spawner is the daemon's door to programs; a builder starts compilers"
)]

// The commands.
mod build;
mod demo;
mod fuzz;
mod lint;
mod measure;
mod test;

// What they are made of, in the order in which a build needs it; the compiler of plugins is a crate of its own, since
// others' plugins need it too.
mod plugins;
mod programs;
mod python;

mod dist;
mod sdk;

// The ground under these.
mod place;

use clap::{Parser, Subcommand};
use regent_build::Result;
use std::path::PathBuf;
use std::process::ExitCode;

const ENVIRONMENT: &str = "\
Environment:
  REGENT_WASM=rustup | debian   where the WebAssembly standard library comes from; left out: what can be had, in this order
  REGENT_ENGINE=interpreter     test: the whole system with its plugins on the interpreter
  REGENT_DIST=FOLDER            bench, soak: measure the build in this folder, and do not build Regent
  REGENT_BASELINE=FOLDER        bench: the same as --baseline
";

/// Build, test and measure this repository
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = ENVIRONMENT)]
struct Typed {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Put programs, plugins with their grants files, the SDK and the WIT into target/dist
    Build {
        /// Optimise the programs
        #[arg(long)]
        release: bool,
    },
    /// Build, start a daemon of its own, and show a conversation with it
    Demo,
    /// Measure speed and cost, against the original service and bare processes; print tables of ratios
    Bench(regent_bench::BenchOptions),
    /// Run a daemon under load, kill its processes, and check for leaks and lost requests
    Soak(regent_bench::SoakOptions),
    /// Run libFuzzer on each parser of untrusted input
    Fuzz(fuzz::Fuzz),
    /// Check module cycles, wide comments, type names used twice in a crate, and `Result<_, String>`
    Lint(lint::Lint),
    /// Run every test, with what it needs; as root, or those that need root fail
    Test,
    /// Build these plugin crates of the workspace as OUT/PACKAGE.wasm
    Plugins {
        /// Output folder; created if missing
        out: PathBuf,
        /// Their names in the workspace
        #[arg(value_name = "PACKAGE", required = true)]
        packages: Vec<String>,
    },
    /// Build the Python plugin of the tests as target/python/python.wasm
    Python,
}

fn main() -> ExitCode {
    match run(Typed::parse().verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> Result<()> {
    match verb {
        Verb::Build { release: false } => build::build(programs::Profile::Dev),
        Verb::Build { release: true } => build::build(programs::Profile::Release),
        Verb::Demo => demo::demo(),
        Verb::Bench(options) => measure::bench(&options),
        Verb::Soak(_) => measure::soak(),
        Verb::Fuzz(options) => fuzz::fuzz(&options),
        Verb::Lint(options) => lint::lint(&options),
        Verb::Test => test::test(),
        Verb::Plugins { out, packages } => {
            let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
            plugins::build(&regent_build::wasm(&place::target(), place::root())?, &packages, &out)
        }
        Verb::Python => python::component(&python::venv()?).map(|path| println!("{}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_and_options_fit_together() {
        <Typed as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn unknown_verbs_and_contradicting_options_are_refused() {
        let parses = |words: &[&str]| Typed::try_parse_from([&["xtask"], words].concat()).is_ok();
        assert!(parses(&["lint", "--figures"]) && parses(&["build", "--release"]));
        assert!(!parses(&["lint", "--figure"]) && !parses(&["lint", "--figures", "--places"]) && !parses(&["bild"]));
    }
}
