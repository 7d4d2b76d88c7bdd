//! The spawner: started once, asked ever after. Its socket's end ends it, and everything that it started.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use regent_spawner::{Answer, Ask, Exit, Refused, Say};
use tokio::sync::{Notify, oneshot};

use super::cgroup::Cgroups;
use super::error::{SpawnerError, StartError};
use super::launched::Launched;
use super::words::Words;

#[derive(Debug)]
pub struct Spawner {
    pub(super) words: Words,
    cgroups: Option<Cgroups>,
    root: bool,
    /// Whether it has read the grants itself, and starts by name what they grant and nothing else.
    pub(super) has_grants: bool,
    next: Cell<u64>,
    pub(super) waiting: RefCell<HashMap<u64, Waiting>>,
    questions: RefCell<HashMap<u64, oneshot::Sender<SpawnerReply>>>,
    unsaid: RefCell<Vec<Ask>>,
    /// Told to end, and by then that it has.
    ending: Cell<bool>,
    gone: Notify,
}

type SpawnerReply = (Result<Answer, Refused>, Option<OwnedFd>);

/// A question, as long as somebody waits for its answer.
struct PendingQuestion<'s> {
    of: &'s Spawner,
    token: u64,
}

impl Drop for PendingQuestion<'_> {
    fn drop(&mut self) {
        self.of.questions.borrow_mut().remove(&self.token);
    }
}

/// Who waits for a program's start and its end.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) started: Option<oneshot::Sender<i32>>,
    pub(super) ended: oneshot::Sender<Result<Exit, StartError>>,
    /// Whose end by a signal is worth a line.
    pub(super) told: Option<String>,
}

impl Spawner {
    /// Listens to the spawner; runs are born in these groups, where there are such. Inside a local task set.
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
    pub fn is_root(&self) -> bool {
        self.root
    }

    /// Where runs are born, if this machine has cgroup v2.
    pub fn cgroups(&self) -> Option<&Cgroups> {
        self.cgroups.as_ref()
    }

    pub(super) async fn question(
        &self,
        ask: impl FnOnce(u64) -> Ask,
    ) -> Result<(Answer, Option<OwnedFd>), SpawnerError> {
        let token = self.token();
        let (say, answered) = oneshot::channel();
        self.questions.borrow_mut().insert(token, say);
        let _until_then = PendingQuestion { of: self, token };
        self.words.say(&ask(token), &[]).await.map_err(|why| match why.kind() {
            io::ErrorKind::InvalidInput => SpawnerError::Refused(Refused::Because(why.to_string())),
            _ => SpawnerError::Gone,
        })?;
        let (answer, fd) = answered.await.map_err(|_| SpawnerError::Gone)?;
        answer.map(|answer| (answer, fd)).map_err(SpawnerError::Refused)
    }

    /// Has it end what still runs and take away the names of the sockets, and waits until it has: who saw the daemon
    /// end finds nothing left of it. False if it had not within this time, which it will all the same.
    pub async fn end(&self, within: Duration) -> bool {
        self.ending.set(true);
        self.words.end();
        tokio::time::timeout(within, self.gone.notified()).await.is_ok()
    }

    pub(super) fn token(&self) -> u64 {
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
        match say {
            Say::Answer(token, answer) => {
                let asked = self.questions.borrow_mut().remove(&token);
                let _gone = asked.map(|asked| asked.send((answer, fd)));
            }
            // Said once, at the start.
            Say::Ready(_) | Say::Unready(_) => {}
            Say::NotRun(token, why) => self.ended(token, Err(StartError::Spawner(why))),
            Say::Started { token, pid } => {
                let mut all = self.waiting.borrow_mut();
                let started = all.get_mut(&token).and_then(|waiting| waiting.started.take());
                let _gone = started.map(|started| started.send(pid));
            }
            Say::NotStarted { token, stage, errno } => {
                let why = io::Error::from_raw_os_error(errno).to_string();
                self.ended(token, Err(StartError::Stage { stage, why }));
            }
            Say::Exited { token, status } => self.ended(token, Ok(status)),
        }
    }

    fn ended(&self, token: u64, end: Result<Exit, StartError>) {
        let Some(waiting) = self.waiting.borrow_mut().remove(&token) else { return };
        if let (Some(who), Ok(Exit::Signal(signal))) = (&waiting.told, &end)
            // Kills are what the daemon does itself, and says itself.
            && *signal != libc::SIGKILL
        {
            crate::warning!("{who} was ended by signal {signal}{}", meant(*signal));
        }
        let _gone = waiting.ended.send(end);
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
            // PendingQuestion before anybody has heard that it is gone; who has, ends.
            spawner.ending.set(true);
            spawner.question(Ask::Adopt).await.unwrap_err()
        });
        let no = asked.await;
        assert!(matches!(no, SpawnerError::Gone), "{no:?}");
        assert!(matches!(Unplanned::from(no), Unplanned::Unanswered(_)));
    }
}
