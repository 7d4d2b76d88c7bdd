//! What crosses a socket, seen: a socket beside the daemon's that hands every line on and prints it on its way.
//!
//! It does so before the line arrives, so what is printed next stands below it. The daemon sees whoever runs this as the
//! peer: at the admin socket, where that decides, each user has a relay of its own.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::error::{At, Result};

/// Lines that went through, in order: requests, and replies to them.
pub(super) struct Relay {
    lines: Receiver<String>,
}

/// Relays as a process of its own, until its standard input ends with whoever started it.
pub(crate) fn alone(path: &Path, daemon: &Path) -> Result<()> {
    let _open = Relay::open(path, daemon)?;
    let _ended = io::stdin().read(&mut [0]);
    Ok(())
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
                    hand_on(&client, &daemon, "→", said.clone());
                    hand_on(&daemon, &client, "←", said.clone());
                }
            }
        });
        Ok(Self { lines })
    }

    /// The last line since this was asked before.
    pub(super) fn last(&self) -> String {
        self.lines.try_iter().last().unwrap_or_default()
    }
}

fn hand_on(from: &UnixStream, to: &UnixStream, arrow: &'static str, said: Sender<String>) {
    let (Ok(from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else { return };
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(io::Result::ok) {
            println!("  {arrow} {line}");
            let bytes = format!("{line}\n");
            let _nobody_asks = said.send(line);
            if to.write_all(bytes.as_bytes()).is_err() {
                break;
            }
        }
        let _already_closed = to.shutdown(std::net::Shutdown::Write);
    });
}
