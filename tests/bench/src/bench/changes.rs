//! What an administrator does while the daemon runs, and how soon it counts: with one plugin installed, and with many.

use regent_build::{At as _, Error, Result};
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use regent_client::Client;
use sha2::{Digest as _, Sha256};

use super::crowd::{Crowd, Rest, echo, served, unknown};
use super::figures::Times;
use super::grid::{Cell, Grid, PLUGINS};
use super::ground::Ground;
use super::machine::is_root;
use super::{Amount, BenchInputs};

/// How long a neighbour is asked when nothing else happens.
const QUIET: Duration = Duration::from_secs(2);
/// Its no-ops are asked with pauses, as callers come: one that never pauses only measures that it shares a processor.
const PAUSE: Duration = Duration::from_micros(500);
/// The largest module that is shipped with grants of its own, and an operation of it.
const MODULE: (&str, &str) = ("firewall", "open");
/// The size that the aims are for: what is smaller is filled up with what means nothing.
const SIZE: usize = 200_000;

/// All of it, into the grid.
pub(super) fn measure(ground: &Rc<Ground>, inputs: &BenchInputs, amount: Amount) -> Result<Grid> {
    if !is_root() {
        eprintln!("not root: sandboxes have neither uids nor namespaces of their own, and start faster than they do");
    }
    let mut grid = Grid::default();
    for plugins in PLUGINS {
        eprintln!("with {plugins} plugins");
        let crowd = Crowd::new(ground, &inputs.dist, plugins)?;
        let mut column = Column { plugins, crowd, grid: &mut grid, amount };
        let measured = column.all(inputs);
        measured.map_err(|why| Error::new(format!("{why}; the daemon says:\n{}", column.crowd.daemon.log())))?;
    }
    Ok(grid)
}

/// Within what a module is to serve that is compiled first, and one that was compiled before.
type Aims = (&'static str, &'static str);

struct Column<'a> {
    plugins: usize,
    crowd: Crowd,
    grid: &'a mut Grid,
    amount: Amount,
}

impl Column<'_> {
    fn all(&mut self, inputs: &BenchInputs) -> Result<()> {
        self.starts()?;
        self.rest()?;
        let rust = inputs.dist.join(format!("plugins/{}.wasm", MODULE.0));
        self.dropped("Rust module", &rust, MODULE.1, ("1 s", "50 ms"), self.amount.changes)?;
        if let Some(python) = &inputs.python_plugin {
            self.dropped("Python module", python, "say", ("10 s", ""), 1)?;
        }
        self.reloads()
    }

    fn took(&mut self, name: &str, aim: &'static str, times: Times) {
        self.grid.put(self.plugins, name, aim, Cell::Took(times));
    }

    fn number(&mut self, name: &str, number: f64, unit: &'static str) {
        self.grid.put(self.plugins, name, "", Cell::Number(number, unit));
    }

    fn starts(&mut self) -> Result<()> {
        let mut first = Times::default();
        first.add(self.crowd.start()?.all);
        let (mut ready, mut answer, mut all) = (Times::default(), Times::default(), Times::default());
        for _ in 0..self.amount.starts {
            let start = self.crowd.start()?;
            ready.add(start.ready);
            answer.add(start.answer);
            all.add(start.all);
        }
        self.took("the very first start to all serving, nothing compiled", "", first);
        self.took("start to READY", if self.plugins == 20 { "300 ms" } else { "" }, ready);
        self.took("start to the first answer of a plugin", "", answer);
        self.took("start to all serving", "", all);
        Ok(())
    }

    fn rest(&mut self) -> Result<()> {
        let Rest { daemon, spawner, sandbox, sandbox_share, open } = self.crowd.rest()?;
        for (name, kib) in [
            ("the daemon, resident", daemon),
            ("the spawner, resident", spawner),
            ("a sandbox, resident", sandbox),
            ("a sandbox, its share", sandbox_share),
            ("compiled code that the daemon holds", open.sealed),
        ] {
            self.number(name, kib / 1024.0, "MiB");
        }
        self.number("descriptors of the daemon", open.descriptors as f64, "");
        Ok(())
    }

    /// A plugin dropped in, replaced and taken away beside the others.
    fn dropped(&mut self, what: &str, module: &Path, operation: &str, aims: Aims, turns: usize) -> Result<()> {
        let (new, known) = aims;
        let module = filled(fs::read(module).at(module)?);
        let grants = format!("[operations.{operation}]\nas = \"dropped\"\n");
        let name = format!("{what} ({} KB)", module.len() / 1000);
        let daemon = &self.crowd.daemon;
        let mut client = daemon.client();
        let (mut compiled, mut replaced, mut gone, mut cached) =
            (Times::default(), Times::default(), Times::default(), Times::default());
        for turn in 0..turns {
            let begin = Instant::now();
            daemon.write("plugins/dropped.wasm", &unique(&module, turn * 2))?;
            daemon.write("plugins/dropped.toml", grants.as_bytes())?;
            compiled.add(served(&mut client, "dropped", begin)?);

            let another = unique(&module, turn * 2 + 1);
            let digest = format!("sha256 {}", hex::encode(Sha256::digest(&another)));
            let (begin, log) = (Instant::now(), daemon.log_length());
            daemon.write("plugins/dropped.wasm", &another)?;
            daemon.says(&digest, 1, log)?;
            replaced.add(begin.elapsed());

            let begin = Instant::now();
            daemon.remove("plugins/dropped.toml")?;
            gone.add(unknown(&mut client, "dropped", begin)?);
            daemon.remove("plugins/dropped.wasm")?;

            let begin = Instant::now();
            daemon.write("plugins/dropped.wasm", &another)?;
            daemon.write("plugins/dropped.toml", grants.as_bytes())?;
            cached.add(served(&mut client, "dropped", begin)?);

            daemon.remove("plugins/dropped.toml")?;
            unknown(&mut client, "dropped", begin)?;
            daemon.remove("plugins/dropped.wasm")?;
        }
        self.took(&format!("{name} dropped in to served, compiled meanwhile"), new, compiled);
        self.took(&format!("{name} replaced to served, compiled meanwhile"), new, replaced);
        self.took(&format!("{name} dropped in to served, compiled before"), known, cached);
        self.took(&format!("{name} taken away to unknown"), "", gone);
        Ok(())
    }

    /// Everything read again, and what a neighbour notices of it.
    fn reloads(&mut self) -> Result<()> {
        let daemon = &self.crowd.daemon;
        let quiet = neighbour(daemon.client(), || {
            thread::sleep(QUIET);
            Ok(())
        })?;
        let mut admin = daemon.admin();
        let mut took = Times::default();
        let during = neighbour(daemon.client(), || {
            for _ in 0..self.amount.reloads {
                let begin = Instant::now();
                let reloaded = admin.reload().map_err(|why| Error::new(why.to_string()))?;
                if !reloaded.applied || !reloaded.mistakes.is_empty() {
                    return Err(Error::new(format!("not reloaded: {:?}", reloaded.mistakes)));
                }
                took.add(begin.elapsed());
            }
            Ok(())
        })?;
        self.took("reload", "", took);
        let (quiet, during) = (quiet.tail(), during.tail());
        self.number("p99 of a neighbour's no-op, quiet", quiet, "µs");
        self.number("p99 of a neighbour's no-op, while it reloads", during, "µs");
        self.number("the ratio", during / quiet, "");
        Ok(())
    }
}

