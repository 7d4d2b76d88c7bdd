//! The thread that waits for the disk, so that the request path does not.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::ledger::Ledger;
use super::store::StoreError;

/// How long a record of an immediate operation may be in the file and not yet on the disk.
const SYNC_EVERY: Duration = Duration::from_secs(1);

type Job = Box<dyn FnOnce(&Ledger) + Send>;

#[derive(Debug, Clone)]
pub struct Disk {
    jobs: mpsc::Sender<Job>,
}

impl Disk {
    pub fn start(ledger: Ledger) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        thread::Builder::new().name("disk".into()).spawn(move || {
            loop {
                match queue.recv_timeout(SYNC_EVERY) {
                    Ok(job) => job(&ledger),
                    Err(mpsc::RecvTimeoutError::Timeout) => {}
                    Err(mpsc::RecvTimeoutError::Disconnected) => break,
                }
                // A sync of what is synced costs nothing worth counting; after a job it comes with the next second.
                if let Err(why) = ledger.sync_if_due(SYNC_EVERY) {
                    end(&why);
                }
            }
            let _ending = ledger.sync();
        })?;
        Ok(Self { jobs })
    }

    /// Runs this on the thread, after all that was asked before. A disk that fails ends the process: after a failed
    /// sync nobody can say what is written, and the next start can.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Ledger) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |ledger| {
            let result = job(ledger);
            if let Err(why @ StoreError::Lost(_)) = &result {
                end(why);
            }
            let _gone = answer.send(result);
        });
        if self.jobs.send(job).is_err() {
            end(&"the disk's thread has ended");
        }
        match answered.await {
            Ok(result) => result,
            Err(_) => end(&"the disk's thread has ended"),
        }
    }

    /// The same; `None` after a line in the log: a store that can be read no more is said wherever it is met.
    pub async fn run_or_log<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Ledger) -> Result<T, StoreError> + Send + 'static,
    ) -> Option<T> {
        self.run(job).await.inspect_err(|why| crate::error!("{why}")).ok()
    }
}

/// Ends the process with the status for an input or output error.
fn end(why: &impl std::fmt::Display) -> ! {
    crate::error!("{why}: ending, for what is on the disk is no longer known; the next start will settle it");
    std::process::exit(74)
}
