//! The numbers of plugins' sandboxes, of which their uids are made: each plugin keeps its own.

use super::disk::Disk;

#[derive(Debug)]
pub struct SandboxNumbers(pub Disk);

impl SandboxNumbers {
    /// The number of this plugin, given to it now if it has none; `None` when all of the range are taken.
    pub async fn number(&self, plugin: &str, range: u32) -> Option<u32> {
        let plugin = plugin.to_owned();
        self.0.run_or_log(move |ledger| ledger.store.sandbox(&plugin, range)).await.flatten()
    }
}