/// What a caller of another plugin waits meanwhile.
fn neighbour(mut client: Client, meanwhile: impl FnOnce() -> Result<()>) -> Result<Times> {
    let over = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&over);
    let asking = thread::spawn(move || {
        let mut times = Times::default();
        while !ended.load(Ordering::Relaxed) {
            times.add(echo(&mut client)?);
            thread::sleep(PAUSE);
        }
        Ok(times)
    });
    let done = meanwhile();
    over.store(true, Ordering::Relaxed);
    let times = asking.join().map_err(|_| Error::new("the neighbour panicked"))?;
    done.and(times)
}

/// The same component in the size of the aims, if it is smaller.
fn filled(module: Vec<u8>) -> Vec<u8> {
    // A custom section: its number, its length in five bytes of LEB128, and a name.
    const HEAD: usize = 1 + 5;
    const NAME: [u8; 5] = *b"\x04fill";
    let Some(room) = SIZE.checked_sub(module.len() + HEAD + NAME.len()) else { return module };
    let length = room + NAME.len();
    let digit = |at: u32| (length >> (7 * at) & 0x7f) as u8 | if at < 4 { 0x80 } else { 0 };
    [module, vec![0], (0..5).map(digit).collect(), NAME.to_vec(), vec![0; room]].concat()
}

/// The same component with a custom section at its end, so that it is none that was compiled before.
pub(crate) fn unique(module: &[u8], number: usize) -> Vec<u8> {
    const SECTION: [u8; 7] = [0, 13, 4, b't', b'u', b'r', b'n'];
    [module, &SECTION, &(number as u64).to_le_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_module_is_filled_up_to_the_size_of_the_aims_and_a_large_one_is_as_it_was() {
        let small = filled(b"module".to_vec());
        assert_eq!(small.len(), SIZE);
        let (section, rest) = small.strip_prefix(b"module\0").unwrap().split_at(5);
        let length = section.iter().rev().fold(0, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
        assert_eq!((length, &rest[..5]), (rest.len(), &b"\x04fill"[..]));
        assert_eq!(filled(vec![7; SIZE]), vec![7; SIZE]);
    }

    #[test]
    fn a_module_made_unique_ends_in_a_custom_section_of_the_length_that_it_says() {
        let module = unique(b"module", 7);
        let section = module.strip_prefix(b"module").unwrap();
        assert_eq!((section[0], usize::from(section[1])), (0, section.len() - 2));
        assert_ne!(module, unique(b"module", 8));
    }
}
