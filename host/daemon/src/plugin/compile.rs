//! A module compiled by a process of its own, within its limits; and what such a process says against it.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;
use std::{io, iter};

use regent_lane::{ModuleCode, ModuleError, Side, decode_all};
use regent_spawner::{Exit, Limit};
use rustix::fs::MemfdFlags;
use tokio::net::unix::pipe::Receiver;
use tokio::time::Instant;

use super::cache::ARTEFACT_MAX;
use super::load_error::LoadErrors;
use super::module::Sealed;
use super::programs::{DESCRIPTORS, Launch, Programs, told};
use crate::process::Share;

/// A compiler's processor time, and its memory: a module can be made to want any amount of both.
const COMPILE_SECONDS: u64 = 30;
const COMPILE_MEMORY: u64 = 2 << 30;
/// On a busy machine its processor time takes longer.
const COMPILE_WITHIN: Duration = Duration::from_secs(120);
/// What the author of a module that costs more than this can do.
const COMPILE_CURE: &str = "It cannot be compiled within the limits: make its largest functions smaller";
/// How the compiler ends when it has said what is wrong with the module.
const BAD_MODULE: i32 = 1;
/// A compiler gets what is left over.
const COMPILER_SHARE: Share = Share { memory: COMPILE_MEMORY, tasks: 4, weight: 10 };
/// The list of a module's imports: a thousand names of 200 bytes.
const LIST_MAX: u64 = 256 << 10;

impl Programs {
    pub async fn compile(&self, launch: Launch<'_>, module: &Sealed) -> Result<Sealed, LoadErrors> {
        let _turn = self.compilers.acquire().await;
        let begin = Instant::now();
        let compiled = self.run_compiler(launch.uid, module, told(launch.engine)).await?;
        let (name, size, took) = (launch.name, compiled.size(), begin.elapsed());
        crate::info!("plugin {name}: compiled in {} ms ({size} bytes)", took.as_millis());
        Ok(compiled)
    }

    /// What a module imports: the compiler's word for each, and its name. Nothing is compiled.
    pub async fn imports(&self, uid: Option<u32>, module: &Sealed) -> Result<Vec<(String, String)>, LoadErrors> {
        let _turn = self.compilers.acquire().await;
        let listed = self.run_compiler(uid, module, Some("--imports")).await?;
        let text = listed.reader().and_then(|list| io::read_to_string(list.take(LIST_MAX)));
        let text = text.map_err(|why| format!("its imports cannot be read: {why}"))?;
        let pair = |line: &str| line.split_once(' ').map(|(class, name)| (class.to_owned(), name.to_owned()));
        Ok(text.lines().filter_map(pair).collect())
    }

    async fn run_compiler(&self, uid: Option<u32>, module: &Sealed, told: Option<&str>) -> Result<Sealed, LoadErrors> {
        let input = module.reader()?;
        let output = rustix::fs::memfd_create("code", MemfdFlags::CLOEXEC).map_err(io::Error::from)?;
        let (said, said_end) = io::pipe()?;
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
        match running.heard(Receiver::from_owned_fd(said.into())?, COMPILE_WITHIN).await {
            Ok((Ok(Exit::Status(0)), _)) => sealed(output).await,
            Ok((Ok(exit), said)) => Err(refused(&said, exit)),
            Ok((Err(why), _)) => Err(format!("the compiler cannot be started: {why}").into()),
            Err(_) => Err(too_costly(&format!("it takes longer than {} s", COMPILE_WITHIN.as_secs())).into()),
        }
    }
}

async fn sealed(output: OwnedFd) -> Result<Sealed, LoadErrors> {
    let copied = tokio::task::spawn_blocking(move || {
        let mut file = File::from(output);
        io::Seek::rewind(&mut file)?;
        Sealed::copy("code", file, ARTEFACT_MAX)
    });
    match copied.await {
        Ok(Ok(sealed)) => Ok(sealed),
        Ok(Err(why)) => Err(format!("what was compiled cannot be read: {why}").into()),
        Err(why) => Err(why.to_string().into()),
    }
}

/// What the compiler's end tells, and its own words. Only a module that it has read to its end has reasons of its own;
/// whatever else becomes of it is the module's cost, or a mistake of the compiler's, and its code is `plugin-compile`.
fn refused(said: &[u8], exit: Exit) -> LoadErrors {
    let ended = match exit {
        Exit::Status(BAD_MODULE) => {
            let errors: Vec<ModuleError> = decode_all(Side::Sandbox, said);
            return if errors.is_empty() { vec!["the compiler said no, and not why"].into() } else { errors.into() };
        }
        Exit::Status(status) => format!("the compiler ended with status {status}"),
        Exit::Signal(signal) => match signal {
            // What ends a process that used up its processor time: first the one, then the other.
            libc::SIGXCPU | libc::SIGKILL => {
                format!("it takes more than {COMPILE_SECONDS} s of processor time (signal {signal})")
            }
            libc::SIGABRT | libc::SIGSEGV => {
                let most = COMPILE_MEMORY >> 20;
                format!("it takes more than {most} MiB of memory, or all of the stack (signal {signal})")
            }
            libc::SIGXFSZ => format!("its code takes more than {} MiB (signal {signal})", ARTEFACT_MAX >> 20),
            _ => format!("the compiler was ended by signal {signal}"),
        },
    };
    let said = String::from_utf8_lossy(said);
    let errors: Vec<_> = iter::once(too_costly(&ended)).chain(said.lines().map(ModuleError::from)).collect();
    errors.into()
}

fn too_costly(why: &str) -> ModuleError {
    ModuleCode::Compile.because(format!("{why}. {COMPILE_CURE}"))
}

#[cfg(test)]
mod tests {
    use regent_lane::encode;

    use super::super::load_error::LoadError;
    use super::*;

    fn texts(said: &[u8], exit: Exit) -> Vec<String> {
        refused(said, exit).0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn errors_of_a_module_come_with_their_codes() {
        let errors = [ModuleCode::Import.because("imports sockets"), "it is empty".into()];
        let said: Vec<u8> = errors.iter().flat_map(|error| encode(Side::Sandbox, error).unwrap()).collect();
        let refused = refused(&said, Exit::Status(BAD_MODULE));
        assert_eq!(refused.0, errors.map(LoadError::Module));
    }

    #[test]
    fn a_compiler_that_says_nothing_is_told_as_such() {
        assert_eq!(texts(b"", Exit::Status(BAD_MODULE)), ["the compiler said no, and not why"]);
        assert_eq!(texts(b"no frames", Exit::Status(BAD_MODULE)), ["the compiler said no, and not why"]);
    }

    #[test]
    fn a_compiler_that_fails_is_told_with_its_own_words() {
        let texts = texts(b"regent-compiler: no engine\n", Exit::Status(70));
        assert_eq!(texts.len(), 2);
        assert!(texts[0].starts_with("plugin-compile: the compiler ended with status 70. It cannot"), "{texts:?}");
        assert_eq!(texts[1], "regent-compiler: no engine");
    }
}
