//! A module looked at, or tried with one request: for the author of a plugin and for whoever is about to install one. It needs
//! no daemon, no root, no configuration and no pin, and leaves nothing behind.
//!
//! The module and what it says are as strange here as in a daemon, and it runs in the same sandbox; it is the rules about who
//! owns its file that do not matter, since what is read is never believed. Commands run only where `--perform` says so, and then
//! as whoever typed it.
//!
//! Whoever tries reads the files, which may be for nobody else to read. Then, where nothing is to be performed, this process gives
//! away what it may, as a daemon does: only then it looks at what it has read, and hears what is said of it. For commands it
//! cannot: what is performed is planned here and asked of a spawner that starts what it is told.

// Which module, and which grants file.
mod place;
// What the grants file grants, read without a configuration.
mod permits;
// `--inspect`.
mod inspect;
// `--trial`.
mod run;
// A plan in the making, watched.
mod watched;
// What a trial came to, and how that is told.
mod report;
mod show;

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use clap::Parser;
use regent_grants::Engine;
use regent_protocol::visible;
use regent_spawner::TRIAL_SANDBOX;
use tokio::task::LocalSet;

use crate::helpers::Helpers;
use crate::plugin::confinement::Layers;
use crate::plugin::programs::Programs;
use crate::process::{self, Launched, Spawner};
use crate::{memory, privileges, terminal};

/// The configuration that names are looked up in, if none is named.
const CONFIG: &str = "/etc/regent/regent.toml";

/// How a trial ends: numbers of sysexits.h.
mod status {
    /// Something ran and failed.
    pub(super) const FAILED: u8 = 1;
    /// The request was refused, or the module is bad.
    pub(super) const BAD_DATA: u8 = 65;
    /// Nothing could be tried.
    pub(super) const CANNOT_START: u8 = 69;
    /// The plugin broke a rule.
    pub(super) const FAULT: u8 = 70;
    /// Another user's commands.
    pub(super) const NOT_PERMITTED: u8 = 77;
    /// The grants file has mistakes, or does not grant this.
    pub(super) const NOT_GRANTED: u8 = 78;
}

/// Looks at a module: one JSON object.
#[derive(Debug, Parser)]
#[command(name = "regentd --inspect", no_binary_name = true)]
struct Inspect {
    /// A module, the folder of one, or the name of one in the plugins folders
    what: PathBuf,
    /// regent.toml, for names
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    config: PathBuf,
}

/// Tries a module with one request.
#[derive(Debug, Parser)]
#[command(name = "regentd --trial", no_binary_name = true)]
struct Trial {
    /// A module, or the folder of one
    what: PathBuf,
    /// The plugin's operation
    operation: String,
    /// The request's data, as JSON
    #[arg(default_value = "null", allow_hyphen_values = true)]
    data: String,
    /// The grants file
    #[arg(long, value_name = "FILE")]
    grants: Option<PathBuf>,
    /// regent.toml, for its persons and teams
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What runs it; left out: what the grants file says, or the processor
    #[arg(long, value_name = "ENGINE", value_parser = engine)]
    engine: Option<Engine>,
    /// Run the commands, as the present user: this process then stays root where root tries, so only a plugin of your own
    #[arg(long)]
    perform: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn engine(word: &str) -> Result<Engine, &'static str> {
    Engine::named(word).ok_or("write native or interpreter")
}

/// What a trial works with.
struct Means {
    programs: Rc<Programs>,
    spawner: Rc<Spawner>,
    uid: Option<u32>,
}

/// Serves `--inspect` and `--trial`, if the first argument is one of them.
#[must_use]
pub fn asked(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().skip(1);
    let first = arguments.next()?;
    Some(match first.to_str()? {
        "--inspect" => {
            let inspect = Inspect::parse_from(arguments);
            with_means(false, || inspect::read(&inspect), async |read, means| inspect::inspect(read, &means).await)
        }
        "--trial" => {
            let trial = Trial::parse_from(arguments);
            with_means(
                trial.perform,
                || run::read(&trial),
                async |read, means| {
                    let report = run::run(&trial, read, &means).await;
                    let text = if trial.json { report.json() } else { show::report(&report) };
                    (text, report.status())
                },
            )
        }
        _ => return None,
    })
}

/// Starts what a daemon starts, reads, gives away, asks, prints what came of it.
fn with_means<R>(
    performs: bool,
    read: impl FnOnce() -> R,
    ask: impl AsyncFnOnce(R, Means) -> (String, u8),
) -> ExitCode {
    let tried = started(performs).and_then(|(helpers, spawner)| {
        let read = read();
        if !performs {
            give_away(&spawner)?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|why| why.to_string())?;
        runtime.block_on(LocalSet::new().run_until(async {
            let means = means(&helpers, spawner).await?;
            crate::log::keep();
            Ok(ask(read, means).await)
        }))
    });
    match tried {
        Ok((text, status)) => {
            let text = text.trim_end();
            // What a plugin wrote moves nobody's terminal; a program reads it as it is.
            let text = if std::io::stdout().is_terminal() { visible::text(text) } else { text.into() };
            // Who closed its end early wanted no more of it.
            let _closed = writeln!(std::io::stdout(), "{text}");
            ExitCode::from(status)
        }
        Err(why) => {
            why.lines().for_each(|line| crate::error!("{line}"));
            ExitCode::from(status::CANNOT_START)
        }
    }
}

/// Before anything is read: what this process' memory does not hold, its children cannot find.
fn started(performs: bool) -> Result<(Helpers, Launched), String> {
    let helpers = Helpers::find()?;
    let launched = if performs {
        process::launch(&helpers.spawner).map_err(|why| format!("regent-spawner: {why}"))?
    } else {
        memory::keep_to_itself()?;
        terminal::hear_nothing()?;
        process::launch_confined(&helpers).map_err(|why| why.join("\n"))?
    };
    Ok((helpers, launched))
}

/// Nothing that a stranger wrote is looked at with the rights of who tries it, if those are root's.
fn give_away(spawner: &Launched) -> Result<(), String> {
    // A plan tells as whom its commands would run: as whoever tries, who this process is no longer.
    let _known_from_here_on = regent_resolve::users::own();
    let user = spawner.ready.as_ref().and_then(|ready| ready.user.as_ref());
    let lacks = privileges::give_away(user, privileges::Life::Starters)
        .map_err(|why| format!("{why}\nwhere this machine maps no such user, try a module as an ordinary user"))?;
    lacks.iter().for_each(|lack| crate::warning!("{lack}"));
    Ok(())
}

async fn means(helpers: &Helpers, launched: Launched) -> Result<Means, String> {
    let said = |why: std::io::Error| why.to_string();
    let spawner = Spawner::attach(launched, None).map_err(said)?;
    let uid = spawner.is_root().then_some(TRIAL_SANDBOX);
    let layers = Layers::found(&spawner, &helpers.sandbox, uid).await?;
    let layers = layers
        .accepted(&[])
        .map_err(|lines| format!("{}\nto try a module without, do it as an ordinary user", lines.join("\n")))?;
    let programs = Rc::new(Programs::new(Rc::clone(&spawner), helpers, layers).map_err(said)?);
    Ok(Means { programs, spawner, uid })
}
