//! What is measured. Each round takes its sides turn by turn, and a reply that is none ends the bench.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use regent_client::{Answer, Client, Code, Data, Options};

use super::Amount;
use super::arena::Arena;
use super::figures::{Report, Times};
use super::regentd::SECRET;
use regent_build::{Error, Result, Run};

/// What a first turn pays once: a page, a cache line, a lane's first instance.
pub(super) const WARM_UP: usize = 20;
/// Long enough that what a start set in motion has ended.
const QUIET: Duration = Duration::from_secs(1);
/// What a granted command has.
const ENVIRONMENT: [(&str, &str); 4] =
    [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LANG", "C.UTF-8"), ("HOME", "/root"), ("USER", "root")];

/// The unchanged client, a connection a call, against both, from one script.
pub(super) fn by_python(arena: &Arena, python: &Path, amount: Amount, report: &mut Report) -> Result<()> {
    let script = super::script("client.py");
    let rounds = [
        ("echo", "no-op, Python client", amount.requests, 1.0),
        ("whoami", "whoami, Python client", amount.commands, 0.9),
    ];
    for (op, name, count, towards) in rounds {
        let out = Run::new(python)
            .arg(&script)
            .args([SECRET, op, &count.to_string(), &WARM_UP.to_string(), &amount.within.as_secs().to_string()])
            .arg(arena.original())
            .arg(arena.ours())
            .text()?;
        let times: Vec<Vec<f64>> = serde_json::from_str(&out).map_err(|why| Error::new(why.to_string()))?;
        let [original, ours] = times.try_into().map_err(|_| Error::new("the Python client timed something else"))?;
        report.compare(name, "original", Some(towards), &Times::micros(original), &Times::micros(ours));
    }
    Ok(())
}

/// Our client: a connection a call against both, and on one kept connection, which the original does not have.
pub(super) fn by_our_client(arena: &Arena, amount: Amount, report: &mut Report) -> Result<()> {
    let mut kept = arena.client();
    let (mut original, mut ours, mut on_kept) = (Times::default(), Times::default(), Times::default());
    for turn in 0..amount.requests + WARM_UP {
        let took = [echo(&mut Client::new(arena.original(), SECRET))?, echo(&mut arena.client())?, echo(&mut kept)?];
        if turn >= WARM_UP {
            [&mut original, &mut ours, &mut on_kept].into_iter().zip(took).for_each(|(times, took)| times.add(took));
        }
    }
    report.compare("no-op, our client", "original", Some(1.0), &original, &ours);
    report.compare("no-op, our client, connection kept", "original, which keeps none", None, &original, &on_kept);
    Ok(())
}

fn echo(client: &mut Client) -> Result<Duration> {
    timed(|| call(client, "echo").map(drop))
}

pub(super) fn call(client: &mut Client, op: &str) -> Result<Answer> {
    client.call(op, Data::null(), &Options::default()).map_err(|why| Error::new(why.to_string()))
}

pub(super) fn timed(what: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let begin = Instant::now();
    what().map(|()| begin.elapsed())
}

/// `whoami` by our client, as a bare process, and by sudo.
pub(super) fn commands(arena: &Arena, amount: Amount, report: &mut Report) -> Result<()> {
    let mut client = arena.client();
    let sudo = Command::new("sudo").args(["-n", "whoami"]).stdin(Stdio::null()).output();
    let sudo = sudo.is_ok_and(|out| out.status.success());
    let (mut ours, mut bare, mut by_sudo) = (Times::default(), Times::default(), Times::default());
    for turn in 0..amount.commands + WARM_UP {
        let by_us = timed(|| call(&mut client, "whoami").map(drop))?;
        // With the environment that the daemon gives it: a locale costs what it costs on either side.
        let alone = timed(|| process(Command::new("/usr/bin/whoami").env_clear().envs(ENVIRONMENT)))?;
        let asked = if sudo { Some(timed(|| process(Command::new("sudo").args(["-n", "whoami"])))?) } else { None };
        if turn >= WARM_UP {
            ours.add(by_us);
            bare.add(alone);
            asked.into_iter().for_each(|took| by_sudo.add(took));
        }
    }
    report.compare("whoami, our client", "bare posix_spawn", Some(1.3), &bare, &ours);
    if sudo {
        report.compare("whoami, our client", "sudo -n whoami", None, &by_sudo, &ours);
    } else {
        report.left_out("whoami against sudo -n: there is no sudo that asks nothing here");
    }
    Ok(())
}

/// Started (nothing is asked for that posix_spawn cannot do), its output read, waited for.
fn process(command: &mut Command) -> Result<()> {
    let out = command.stdin(Stdio::null()).output().map_err(|why| Error::new(why.to_string()))?;
    if out.status.success() && !out.stdout.is_empty() { Ok(()) } else { Err(Error::new("whoami failed")) }
}

/// Requests a second over kept connections, each with a thread of its own.
pub(super) fn load(arena: &Arena, amount: Amount, report: &mut Report) -> Result<()> {
    for connections in [1, 16, 128] {
        let clients: Result<Vec<Client>> = (0..connections)
            .map(|_| {
                let mut client = arena.client();
                client.connect().map(|()| client).map_err(|why| Error::new(why.to_string()))
            })
            .collect();
        let begin = Instant::now();
        let workers: Vec<_> =
            clients?.into_iter().map(|client| thread::spawn(move || asking(client, begin + amount.load))).collect();
        let (mut done, mut busy) = (0, 0);
        for worker in workers {
            let counts = worker.join().map_err(|_| Error::new("a client panicked"))??;
            (done, busy) = (done + counts.0, busy + counts.1);
        }
        let a_second = |count: u32| f64::from(count) / begin.elapsed().as_secs_f64();
        let name = format!("no-op, {connections} kept connections");
        report.number(&name, a_second(done), "requests/s");
        if busy > 0 {
            report.number(&format!("{name}: told to come again"), a_second(busy), "requests/s");
        }
    }
    Ok(())
}

/// Asks until then. How often it was answered, and how often told that no place was free: 4 requests of an operation
/// have a lane and 64 may wait.
fn asking(mut client: Client, until: Instant) -> Result<(u32, u32)> {
    let (mut done, mut busy) = (0, 0);
    while Instant::now() < until {
        match client.call("echo", Data::null(), &Options::default()) {
            Ok(_) => done += 1,
            Err(regent_client::Error::Refused { code: Some(Code::Busy), .. }) => busy += 1,
            Err(why) => return Err(Error::new(why.to_string())),
        }
    }
    Ok((done, busy))
}

/// From the request to its uid; and from the approver's command to the result in the requester's hands.
pub(super) fn approval(arena: &Arena, amount: Amount, report: &mut Report) -> Result<()> {
    let Some(approver) = arena.approver() else {
        report.left_out("hold and approve: needs root");
        return Ok(());
    };
    let mut client = arena.client();
    let (mut asked, mut approved) = (Times::default(), Times::default());
    for _ in 0..amount.holds {
        let begin = Instant::now();
        let Answer::Held(held) = call(&mut client, "held-whoami")? else {
            return Err(Error::new("it was not held"));
        };
        asked.add(begin.elapsed());
        let id = arena.pending(approver)?;
        let begin = Instant::now();
        arena.approve(approver, &id)?;
        let done = client.wait(&held.uid, Duration::from_secs(10)).map_err(|why| Error::new(why.to_string()))?;
        let Answer::Done(_) = done else { return Err(Error::new("approved, and not done")) };
        approved.add(begin.elapsed());
    }
    report.alone("hold: asked to held, on disk", &asked);
    report.alone("hold: `regent approve` started to done, on disk", &approved);
    Ok(())
}

/// Resident, of each process.
pub(super) fn memory(arena: &Arena, when: &str, report: &mut Report) -> Result<()> {
    echo(&mut Client::new(arena.original(), SECRET))?;
    echo(&mut arena.client())?;
    thread::sleep(QUIET);
    for (name, kib) in arena.memory() {
        report.number(&format!("resident {when}: {name}"), kib / 1024.0, "MiB");
    }
    Ok(())
}

/// From exec to READY and to all plugins serving, with what was compiled before and without.
pub(super) fn starts(arena: &mut Arena, amount: Amount, report: &mut Report) -> Result<()> {
    for (forget, name) in [(true, "nothing compiled before"), (false, "compiled before")] {
        let (mut ready, mut serving) = (Times::default(), Times::default());
        for _ in 0..amount.starts {
            let start = arena.restart(forget)?;
            ready.add(start.ready);
            serving.add(start.serving);
        }
        report.alone(&format!("start to READY, {name}"), &ready);
        report.alone(&format!("start to 3 plugins serving, {name}"), &serving);
    }
    Ok(())
}
