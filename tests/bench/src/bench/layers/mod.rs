//! What each layer of a sandbox's confinement costs: its start, and the round trip of a no-op on a lane of its, with
//! all layers, with each left out by itself, and with none. Sandbox by sandbox in turns, by the shipped spawner and the
//! shipped sandbox: both are told what to leave out by the words that they have for a machine that lacks it. A daemon
//! leaves none out.

// The spawner's socket and a sandbox's lane.
mod spawned;

use std::path::Path;

use regent_build::Result;
use regent_lane::Layer;

use super::Amount;
use super::figures::{Report, Times};
use super::ground::Ground;
use super::machine;
use spawned::{Spawner, code};

/// No-ops of each sandbox, once it is warm: enough for a median that is its own.
const NO_OPS: usize = 100;
const WARM_UP: usize = 10;
/// Sandboxes of each kind, for each start that the bench measures elsewhere.
const SANDBOXES: usize = 4;

/// What is measured with these layers left out.
struct Variant {
    name: String,
    without: Vec<Layer>,
    starts: Times,
    no_ops: Times,
}

/// All of it, into the first table.
pub(super) fn measure(ground: &Ground, dist: &Path, amount: Amount, report: &mut Report) -> Result<()> {
    if !machine::is_root() {
        report.left_out("what each layer costs: needs root, as the layers do");
        return Ok(());
    }
    let code = code(dist, &dist.join("plugins/echo.wasm"))?;
    let spawner = Spawner::start(ground, dist)?;
    let mut variants = variants();
    for _ in 0..amount.starts * SANDBOXES {
        for variant in &mut variants {
            one(&spawner, &code, variant)?;
        }
    }
    let mut all = variants.into_iter();
    let Some(whole) = all.next() else { return Ok(()) };
    report.alone("a sandbox's start, from the spawner's word to loaded: all layers", &whole.starts);
    report.alone("a no-op there and back on its lane: all layers", &whole.no_ops);
    for Variant { name, starts, no_ops, .. } in all {
        report.compare(&format!("a sandbox's start, {name}"), "all layers", None, &whole.starts, &starts);
        report.compare(&format!("a no-op on its lane, {name}"), "all layers", None, &whole.no_ops, &no_ops);
    }
    Ok(())
}

fn variants() -> Vec<Variant> {
    let of = |name: String, without: Vec<Layer>| Variant {
        name,
        without,
        starts: Times::default(),
        no_ops: Times::default(),
    };
    let each = Layer::ALL.into_iter().map(|layer| of(format!("without {}", layer.name()), vec![layer]));
    let (all, none) = (of(String::new(), Vec::new()), of("without any layer".into(), Layer::ALL.to_vec()));
    std::iter::once(all).chain(each).chain([none]).collect()
}

fn one(spawner: &Spawner, code: &[u8], variant: &mut Variant) -> Result<()> {
    let (mut sandbox, took) = spawner.sandbox(code, &variant.without)?;
    variant.starts.add(took);
    for turn in 0..WARM_UP + NO_OPS {
        let took = sandbox.no_op()?;
        if turn >= WARM_UP {
            variant.no_ops.add(took);
        }
    }
    sandbox.end(spawner)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn each_layer_is_left_out_once_by_itself_and_all_are_at_the_end() {
        let variants = variants();
        let mut alone: BTreeMap<Layer, usize> = BTreeMap::new();
        let single = variants.iter().filter(|variant| variant.without.len() == 1);
        single.for_each(|variant| *alone.entry(variant.without[0]).or_default() += 1);
        assert!(Layer::ALL.iter().all(|layer| alone.get(layer) == Some(&1)));
        assert!(variants[0].without.is_empty() && variants[variants.len() - 1].without == Layer::ALL);
    }
}
