//! The spawner: started once, asked ever after. Its socket's end ends it, and everything that it started.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::process::{Command, Stdio};
use std::rc::Rc;

use regent_spawner::{Ask, Exit, Say, Start, decode, encode};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, sendmsg,
};
use tokio::io::Interest;
use tokio::net::UnixDatagram;
use tokio::sync::oneshot;

use super::cgroup::Cgroups;

/// What the spawner says is short: a token, a number, the name of a stage.
const SAY_MAX: usize = 1 << 10;

/// The daemon's end of a launched spawner's socket.
#[derive(Debug)]
pub struct SpawnerSocket(OwnedFd);

/// Starts the spawner, by the handle that was judged.
///
/// # Errors
/// What the kernel says.
pub fn launch(program: &OwnedFd) -> io::Result<SpawnerSocket> {
    let (ours, theirs) =
        rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    rustix::io::ioctl_fionbio(&ours, true)?;
    #[allow(clippy::disallowed_methods, reason = "this is the door: the one program that the daemon starts itself")]
    let mut command = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()));
    // Nothing but posix_spawn is asked for, which needs no copy of this process.
    let child = command.env_clear().stdin(Stdio::from(theirs)).stdout(Stdio::null()).spawn()?;
    // It ends with its socket; nobody waits for it.
    drop(child);
    Ok(SpawnerSocket(ours))
}

/// Why a program was not started.
#[derive(Debug, Clone)]
pub struct StartError {
    /// At which step.
    pub stage: String,
    /// The kernel's reason.
    pub why: String,
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.stage, self.why)
    }
}

/// The way to the spawner.
#[derive(Debug)]
pub struct Spawner {
    socket: UnixDatagram,
    cgroups: Option<Cgroups>,
    next: Cell<u64>,
    waiting: RefCell<HashMap<u64, Waiting>>,
    kills: RefCell<Vec<u64>>,
}

#[derive(Debug)]
struct Waiting {
    started: Option<oneshot::Sender<i32>>,
    ended: oneshot::Sender<Result<Exit, StartError>>,
    /// Whose end by a signal is worth a line.
    told: Option<String>,
}

/// Kills are what the daemon does itself, and says itself.
const SIGKILL: i32 = 9;

/// A program that runs, or is on its way to. Dropped, it is killed.
#[derive(Debug)]
pub struct Running {
    spawner: Rc<Spawner>,
    token: u64,
    pid: Cell<i32>,
    ended: RefCell<oneshot::Receiver<Result<Exit, StartError>>>,
    /// The spawner knows of it, so it will say how it ended.
    asked: Cell<bool>,
    over: Cell<bool>,
}

impl Spawner {
    /// Listens to the spawner. Inside a local task set.
    ///
    /// # Errors
    /// When the reactor does not take the socket.
    pub fn attach(socket: SpawnerSocket, cgroups: Option<Cgroups>) -> io::Result<Rc<Self>> {
        // A sequenced-packet socket is read and written like a datagram one, which tokio knows.
        let socket = UnixDatagram::from_std(std::os::unix::net::UnixDatagram::from(socket.0))?;
        let spawner = Rc::new(Self {
            socket,
            cgroups,
            next: Cell::new(1),
            waiting: RefCell::default(),
            kills: RefCell::default(),
        });
        let listener = Rc::clone(&spawner);
        tokio::task::spawn_local(async move {
            while listener.hear().await {}
            crate::error!("the spawner has ended: nothing can be started any more; ending");
            // What runs in a group has nobody left who would end it.
            let _said_already = listener.cgroups.as_ref().map(Cgroups::clear);
            std::process::exit(71)
        });
        Ok(spawner)
    }

    /// Where runs are born, if this machine has cgroup v2.
    #[must_use]
    pub fn cgroups(&self) -> Option<&Cgroups> {
        self.cgroups.as_ref()
    }

