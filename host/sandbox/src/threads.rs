//! The threads of a sandbox. All of them are there, with everything that a thread has to ask the kernel for, before the
//! last filter is put over all of them at once; from then on none is started.

use std::sync::{Arc, Barrier};
use std::{fmt, io};

use tokio::runtime::Runtime;

use crate::rights::THREAD_STACK;

/// What a thread could not be started with.
pub(crate) enum ThreadError {
    Runtime(io::Error),
    Lane(io::Error),
    Ticker(io::Error),
}

impl fmt::Display for ThreadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runtime(error) => write!(f, "no runtime: {error}"),
            Self::Lane(error) => write!(f, "cannot start a lane's thread: {error}"),
            Self::Ticker(error) => write!(f, "cannot start the ticker: {error}"),
        }
    }
}

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
pub(crate) fn runtime() -> Result<Runtime, ThreadError> {
    tokio::runtime::Builder::new_current_thread().build().map_err(ThreadError::Runtime)
}

/// One lane on a thread of its own, which ends with a status. The end of one lane is the end of the process.
pub(crate) fn lane(assembly: Assembly, serve: impl FnOnce() -> u8 + Send + 'static) -> Result<(), ThreadError> {
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
        .map_err(ThreadError::Lane)
}
