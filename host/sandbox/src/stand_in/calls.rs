//! System calls as native code makes them: by number, with whatever arguments.

use std::ffi::CString;

use serde::Deserialize;
use serde_json::{Value, json};

/// Arguments of a system call.
const ARGUMENTS: usize = 6;

/// One of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Argument {
    Number(i64),
    /// The address of this text, with its null.
    Text(CString),
    /// The address of so many bytes, all zero.
    Zeros {
        zeros: usize,
    },
}

/// What the kernel answered.
fn answered(result: i64) -> Value {
    if result == -1 { json!({ "errno": errno() }) } else { json!({ "result": result }) }
}

/// The kernel's word for the last failure.
pub(super) fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or_default()
}

/// This call, if the kernel returns from it.
pub(super) fn call(number: i64, with: Vec<Argument>) -> Value {
    let mut zeros = Vec::new();
    let mut texts = Vec::new();
    let mut arguments = [0; ARGUMENTS];
    for (argument, place) in with.into_iter().zip(&mut arguments) {
        *place = match argument {
            Argument::Number(number) => number,
            Argument::Text(text) => {
                let address = text.as_ptr().expose_provenance().cast_signed() as i64;
                texts.push(text);
                address
            }
            Argument::Zeros { zeros: length } => {
                let mut bytes = vec![0_u8; length];
                let address = bytes.as_mut_ptr().expose_provenance().cast_signed() as i64;
                zeros.push(bytes);
                address
            }
        };
    }
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: none can be given: this stands for code that does whatever it likes. What it breaks is this process.
    #[expect(unsafe_code, reason = "native code in the plugin's place")]
    let result = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    let answer = answered(result);
    drop((zeros, texts));
    answer
}

/// A call of the 32-bit table without arguments.
#[cfg(target_arch = "x86_64")]
pub(super) fn old_call(number: i32) -> Value {
    let result: i32;
    // SAFETY: as in `call`. The kernel keeps every register but the one that holds its answer.
    #[expect(unsafe_code, reason = "native code in the plugin's place")]
    unsafe {
        std::arch::asm!("int 0x80", inlateout("eax") number => result, out("r8") _, out("r9") _, out("r10") _, out("r11") _);
    }
    json!({ "result": result })
}

/// There is no such table here.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn old_call(_: i32) -> Value {
    json!({ "errno": libc::ENOSYS })
}

/// `tgkill` of this thread: the one signal that a process may send for the sake of its own abort.
pub(super) fn signal_self(signal: i32) -> Value {
    let own = std::process::id();
    // SAFETY: no memory of ours is involved.
    #[expect(unsafe_code, reason = "native code in the plugin's place")]
    let result = unsafe { libc::syscall(libc::SYS_tgkill, own, libc::syscall(libc::SYS_gettid), signal) };
    answered(result)
}

/// A function that returns 42, written to memory that is then made executable, and called.
#[cfg(target_arch = "x86_64")]
pub(super) fn machine_code() -> Value {
    const RETURNS_42: [u8; 6] = [0xb8, 42, 0, 0, 0, 0xc3];
    const PAGE: usize = 4096;
    let private = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: as in `call`; the page is large enough for the function, which keeps the machine's convention for calls.
    #[expect(unsafe_code, reason = "native code in the plugin's place")]
    unsafe {
        let page = libc::mmap(std::ptr::null_mut(), PAGE, libc::PROT_READ | libc::PROT_WRITE, private, -1, 0);
        if page == libc::MAP_FAILED {
            return answered(-1);
        }
        page.cast::<[u8; 6]>().write(RETURNS_42);
        if libc::mprotect(page, PAGE, libc::PROT_READ | libc::PROT_EXEC) != 0 {
            return answered(-1);
        }
        let function = std::mem::transmute::<*mut libc::c_void, extern "C" fn() -> i32>(page);
        json!({ "result": function() })
    }
}

/// Whether memory becomes executable; nothing is run there.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn machine_code() -> Value {
    let executable = libc::PROT_READ | libc::PROT_EXEC;
    let with = [0, 4096, executable.into(), (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS).into(), -1, 0];
    call(libc::SYS_mmap, with.into_iter().map(Argument::Number).collect())
}
