//! `cargo xtask build` and its like: everything that has to be done to this repository and is more than one cargo call.
//!
//! It runs as whoever types it, trusts the repository and the machine's package sources, and writes below `target/` only
//! (`rustup target add` apart, and what root's `test` installs by apt). It downloads nothing that the step at hand can do
//! without. A file a command; the rooms that commands share stand below.

#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "the spawner is the daemon's door to programs; a builder starts compilers"
)]

// The commands.
mod build;
mod demo;
mod fuzz;
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

use regent_build::{Error, Result};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  build [--release]   programs, plugins with their grants files, the SDK and the WIT into target/dist
  demo                builds, starts a daemon of its own, and shows a conversation with it
  bench [--quick] [--original | --plugins | --engines | --layers | --hostile | --connections] [--json FILE]
                      how fast, against the original and bare processes, as a table of ratios; each shipped plugin on either
                      engine (--engines: that alone); what each layer of the
                      confinement costs (--layers: that, and the no-op against the original); what a neighbour notices of 200 hostile connections (--connections:
                      that alone) and of a hostile plugin (--hostile: both); and with 1, 20 and 200 plugins: starts, memory,
                      changes while it runs (--plugins)
  soak [--minutes 30] [--json FILE]
                      a daemon under good and hostile load, its processes killed all along: nothing grows, nothing is lost
  fuzz [TARGET…] [--seconds N] [--keep]
                      libFuzzer at each reader of others' bytes, 20 s each: executions and findings; --keep takes what went new
                      ways into the kept corpora
  test                every test, with what it needs; as root, or those that need root fail
  plugins OUT PACKAGE…   these plugin crates of the workspace as OUT/PACKAGE.wasm
  python              the Python plugin of the tests as target/python/python.wasm

environment
  REGENT_WASM=rustup | debian   where the WebAssembly standard library comes from; left out: what can be had, in this order
  REGENT_ENGINE=interpreter     test: the whole system with its plugins on the interpreter
  REGENT_DIST=FOLDER            bench: measure what was built there, and build nothing
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match command(&words.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn command(words: &[&str]) -> Result<()> {
    match words {
        ["build"] => build::build(programs::Profile::Dev),
        ["build", "--release"] => build::build(programs::Profile::Release),
        ["soak", rest @ ..] => measure::soak(&measure::typed("soak", rest)?),
        ["bench", rest @ ..] => measure::bench(&measure::typed("bench", rest)?),
        ["demo"] => demo::demo(),
        ["fuzz", rest @ ..] => fuzz::fuzz(rest),
        ["test"] => test::test(),
        ["plugins", out, packages @ ..] if !packages.is_empty() => {
            plugins::build(&regent_build::wasm(&place::target(), place::root())?, packages, out.as_ref())
        }
        ["python"] => python::component(&python::venv()?).map(|path| println!("{}", path.display())),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        _ => Err(Error::new(format!("not understood\n\n{USAGE}"))),
    }
}
