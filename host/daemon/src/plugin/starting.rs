//! A sandbox started: what it is given, and the first exchange, in which it loads the code.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use regent_lane::{Ask, Export, LANES, Say, Settings};
use regent_spawner::Limit;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::unix::pipe::Receiver;
use tokio::time::Instant;

use super::lane::{Lane, log};
use super::module::Sealed;
use super::programs::{DESCRIPTORS, Launch, Programs, Unloadable, told};
use super::sandbox::Sandbox;
use crate::process::{Running, SAID_MAX, Share};

/// A sandbox's address space: four instances of 64 MiB with their guards, the code twice, stacks.
const SANDBOX_MEMORY: u64 = 2 << 30;
/// Where controllers are free: four instances with their tables and the code, and nothing like the whole machine; the
/// threads that it has, and as many again; and half of what others get of a busy processor.
const SANDBOX_SHARE: Share = Share { memory: 512 << 20, tasks: 16, weight: 50 };
/// What a sandbox can write to is memory: the engine keeps a module's initial data in files of that kind.
const SANDBOX_FILE: u64 = 64 << 20;
/// From a sandbox's start until it has loaded its code.
const LOAD_WITHIN: Duration = Duration::from_secs(10);
/// From the end of its lanes to the spawner's word of its end.
const END_SAID_WITHIN: Duration = Duration::from_secs(1);
/// Lines of a sandbox's own log a second; a plugin's words come over its lane.
const LINES_A_SECOND: u32 = 20;

impl Programs {
    pub async fn sandbox(&self, launch: Launch<'_>, code: &Sealed) -> Result<(Rc<Sandbox>, Vec<Export>), Unloadable> {
        let Launch { name, uid, engine, settings } = launch;
        let null = File::options().read(true).write(true).open("/dev/null")?;
        let (log, log_end) = io::pipe()?;
        let lanes = (0..LANES).map(|_| Lane::pair());
        let (mut lanes, ends): (Vec<_>, Vec<_>) = lanes.collect::<io::Result<_>>()?;
        let image = code.reader()?;
        let mut fds: Vec<BorrowedFd<'_>> = vec![self.sandbox.as_fd(), null.as_fd(), null.as_fd(), log_end.as_fd()];
        fds.extend(ends.iter().map(OwnedFd::as_fd));
        fds.push(image.as_fd());
        let limits =
            vec![(Limit::Memory, SANDBOX_MEMORY), (Limit::File, SANDBOX_FILE), (Limit::Descriptors, DESCRIPTORS)];
        let mut start = self.confined("regent-sandbox", uid, limits);
        start.extra = u8::try_from(LANES + 1).unwrap_or(u8::MAX);
        start.argv.extend(told(engine).map(str::to_owned));
        let (running, group) = self.start(start, &fds, SANDBOX_SHARE).await?;
        running.tell_end(format!("plugin {name}: its sandbox"));
        drop((log_end, ends));
        keep_log(name.to_owned(), Receiver::from_owned_fd(log.into())?);
        match load(name, lanes.first_mut(), settings).await {
            Ok(exports) => Ok((Sandbox::new(name.to_owned(), running, group, lanes), exports)),
            Err(Unloadable::Failed(why)) => Err(never_born(&running).await.unwrap_or(Unloadable::Failed(why))),
            Err(why) => Err(why),
        }
    }
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
fn keep_log(name: String, log: Receiver) {
    let mut lines = BufReader::new(log);
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
}
