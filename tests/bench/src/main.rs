//! The program that `cargo xtask bench` and `cargo xtask soak` start: it measures builds that are there, and builds
//! nothing.
//!
//! It also becomes the hostile clients and the good ones, which need a process for each uid.

#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "the spawner is the daemon's door to programs; this one starts daemons and clients"
)]

mod attackers;
mod bench;
mod soak;

use clap::Parser;
use regent_bench::{BenchOptions, SoakOptions};
use regent_build::Result;
use std::process::ExitCode;

/// Measures builds of Regent; `cargo xtask` hands over what it needs.
#[derive(Parser)]
#[command(name = "regent-bench", disable_help_subcommand = true)]
enum Verb {
    /// How fast, against the original service and bare processes
    Bench {
        #[command(flatten)]
        options: BenchOptions,
        #[command(flatten)]
        inputs: bench::BenchInputs,
    },
    /// A daemon under good and hostile load
    Soak {
        #[command(flatten)]
        options: SoakOptions,
        #[command(flatten)]
        inputs: soak::SoakInputs,
    },
    #[command(name = attackers::WORD, hide = true)]
    Attack(attackers::AttackArgs),
    #[command(name = soak::WORD, hide = true)]
    Client(soak::ClientArgs),
}

fn main() -> ExitCode {
    match run(Verb::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("regent-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> Result<()> {
    match verb {
        Verb::Bench { options, inputs } => bench::bench(&inputs, &options),
        Verb::Soak { options, inputs } => soak::soak(&inputs, &options),
        Verb::Attack(args) => attackers::attack(args),
        Verb::Client(args) => soak::client(args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_and_options_fit_together() {
        <Verb as clap::CommandFactory>::command().debug_assert();
    }
}
