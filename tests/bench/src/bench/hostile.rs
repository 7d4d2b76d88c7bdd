//! What a neighbour notices of a hostile plugin: its no-ops while nothing else happens and while an attack is asked for
//! again and again, batch by batch, for each attack of the hand-written components of the tests.

use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use regent_build::{At as _, Error, Result, Run};
use regent_client::{Client, Data, Options};
use serde_json::Value;

use super::changes::unique;
use super::figures::{Report, Times};
use super::ground::Ground;
use super::regentd::Regentd;
use super::{Amount, BenchInputs, needed};

/// The neighbour's no-ops come with pauses, as callers come.
const PAUSE: Duration = Duration::from_micros(500);
/// Turns from one side to the other.
pub(super) const BATCHES: usize = 10;
/// Of what a whole bench asks, since there are many attacks.
const PART: usize = 5;
/// Until an attack has begun, or its last round is over: longer than any may run.
const SETTLES: Duration = Duration::from_millis(300);
/// An attacker on each lane of its plugin.
const LANES: usize = 4;
/// The neighbour's p99 under attack to its quiet one.
pub(super) const AIM: Option<f64> = Some(2.0);

/// What is to be asked for an attack.
#[derive(Debug, Clone)]
struct Ask {
    name: String,
    operation: String,
    data: String,
}

/// All of it, into the first table.
pub(super) fn measure(ground: &Rc<Ground>, inputs: &BenchInputs, amount: Amount, report: &mut Report) -> Result<()> {
    let daemon = Regentd::with_echo(ground, "hostile", &inputs.dist)?;
    let written =
        attacks(needed(inputs.attacks.as_ref(), "the program of attacks")?, &daemon.folder().join("plugins"))?;
    daemon.start()?;
    let serve = written.iter().map(|ask| ask.operation.as_str()).collect::<std::collections::BTreeSet<_>>().len() + 1;
    daemon.says(" serves ", serve, 0)?;
    let measured = asked(&daemon, &written, amount, report).and_then(|()| compiled(&daemon, amount, report));
    daemon.end();
    measured.map_err(|why| Error::new(format!("{why}; the daemon says:\n{}", daemon.log())))
}

/// Written by an example of the tests, which is what they attack with.
fn attacks(program: &Path, folder: &Path) -> Result<Vec<Ask>> {
    let out = Run::new(program).arg(folder).text()?;
    let asks: Vec<Value> =
        serde_json::from_str(&out).map_err(|why| Error::new(format!("what to attack with: {why}")))?;
    let text = |ask: &Value, key: &str| ask.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let ask = |ask: &Value| Ask { name: text(ask, "name"), operation: text(ask, "operation"), data: text(ask, "data") };
    Ok(asks.iter().map(ask).collect())
}

/// Each attack by one caller; the first two, of which one is none, also by one on each lane.
fn asked(daemon: &Regentd, asks: &[Ask], amount: Amount, report: &mut Report) -> Result<()> {
    for (number, ask) in asks.iter().enumerate() {
        for callers in if number < 2 { &[1, LANES][..] } else { &[1] } {
            let (mut quiet, mut attacked) = (Times::default(), Times::default());
            let each = amount.requests / PART / BATCHES;
            for _ in 0..BATCHES {
                neighbour(daemon, each, &mut quiet)?;
                let attack = Attack::begin(daemon, ask, *callers);
                thread::sleep(SETTLES);
                neighbour(daemon, each, &mut attacked)?;
                attack.end()?;
            }
            let callers = if *callers == 1 { String::new() } else { format!(", {callers} at a time") };
            report.compare(&format!("no-op beside: {}{callers}", ask.name), "quiet", AIM, &quiet, &attacked);
        }
    }
    Ok(())
}

/// While a compiler is at work on a module that it cannot compile within its limits.
fn compiled(daemon: &Regentd, amount: Amount, report: &mut Report) -> Result<()> {
    for (bomb, name, batches) in [
        ("memory", "a module of 7.5 MB that takes all memory", BATCHES / 2),
        // Each of its batches takes half a minute.
        ("time", "a module of 300 KB that takes 30 s", BATCHES / 5),
    ] {
        let path = daemon.folder().join("plugins/bombs").join(format!("{bomb}.wasm"));
        let module = fs::read(&path).at(&path)?;
        let (mut quiet, mut attacked) = (Times::default(), Times::default());
        let each = amount.requests / PART / batches;
        for batch in 0..batches {
            neighbour(daemon, each, &mut quiet)?;
            daemon.write("plugins/bomb.toml", b"[operations.bomb]\n")?;
            daemon.write("plugins/bomb.wasm", &unique(&module, batch))?;
            thread::sleep(SETTLES);
            neighbour(daemon, each, &mut attacked)?;
            daemon.remove("plugins/bomb.wasm")?;
            daemon.remove("plugins/bomb.toml")?;
            ends_compiling(daemon)?;
        }
        report.compare(&format!("no-op beside the compiler of {name}"), "quiet", AIM, &quiet, &attacked);
    }
    Ok(())
}

/// The next batch is a quiet one: the compiler has come to its end.
fn ends_compiling(daemon: &Regentd) -> Result<()> {
    let pid = daemon.pid().ok_or_else(|| Error::new("the daemon does not run"))?;
    let compiles = || super::machine::family(pid).into_iter().any(|pid| super::machine::name(pid) == "regent-compiler");
    let begin = Instant::now();
    while compiles() {
        if begin.elapsed() > Duration::from_mins(3) {
            return Err(Error::new("a compiler does not end"));
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

pub(super) fn neighbour(daemon: &Regentd, count: usize, times: &mut Times) -> Result<()> {
    let mut client = daemon.client();
    for turn in 0..=count {
        let begin = Instant::now();
        let answer = client.call("echo", Data::null(), &Options::default());
        answer.map_err(|why| Error::new(why.to_string()))?;
        // The first of them connects.
        if turn > 0 {
            times.add(begin.elapsed());
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// Callers that ask for it until they are told to end.
struct Attack {
    ends: Arc<AtomicBool>,
    callers: Vec<thread::JoinHandle<usize>>,
}

impl Attack {
    fn begin(daemon: &Regentd, ask: &Ask, callers: usize) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let callers = (0..callers).map(|_| {
            let (client, ask, ends) = (daemon.client(), ask.clone(), Arc::clone(&ends));
            thread::spawn(move || attack(client, &ask, &ends))
        });
        Self { callers: callers.collect(), ends }
    }

    fn end(self) -> Result<()> {
        self.ends.store(true, Ordering::Relaxed);
        for caller in self.callers {
            match caller.join() {
                Ok(1..) => {}
                _ => return Err(Error::new("an attack was never made")),
            }
        }
        Ok(())
    }
}

/// How often it was inputs.
fn attack(mut client: Client, ask: &Ask, ends: &AtomicBool) -> usize {
    let Ok(data) = Data::parse(&format!("\"{}\"", ask.data)) else { return 0 };
    let mut made = 0;
    while !ends.load(Ordering::Relaxed) {
        let _refused_mostly = client.call(&ask.operation, data.clone(), &Options::default());
        made += 1;
    }
    made
}
