//! `cargo xtask build`: programs and plugins, whole or not at all.

use crate::{
    dist, place, plugins,
    programs::{self, Profile},
};
use regent_build::Result;

/// The plugins that are shipped; each crate has its grants file beside it.
const SHIPPED: [&str; 6] = ["echo", "whoami", "firewall", "restart", "reboot", "commands"];

/// Fills `target/dist`.
pub(crate) fn build(profile: Profile) -> Result<()> {
    with(&regent_build::wasm(&place::target(), place::root())?, profile)
}

/// The same with a toolchain that is at hand. The plugins come first: they are what can be impossible here.
pub(crate) fn with(wasm: &regent_build::Wasm, profile: Profile) -> Result<()> {
    let next = dist::begin()?;
    plugins::build(wasm, &SHIPPED, next.plugins())?;
    programs::build(profile, next.bin())?;
    let whole = next.finish(&SHIPPED)?;
    eprintln!("built: {}", whole.display());
    Ok(())
}
