//! What a good client notices of hostile ones: its no-ops while nothing else happens, while 200 hostile connections of all
//! kinds attack another daemon, which shows what the machine alone costs, and while the same attack its own. Turn by turn.

use std::path::Path;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use regent_build::{Error, Result};

use super::Amount;
use super::figures::{Report, Times};
use super::ground::Ground;
use super::hostile::{AIM, BATCHES, neighbour};
use super::regentd::{Regentd, SECRET};
use crate::attackers::{self, Attackers, Wish};
use crate::test::machine;

/// Hostile connections, and the users that they are of.
const CONNECTIONS: u32 = 200;
const UIDS: u32 = 8;
/// Until all of them are at it.
const SETTLES: Duration = Duration::from_millis(500);
/// Until what they left behind is over: a wrong secret is answered after a second.
const OVER: Duration = Duration::from_millis(1_500);

/// All of it, into the first table.
pub(super) fn measure(ground: &Rc<Ground>, dist: &Path, amount: Amount, report: &mut Report) -> Result<()> {
    if !machine::is_root() {
        report.left_out("no-op beside 200 hostile connections: other users need root");
        return Ok(());
    }
    let (own, other) = (daemon(ground, dist, "attacked")?, daemon(ground, dist, "other")?);
    let measured = turns(ground, &own, &other, amount, report);
    own.end();
    other.end();
    measured.map_err(|why| Error::new(format!("{why}; the daemon says:\n{}", own.log())))
}

fn daemon(ground: &Rc<Ground>, dist: &Path, name: &str) -> Result<Regentd> {
    let daemon = Regentd::with_echo(ground, name, dist)?;
    daemon.open_to_all()?;
    daemon.start()?;
    daemon.says(" serves ", 1, 0)?;
    Ok(daemon)
}

fn turns(ground: &Ground, own: &Regentd, other: &Regentd, amount: Amount, report: &mut Report) -> Result<()> {
    let program = attackers::program(ground.folder())?;
    let (mut quiet, mut beside, mut attacked) = (Times::default(), Times::default(), Times::default());
    let (each, mut counts) = ((amount.requests / BATCHES).max(1), vec![0; attackers::kinds().len()]);
    for _ in 0..BATCHES {
        neighbour(own, each, &mut quiet)?;
        for (target, times) in [(other, &mut beside), (own, &mut attacked)] {
            let wish = Wish {
                program: program.clone(),
                socket: target.socket(),
                secret: SECRET.into(),
                uids: UIDS,
                connections: CONNECTIONS,
            };
            let attackers = Attackers::begin(&wish)?;
            thread::sleep(SETTLES);
            neighbour(own, each, times)?;
            counts.iter_mut().zip(attackers.end()?).for_each(|(count, more)| *count += more);
            thread::sleep(OVER);
        }
    }
    let never = attackers::kinds().into_iter().zip(&counts).find(|(_, count)| **count == 0);
    if let Some((never, _)) = never {
        return Err(Error::new(format!("none of them did: {never}")));
    }
    report.compare("no-op beside 200 hostile connections to another daemon", "quiet", None, &quiet, &beside);
    report.compare("no-op beside 200 hostile connections to its own", "quiet", AIM, &quiet, &attacked);
    report.compare("no-op beside 200 hostile connections to its own", "to another", AIM, &beside, &attacked);
    Ok(())
}
