//! The uids of sandboxes: a range that is nobody else's.

use super::recycle::Recycle;
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

impl SandboxUids {
    const DEFAULT: Self = Self { first: 1_900_000_000, count: 1000 };

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

pub(super) fn read(root: &mut Table<'_>) -> (SandboxUids, Vec<String>, Recycle) {
    let Some(mut table) = root.read("sandbox", |value| value.table("[sandbox]")) else {
        return (SandboxUids::DEFAULT, Vec::new(), Recycle::DEFAULT);
    };
    let uids = table.read("uids", uids).unwrap_or(SandboxUids::DEFAULT);
    let missing = table.read("allow_missing", |value| Some(Value::each(&value.list()?, Value::name)));
    let recycle = Recycle::read(&mut table);
    table.finish(&["engine"]);
    (uids, missing.unwrap_or_default().into_iter().map(str::to_owned).collect(), recycle)
}

fn uids(value: &Value<'_>) -> Option<SandboxUids> {
    let uids = SandboxUids::parse(value.text()?);
    if uids.is_none() {
        value.mistake("uids must be FIRST+COUNT, from 1000 on: write uids = \"1900000000+1000\"");
    }
    uids
}
