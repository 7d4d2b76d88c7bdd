//! What a good client notices of hostile ones: its no-ops while nothing else happens, while 200 hostile connections of
//! all kinds attack another daemon, which shows what the machine alone costs, and while the same attack its own. Turn
//! by turn; once with all processes beside each other, and once as services and containers are: each side in a cgroup
//! of its own.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use regent_build::{Error, Result};

use super::Amount;
use super::figures::{Report, Times};
use super::ground::Ground;
use super::hostile::{AIM, BATCHES, neighbour};
use super::machine;
use super::regentd::{Regentd, SECRET};
use super::sides::{self, Sides};
use crate::attackers::{self, Attackers, Wish};

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
    let program = attackers::program(ground.folder())?;
    beside_each_other(ground, dist)?.measure(&program, amount, "", report)?;
    let Some(place) = sides::place() else {
        report.left_out("the same, each side in a cgroup of its own: no cgroup controller of processors is free");
        return Ok(());
    };
    let arena = in_groups(ground, dist, place)?;
    arena.measure(&program, amount, ", each side in a cgroup of its own", report)
}

/// Who is attacked.
struct Arena {
    own: Regentd,
    other: Regentd,
    sides: Option<Sides>,
}

fn beside_each_other(ground: &Rc<Ground>, dist: &Path) -> Result<Arena> {
    let [own, other] = ["attacked", "another"].map(|name| daemon(ground, dist, name));
    Ok(Arena { own: own?, other: other?, sides: None })
}

fn in_groups(ground: &Rc<Ground>, dist: &Path, place: &'static Path) -> Result<Arena> {
    let mut sides = Sides::new(place)?;
    sides.enter("own")?;
    let own = daemon(ground, dist, "own")?;
    sides.enter("other")?;
    let other = daemon(ground, dist, "other")?;
    sides.enter("good")?;
    Ok(Arena { own, other, sides: Some(sides) })
}

fn daemon(ground: &Rc<Ground>, dist: &Path, name: &str) -> Result<Regentd> {
    let daemon = Regentd::with_echo(ground, name, dist)?;
    daemon.open_to_all()?;
    daemon.start()?;
    daemon.says(" serves ", 1, 0)?;
    Ok(daemon)
}

impl Arena {
    fn measure(self, program: &Path, amount: Amount, how: &str, report: &mut Report) -> Result<()> {
        let measured = self.turns(program, amount, how, report);
        self.own.end();
        self.other.end();
        measured.map_err(|why| Error::new(format!("{why}; the daemon says:\n{}", self.own.log())))
    }

    fn turns(&self, program: &Path, amount: Amount, how: &str, report: &mut Report) -> Result<()> {
        let (mut quiet, mut beside, mut attacked) = (Times::default(), Times::default(), Times::default());
        let (each, mut counts) = ((amount.requests / BATCHES).max(1), vec![0; attackers::kinds().len()]);
        for _ in 0..BATCHES {
            neighbour(&self.own, each, &mut quiet)?;
            for (target, times) in [(&self.other, &mut beside), (&self.own, &mut attacked)] {
                let attackers = self.attack(target, program.into())?;
                thread::sleep(SETTLES);
                neighbour(&self.own, each, times)?;
                counts.iter_mut().zip(attackers.end()?).for_each(|(count, more)| *count += more);
                thread::sleep(OVER);
            }
        }
        let never = attackers::kinds().into_iter().zip(&counts).find(|(_, count)| **count == 0);
        if let Some((never, _)) = never {
            return Err(Error::new(format!("none of them did: {never}")));
        }
        let (to_another, to_own) = (
            format!("no-op beside 200 hostile connections to another daemon{how}"),
            format!("no-op beside 200 hostile connections to its own{how}"),
        );
        report.compare(&to_another, "quiet", None, &quiet, &beside);
        report.compare(&to_own, "quiet", AIM, &quiet, &attacked);
        report.compare(&to_own, "to another", AIM, &beside, &attacked);
        Ok(())
    }

    fn attack(&self, target: &Regentd, program: PathBuf) -> Result<Attackers> {
        let (socket, secret) = (target.socket(), SECRET.into());
        let attackers = Attackers::begin(&Wish { program, socket, secret, uids: UIDS, connections: CONNECTIONS })?;
        if let Some(sides) = &self.sides {
            attackers.pids().try_for_each(|pid| sides.attacks(pid))?;
        }
        Ok(attackers)
    }
}
