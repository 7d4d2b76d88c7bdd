//! What a service manager is told, if it asks for it: sd_notify(3), one datagram a word. Nobody waits for it, and where
//! it is not asked for nothing is sent.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

pub fn ready() {
    say("READY=1");
}

/// Files are being read again; [`ready`] says when that is over.
pub fn reloading() {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    say(&format!("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1_000_000 + now.tv_nsec / 1_000));
}

pub fn stopping() {
    say("STOPPING=1");
}

fn say(word: &str) {
    let Ok(to) = std::env::var("NOTIFY_SOCKET") else { return };
    let address = match to.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&to),
    };
    let sent = address.and_then(|address| {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.send_to_addr(word.as_bytes(), &address)
    });
    if let Err(why) = sent {
        crate::warning!("NOTIFY_SOCKET {to}: {why}");
    }
}
