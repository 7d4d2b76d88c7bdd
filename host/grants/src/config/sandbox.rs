//! `[sandbox]`: the uids of sandboxes, a range that is nobody else's; what runs in them; and what of them a machine may
//! lack.

use regent_lane::Layer;

use super::recycle::Recycle;
use super::top_level::{misplaced, nowhere};
use crate::engine::{self, Engine};
use crate::sheet::table::Table;
use crate::sheet::value::Value;

/// Below stand the machine's own users; a sandbox must share no uid with them.
const FIRST: u32 = 1000;

/// A range of uids, one for each plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SandboxUids {
    /// The first.
    pub first: u32,
    /// How many; at least one.
    pub count: u32,
}

impl Default for SandboxUids {
    fn default() -> Self {
        Self { first: 1_900_000_000, count: 1000 }
    }
}

impl SandboxUids {
    /// `FIRST+COUNT`. The last id of all says "leave as it is" to the kernel, so the range ends before it.
    fn parse(text: &str) -> Option<Self> {
        let (first, count) = text.split_once('+')?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(first) || !digits(count) {
            return None;
        }
        let uids = Self { first: first.parse().ok()?, count: count.parse().ok()? };
        let fits = uids.first.checked_add(uids.count).is_some();
        (uids.first >= FIRST && uids.count > 0 && fits).then_some(uids)
    }
}

/// `[sandbox]`, or what holds where there is none.
#[derive(Default)]
pub(super) struct Sandbox {
    pub(super) uids: SandboxUids,
    pub(super) allow_missing: Vec<Layer>,
    pub(super) engine: Engine,
    pub(super) recycle: Recycle,
}

pub(super) fn read(root: &mut Table<'_>) -> Sandbox {
    let Some(mut table) = root.read("sandbox", |value| value.table("[sandbox]")) else { return Sandbox::default() };
    let uids = table.read("uids", uids);
    let missing = table.read("allow_missing", |value| Some(Value::each(&value.list()?, layer)));
    let engine = table.read("engine", engine::read);
    let recycle = Recycle::read(&mut table);
    misplaced(&mut table, nowhere);
    table.finish(&[]);
    Sandbox {
        uids: uids.unwrap_or_default(),
        allow_missing: missing.unwrap_or_default(),
        engine: engine.unwrap_or_default(),
        recycle,
    }
}

fn uids(value: &Value<'_>) -> Option<SandboxUids> {
    let uids = SandboxUids::parse(value.text()?);
    if uids.is_none() {
        value.mistake("uids must be FIRST+COUNT, from 1000 on: write uids = \"1900000000+1000\"");
    }
    uids
}

fn layer(value: &Value<'_>) -> Option<Layer> {
    let name = value.text()?;
    let layer = Layer::of(name);
    if layer.is_none() {
        let names: Vec<_> = Layer::ALL.into_iter().map(Layer::name).collect();
        value.mistake(format!("allow_missing: {name} is no layer of the sandbox: write {}", names.join(", ")));
    }
    layer
}
