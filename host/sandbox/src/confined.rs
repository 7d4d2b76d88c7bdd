//! The layers in their order: what the process must have been born with is looked at, then it gives up what is left. A
//! layer that the administrator accepted to be missing is not asked for.

use std::fmt;

use regent_confine::Missing;
use regent_lane::{Demands, Layer};

use crate::arguments::Told;
use crate::{rights, signals, system_calls};

/// Everything up to the first filter. After this no file can be opened and nothing started.
pub(crate) fn take_rights(told: &Told) -> Result<(), Vec<Missing>> {
    let Told { demands, engine } = told;
    regent_confine::verify(demands)?;
    rights::give_up(demands.shared_user || demands.unconfined).map_err(not_as_it_must_be)?;
    signals::give_up(*engine).map_err(not_as_it_must_be)?;
    regent_confine::restrict(demands).map_err(|missing| vec![missing])?;
    filtered(demands, || system_calls::for_loading(*engine).and_then(|()| regent_confine::filter::is_on()))
}

/// The last filter, over all threads.
pub(crate) fn for_running(told: &Told) -> Result<(), Vec<Missing>> {
    filtered(&told.demands, system_calls::for_running)
}

/// Something that no kernel lacks.
pub(crate) fn not_as_it_must_be(why: impl fmt::Display) -> Vec<Missing> {
    vec![Missing::other(&why)]
}

/// On one line.
pub(crate) fn told(missing: &[Missing]) -> String {
    missing.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn filtered(demands: &Demands, filter: impl FnOnce() -> Result<(), Missing>) -> Result<(), Vec<Missing>> {
    if demands.layer(Layer::Seccomp) { filter().map_err(|missing| vec![missing]) } else { Ok(()) }
}
