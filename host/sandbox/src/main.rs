//! `regent-sandbox`: runs one plugin with no rights of its own.
//!
//! ```text
//! confined ──► birth ──► Load ──► plugin ──► threads ──► system_calls (second stage) ──► Loaded ──► exchanges
//! ```
//!
//! It is started by the spawner with nothing: no files, no network, no environment, a user of its own; descriptors 0
//! and 1 are /dev/null, 2 a pipe to the daemon's log, 3 to 6 the lanes, 7 the sealed image of the compiled component.
//! It verifies that, gives up what is left, and from then on all it can do is compute and speak on its lanes. It has no
//! compiler. The last that it gives up is what loading needed, before the first instruction of the plugin's runs.
//!
//! What comes over a lane is the daemon's and is trusted to mean well; what the component does is not trusted at all. A
//! plugin that breaks a rule loses its instance, and the lane serves on. Whatever else goes wrong is the end of the
//! process.
//!
//! By its arguments it is told what it must not demand: what an ordinary user's daemon cannot give, what this machine
//! lacks and the administrator accepted. With `--verify` it looks, says what is missing, and ends. With `--interpreter`
//! the component's code is no machine code: nothing here is ever made executable, and no signal has a handler.

// What it is told as it is started.
mod arguments;
// What is demanded of where it was born, and what it gives up by itself: limits, rights, files, system calls.
mod confined;
mod rights;
mod signals;
mod system_calls;
// The descriptors that it was born with.
mod birth;
// The engine's settings, the same file as the compiler's.
mod engine;
// One end of a lane, with the log that travels along.
mod lane;
// Generated from `wit/`.
mod bindings;
// The loaded component, and instances of it with what they carry.
mod instance;
mod plugin;
mod state;
// All threads, before the last filter binds them.
mod threads;
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

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use regent_lane::{Ask, Missing, Say, Settings, Side, encode};

use crate::arguments::{Told, told};
use crate::fault::Stop;
use crate::instance::Instance;
use crate::lane::{Lane, SharedLane};
use crate::plugin::{Loaded, Plugin, Unloadable};
use crate::threads::Assembly;

/// `EX_USAGE`, `EX_SOFTWARE`, `EX_PROTOCOL`.
const USAGE: u8 = 64;
const INTERNAL: u8 = 70;
const PROTOCOL: u8 = 76;
const USAGE_TEXT: &str =
    "usage: regent-sandbox [--interpreter] [--shared-user] [--without=LAYER,…] [--unconfined] [--verify]";

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("regent-sandbox: {panic}");
        std::process::exit(INTERNAL.into());
    }));
    let Some(told) = told() else { return ended(USAGE, USAGE_TEXT) };
    // Looked at before the filters, which know nothing of sockets.
    let born = match told.demands.verify {
        true => Ok(None),
        false => birth::descriptors(!told.demands.unconfined).map(Some).map_err(confined::not_as_it_must_be),
    };
    let confined = confined::take_rights(&told).and(born);
    match confined {
        Ok(Some(born)) => serve(born, &told),
        Ok(None) => match confined::for_running(&told) {
            Ok(()) => ExitCode::SUCCESS,
            Err(missing) => not_confined(&missing, &told),
        },
        Err(missing) => not_confined(&missing, &told),
    }
}

/// Reports each missing layer: in a frame to the daemon that asked with `--verify`, otherwise on a line of the log.
fn not_confined(missing: &[Missing], told: &Told) -> ExitCode {
    if told.demands.verify {
        let frames: Vec<u8> = missing.iter().flat_map(|missing| encode(Side::Sandbox, missing)).flatten().collect();
        let _it_reads_no_more = std::io::stderr().write_all(&frames);
    } else {
        missing.iter().for_each(|missing| eprintln!("{missing}"));
    }
    ExitCode::from(regent_confine::NOT_CONFINED)
}

/// Loads the plugin that lane 0 asks for, then serves every lane until one ends.
fn serve(born: birth::Born, told: &Told) -> ExitCode {
    let mut lanes = born.lanes.into_iter().map(Lane::over).map(SharedLane::new).collect::<Vec<_>>().into_iter();
    let Some(first) = lanes.next() else { return ended(INTERNAL, "there is no lane") };
    let settings = match first.ask() {
        Ok(Some(Ask::Load(settings))) => settings,
        Ok(None) => return ExitCode::SUCCESS,
        Ok(Some(_)) => return ended(PROTOCOL, "the first word on lane 0 is not to load"),
        Err(stop) => return stopped(&stop),
    };
    // wasmtime-wasi looks for a runtime of tokio's where it blocks, and would start one with threads.
    let runtime = match threads::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return ended(INTERNAL, &error.to_string()),
    };
    let _entered = runtime.enter();
    let loaded = load(born.image, settings, lanes.collect(), told).and_then(|Loaded { plugin, ticker, exports }| {
        let instance = Instance::tried(&plugin, &ticker, &first)?;
        Ok((plugin, ticker, instance, exports))
    });
    let (plugin, ticker, instance, exports) = match loaded {
        Ok(loaded) => loaded,
        Err(unloadable) => {
            return first.say(&unloadable.say()).map_or_else(|stop| stopped(&stop), |()| ExitCode::SUCCESS);
        }
    };
    if let Err(stop) = first.say(&Say::Loaded { exports }) {
        return stopped(&stop);
    }
    stopped(&exchange::serve(&plugin, &ticker, &first, Some(instance)))
}

/// The component, a thread for each further lane, and then nothing more than running needs: none of the plugin's
/// instructions has run yet.
fn load(
    image: std::os::fd::OwnedFd,
    settings: Settings,
    lanes: Vec<SharedLane>,
    told: &Told,
) -> Result<Loaded, Unloadable> {
    let assembly = Assembly::of(lanes.len() + 1);
    let loaded = Plugin::load(told.engine, image, settings, &assembly)?;
    for lane in lanes {
        let (plugin, ticker, assembly) = (Arc::clone(&loaded.plugin), Arc::clone(&loaded.ticker), assembly.clone());
        let serve = move || stopped_code(&exchange::serve(&plugin, &ticker, &lane, None));
        threads::lane(assembly, serve)?;
    }
    assembly.complete();
    confined::for_running(told).map_err(|missing| Unloadable::for_good(confined::told(&missing)))?;
    assembly.release();
    Ok(loaded)
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
