//! The threads of a sandbox. All of them are there, with everything that a thread has to ask the kernel for, before the last
//! filter is put over all of them at once; from then on none is started.

use std::sync::{Arc, Barrier};

use tokio::runtime::Runtime;

use crate::rights::THREAD_STACK;

/// Those who wait for each other: the threads that were started, and the one that starts them.
#[derive(Debug, Clone)]
pub(crate) struct Assembly(Arc<Barrier>);

impl Assembly {
    /// Of so many threads besides the one that starts them.
    pub(crate) fn of(threads: usize) -> Self {
        Self(Arc::new(Barrier::new(threads + 1)))
    }

    /// In a thread: it is there, and waits until it may go on.
    pub(crate) fn joined(&self) {
        self.0.wait();
        self.0.wait();
    }

    /// All of them are there.
    pub(crate) fn complete(&self) {
        self.0.wait();
    }

    /// They may go on.
    pub(crate) fn release(&self) {
        self.0.wait();
    }
}

/// What a lane's thread enters: without a driver, so that it asks the kernel for nothing.
pub(crate) fn runtime() -> Result<Runtime, String> {
    tokio::runtime::Builder::new_current_thread().build().map_err(|why| format!("no runtime: {why}"))
}

/// One lane on a thread of its own, which ends with a status. The end of one lane is the end of the process.
pub(crate) fn lane(assembly: Assembly, serve: impl FnOnce() -> u8 + Send + 'static) -> Result<(), String> {
    let runtime = runtime()?;
    let serve = move || {
        let _entered = runtime.enter();
        assembly.joined();
        std::process::exit(serve().into());
    };
    std::thread::Builder::new()
        .name("lane".into())
        .stack_size(THREAD_STACK)
        .spawn(serve)
        .map(drop)
        .map_err(|why| format!("cannot start a lane's thread: {why}"))
}
