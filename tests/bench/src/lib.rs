//! The options of `cargo xtask bench` and `cargo xtask soak`. xtask reads them to know what to build. The program of
//! this package gets the same words and reads them again.

#![forbid(unsafe_code)]

use clap::Args;
use std::path::PathBuf;

/// The options of `bench`.
#[derive(Debug, Args)]
pub struct BenchOptions {
    /// Measure little: seconds instead of minutes, and ratios that are only a hint
    #[arg(long)]
    pub quick: bool,
    #[command(flatten)]
    parts: Parts,
    /// With --cost, also measure the build in this target/dist folder
    #[arg(long, value_name = "FOLDER", env = "REGENT_BASELINE")]
    pub baseline: Option<PathBuf>,
    /// Also write the figures to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// The parts that can be measured by themselves.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct Parts {
    /// Only the comparison with the original service and bare processes
    #[arg(long)]
    original: bool,
    /// Only CPU time and context switches per request, against the original; with --baseline, also of that build
    #[arg(long)]
    cost: bool,
    /// Only 1, 20 and 200 plugins: starts, memory, changes while the daemon runs
    #[arg(long)]
    plugins: bool,
    /// Only each shipped plugin on either engine
    #[arg(long)]
    engines: bool,
    /// Only the cost of each layer of the confinement, and the no-op against the original
    #[arg(long)]
    layers: bool,
    /// Only what a neighbour notices of a hostile plugin and of 200 hostile connections
    #[arg(long)]
    hostile: bool,
    /// Only what a neighbour notices of 200 hostile connections
    #[arg(long)]
    connections: bool,
}

/// A part of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A good client next to hostile ones.
    Connections,
    /// CPU time and context switches per request.
    Cost,
    /// Each plugin on the processor and on the interpreter.
    Engines,
    /// Connections, and a plugin next to a hostile one.
    Hostile,
    /// A sandbox with and without each of its layers.
    Layers,
    /// The original service, bare processes and sudo.
    Original,
    /// Few and many plugins.
    Plugins,
}

impl BenchOptions {
    /// The one part that is asked for; `None` means all.
    #[must_use]
    pub fn only(&self) -> Option<Part> {
        let parts = [
            (self.parts.original, Part::Original),
            (self.parts.cost, Part::Cost),
            (self.parts.plugins, Part::Plugins),
            (self.parts.engines, Part::Engines),
            (self.parts.layers, Part::Layers),
            (self.parts.hostile, Part::Hostile),
            (self.parts.connections, Part::Connections),
        ];
        parts.into_iter().find_map(|(asked, part)| asked.then_some(part))
    }
}

/// The options of `soak`.
#[derive(Debug, Args)]
pub struct SoakOptions {
    /// How long the load lasts
    #[arg(long, default_value_t = 30)]
    pub minutes: u64,
    /// Also write the samples to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Typed {
        #[command(flatten)]
        bench: BenchOptions,
    }

    fn typed(words: &[&str]) -> Option<BenchOptions> {
        Typed::try_parse_from([&["bench"], words].concat()).ok().map(|typed| typed.bench)
    }

    #[test]
    fn one_part_or_all_can_be_asked_for() {
        assert_eq!(typed(&[]).unwrap().only(), None);
        assert_eq!(typed(&["--quick", "--layers"]).unwrap().only(), Some(Part::Layers));
        assert!(typed(&["--layers", "--engines"]).is_none() && typed(&["--layer"]).is_none());
    }
}
