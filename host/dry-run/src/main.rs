//! `regent-dry-run inspect|run`: a module looked at, or tried with one request. It is for the author of a plugin and
//! for whoever is about to install one. It needs no daemon, no root, no configuration and no pin, and leaves nothing
//! behind.
//!
//! The module and what it says are as strange here as in a daemon, and it runs in the same sandbox; it is the rules
//! about who owns its file that do not matter, since what is read is never believed. Commands run only where
//! `--perform` says so, and then as whoever typed it.
//!
//! Whoever tries reads the files, which may be for nobody else to read. Then, where nothing is to be performed, this
//! process gives away what it may, as a daemon does: only then it looks at what it has read, and hears what is said of
//! it. For commands it cannot: what is performed is planned here and asked of a spawner that starts what it is told.
#![forbid(unsafe_code)]

// The command line.
mod arguments;
// The exit statuses.
mod status;
// What a trial works with, and how it is started.
mod means;
// Texts, read as root may read them.
mod files;
// Which module, and which grants file.
mod place;
// What the grants file grants, read without a configuration.
mod permits;
// `inspect`.
mod inspect;
// `run`.
mod run;
// A plan in the making, watched.
mod watched;
// What a trial came to, and how that is told.
mod report;
mod show;

use std::alloc::System;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use regent_protocol::visible;
use regentd::log::{self, Level};
use tokio::task::LocalSet;
use zeroizing_alloc::ZeroAlloc;

use arguments::{Arguments, Verb};
use means::{Means, StartError, give_away, started};

/// Whatever is freed is wiped first, as in the daemon: its stages run here too.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The daemon's stages write their log under the daemon's name, so it is kept and written here.
    log::keep();
    match arguments.verb {
        Verb::Inspect(inspect) => {
            with_means(false, || inspect::read(&inspect), async |read, means| inspect::inspect(read, &means).await)
        }
        Verb::Run(trial) => with_means(
            trial.perform,
            || run::read(&trial),
            async |read, means| {
                let report = run::run(&trial, read, &means).await;
                let text = if trial.json { report.json() } else { show::report(&report) };
                (text, report.status())
            },
        ),
    }
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
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::step)?;
        runtime.block_on(LocalSet::new().run_until(async {
            let means = Means::found(&helpers, spawner).await?;
            write_log();
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
            why.to_string().lines().for_each(|line| regentd::error!("{line}"));
            write_log();
            ExitCode::from(status::CANNOT_START)
        }
    }
}

/// Writes the lines that were kept until now to standard error, under the name of this program.
fn write_log() {
    for line in log::taken() {
        let word = match line.level {
            Level::Info => "",
            Level::Warning => "warning: ",
            Level::Error => "error: ",
        };
        // There is nowhere else to report that standard error is closed or full.
        let _ = writeln!(std::io::stderr(), "regent-dry-run: {word}{}", line.text);
    }
}
