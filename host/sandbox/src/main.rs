//! `regent-sandbox`: runs one plugin with no rights of its own.
//!
//! ```text
//! birth ──► rights ──► system_calls ──► Load ──► plugin ──► Loaded ──► one thread a lane: exchange after exchange
//! ```
//!
//! It is started by the spawner with nothing: no files, no network, no environment, a user of its own; descriptors 0 and 1
//! are /dev/null, 2 a pipe to the daemon's log, 3 to 6 the lanes, 7 the sealed image of the compiled component. It verifies
//! that, gives up what is left, and from then on all it can do is compute and speak on its lanes. It has no compiler.
//!
//! What comes over a lane is the daemon's and is trusted to mean well; what the component does is not trusted at all. A
//! plugin that breaks a rule loses its instance, and the lane serves on. Whatever else goes wrong is the end of the process.
//!
//! With `--unconfined`, for a daemon that an ordinary user runs, it does not demand what only root can give.

// What the process must have been born with, and without.
mod birth;
// What it gives up by itself: limits, rights, system calls.
mod rights;
mod system_calls;
// The engine's settings, the same file as the compiler's.
mod engine;
// One end of a lane, with the log that travels along.
mod lane;
// Generated from `wit/`.
mod bindings;
// The loaded component, and instances of it.
mod instance;
mod plugin;
// What an instance may use: memory, time.
mod limits;
mod ticker;
// What it may call: the plugin's world, and an inert WASI.
mod wasi;
mod world;
// An exchange, what counts as an answer in it, and what becomes of a broken rule.
mod answer;
mod exchange;
mod fault;
// For tests: what native code in the plugin's place would gain.
#[cfg(feature = "stand-in")]
mod stand_in;

use std::process::ExitCode;
use std::sync::Arc;

use regent_lane::{Ask, Say};

use crate::birth::Confinement;
use crate::fault::Stop;
use crate::lane::{Lane, SharedLane};
use crate::plugin::{Loaded, Plugin};
use crate::ticker::Ticker;

/// `EX_USAGE`, `EX_SOFTWARE`, `EX_PROTOCOL`, `EX_NOPERM`.
const USAGE: u8 = 64;
const INTERNAL: u8 = 70;
const PROTOCOL: u8 = 76;
const NOT_CONFINED: u8 = 77;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("regent-sandbox: {panic}");
        std::process::exit(INTERNAL.into());
    }));
    let mut arguments = std::env::args_os().skip(1);
    let confinement = match (arguments.next(), arguments.next()) {
        (None, _) => Confinement::Demanded,
        (Some(only), None) if only == "--unconfined" => Confinement::Waived,
        _ => return ended(USAGE, "usage: regent-sandbox [--unconfined]"),
    };
    let born = match birth::verify(confinement) {
        Ok(born) => born,
        Err(why) => return ended(NOT_CONFINED, &format!("not confined as it must be: {why}")),
    };
    let given_up = rights::give_up(confinement).and_then(|()| system_calls::keep_few());
    match given_up {
        Ok(()) => serve(born),
        Err(why) => ended(INTERNAL, &why),
    }
}

/// Loads the plugin that lane 0 asks for, then serves every lane until one ends.
fn serve(born: birth::Born) -> ExitCode {
    let mut lanes = born.lanes.into_iter().map(Lane::over).map(SharedLane::new).collect::<Vec<_>>().into_iter();
    let Some(first) = lanes.next() else { return ended(INTERNAL, "there is no lane") };
    let settings = match first.ask() {
        Ok(Some(Ask::Load(settings))) => settings,
        Ok(None) => return ExitCode::SUCCESS,
        Ok(Some(_)) => return ended(PROTOCOL, "the first word on lane 0 is not to load"),
        Err(stop) => return stopped(&stop),
    };
    let Loaded { plugin, ticker, first: instance, exports } = match Plugin::load(born.image, settings, &first) {
        Ok(loaded) => loaded,
        Err(unloadable) => {
            return first.say(&unloadable.say()).map_or_else(|stop| stopped(&stop), |()| ExitCode::SUCCESS);
        }
    };
    for lane in lanes {
        if let Err(why) = serve_apart(lane, Arc::clone(&plugin), Arc::clone(&ticker)) {
            return ended(INTERNAL, &why);
        }
    }
    if let Err(stop) = first.say(&Say::Loaded { exports }) {
        return stopped(&stop);
    }
    stopped(&exchange::serve(&plugin, &ticker, &first, Some(instance)))
}

/// One lane on a thread of its own. The end of one lane is the end of the process.
fn serve_apart(lane: SharedLane, plugin: Arc<Plugin>, ticker: Arc<Ticker>) -> Result<(), String> {
    let serve = move || {
        let code = stopped_code(&exchange::serve(&plugin, &ticker, &lane, None));
        std::process::exit(code.into());
    };
    std::thread::Builder::new()
        .name("lane".into())
        .stack_size(rights::THREAD_STACK)
        .spawn(serve)
        .map(drop)
        .map_err(|why| format!("cannot start a lane's thread: {why}"))
}

fn stopped(stop: &Stop) -> ExitCode {
    ExitCode::from(stopped_code(stop))
}

fn stopped_code(stop: &Stop) -> u8 {
    match stop {
        Stop::Ended => 0,
        Stop::Broken(why) => {
            eprintln!("regent-sandbox: {why}");
            PROTOCOL
        }
    }
}

fn ended(code: u8, why: &str) -> ExitCode {
    eprintln!("regent-sandbox: {why}");
    ExitCode::from(code)
}
