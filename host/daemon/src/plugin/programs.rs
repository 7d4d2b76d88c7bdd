//! Compiler and sandboxes as processes: what each is given, and what it may use up. As root each gets a uid of its plugin's
//! own and namespaces over an empty root; otherwise what an ordinary user can give.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use regent_grants::Engine;
use regent_lane::{Ask, Export, LANES, Say, Settings};
use regent_spawner::{Descent, Exit, Limit, Start};
use rustix::fs::{MemfdFlags, Mode, OFlags};
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::cache::ARTEFACT_MAX;
use super::confinement::{Layers, bare};
use super::lane::{Lane, log};
use super::module::Sealed;
use super::sandbox::Sandbox;
use crate::helpers::Helpers;
use crate::process::{Cgroup, Running, Share, Spawner, StartError};

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
/// Compilers at a time: each takes a processor.
const COMPILERS: usize = 2;
/// A sandbox's address space: four instances of 64 MiB with their guards, the code twice, stacks.
const SANDBOX_MEMORY: u64 = 2 << 30;
/// Where controllers are free: four instances with their tables and the code, and nothing like the whole machine; the threads that
/// it has, and as many again; and half of what others get of a busy processor.
const SANDBOX_SHARE: Share = Share { memory: 512 << 20, tasks: 16, weight: 50 };
/// A compiler gets what is left over.
const COMPILER_SHARE: Share = Share { memory: COMPILE_MEMORY, tasks: 4, weight: 10 };
/// What a sandbox can write to is memory: the engine keeps a module's initial data in files of that kind.
const SANDBOX_FILE: u64 = 64 << 20;
/// A sandbox opens nothing; it has what it is born with.
const SANDBOX_DESCRIPTORS: u64 = 64;
/// From a sandbox's start until it has loaded its code.
const LOAD_WITHIN: Duration = Duration::from_secs(10);
/// From the end of its lanes to the spawner's word of its end.
const END_SAID_WITHIN: Duration = Duration::from_secs(1);
/// What a helper says of a module, or of itself: some lines.
const SAID_MAX: u64 = 16 << 10;
/// The list of a module's imports: a thousand names of 200 bytes.
const LIST_MAX: u64 = 256 << 10;
/// Lines of a sandbox's own log a second; a plugin's words come over its lane.
const LINES_A_SECOND: u32 = 20;

/// What compiler and sandbox are told where the code is the interpreter's.
const INTERPRETER: &str = "--interpreter";

/// What ends a process that used up its processor time: first the one, then the other.
const SIGXCPU: i32 = 24;
const SIGKILL: i32 = 9;
/// What ends one that gets no more memory, or that nests so deep that its stack is used up.
const SIGABRT: i32 = 6;
const SIGSEGV: i32 = 11;
/// What ends one that writes more than it may.
const SIGXFSZ: i32 = 25;

/// The programs, open, and the way to start them.
#[derive(Debug)]
pub struct Programs {
    spawner: Rc<Spawner>,
    sandbox: OwnedFd,
    compiler: OwnedFd,
    layers: Layers,
    compilers: Semaphore,
}

/// Why a sandbox does not serve.
#[derive(Debug)]
pub enum Unloadable {
    /// The code is of another engine or machine.
    Incompatible(Vec<String>),
    /// The component cannot be served.
    Refused(Vec<String>),
    /// The sandbox could not be started: this machine's fault.
    NotStarted(String),
    /// The sandbox ended, or said what it should not.
    Failed(String),
}

impl Unloadable {
    /// Every reason, for the administrator.
    #[must_use]
    pub fn reasons(self) -> Vec<String> {
        match self {
            Self::Incompatible(reasons) | Self::Refused(reasons) => reasons,
            Self::NotStarted(why) | Self::Failed(why) => vec![why],
        }
    }
}

impl std::fmt::Display for Unloadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Incompatible(reasons) | Self::Refused(reasons) => f.write_str(&reasons.join("; ")),
            Self::NotStarted(why) | Self::Failed(why) => f.write_str(why),
        }
    }
}

impl From<io::Error> for Unloadable {
    fn from(why: io::Error) -> Self {
        Self::NotStarted(why.to_string())
    }
}

impl From<StartError> for Unloadable {
    fn from(why: StartError) -> Self {
        Self::NotStarted(format!("its sandbox cannot be started: {why}"))
    }
}

impl Programs {
    /// By the handles that were judged.
    ///
    /// # Errors
    /// When descriptors run out.
    pub fn new(spawner: Rc<Spawner>, helpers: &Helpers, layers: Layers) -> io::Result<Self> {
        Ok(Self {
            spawner,
            sandbox: helpers.sandbox.try_clone()?,
            compiler: helpers.compiler.try_clone()?,
            layers,
            compilers: Semaphore::new(COMPILERS),
        })
    }

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
            (Limit::Descriptors, SANDBOX_DESCRIPTORS),
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

