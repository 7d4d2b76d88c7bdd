//! The engine's clock. Running code looks at it and is stopped when its time is over. It ticks only while a lane is
//! busy, and a little longer, so that a lane that is used again and again does not have to wake it each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::Duration;

use wasmtime::Engine;

use crate::threads::{Assembly, ThreadError};

/// How exactly a plugin's time is kept: a limit of 200 ms ends within 210 ms.
const TICK: Duration = Duration::from_millis(10);
/// Ticks without work before it rests: half a second.
const LINGER: u32 = 50;

/// A thread that ticks, or rests.
#[derive(Debug)]
pub(crate) struct Ticker {
    state: Arc<Activity>,
    thread: Thread,
}

#[derive(Debug, Default)]
struct Activity {
    busy: AtomicUsize,
    resting: AtomicBool,
}

/// While one exists the clock ticks.
#[derive(Debug)]
pub(crate) struct Busy<'a>(&'a Activity);

impl Ticker {
    /// Starts the thread, which ticks when all are there.
    pub(crate) fn start(engine: Engine, assembly: &Assembly) -> Result<Arc<Self>, ThreadError> {
        let state = Arc::new(Activity::default());
        let ticking = Arc::clone(&state);
        let assembly = assembly.clone();
        let thread = std::thread::Builder::new()
            .name("ticker".into())
            .spawn(move || {
                assembly.joined();
                tick(&engine, &ticking);
            })
            .map_err(ThreadError::Ticker)?;
        Ok(Arc::new(Self { state, thread: thread.thread().clone() }))
    }

    /// A lane has work.
    pub(crate) fn busy(&self) -> Busy<'_> {
        self.state.busy.fetch_add(1, Ordering::SeqCst);
        if self.state.resting.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Busy(&self.state)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::SeqCst);
    }
}

fn tick(engine: &Engine, state: &Activity) {
    let mut idle = 0;
    loop {
        std::thread::sleep(TICK);
        engine.increment_epoch();
        idle = if state.busy.load(Ordering::SeqCst) == 0 { idle + 1 } else { 0 };
        if idle < LINGER {
            continue;
        }
        // A lane counts itself before it looks whether this thread rests; this thread says so before it counts.
        state.resting.store(true, Ordering::SeqCst);
        while state.busy.load(Ordering::SeqCst) == 0 {
            std::thread::park();
        }
        state.resting.store(false, Ordering::SeqCst);
        idle = 0;
    }
}
