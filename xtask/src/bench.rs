//! `cargo xtask bench`: how fast, against the original Python service, bare processes and sudo, in the same run.
//!
//! All of it is measured turn by turn, so that whatever else the machine does falls on every side; only the ratios last.

// Both services in a private folder.
mod arena;
// Numbers, and what is made of them.
mod figures;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use regent_client::{Client, Code, Data, Options};
use serde_json::{Value, json};

use crate::{
    build,
    error::{At, Error, Result},
    programs::Profile,
    python,
    run::Run,
    toolchain,
};
use arena::{Arena, SECRET};
use figures::{Report, Times};

/// How much is measured.
#[derive(Clone, Copy)]
struct Amount {
    requests: usize,
    commands: usize,
    load: Duration,
    starts: usize,
}

const WHOLE: Amount = Amount { requests: 3_000, commands: 300, load: Duration::from_secs(3), starts: 10 };
const QUICK: Amount = Amount { requests: 300, commands: 40, load: Duration::from_millis(500), starts: 2 };

/// What a granted command has.
const ENVIRONMENT: [(&str, &str); 4] =
    [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LANG", "C.UTF-8"), ("HOME", "/root"), ("USER", "root")];

/// Measures, prints the table, and writes it as JSON if asked.
pub(crate) fn bench(words: &[&str]) -> Result<()> {
    let (amount, file) = match words {
        [] => (WHOLE, None),
        ["--quick"] => (QUICK, None),
        ["--json", file] => (WHOLE, Some(*file)),
        ["--quick", "--json", file] | ["--json", file, "--quick"] => (QUICK, Some(*file)),
        _ => return Err(Error::new("usage: cargo xtask bench [--quick] [--json FILE]")),
    };
    // Speed of what is not optimised tells nothing; a smoke test does not ask for it.
    if std::env::var_os("REGENT_BENCH_AS_BUILT").is_none() {
        build::with(&toolchain::wasm()?, Profile::Release)?;
    }
    let python = python::venv()?.program("python");
    let arena = Arena::open(&python)?;
    let mut report = Report::new();
    by_python(&arena, &python, amount, &mut report)?;
    kept(&arena, amount, &mut report)?;
    commands(&arena, amount, &mut report)?;
    load(&arena, amount, &mut report)?;
    approval(&arena, amount, &mut report)?;
    memory(&arena, &mut report);
    starts(arena, amount, &mut report)?;
    report.print();
    file.map_or(Ok(()), |file| std::fs::write(file, report.json()).at(file.as_ref()))
}

/// The unchanged client, a connection a call, against both.
fn by_python(arena: &Arena, python: &std::path::Path, amount: Amount, report: &mut Report) -> Result<()> {
    let script = crate::place::root().join("xtask/src/bench/client.py");
    for (op, count) in [("echo", amount.requests), ("whoami", amount.commands)] {
        let out = Run::new(python)
            .arg(&script)
            .args([SECRET, op, &count.to_string()])
            .arg(arena.original())
            .arg(arena.ours())
            .text()?;
        let times: Vec<Vec<f64>> = serde_json::from_str(&out).map_err(|why| Error::new(why.to_string()))?;
        let [original, ours] = times.try_into().map_err(|_| Error::new("the Python client timed something else"))?;
        let name = if op == "echo" { "no-op, Python client" } else { "whoami, Python client" };
        report.compare(name, "original", Times::micros(original), Times::micros(ours));
    }
    Ok(())
}

/// Our client on one kept connection.
fn kept(arena: &Arena, amount: Amount, report: &mut Report) -> Result<()> {
    let mut client = arena.client();
    let mut times = Times::default();
    for number in 0..amount.requests + 20 {
        let begin = Instant::now();
        echo(&mut client)?;
        if number >= 20 {
            times.add(begin.elapsed());
        }
    }
    report.alone("no-op, our client, connection kept", times);
    Ok(())
}

fn echo(client: &mut Client) -> Result<()> {
    client.call("echo", Data::null(), &Options::default()).map(drop).map_err(|why| Error::new(why.to_string()))
}

/// `whoami` by our client, as a bare process, and by sudo.
fn commands(arena: &Arena, amount: Amount, report: &mut Report) -> Result<()> {
    let mut client = arena.client();
    let sudo = Command::new("sudo").args(["-n", "whoami"]).stdin(Stdio::null()).output();
    let sudo = sudo.is_ok_and(|out| out.status.success());
    let (mut ours, mut bare, mut by_sudo) = (Times::default(), Times::default(), Times::default());
    for _ in 0..amount.commands {
        let begin = Instant::now();
        client.call("whoami", Data::null(), &Options::default()).map_err(|why| Error::new(why.to_string()))?;
        ours.add(begin.elapsed());
        // With the environment that the daemon gives it: a locale costs what it costs on either side.
        bare.add(process(Command::new("/usr/bin/whoami").env_clear().envs(ENVIRONMENT))?);
        if sudo {
            by_sudo.add(process(Command::new("sudo").args(["-n", "/usr/bin/whoami"]))?);
        }
    }
    report.compare("whoami, our client", "bare posix_spawn", bare, ours.clone());
    if sudo {
        report.compare("whoami, our client", "sudo -n", by_sudo, ours);
    } else {
        report.left_out("whoami against sudo -n: there is no sudo that asks nothing here");
    }
    Ok(())
}

fn process(command: &mut Command) -> Result<Duration> {
    let begin = Instant::now();
    let out = command.stdin(Stdio::null()).output().map_err(|why| Error::new(why.to_string()))?;
    let took = begin.elapsed();
    if out.status.success() { Ok(took) } else { Err(Error::new("whoami failed")) }
}

/// Requests a second over kept connections, each with a thread of its own.
fn load(arena: &Arena, amount: Amount, report: &mut Report) -> Result<()> {
    for connections in [1, 16, 128] {
        let workers: Vec<_> = (0..connections)
            .map(|_| {
                let mut client = arena.client();
                std::thread::spawn(move || {
                    let (begin, mut count) = (Instant::now(), 0_u32);
                    while begin.elapsed() < amount.load {
                        // 4 requests have a lane and 64 may wait; one more is told so, and asks again.
                        match client.call("echo", Data::null(), &Options::default()) {
                            Ok(_) => count += 1,
                            Err(regent_client::Error::Refused { code: Some(Code::Busy), .. }) => {}
                            Err(why) => return Err(Error::new(why.to_string())),
                        }
                    }
                    Ok::<u32, Error>(count)
                })
            })
            .collect();
        let mut all = 0;
        for worker in workers {
            all += worker.join().map_err(|_| Error::new("a client panicked"))??;
        }
        report.number(
            &format!("requests a second, {connections} kept connections"),
            f64::from(all) / amount.load.as_secs_f64(),
            "/s",
        );
    }
    Ok(())
}

/// From the approver's command to the result in the requester's hands.
fn approval(arena: &Arena, amount: Amount, report: &mut Report) -> Result<()> {
    let Some(approver) = arena.approver() else {
        report.left_out("hold and approve: needs root");
        return Ok(());
    };
    let mut client = arena.client();
    let mut times = Times::default();
    for _ in 0..amount.starts * 3 {
        let held = client.call("held-whoami", Data::null(), &Options::default());
        let Ok(regent_client::Answer::Held(held)) = held else { return Err(Error::new("it was not held")) };
        let id = arena.pending(approver)?;
        let begin = Instant::now();
        arena.approve(approver, &id)?;
        client.wait(&held.uid, Duration::from_secs(10)).map_err(|why| Error::new(why.to_string()))?;
        times.add(begin.elapsed());
    }
    report.alone("approve (the command itself) to done", times);
    Ok(())
}

fn memory(arena: &Arena, report: &mut Report) {
    for (name, kib) in arena.memory() {
        report.number(&format!("resident at rest, {name}"), kib / 1024.0, " MiB");
    }
}

/// From exec to READY, with what was compiled before and without.
fn starts(mut arena: Arena, amount: Amount, report: &mut Report) -> Result<()> {
    let (mut warm, mut cold) = (Times::default(), Times::default());
    for _ in 0..amount.starts {
        cold.add(arena.restart(true)?);
        warm.add(arena.restart(false)?);
    }
    report.alone("start to READY, nothing compiled before", cold);
    report.alone("start to READY, compiled before", warm);
    Ok(())
}

/// For the report.
fn machine() -> Value {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let date = Run::new("date").args(["-u", "+%Y-%m-%d"]).text().unwrap_or_default();
    json!({"cores": cores, "date": date.trim()})
}
