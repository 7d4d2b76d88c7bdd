//! As much of everything as there is.

use serde_json::{Value, json};

use super::calls::errno;

/// Memory is asked for in pieces of this size.
const PIECE: usize = 1 << 20;
/// Each page of which is written, so that it is there.
const PAGE: usize = 4096;
/// Given back in the end, so that there is room for the answer.
const ROOM: usize = 64;
/// The stack of a thread that does nothing.
const STACK: usize = 64 << 10;

/// How many there were, and why there was no further one.
fn got(number: usize, errno: i32) -> Value {
    json!({ "got": number, "errno": errno })
}

/// Mebibytes, until the kernel refuses; all but some are kept.
pub(super) fn memory() -> Value {
    let mut pieces = Vec::with_capacity(1 << 16);
    let refused = loop {
        match piece() {
            Some(piece) => pieces.push(piece),
            None => break errno(),
        }
    };
    let all = pieces.len();
    for piece in pieces.drain(all.saturating_sub(ROOM)..) {
        // SAFETY: it was mapped with this length, and nobody refers to it.
        #[expect(unsafe_code, reason = "native code in the plugin's place")]
        let _unmapped = unsafe { libc::munmap(piece, PIECE) };
    }
    got(all, refused)
}

fn piece() -> Option<*mut libc::c_void> {
    let (access, private) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: what is mapped is new, and each write lies within it.
    #[expect(unsafe_code, reason = "native code in the plugin's place")]
    unsafe {
        let piece = libc::mmap(std::ptr::null_mut(), PIECE, access, private, -1, 0);
        if piece == libc::MAP_FAILED {
            return None;
        }
        (0..PIECE).step_by(PAGE).for_each(|at| piece.cast::<u8>().add(at).write_volatile(1));
        Some(piece)
    }
}

/// Threads that wait for ever.
pub(super) fn threads() -> Value {
    let mut all = 0;
    loop {
        let started = std::thread::Builder::new().stack_size(STACK).spawn(|| {
            loop {
                std::thread::park();
            }
        });
        match started {
            Ok(_) => all += 1,
            Err(why) => return got(all, why.raw_os_error().unwrap_or_default()),
        }
    }
}

/// Copies of a descriptor.
pub(super) fn descriptors() -> Value {
    let mut all = 0;
    loop {
        // SAFETY: no memory of ours is involved; nobody owns the copies, and they end with this process.
        #[expect(unsafe_code, reason = "native code in the plugin's place")]
        if unsafe { libc::fcntl(0, libc::F_DUPFD_CLOEXEC, 0) } < 0 {
            return got(all, errno());
        }
        all += 1;
    }
}
