//! `cargo xtask build`: programs and plugins, whole or not at all.

use crate::{
    dist,
    error::Result,
    plugins,
    programs::{self, Profile},
    toolchain,
};

/// The plugins that are shipped; each crate has its grants file beside it.
const SHIPPED: [&str; 3] = ["echo", "whoami", "firewall"];

/// Fills `target/dist`. The plugins come first: their toolchain is what can be missing.
pub(crate) fn build(profile: Profile) -> Result<()> {
    let next = dist::begin()?;
    plugins::build(&toolchain::wasm()?, &SHIPPED, next.plugins())?;
    programs::build(profile, next.bin())?;
    let whole = next.finish(&SHIPPED)?;
    eprintln!("built: {}", whole.display());
    Ok(())
}