    /// Starts a sandbox and has it load this code.
    ///
    /// # Errors
    /// [`Unloadable`].
    pub async fn sandbox(
        &self,
        name: &str,
        uid: Option<u32>,
        engine: Engine,
        code: &Sealed,
        settings: &str,
    ) -> Result<(Rc<Sandbox>, Vec<Export>), Unloadable> {
        let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
        let null = null.map_err(io::Error::from)?;
        let (log, log_end) = pipe_with(PipeFlags::CLOEXEC).map_err(io::Error::from)?;
        let (mut lanes, mut ends) = (Vec::new(), Vec::new());
        for _ in 0..LANES {
            let (lane, end) = Lane::pair()?;
            lanes.push(lane);
            ends.push(end);
        }
        let image = code.reader()?;
        let mut fds: Vec<BorrowedFd<'_>> = vec![self.sandbox.as_fd(), null.as_fd(), null.as_fd(), log_end.as_fd()];
        fds.extend(ends.iter().map(OwnedFd::as_fd));
        fds.push(image.as_fd());
        let limits = vec![
            (Limit::Memory, SANDBOX_MEMORY),
            (Limit::File, SANDBOX_FILE),
            (Limit::Descriptors, SANDBOX_DESCRIPTORS),
        ];
        let mut start = self.confined("regent-sandbox", uid, limits);
        start.extra = u8::try_from(LANES + 1).unwrap_or(u8::MAX);
        start.argv.extend(told(engine).map(str::to_owned));
        let (running, group) = self.start(start, &fds, SANDBOX_SHARE).await?;
        running.tell_end(format!("plugin {name}: its sandbox"));
        drop((log_end, ends));
        keep_log(name.to_owned(), log)?;
        let exports = match load(name, lanes.first_mut(), settings).await {
            Ok(exports) => exports,
            Err(Unloadable::Failed(why)) => {
                return Err(never_born(&running).await.unwrap_or(Unloadable::Failed(why)));
            }
            Err(why) => return Err(why),
        };
        Ok((Sandbox::new(name.to_owned(), running, group, lanes), exports))
    }

    /// A helper with no rights, as far as this daemon can take them away.
    fn confined(&self, name: &str, uid: Option<u32>, limits: Vec<(Limit, u64)>) -> Start {
        Start { limits, ..bare(name, uid, self.layers.confinement(), self.layers.arguments()) }
    }

    /// Born in a group with its share of the machine, where there are such.
    async fn start(
        &self,
        mut start: Start,
        fds: &[BorrowedFd<'_>],
        share: Share,
    ) -> Result<(Running, Option<Cgroup>), Unloadable> {
        let group = self.spawner.cgroups().map(|all| all.confined().group(share)).transpose()?.flatten();
        start.descent = Descent::Alone { grouped: group.is_some() };
        let fds: Vec<_> = fds.iter().copied().chain(group.as_ref().map(Cgroup::handle)).collect();
        Ok((self.spawner.start(start, &fds).await?, group))
    }
}

/// What a helper is told of the engine; nothing where it is the processor.
fn told(engine: Engine) -> Option<&'static str> {
    (engine == Engine::Interpreter).then_some(INTERPRETER)
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

async fn load(name: &str, lane: Option<&mut Lane>, settings: &str) -> Result<Vec<Export>, Unloadable> {
    let lane = lane.ok_or_else(|| Unloadable::Failed("no lane".into()))?;
    let deadline = Instant::now() + LOAD_WITHIN;
    let failed = |why: super::lane::LaneError| Unloadable::Failed(format!("its sandbox, while it loaded: {why}"));
    let word = Ask::Load(Settings { settings: settings.to_owned() });
    lane.ask(&word, deadline).await.map_err(failed)?;
    let mut logged = 0;
    loop {
        return match lane.say(deadline).await.map_err(failed)? {
            // By its own start-up.
            Say::Log(level, text) => {
                log(name, level, &text, &mut logged);
                continue;
            }
            Say::Loaded { exports } => Ok(exports),
            Say::Unloadable { incompatible: true, reasons } => Err(Unloadable::Incompatible(reasons)),
            Say::Unloadable { reasons, .. } => Err(Unloadable::Refused(reasons)),
            _ => Err(Unloadable::Failed("its sandbox said what was not asked".into())),
        };
    }
}

/// Why it did not come to its exec, which its silence does not tell, and which is no fault of the plugin's.
async fn never_born(running: &Running) -> Option<Unloadable> {
    let ended = tokio::time::timeout(END_SAID_WITHIN, running.ended()).await;
    ended.ok()?.err().map(Unloadable::from)
}

/// What a sandbox itself has to say comes by a pipe that is always read, and that can fill no log.
fn keep_log(name: String, log: OwnedFd) -> io::Result<()> {
    let mut lines = BufReader::new(Receiver::from_owned_fd(log)?);
    tokio::task::spawn_local(async move {
        let (mut second, mut left) = (Instant::now(), LINES_A_SECOND);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut lines).take(SAID_MAX).read_until(b'\n', &mut line).await;
            if !matches!(read, Ok(1..)) {
                return;
            }
            if second.elapsed() > Duration::from_secs(1) {
                (second, left) = (Instant::now(), LINES_A_SECOND);
            }
            if left > 0 {
                left -= 1;
                crate::warning!("plugin {name}: its sandbox says: {}", String::from_utf8_lossy(&line).trim_end());
            }
        }
    });
    Ok(())
}
