//! The fuzzer's programs: our crates and what they are made of, compiled so that libFuzzer sees which way an input
//! went.

use std::path::PathBuf;

use regent_build::Result;

use crate::place;

/// What `cargo fuzz --sanitizer none` asks of the compiler: LLVM's coverage of every edge, and the operands of
/// comparisons.
const FLAGS: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Where they are.
pub(super) struct Programs(PathBuf);

impl Programs {
    /// Builds them, all in one call.
    pub(super) fn build() -> Result<Self> {
        let (host, folder) = (regent_build::host(place::root())?, super::folder());
        // With a target named, the flags are not those of build scripts and macros.
        let cargo =
            regent_build::cargo(place::root()).args(["build", "--quiet", "--profile", "fuzz", "--target", &host]);
        let cargo = cargo.args(["-p", "regent-fuzz", "--features", "libfuzzer", "--bins", "--target-dir"]).arg(&folder);
        cargo.env("RUSTFLAGS", FLAGS.join(" ")).done()?;
        Ok(Self(folder.join(host).join("fuzz")))
    }

    /// The one of this target.
    pub(super) fn path(&self, target: &str) -> PathBuf {
        self.0.join(target)
    }
}
