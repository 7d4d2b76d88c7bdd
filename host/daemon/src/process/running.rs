//! A program that the spawner started, from the request to its end.

use std::cell::{Cell, RefCell};
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::time::Duration;

use regent_spawner::{Ask, Exit, Granted, Run, Start};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::oneshot;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::error::StartError;
use super::spawner::{Spawner, Waiting};

/// What a helper says of a module, or of itself: some lines.
pub const SAID_MAX: u64 = 16 << 10;

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
    /// Starts a program, and returns when it is on its way. Its token is given here.
    ///
    /// # Errors
    /// [`StartError`] of what failed before; what fails later is its end.
    pub async fn start(self: &Rc<Self>, start: Start, fds: &[BorrowedFd<'_>]) -> Result<Running, StartError> {
        let (say_started, started) = oneshot::channel();
        let ask = |token| Ask::Start(Box::new(Start { token, ..start }));
        let running = self.expect(fds, Some(say_started), ask).await?;
        match started.await {
            Ok(pid) => {
                running.pid.set(pid);
                Ok(running)
            }
            // Not started: that was its end.
            Err(_) => match running.ended().await {
                Err(why) => Err(why),
                Ok(_) => Err(StartError::Spawner("it ended at once".into())),
            },
        }
    }

    /// Asks for a start and waits for nothing: whatever comes of it is the program's end.
    pub async fn begin(self: &Rc<Self>, start: Start, fds: &[BorrowedFd<'_>]) -> Result<Running, StartError> {
        self.expect(fds, None, |token| Ask::Start(Box::new(Start { token, ..start }))).await
    }

    /// Has a granted command started, and waits for nothing either.
    pub async fn run(self: &Rc<Self>, run: Run, fds: &[BorrowedFd<'_>]) -> Result<Running, StartError> {
        let granted = |token| Granted { token, ..run.granted };
        self.expect(fds, None, |token| Ask::Run(Box::new(Run { granted: granted(token), ..run }))).await
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
        said.map_err(|why| StartError::Spawner(why.to_string()))?;
        running.asked.set(true);
        Ok(running)
    }
}

impl Running {
    /// Its pid, for people; it may have ended.
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

    /// Waits so long for its end, and hears what it says until then.
    pub async fn heard(
        &self,
        said: Receiver,
        within: Duration,
    ) -> Result<(Result<Exit, StartError>, Vec<u8>), Elapsed> {
        let (mut said, mut bytes) = (said.take(SAID_MAX), Vec::new());
        let both = async { tokio::join!(said.read_to_end(&mut bytes), self.ended()) };
        let (_read, exit) = timeout(within, both).await?;
        Ok((exit, bytes))
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
