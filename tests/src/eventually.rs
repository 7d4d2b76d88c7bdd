//! Trying again until it holds.

use std::time::{Duration, Instant};

/// Generous: a busy machine is not a broken one.
const WITHIN: Duration = Duration::from_secs(120);

/// Waits until `what` gives a value, and fails with its name if it never does.
#[track_caller]
pub fn eventually<T>(name: &str, mut what: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(begin.elapsed() < WITHIN, "never came true: {name}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
