//! `regent-compiler`: turns one WebAssembly component into compiled code, and dies.
//!
//! The module comes on descriptor 0, the code leaves on descriptor 1, and what is wrong with the module is said on
//! descriptor 2, for the administrator. It trusts nothing: a module of a few hundred kilobytes can be made to cost
//! seconds and gigabytes, and may well find a hole in the compiler. So before the first byte is read the process has taken
//! limits on itself and given up every system call but the few of [`system_calls`]. It opens no file and starts no thread.
//!
//! With `--imports` it compiles nothing: what leaves on descriptor 1 is the list of the module's imports, each with its class.
//!
//! It ends with 0 (done), 1 (the module is bad; the reasons are told), 70 (our fault), or by a signal: SIGXCPU when
//! the module costs more processor time than it may, SIGABRT when it costs more memory.
#![forbid(unsafe_code)]

// The engine's settings, the same file as the sandbox's.
#[path = "../../sandbox/src/engine.rs"]
mod engine;
// What the process takes from itself before it reads.
mod limits;
mod system_calls;
// Is this a plugin that can be served? All reasons at once.
mod judge;
// Names of interfaces, and what each is to a plugin.
mod interface;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use regent_lane::MODULE_MAX;
use wasmtime::{Engine, OptLevel, Strategy};

/// The module is bad: its author or whoever installed it can do something about it.
const BAD_MODULE: u8 = 1;
/// `EX_SOFTWARE`: the fault is here.
const INTERNAL: u8 = 70;

/// Why nothing was compiled.
enum Failure {
    Module(Vec<String>),
    Internal(String),
}

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("regent-compiler: the compiler failed on this module: {panic}");
        std::process::exit(INTERNAL.into());
    }));
    match tell(std::env::args_os().any(|argument| argument == "--imports")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Module(reasons)) => {
            reasons.iter().for_each(|reason| eprintln!("{reason}"));
            ExitCode::from(BAD_MODULE)
        }
        Err(Failure::Internal(why)) => {
            eprintln!("regent-compiler: {why}");
            ExitCode::from(INTERNAL)
        }
    }
}

/// The compiled code, or only what it would import.
fn tell(only_imports: bool) -> Result<(), Failure> {
    limits::take().map_err(Failure::Internal)?;
    system_calls::keep_few().map_err(Failure::Internal)?;
    let module = read_module()?;
    let told = if only_imports {
        judge::imports(&module).map_err(Failure::Module)?.into_bytes()
    } else {
        judge::judge(&module).map_err(Failure::Module)?;
        compile(&module)?
    };
    let mut out = File::from(owned(std::io::stdout())?);
    out.write_all(&told).map_err(|why| Failure::Internal(format!("cannot write the result: {why}")))
}

fn read_module() -> Result<Vec<u8>, Failure> {
    let input = File::from(owned(std::io::stdin())?);
    let mut module = Vec::new();
    let read = input.take(MODULE_MAX + 1).read_to_end(&mut module);
    read.map_err(|why| Failure::Internal(format!("cannot read the module: {why}")))?;
    if module.len() as u64 > MODULE_MAX {
        let reason =
            format!("plugin-size: the module is larger than {} MiB: strip it (wasm-tools strip)", MODULE_MAX >> 20);
        return Err(Failure::Module(vec![reason]));
    }
    Ok(module)
}

fn compile(module: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut settings = engine::settings();
    settings
        .strategy(Strategy::Cranelift)
        // The optimiser makes a module of 600 KB cost 9 s and 1 GiB, and gains a plugin nothing that can be measured.
        .cranelift_opt_level(OptLevel::None)
        .cranelift_nan_canonicalization(true);
    let engine = Engine::new(&settings).map_err(|why| Failure::Internal(format!("no engine: {why:#}")))?;
    engine.precompile_component(module).map_err(|why| {
        Failure::Module(vec![format!(
            "plugin-module: the component is not valid, or uses what Regent does not serve: {why:#}"
        )])
    })
}

/// The descriptor itself, without the buffer that std puts before it.
fn owned(stream: impl std::os::fd::AsFd) -> Result<std::os::fd::OwnedFd, Failure> {
    stream.as_fd().try_clone_to_owned().map_err(|why| Failure::Internal(format!("a descriptor is missing: {why}")))
}
