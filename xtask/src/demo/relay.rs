//! What crosses the socket, seen: a socket beside the daemon's that hands every line on and prints it on its way.

use regent_build::{At as _, Result};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// Lines that went through, in order: requests, and replies to them.
pub(super) struct Relay {
    lines: Receiver<String>,
}

impl Relay {
    /// Listens at `path` for the daemon at `daemon`, for as long as the process lives.
    pub(super) fn open(path: &Path, daemon: &Path) -> Result<Self> {
        let listener = UnixListener::bind(path).at(path)?;
        let daemon = daemon.to_owned();
        let (said, lines) = channel();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if let Ok(daemon) = UnixStream::connect(&daemon) {
                    between(&client, &daemon, &said);
                }
            }
        });
        Ok(Self { lines })
    }

    /// The last line that went through.
    pub(super) fn last(&self) -> String {
        self.lines.try_iter().last().unwrap_or_default()
    }
}

fn between(client: &UnixStream, daemon: &UnixStream, said: &Sender<String>) {
    hand_on(client, daemon, "  → ", said.clone());
    hand_on(daemon, client, "  ← ", said.clone());
}

fn hand_on(from: &UnixStream, to: &UnixStream, arrow: &'static str, said: Sender<String>) {
    let (Ok(from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else { return };
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(std::result::Result::ok) {
            println!("{arrow}{line}");
            let _nobody_asks = said.send(line.clone());
            if to.write_all(format!("{line}\n").as_bytes()).is_err() {
                break;
            }
        }
        let _already_closed = to.shutdown(std::net::Shutdown::Write);
    });
}
