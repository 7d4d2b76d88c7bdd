//! The daemon's own log: lines on standard error, for a service manager to keep.
//!
//! Whatever a requester or a plugin had a hand in is made harmless here, so no caller of [`say`] can forget it. A
//! closed or full standard error loses lines, never the daemon.

use std::cell::Cell;
use std::fmt;
use std::io::Write as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use regent_protocol::visible;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Info,
    /// Served, but to be looked at.
    Warning,
    /// Not served, or not done.
    Error,
}

/// The longest line: a plugin's own text is cut before, this bounds all the rest.
const LINE_MAX: usize = 8 << 10;

/// How often what may happen to each of a thousand connections is said.
const SELDOM: Duration = Duration::from_secs(60);

/// What is said now and then only, however often it happens.
#[derive(Debug, Default)]
pub struct Seldom(Cell<Option<Instant>>);

impl Seldom {
    pub const fn new() -> Self {
        Self(Cell::new(None))
    }

    /// Whether it is to be said now; then not again for a minute.
    pub fn is_due(&self) -> bool {
        let due = self.0.get().is_none_or(|at| at.elapsed() >= SELDOM);
        if due {
            self.0.set(Some(Instant::now()));
        }
        due
    }
}

/// A line that was kept instead of written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub level: Level,
    pub text: String,
}

/// What a trial keeps; a daemon writes, and keeps nothing.
static KEPT: Mutex<Option<Vec<Line>>> = Mutex::new(None);

/// From now on lines are kept, until they are [`taken`]: a trial shows them in their place.
pub fn keep() {
    let _begun = KEPT.lock().map(|mut kept| kept.get_or_insert_default().clear());
}

pub fn taken() -> Vec<Line> {
    KEPT.lock().ok().and_then(|mut kept| kept.as_mut().map(std::mem::take)).unwrap_or_default()
}

fn kept(level: Level, text: &str) -> bool {
    let Ok(mut kept) = KEPT.lock() else { return false };
    kept.as_mut().map(|lines| lines.push(Line { level, text: text.to_owned() })).is_some()
}

pub fn say(level: Level, text: fmt::Arguments<'_>) {
    let text = text.to_string();
    let text = visible::line(&text);
    let text = text.get(..text.floor_char_boundary(LINE_MAX)).unwrap_or_default();
    if kept(level, text) {
        return;
    }
    let word = match level {
        Level::Info => "",
        Level::Warning => "warning: ",
        Level::Error => "error: ",
    };
    // One write for the whole line; what cannot be written is lost, for there is nowhere left to say so.
    let _lost = std::io::stderr().write_all(format!("regentd: {word}{text}\n").as_bytes());
}

#[macro_export]
macro_rules! info { ($($text:tt)*) => { $crate::log::say($crate::log::Level::Info, format_args!($($text)*)) } }
/// A line about something that is served but should be looked at.
#[macro_export]
macro_rules! warning { ($($text:tt)*) => { $crate::log::say($crate::log::Level::Warning, format_args!($($text)*)) } }
/// A line about something that is not served or was not done.
#[macro_export]
macro_rules! error { ($($text:tt)*) => { $crate::log::say($crate::log::Level::Error, format_args!($($text)*)) } }
