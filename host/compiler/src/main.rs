//! `regent-compiler`: turns one WebAssembly component into compiled code, and dies.
//!
//! The module comes on descriptor 0, the code leaves on descriptor 1, and what is wrong with the module is said on
//! descriptor 2, in frames of the lane: each is a [`ModuleError`]. It trusts nothing: a module of a few hundred
//! kilobytes can be made to cost seconds and gigabytes, and may well find a hole in the compiler. So before the first
//! byte is read the process has taken limits on itself, looked whether it is confined, and given up every file, and
//! every system call but the few of [`system_calls`]. It starts no thread.
//!
//! With `--imports` it compiles nothing: what leaves on descriptor 1 is the list of the module's imports, each with its
//! class. With `--interpreter` the code is for the interpreter instead of this machine's processor.
//!
//! It ends with 0 (done), 1 (the module is bad; the reasons are told), 64 (wrong usage), 70 (our fault), 77 (not
//! confined as it must be), or by a signal: SIGXCPU when the module costs more processor time than it may, SIGABRT when
//! it costs more memory.
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

use regent_confine::Missing;
use regent_lane::{Demands, Layer, MODULE_MAX, ModuleCode, ModuleError, Side, encode};
use wasmtime::{Engine, OptLevel, Strategy};

/// The module is bad: its author or whoever installed it can do something about it.
const BAD_MODULE: u8 = 1;
/// `EX_USAGE`.
const USAGE: u8 = 64;
/// `EX_SOFTWARE`: the fault is here.
const INTERNAL: u8 = 70;

/// What is wanted of a module.
enum Wish {
    Code(engine::Kind),
    Imports,
}

/// Why nothing was compiled.
enum Failure {
    Module(Vec<ModuleError>),
    Confinement(Vec<Missing>),
    Internal(String),
}

impl From<Missing> for Failure {
    fn from(missing: Missing) -> Self {
        Self::Confinement(vec![missing])
    }
}

impl From<limits::TakeError> for Failure {
    fn from(error: limits::TakeError) -> Self {
        Self::Internal(error.to_string())
    }
}

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("regent-compiler: the compiler failed on this module: {panic}");
        std::process::exit(INTERNAL.into());
    }));
    let Some((demands, wish)) = told() else {
        eprintln!(
            "usage: regent-compiler [--imports | --interpreter] [--shared-user] [--without=LAYER,…] [--unconfined]"
        );
        return ExitCode::from(USAGE);
    };
    match tell(&demands, &wish) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Module(errors)) => {
            // Frames of the lane, because the daemon needs the codes.
            let frames: Vec<u8> = errors.iter().flat_map(|error| encode(Side::Sandbox, error)).flatten().collect();
            let _it_reads_no_more = std::io::stderr().write_all(&frames);
            ExitCode::from(BAD_MODULE)
        }
        Err(Failure::Confinement(missing)) => {
            missing.iter().for_each(|missing| eprintln!("regent-compiler: {missing}"));
            ExitCode::from(regent_confine::NOT_CONFINED)
        }
        Err(Failure::Internal(why)) => {
            eprintln!("regent-compiler: {why}");
            ExitCode::from(INTERNAL)
        }
    }
}

/// What is demanded of where it was born, and what is wanted; `None`: something that it does not know.
fn told() -> Option<(Demands, Wish)> {
    let (mut demands, mut wish) = (Demands::default(), None);
    for argument in std::env::args_os().skip(1) {
        let wished = match argument.to_str()? {
            "--interpreter" => Wish::Code(engine::Kind::Interpreter),
            "--imports" => Wish::Imports,
            // It has nothing to look at and say: that is the sandbox's.
            other if demands.take(other) && !demands.verify => continue,
            _ => return None,
        };
        // One of them, once.
        if wish.replace(wished).is_some() {
            return None;
        }
    }
    Some((demands, wish.unwrap_or(Wish::Code(engine::Kind::Native))))
}

/// The compiled code, or only what it would import.
fn tell(demands: &Demands, wish: &Wish) -> Result<(), Failure> {
    regent_confine::verify(demands).map_err(Failure::Confinement)?;
    limits::take()?;
    regent_confine::restrict(demands)?;
    if demands.layer(Layer::Seccomp) {
        system_calls::keep_few()?;
    }
    let module = read_module()?;
    let told = match wish {
        Wish::Imports => judge::imports(&module).map_err(Failure::Module)?.into_bytes(),
        Wish::Code(kind) => {
            judge::judge(&module).map_err(Failure::Module)?;
            compile(*kind, &module)?
        }
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
        let text = format!("the module is larger than {} MiB: strip it (wasm-tools strip)", MODULE_MAX >> 20);
        return Err(Failure::Module(vec![ModuleCode::Size.because(text)]));
    }
    Ok(module)
}

fn compile(kind: engine::Kind, module: &[u8]) -> Result<Vec<u8>, Failure> {
    let no_engine = |why: wasmtime::Error| Failure::Internal(format!("no engine: {why:#}"));
    let mut settings = engine::settings(kind).map_err(no_engine)?;
    settings
        .strategy(Strategy::Cranelift)
        // The optimiser makes a module of 600 KB cost 9 s and 1 GiB, and gains a plugin nothing that can be measured.
        .cranelift_opt_level(OptLevel::None)
        .cranelift_nan_canonicalization(true);
    let engine = Engine::new(&settings).map_err(no_engine)?;
    engine.precompile_component(module).map_err(|why| {
        let text = format!("the component is not valid, or uses what Regent does not serve: {why:#}");
        Failure::Module(vec![ModuleCode::Invalid.because(text)])
    })
}

/// The descriptor itself, without the buffer that std puts before it.
fn owned(stream: impl std::os::fd::AsFd) -> Result<std::os::fd::OwnedFd, Failure> {
    stream.as_fd().try_clone_to_owned().map_err(|why| Failure::Internal(format!("a descriptor is missing: {why}")))
}
