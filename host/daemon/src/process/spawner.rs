//! The spawner: started once, asked ever after. Its socket's end ends it, and everything that it started.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use regent_spawner::{Answer, Ask, Exit, Refused, Run, Say, Start};
use tokio::sync::{Notify, oneshot};

use super::cgroup::Cgroups;
use super::granted::NoAnswer;
use super::launched::Launched;
use super::words::Words;

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
    words: Words,
    cgroups: Option<Cgroups>,
    root: bool,
    has_grants: bool,
    next: Cell<u64>,
    waiting: RefCell<HashMap<u64, Waiting>>,
    questions: RefCell<HashMap<u64, oneshot::Sender<Answered>>>,
    unsaid: RefCell<Vec<Ask>>,
    /// Told to end, and by then that it has.
    ending: Cell<bool>,
    gone: Notify,
}

/// What came of a question, with the descriptor that was asked for.
type Answered = (Result<Answer, Refused>, Option<OwnedFd>);

/// A question, as long as somebody waits for its answer.
struct Asked<'s> {
    of: &'s Spawner,
    token: u64,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.of.questions.borrow_mut().remove(&self.token);
    }
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
    /// Listens to the spawner; runs are born in these groups, where there are such. Inside a local task set.
    ///
    /// # Errors
    /// When the reactor does not take the socket.
    pub fn attach(launched: Launched, cgroups: Option<Cgroups>) -> io::Result<Rc<Self>> {
        let Launched { socket, ready, grants } = launched;
        let spawner = Rc::new(Self {
            words: Words::over(socket)?,
            root: ready.as_ref().map_or_else(|| rustix::process::geteuid().is_root(), |ready| ready.root),
            has_grants: grants,
            cgroups,
            next: Cell::new(1),
            waiting: RefCell::default(),
            questions: RefCell::default(),
            unsaid: RefCell::default(),
            ending: Cell::new(false),
            gone: Notify::new(),
        });
        let listener = Rc::clone(&spawner);
        tokio::task::spawn_local(async move {
            while listener.hear().await {}
            // What still runs in a group has nobody left who would end it.
            listener.cgroups.iter().for_each(Cgroups::end_all);
            if listener.ending.get() {
                return listener.gone.notify_one();
            }
            crate::error!("the spawner has ended: nothing can be started any more; ending");
            std::process::exit(71)
        });
        Ok(spawner)
    }

    /// Whether it is root, so that each plugin and each command has its own user.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.root
    }

    /// Whether it has read the grants itself, and starts by name what they grant and nothing else.
    #[must_use]
    pub fn has_grants(&self) -> bool {
        self.has_grants
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

    /// Has a granted command started, and waits for nothing either.
    ///
    /// # Errors
    /// [`StartError`] if it is too long to be said.
    pub async fn run(self: &Rc<Self>, mut run: Run, fds: &[BorrowedFd<'_>]) -> Result<Running, StartError> {
        self.expect(fds, None, |token| {
            run.granted.token = token;
            Ask::Run(Box::new(run))
        })
        .await
    }

    async fn ask(
        self: &Rc<Self>,
        mut start: Start,
        fds: &[BorrowedFd<'_>],
        started: Option<oneshot::Sender<i32>>,
    ) -> Result<Running, StartError> {
        self.expect(fds, started, |token| {
            start.token = token;
            Ask::Start(Box::new(start))
        })
        .await
    }

    async fn expect(
        self: &Rc<Self>,
        fds: &[BorrowedFd<'_>],
        started: Option<oneshot::Sender<i32>>,
        ask: impl FnOnce(u64) -> Ask,
    ) -> Result<Running, StartError> {
        let token = self.token();
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
        let said = self.words.say(&ask(token), fds).await;
        said.map_err(|why| StartError { stage: "spawner".into(), why: why.to_string() })?;
        running.asked.set(true);
        Ok(running)
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// The spawner's, or that it is no more.
    pub(super) async fn question(&self, ask: impl FnOnce(u64) -> Ask) -> Result<(Answer, Option<OwnedFd>), NoAnswer> {
        let token = self.token();
        let (say, answered) = oneshot::channel();
        self.questions.borrow_mut().insert(token, say);
        let _until_then = Asked { of: self, token };
        self.words.say(&ask(token), &[]).await.map_err(|why| match why.kind() {
            io::ErrorKind::InvalidInput => NoAnswer::Refused(Refused::Because(why.to_string())),
            _ => NoAnswer::Gone,
        })?;
        let (answer, fd) = answered.await.map_err(|_| NoAnswer::Gone)?;
        answer.map(|answer| (answer, fd)).map_err(NoAnswer::Refused)
    }

    /// Has it end what still runs and take away the names of the sockets, and waits until it has: who saw the daemon end finds
    /// nothing left of it. False if it had not within this time, which it will all the same.
    pub async fn end(&self, within: Duration) -> bool {
        self.ending.set(true);
        self.words.end();
        tokio::time::timeout(within, self.gone.notified()).await.is_ok()
    }

    fn token(&self) -> u64 {
        self.next.replace(self.next.get() + 1)
    }

    /// Says what needs no answer; what the socket does not take now is said after the next word that comes.
    pub fn tell(&self, ask: Ask) {
        self.unsaid.borrow_mut().push(ask);
        self.say_unsaid();
    }

    fn say_unsaid(&self) {
        // In their order: what was not taken keeps the rest waiting.
        let mut unsaid = self.unsaid.borrow_mut();
        let said = unsaid.iter().take_while(|ask| self.words.try_say(ask)).count();
        unsaid.drain(..said);
    }

    /// Words until there is none for now; false at the end of the socket.
    async fn hear(&self) -> bool {
        let Some(words) = self.words.hear().await else { return false };
        for (say, fd) in words {
            self.heard(say, fd);
            self.say_unsaid();
        }
        true
    }

    fn heard(&self, say: Say, fd: Option<OwnedFd>) {
        let mut all = self.waiting.borrow_mut();
        let (token, end) = match say {
            Say::Answer(token, answer) => {
                let asked = self.questions.borrow_mut().remove(&token);
                let _gone = asked.map(|asked| asked.send((answer, fd)));
                return;
            }
            // Said once, at the start.
            Say::Ready(_) | Say::Unready(_) => return,
            Say::NotRun(token, why) => (token, Err(StartError { stage: "spawner".into(), why })),
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
        self.spawner.tell(Ask::Kill(self.token));
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

#[cfg(test)]
mod tests {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    use super::super::Unplanned;
    use super::*;

    /// What was approved must not be void for that.
    #[tokio::test(flavor = "current_thread")]
    async fn whoever_asks_a_spawner_that_is_no_more_has_no_answer_which_is_not_a_no() {
        let local = tokio::task::LocalSet::new();
        let asked = local.run_until(async {
            let (socket, theirs) =
                socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
            rustix::io::ioctl_fionbio(&socket, true).unwrap();
            let spawner = Spawner::attach(Launched { socket, ready: None, grants: true }, None).unwrap();
            drop(theirs);
            // Asked before anybody has heard that it is gone; who has, ends.
            spawner.ending.set(true);
            spawner.question(Ask::Adopt).await.unwrap_err()
        });
        let no = asked.await;
        assert!(matches!(no, NoAnswer::Gone), "{no:?}");
        assert!(matches!(Unplanned::from(no), Unplanned::Unanswered(_)));
    }
}
