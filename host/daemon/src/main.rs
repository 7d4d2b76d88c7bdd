//! `regentd --config FILE [--check]`

use std::alloc::System;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use regentd::activation::Activated;
use regentd::helpers::Helpers;
use regentd::policy::{self, Findings, For};
use regentd::privileges::Life;
use regentd::process::{Cgroups, Launched, Spawner};
use regentd::start::{Given, Started};
use regentd::trusted_file::Trusted;
use regentd::{handed, hardening, notify, privileges, process, service, start};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;
use zeroizing_alloc::ZeroAlloc;

/// Whatever is freed is wiped first: lines with secrets in them, what a parser copied of them, buffers that were
/// outgrown.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

/// What still runs may end so long after SIGTERM: less than service managers wait before they kill.
const END_WITHIN: Duration = Duration::from_secs(20);
/// Then for the answers to whoever still waits: each fits into its socket's buffer.
const LAST_ANSWERS: Duration = Duration::from_millis(50);
/// And for what the spawner takes away: sockets' names, and groups whose processes were killed.
const SPAWNER_ENDS_WITHIN: Duration = Duration::from_secs(5);
/// Threads that read files: two hundred plugins that start at once would otherwise have one each.
const FILES_AT_A_TIME: usize = 16;
/// The daemon's niceness: nine times the weight of an ordinary process.
const PRIORITY: i32 = -10;
/// EX_CONFIG of sysexits.h.
const BAD_CONFIGURATION: u8 = 78;
/// EX_UNAVAILABLE.
const CANNOT_START: u8 = 69;

/// Regent's privileged daemon.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// regent.toml
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Say everything that is wrong with the configuration and the grants, and end: 0 if nothing is, else 78
    #[arg(long)]
    check: bool,
}

/// Why there is no daemon, a line of the log each.
enum StartFailure {
    CannotStart(Vec<String>),
    BadConfiguration(Vec<String>),
}

impl<E: std::error::Error> From<E> for StartFailure {
    fn from(why: E) -> Self {
        Self::CannotStart(vec![why.to_string()])
    }
}

fn main() -> ExitCode {
    run(&Arguments::parse()).unwrap_or_else(failed)
}

fn run(arguments: &Arguments) -> Result<ExitCode, StartFailure> {
    // Judged part by part, so every part must be there.
    let config = std::path::absolute(&arguments.config)
        .map_err(|why| StartFailure::BadConfiguration(vec![format!("{}: {why}", arguments.config.display())]))?;
    if arguments.check {
        return Ok(check(&config));
    }
    service::look();
    hardening::keep_to_itself()?;
    hardening::hear_nothing()?;
    // Before anything of our own has one of their numbers.
    let handed = Activated::take()?;
    let helpers = Helpers::find()?;
    // Before anything is read: what its memory does not hold, its children cannot find. What it reads of regent.toml it
    // wipes.
    let spawner = process::launch_for(&helpers, &config).map_err(StartFailure::CannotStart)?;
    raise_file_limit();
    come_first();
    // Nothing that a stranger sends is read with root's rights.
    let lacks = privileges::give_away(spawner.ready.as_ref().and_then(|ready| ready.user.as_ref()), Life::Own)
        .map_err(|why| StartFailure::CannotStart(vec![format!("daemon_user: {why}")]))?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(FILES_AT_A_TIME).build()?;
    // Its failure is logged before the runtime ends, which waits for its threads.
    let served = async { serve(&config, helpers, spawner, lacks, handed).await.unwrap_or_else(failed) };
    Ok(runtime.block_on(LocalSet::new().run_until(served)))
}

/// Everything that is wrong, at once.
fn check(config: &Path) -> ExitCode {
    let mut findings = Findings::default();
    let policy = policy::read(config, For::Checking, &Trusted::open, &mut findings);
    if let Some(policy) = &policy {
        regentd::check::check(policy, &mut findings);
    }
    findings.warnings.iter().for_each(|warning| println!("warning: {warning}"));
    findings.mistakes.iter().for_each(|mistake| println!("{mistake}"));
    if policy.is_none() {
        println!("the grants were not looked at: they are judged by a configuration without mistakes");
    }
    if findings.mistakes.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(BAD_CONFIGURATION) }
}

async fn serve(
    config: &Path,
    helpers: Helpers,
    launched: Launched,
    lacks: Vec<String>,
    handed: Activated,
) -> Result<ExitCode, StartFailure> {
    let ready = launched.ready.clone();
    let groups = ready.as_ref().and_then(|ready| ready.groups.clone()).map(Cgroups::at);
    let spawner = Spawner::attach(launched, groups)?;
    let (policy, findings) = handed::read(&spawner, config).await;
    let policy = policy.ok_or(StartFailure::BadConfiguration(findings.mistakes))?;
    spawner.adopt().await?;
    if let Some(ended) = ready.map(|ready| ready.ended).filter(|ended| *ended > 0) {
        regentd::warning!("{ended} runs of a predecessor were still there and have been killed");
    }
    findings.warnings.iter().for_each(|warning| regentd::warning!("{warning}"));
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()));
    let (Ok(mut term), Ok(mut interrupt), Ok(mut hangup)) = signals else {
        return Err(StartFailure::CannotStart(vec!["signals cannot be waited for".into()]));
    };
    let given = Given { policy, warnings: findings.warnings, helpers, spawner, lacks, handed };
    let started = start::start(given).await.map_err(|why| StartFailure::CannotStart(why.0))?;
    regentd::info!("READY: {} sockets listen", started.sockets);
    notify::ready();
    loop {
        tokio::select! {
            _ = term.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => drop(tokio::task::spawn_local({
                let reload = started.reload.clone();
                async move { reload.order().await }
            })),
        }
    }
    end(&started).await;
    Ok(ExitCode::SUCCESS)
}

/// Begins nothing more, and gives what runs its time.
async fn end(started: &Started) {
    regentd::info!("ending");
    notify::stopping();
    started.shutdown.end(END_WITHIN).await;
    tokio::time::sleep(LAST_ANSWERS).await;
    if !started.spawner.end(SPAWNER_ENDS_WITHIN).await {
        regentd::warning!("the spawner has not ended yet: sockets and groups of processes may still be there");
    }
}

/// As many descriptors as the administrator lets us have: each connection is one.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(why) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        regentd::warning!("the limit of open files stays at {:?}: {why}", limit.current);
    }
}

/// Before whoever floods it: its clients' processes, a hundred of them, would leave it a hundredth of a processor. It
/// waits most of the time, and what it starts is the spawner's, which is not raised. Who started it with another
/// priority meant that.
fn come_first() {
    if rustix::process::getpriority_process(None) == Ok(0) {
        // An ordinary user's daemon may not, and serves all the same.
        let _either_way = rustix::process::setpriority_process(None, PRIORITY);
    }
}

fn failed(failure: StartFailure) -> ExitCode {
    let (reasons, status) = match failure {
        StartFailure::CannotStart(reasons) => (reasons, CANNOT_START),
        StartFailure::BadConfiguration(reasons) => (reasons, BAD_CONFIGURATION),
    };
    reasons.iter().for_each(|reason| regentd::error!("{reason}"));
    ExitCode::from(status)
}
