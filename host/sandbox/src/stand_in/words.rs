//! Words and other bytes on lanes: forged, cut, slow, without end, out of turn, on another's lane.

use std::os::fd::RawFd;
use std::time::Duration;

use regent_lane::{Ask, Call, Say};
use serde::Deserialize;
use serde_json::{Value, json};

use super::calls::errno;
use crate::fault::Stop;
use crate::lane::SharedLane;

/// Lines that nobody asked for.
const BABBLE: &[u8] = &[b'\n'; 4096];

/// Bytes to be written to a lane.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Piece {
    /// In hexadecimal.
    hex: String,
    /// How often; 0 is without end.
    #[serde(default = "once")]
    times: u64,
    /// Milliseconds before each time.
    #[serde(default)]
    pause: u64,
    /// By its descriptor; left out: the lane that serves this request.
    #[serde(default)]
    descriptor: Option<RawFd>,
}

fn once() -> u64 {
    1
}

/// What comes after them.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Then {
    /// An answer as it should be.
    Answer,
    /// Nothing, for ever.
    Silence,
    /// No answer; the lane waits for its next word as if there had been one.
    Wait,
    /// The end of this process.
    End,
}

/// Writes them.
pub(super) fn write(own: RawFd, pieces: &[Piece]) {
    for piece in pieces {
        let bytes = bytes(&piece.hex);
        let mut times = 0;
        while piece.times == 0 || times < piece.times {
            std::thread::sleep(Duration::from_millis(piece.pause));
            if !written(piece.descriptor.unwrap_or(own), &bytes) {
                break;
            }
            times += 1;
        }
    }
}

/// Whether all of it was taken.
fn written(descriptor: RawFd, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        // SAFETY: the bytes are there for as long as the call lasts.
        #[expect(unsafe_code, reason = "native code in the plugin's place")]
        let written = unsafe { libc::write(descriptor, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(written) {
            Ok(length) => bytes = bytes.get(length..).unwrap_or_default(),
            Err(_) => return false,
        }
    }
    true
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: &u8| (*byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or_default();
    hex.as_bytes().chunks(2).map(|pair| pair.iter().fold(0, |byte, half| byte << 4 | digit(half))).collect()
}

/// Where the daemon reads lines, as many as it reads.
pub(super) fn babble() -> Value {
    while written(libc::STDERR_FILENO, BABBLE) {}
    json!({ "errno": errno() })
}

/// What became of each call, and whether one was taken.
pub(super) fn plan(lane: &SharedLane, calls: Vec<(String, Vec<(String, String)>)>) -> Result<(Value, bool), Stop> {
    let (mut answers, mut planned) = (Vec::new(), false);
    for (command, values) in calls {
        lane.say(&Say::Plan(Call { command, values }))?;
        match lane.ask()? {
            Some(Ask::Planned(Ok(()))) => {
                planned = true;
                answers.push(json!("taken"));
            }
            Some(Ask::Planned(Err(no))) => answers.push(json!(no.message)),
            Some(_) => return Err(Stop::Broken("another word than the answer to a plan".into())),
            None => return Err(Stop::Ended),
        }
    }
    Ok((answers.into(), planned))
}

/// This process' own standard input, to whoever reads the lane.
pub(super) fn send_descriptor(own: RawFd) -> Value {
    const ROOM: usize = 64;
    let mut byte = 0_u8;
    let mut control = [0_u64; ROOM / 8];
    // SAFETY: as everywhere here. The message refers to a byte and to room that outlive it, and the header within that
    // room is aligned, and small enough.
    #[expect(unsafe_code, reason = "native code in the plugin's place")]
    let sent = unsafe {
        let mut part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(4) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(4) as _;
        libc::CMSG_DATA(header).cast::<RawFd>().write_unaligned(0);
        libc::sendmsg(own, &raw const message, 0)
    };
    if sent < 0 { json!({ "errno": errno() }) } else { json!({ "result": sent }) }
}