    /// Starts a program, and returns when it is on its way. Its token is given here.
    ///
    /// # Errors
    /// [`StartError`] of what failed before; what fails later is its end.
    pub async fn start(self: &Rc<Self>, start: Start, fds: &[BorrowedFd<'_>]) -> Result<Running, StartError> {
        let (say_started, started) = oneshot::channel();
        let running = self.ask(start, fds, Some(say_started)).await?;
        match started.await {
            Ok(pid) => {
                running.pid.set(pid);
                Ok(running)
            }
            // Not started: that was its end.
            Err(_) => match running.ended().await {
                Err(why) => Err(why),
                Ok(_) => Err(StartError { stage: "spawner".into(), why: "it ended at once".into() }),
            },
        }
    }

    /// Asks for a start and waits for nothing: whatever comes of it is the program's end.
    ///
    /// # Errors
    /// [`StartError`] if it is too long to be said.
    pub async fn begin(self: &Rc<Self>, start: Start, fds: &[BorrowedFd<'_>]) -> Result<Running, StartError> {
        self.ask(start, fds, None).await
    }

    async fn ask(
        self: &Rc<Self>,
        mut start: Start,
        fds: &[BorrowedFd<'_>],
        started: Option<oneshot::Sender<i32>>,
    ) -> Result<Running, StartError> {
        let token = self.next.replace(self.next.get() + 1);
        start.token = token;
        let (say_ended, ended) = oneshot::channel();
        self.waiting.borrow_mut().insert(token, Waiting { started, ended: say_ended, told: None });
        let running = Running {
            spawner: Rc::clone(self),
            token,
            pid: Cell::new(0),
            ended: RefCell::new(ended),
            asked: Cell::new(false),
            over: Cell::new(false),
        };
        self.say(&Ask::Start(Box::new(start)), fds).await?;
        running.asked.set(true);
        Ok(running)
    }

    /// Says which programs are to be killed; what the socket does not take now is said after the next word.
    fn say_kills(&self) {
        self.kills.borrow_mut().retain(|token| {
            let word = encode(&Ask::Kill(*token)).unwrap_or_default();
            rustix::net::send(self.socket.as_fd(), &word, SendFlags::NOSIGNAL | SendFlags::DONTWAIT).is_err()
        });
    }

    async fn say(&self, ask: &Ask, fds: &[BorrowedFd<'_>]) -> Result<(), StartError> {
        let failed = |why: String| StartError { stage: "spawner".into(), why };
        let bytes = encode(ask).ok_or_else(|| failed("the command is too long".into()))?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(regent_spawner::DESCRIPTORS_MAX))];
        let mut send = || {
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            if !fds.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
                return Err(io::Error::other("too many descriptors"));
            }
            Ok(sendmsg(&self.socket, &[IoSlice::new(&bytes)], &mut ancillary, SendFlags::NOSIGNAL)?)
        };
        loop {
            match self.socket.try_io(Interest::WRITABLE, &mut send) {
                Ok(_) => return Ok(()),
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => {
                    self.socket.writable().await.map_err(|why| failed(why.to_string()))?;
                }
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => return Err(failed(why.to_string())),
            }
        }
    }

    /// Words until there is none for now; false at the end of the socket.
    async fn hear(&self) -> bool {
        if self.socket.readable().await.is_err() {
            return false;
        }
        let mut bytes = [0; SAY_MAX];
        loop {
            match self.socket.try_recv(&mut bytes) {
                Ok(0) => return false,
                Ok(length) => {
                    let say = decode(bytes.get(..length).unwrap_or_default());
                    say.into_iter().for_each(|say| self.heard(say));
                    self.say_kills();
                }
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => return true,
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    fn heard(&self, say: Say) {
        let mut all = self.waiting.borrow_mut();
        let (token, end) = match say {
            Say::Started { token, pid } => {
                let started = all.get_mut(&token).and_then(|waiting| waiting.started.take());
                let _gone = started.map(|started| started.send(pid));
                return;
            }
            Say::NotStarted { token, stage, errno } => {
                (token, Err(StartError { stage, why: io::Error::from_raw_os_error(errno).to_string() }))
            }
            Say::Exited { token, status } => (token, Ok(status)),
        };
        if let Some(waiting) = all.remove(&token) {
            waiting.tell(&end);
            let _gone = waiting.ended.send(end);
        }
    }
}

impl Waiting {
    fn tell(&self, end: &Result<Exit, StartError>) {
        if let (Some(who), Ok(Exit::Signal(signal))) = (&self.told, end)
            && *signal != SIGKILL
        {
            crate::warning!("{who} was ended by signal {signal}{}", meant(*signal));
        }
    }
}

/// What a signal of the kernel's own tells of what a process did.
fn meant(signal: i32) -> &'static str {
    match signal {
        4 => " (SIGILL: no instruction of this machine)",
        6 => " (SIGABRT: it gave up by itself)",
        7 | 11 => " (SIGBUS or SIGSEGV: memory that is not its own)",
        25 => " (SIGXFSZ: more in a file of memory than it may have)",
        31 => " (SIGSYS: a system call that it may not make; the kernel's log has its number)",
        _ => "",
    }
}

impl Running {
    /// Its pid, for people; it may have ended.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.get()
    }

    /// From now on its end by a signal is a line of the log that begins so.
    pub fn tell_end(&self, who: String) {
        if let Some(waiting) = self.spawner.waiting.borrow_mut().get_mut(&self.token) {
            waiting.told = Some(who);
        }
    }

    /// Waits for its end, and with a sweep for that of all that it started.
    ///
    /// # Errors
    /// [`StartError`]: it never came to its exec.
    pub async fn ended(&self) -> Result<Exit, StartError> {
        let end = std::future::poll_fn(|context| {
            let mut ended = self.ended.borrow_mut();
            std::pin::Pin::new(&mut *ended).poll(context)
        });
        let end = end.await;
        self.over.set(true);
        end.unwrap_or(Ok(Exit::Signal(9)))
    }

    /// Kills it, and with a sweep all that it started.
    pub fn kill(&self) {
        if self.over.get() || !self.asked.get() {
            return;
        }
        self.spawner.kills.borrow_mut().push(self.token);
        self.spawner.say_kills();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        if self.over.get() || !self.asked.get() {
            self.spawner.waiting.borrow_mut().remove(&self.token);
        }
    }
}
