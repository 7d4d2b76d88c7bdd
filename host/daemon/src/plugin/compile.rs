//! A module compiled by a process of its own, within its limits; and what such a process says against it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use regent_grants::Engine;
use regent_spawner::{Exit, Limit};
use rustix::fs::MemfdFlags;
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;
use tokio::time::{Instant, timeout};

use super::cache::ARTEFACT_MAX;
use super::module::Sealed;
use super::programs::{DESCRIPTORS, Programs, SAID_MAX, Unloadable, told};
use crate::process::Share;

/// A compiler's processor time, and its memory: a module can be made to want any amount of both.
const COMPILE_SECONDS: u64 = 30;
const COMPILE_MEMORY: u64 = 2 << 30;
/// On a busy machine its processor time takes longer.
const COMPILE_WITHIN: Duration = Duration::from_secs(120);
/// The word for a module that costs more than this, wherever it is told, and what its author can do.
const COMPILE_CODE: &str = "plugin-compile";
const COMPILE_CURE: &str = "It cannot be compiled within the limits: make its largest functions smaller";
/// How the compiler ends when it has said what is wrong with the module.
const BAD_MODULE: i32 = 1;
/// A compiler gets what is left over.
const COMPILER_SHARE: Share = Share { memory: COMPILE_MEMORY, tasks: 4, weight: 10 };
/// The list of a module's imports: a thousand names of 200 bytes.
const LIST_MAX: u64 = 256 << 10;
/// What ends a process that used up its processor time: first the one, then the other.
const SIGXCPU: i32 = 24;
const SIGKILL: i32 = 9;
/// What ends one that gets no more memory, or that nests so deep that its stack is used up.
const SIGABRT: i32 = 6;
const SIGSEGV: i32 = 11;
/// What ends one that writes more than it may.
const SIGXFSZ: i32 = 25;

impl Programs {
    /// Compiles a module for this engine.
    ///
    /// # Errors
    /// Every reason why it cannot be, for the administrator.
    pub async fn compile(
        &self,
        name: &str,
        uid: Option<u32>,
        engine: Engine,
        module: &Sealed,
    ) -> Result<Sealed, Vec<String>> {
        let _turn = self.compilers.acquire().await;
        let begin = Instant::now();
        let compiled =
            self.run_compiler(uid, module, told(engine)).await.unwrap_or_else(|why| Err(vec![why.to_string()]))?;
        let (size, took) = (compiled.size(), begin.elapsed());
        crate::info!("plugin {name}: compiled in {} ms ({size} bytes)", took.as_millis());
        Ok(compiled)
    }

    /// What a module imports: the compiler's word for each, and its name. Nothing is compiled.
    ///
    /// # Errors
    /// Why it is no component, for who looks at it.
    pub async fn imports(&self, uid: Option<u32>, module: &Sealed) -> Result<Vec<(String, String)>, Vec<String>> {
        let _turn = self.compilers.acquire().await;
        let listed = self.run_compiler(uid, module, Some("--imports")).await;
        let listed = listed.unwrap_or_else(|why| Err(vec![why.to_string()]))?;
        let mut text = String::new();
        let read =
            listed.reader().and_then(|list| io::Read::read_to_string(&mut io::Read::take(list, LIST_MAX), &mut text));
        read.map_err(|why| vec![format!("its imports cannot be read: {why}")])?;
        let pair = |line: &str| line.split_once(' ').map(|(class, name)| (class.to_owned(), name.to_owned()));
        Ok(text.lines().filter_map(pair).collect())
    }

    async fn run_compiler(
        &self,
        uid: Option<u32>,
        module: &Sealed,
        told: Option<&str>,
    ) -> Result<Result<Sealed, Vec<String>>, Unloadable> {
        let input = module.reader()?;
        let output = rustix::fs::memfd_create("code", MemfdFlags::CLOEXEC).map_err(io::Error::from)?;
        let (said, said_end) = pipe_with(PipeFlags::CLOEXEC).map_err(io::Error::from)?;
        let limits = vec![
            (Limit::Processor, COMPILE_SECONDS),
            (Limit::Memory, COMPILE_MEMORY),
            (Limit::File, ARTEFACT_MAX),
            (Limit::Descriptors, DESCRIPTORS),
        ];
        let mut start = self.confined("regent-compiler", uid, limits);
        start.argv.extend(told.map(str::to_owned));
        let fds = [self.compiler.as_fd(), input.as_fd(), output.as_fd(), said_end.as_fd()];
        let (running, _group) = self.start(start, &fds, COMPILER_SHARE).await?;
        drop(said_end);
        let mut text = Vec::new();
        let mut said = Receiver::from_owned_fd(said)?.take(SAID_MAX);
        let exit =
            timeout(COMPILE_WITHIN, async { tokio::join!(said.read_to_end(&mut text), running.ended()).1 }).await;
        match exit {
            Ok(Ok(Exit::Status(0))) => Ok(sealed(output).await),
            Ok(Ok(exit)) => Ok(Err(refused(&String::from_utf8_lossy(&text), exit))),
            Ok(Err(why)) => Ok(Err(vec![format!("the compiler cannot be started: {why}")])),
            Err(_) => {
                let took = format!("it takes longer than {} s", COMPILE_WITHIN.as_secs());
                Ok(Err(vec![format!("{COMPILE_CODE}: {took}. {COMPILE_CURE}")]))
            }
        }
    }
}

async fn sealed(output: OwnedFd) -> Result<Sealed, Vec<String>> {
    let copied = tokio::task::spawn_blocking(move || {
        let mut file = File::from(output);
        io::Seek::rewind(&mut file)?;
        Sealed::copy("code", file, ARTEFACT_MAX)
    });
    match copied.await {
        Ok(Ok(sealed)) => Ok(sealed),
        Ok(Err(why)) => Err(vec![format!("what was compiled cannot be read: {why}")]),
        Err(why) => Err(vec![why.to_string()]),
    }
}

/// What the compiler's end tells, and its own words. Only a module that it has read to its end has reasons of its own; whatever
/// else becomes of it is the module's cost, or a mistake of the compiler's, and its code is `plugin-compile`.
fn refused(said: &str, exit: Exit) -> Vec<String> {
    let said = said.lines().map(str::to_owned);
    let ended = match exit {
        Exit::Status(BAD_MODULE) => None,
        Exit::Status(status) => Some(format!("the compiler ended with status {status}")),
        Exit::Signal(signal) => Some(match signal {
            SIGXCPU | SIGKILL => format!("it takes more than {COMPILE_SECONDS} s of processor time (signal {signal})"),
            SIGABRT | SIGSEGV => {
                format!(
                    "it takes more than {} MiB of memory, or all of the stack (signal {signal})",
                    COMPILE_MEMORY >> 20
                )
            }
            SIGXFSZ => format!("its code takes more than {} MiB (signal {signal})", ARTEFACT_MAX >> 20),
            _ => format!("the compiler was ended by signal {signal}"),
        }),
    };
    let ended = ended.map(|why| format!("{COMPILE_CODE}: {why}. {COMPILE_CURE}"));
    let reasons: Vec<String> = ended.into_iter().chain(said).collect();
    if reasons.is_empty() { vec!["the compiler said no, and not why".into()] } else { reasons }
}
