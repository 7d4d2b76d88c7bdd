//! What each kind of hostile connection does, until the daemon closes it or somebody ends it.

use std::io::{BufRead as _, BufReader, Result, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// Set when they are to end.
pub(super) type Ends = Arc<AtomicBool>;

/// Whom they attack.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) socket: PathBuf,
    pub(super) secret: String,
}

/// One of them, on a connection of its own; counts what it does.
type Kind = fn(&Target, &AtomicU64) -> Result<()>;

/// All of them. Those of the first half know no secret.
pub(super) const KINDS: [(&str, Kind); 19] = [
    ("guesses, and waits for the answer", |target, count| asks(target, count, guess())),
    ("guesses, and hangs up", |target, count| once(target, count, &line(&guess()))),
    ("a byte a second", drips),
    ("half a line", half),
    ("a line too long", |target, count| asks_raw(target, count, &[vec![b'x'; 70 << 10], vec![b'\n']].concat())),
    ("bytes without a line", |target, count| says(target, count, &[b'x'; 16 << 10])),
    ("garbage lines, read by nobody", |target, count| says(target, count, &b"\xff\x00{]garbage\n".repeat(200))),
    ("connects and hangs up", |target, count| once(target, count, b"")),
    ("a guess a line, read by nobody", |target, count| says(target, count, &line(&guess()).repeat(100))),
    ("guesses, and hangs up by half", by_half),
    ("deep data", deep),
    ("no-ops, one after the other", |target, count| asks(target, count, operation(target, "echo"))),
    ("no-ops, read by nobody", |target, count| says(target, count, &large(target))),
    ("no-ops, many a write", |target, count| says_and_reads(target, count, &line(&operation(target, "echo")))),
    ("unknown operations", |target, count| asks(target, count, operation(target, "nonsense"))),
    ("unknown holds, read", |target, count| asks(target, count, json!({"secret": target.secret, "uid": HANDLE}))),
    ("unknown holds, answered", |target, count| {
        asks(target, count, json!({"secret": target.secret, "uid": HANDLE, "data": {"answer": "yes"}}))
    }),
    ("lists", |target, count| asks(target, count, json!({"secret": target.secret, "list": true}))),
    ("lists, read by nobody", |target, count| {
        says(target, count, &line(&json!({"secret": target.secret, "list": true})).repeat(100))
    }),
];

/// Nobody's.
const HANDLE: &str = "00000000-0000-4000-8000-000000000000";

fn guess() -> Value {
    json!({"secret": "a guess of more than sixteen bytes", "op": "echo"})
}

fn operation(target: &Target, name: &str) -> Value {
    json!({"secret": target.secret, "op": name, "data": "x".repeat(100)})
}

fn large(target: &Target) -> Vec<u8> {
    line(&json!({"secret": target.secret, "op": "echo", "data": "x".repeat(60 << 10)}))
}

fn line(request: &Value) -> Vec<u8> {
    format!("{request}\n").into_bytes()
}

fn connect(target: &Target) -> Result<UnixStream> {
    UnixStream::connect(&target.socket)
}

fn counted(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

/// Hangs up at once.
fn once(target: &Target, count: &AtomicU64, bytes: &[u8]) -> Result<()> {
    let mut stream = connect(target)?;
    counted(count);
    stream.write_all(bytes)
}

/// Asks as fast as it is answered.
fn asks(target: &Target, count: &AtomicU64, request: Value) -> Result<()> {
    asks_raw(target, count, &line(&request))
}

fn asks_raw(target: &Target, count: &AtomicU64, bytes: &[u8]) -> Result<()> {
    let mut stream = connect(target)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut reply = Vec::new();
    loop {
        stream.write_all(bytes)?;
        counted(count);
        reply.clear();
        if reader.read_until(b'\n', &mut reply)? == 0 {
            return Ok(());
        }
    }
}

/// Says it as fast as it is taken, and reads nothing.
fn says(target: &Target, count: &AtomicU64, bytes: &[u8]) -> Result<()> {
    let mut stream = connect(target)?;
    loop {
        stream.write_all(bytes)?;
        counted(count);
    }
}

/// A hundred requests at a time, and then a hundred replies.
fn says_and_reads(target: &Target, count: &AtomicU64, request: &[u8]) -> Result<()> {
    let mut stream = connect(target)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let (many, mut reply) = (request.repeat(100), Vec::new());
    loop {
        stream.write_all(&many)?;
        counted(count);
        for _ in 0..100 {
            reply.clear();
            if reader.read_until(b'\n', &mut reply)? == 0 {
                return Ok(());
            }
        }
    }
}

fn drips(target: &Target, count: &AtomicU64) -> Result<()> {
    let mut stream = connect(target)?;
    for byte in line(&guess()) {
        stream.write_all(&[byte])?;
        counted(count);
        thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}

/// And reads nothing, so that its reply stays with the daemon.
fn by_half(target: &Target, count: &AtomicU64) -> Result<()> {
    let mut stream = connect(target)?;
    stream.write_all(&line(&guess()))?;
    stream.shutdown(Shutdown::Write)?;
    counted(count);
    thread::sleep(Duration::from_secs(2));
    Ok(())
}

/// And waits until the daemon has had enough of it.
fn half(target: &Target, count: &AtomicU64) -> Result<()> {
    let mut stream = connect(target)?;
    stream.write_all(large(target).get(..40 << 10).unwrap_or_default())?;
    counted(count);
    BufReader::new(stream).read_until(b'\n', &mut Vec::new()).map(drop)
}

/// More brackets than are read, right up to the longest line.
fn deep(target: &Target, count: &AtomicU64) -> Result<()> {
    let request =
        format!("{{\"secret\": \"{}\", \"op\": \"echo\", \"data\": {}\n", target.secret, "[".repeat(60 << 10));
    asks_raw(target, count, request.as_bytes())
}
