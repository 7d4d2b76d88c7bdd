//! A program that goes on until it is ended, and what it has told so far.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use crate::eventually::eventually;

/// Ended when it is dropped.
pub struct Watched {
    child: Child,
    lines: Receiver<String>,
    told: Vec<String>,
}

impl Watched {
    #[track_caller]
    pub fn of(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let (send, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Self { child, lines, told: Vec::new() }
    }

    /// Waits for a line that begins so.
    #[track_caller]
    pub fn until(&mut self, text: &str) {
        eventually(text, || {
            self.told.extend(self.lines.try_iter());
            self.told.iter().any(|line| line.starts_with(text)).then_some(())
        });
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _already_ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
