//! The end of the daemon: first nothing more begins, then what still runs or waits is given up.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// How far the daemon is with its end. Clones are of the same daemon.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    ending: CancellationToken,
    over: CancellationToken,
    running: TaskTracker,
}

impl Shutdown {
    /// Counts an operation as running until this is dropped.
    pub fn running(&self) -> TaskTrackerToken {
        self.running.token()
    }
    pub fn count(&self) -> usize {
        self.running.len()
    }
    pub fn is_ending(&self) -> bool {
        self.ending.is_cancelled()
    }

    /// Begins nothing more, gives what runs this time, and then gives up whatever is left.
    pub async fn end(&self, within: Duration) {
        self.ending.cancel();
        self.running.close();
        // What has not ended by then is given up, as what waits is.
        let _late = tokio::time::timeout(within, self.running.wait()).await;
        self.over.cancel();
    }

    /// Returns when what still runs or waits is given up.
    pub async fn over(&self) {
        self.over.cancelled().await;
    }
}
