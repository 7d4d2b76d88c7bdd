//! The daemon's part towards the spawner and a sandbox, as far as a no-op needs it.

use std::fs::File;
use std::io::{IoSlice, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use regent_build::{At as _, Error, Result};
use regent_lane::{Ask, Demands, Export, HEADER, LANES, Layer, Say, Settings, Side, decode, encode, frame_length};
use regent_spawner::{Confinement, Descent, Identity, Start};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags};
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recv,
    sendmsg, socketpair,
};

use crate::bench::ground::Ground;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// A uid of a sandbox, which no user has.
const UID: u32 = 1_900_000_001;

/// A spawner that does what it is told here.
pub(super) struct Spawner {
    socket: OwnedFd,
    sandbox: PathBuf,
}

/// A sandbox that has loaded.
pub(super) struct Sandbox {
    lanes: Vec<UnixStream>,
    no_op: Vec<u8>,
}

/// Compiled by the shipped compiler.
pub(super) fn code(dist: &Path, module: &Path) -> Result<Vec<u8>> {
    let program = dist.join("bin/regent-compiler");
    let module = File::open(module).at(module)?;
    let mut command = Command::new(&program);
    let out = command.arg("--unconfined").stdin(module).stderr(Stdio::inherit()).output().at(&program)?;
    if out.status.success() { Ok(out.stdout) } else { Err(Error::new("the no-op's module does not compile")) }
}

impl Spawner {
    pub(super) fn start(ground: &Ground, dist: &Path) -> Result<Self> {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .map_err(|why| system(&why))?;
        let mut command = Command::new(dist.join("bin/regent-spawner"));
        ground.start_with(command.env_clear(), Stdio::from(theirs))?;
        Ok(Self { socket: ours, sandbox: dist.join("bin/regent-sandbox") })
    }

    /// A sandbox over this code, born without these layers; and how long that took, until it has loaded.
    pub(super) fn sandbox(&self, code: &[u8], without: &[Layer]) -> Result<(Sandbox, Duration)> {
        let image = image(code)?;
        let mut pairs = Vec::new();
        for _ in 0..LANES {
            pairs.push(UnixStream::pair().at(&self.sandbox)?);
        }
        let (ours, theirs): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let program = rustix::fs::open(&self.sandbox, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        let program = program.map_err(|why| system(&why))?;
        let null = File::options().read(true).write(true).open("/dev/null").at(Path::new("/dev/null"))?;
        let (_log, log_end) = rustix::pipe::pipe().map_err(|why| system(&why))?;
        let mut fds = vec![program.as_fd(), null.as_fd(), null.as_fd(), log_end.as_fd()];
        fds.extend(theirs.iter().map(|lane| lane.as_fd()));
        fds.push(image.as_fd());
        let begin = Instant::now();
        self.ask(&regent_spawner::Ask::Start(Box::new(start(without))), &fds)?;
        self.hears(|said| matches!(said, regent_spawner::Say::Started { .. }))?;
        drop(theirs);
        let mut sandbox = Sandbox { lanes: ours, no_op: Vec::new() };
        let load = Ask::Load(Settings { settings: "{}".into() });
        let Say::Loaded { exports } = sandbox.exchange(&word(&load)?)? else {
            return Err(Error::new(format!("a sandbox without {without:?} does not load")));
        };
        let took = begin.elapsed();
        sandbox.no_op = word(&Ask::Prepare {
            operation: "echo".into(),
            data: "null".into(),
            authorising: false,
            complete: true,
            finishing: exports.contains(&Export::Finishing),
        })?;
        Ok((sandbox, took))
    }

    fn ask(&self, ask: &regent_spawner::Ask, fds: &[BorrowedFd<'_>]) -> Result<()> {
        let bytes = regent_spawner::encode(ask).ok_or_else(|| Error::new("a word too long for the spawner"))?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(16))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
            return Err(Error::new("too many descriptors for the spawner"));
        }
        let sent = sendmsg(&self.socket, &[IoSlice::new(&bytes)], &mut ancillary, SendFlags::NOSIGNAL);
        sent.map(drop).map_err(|why| system(&why))
    }

    /// Its next word is such a one.
    fn hears(&self, wanted: impl Fn(&regent_spawner::Say) -> bool) -> Result<()> {
        let patience = Timespec { tv_sec: 20, tv_nsec: 0 };
        let _or_never = poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], Some(&patience));
        let mut bytes = [0; 1024];
        let (length, _) = recv(&self.socket, &mut bytes, RecvFlags::DONTWAIT).map_err(|why| system(&why))?;
        let said = bytes.get(..length).and_then(regent_spawner::decode::<regent_spawner::Say>);
        match said {
            Some(said) if wanted(&said) => Ok(()),
            said => Err(Error::new(format!("the spawner says {said:?}"))),
        }
    }
}

impl Sandbox {
    /// There and back.
    pub(super) fn no_op(&mut self) -> Result<Duration> {
        let (begin, no_op) = (Instant::now(), std::mem::take(&mut self.no_op));
        let said = self.exchange(&no_op)?;
        let took = begin.elapsed();
        self.no_op = no_op;
        match said {
            Say::Prepared { reply: Some(Ok(_)), .. } => Ok(took),
            said => Err(Error::new(format!("a no-op came to {said:?}"))),
        }
    }

    /// Its lanes are closed, and it ends by that.
    pub(super) fn end(self, spawner: &Spawner) -> Result<()> {
        drop(self);
        spawner.hears(|said| matches!(said, regent_spawner::Say::Exited { .. }))
    }

    fn exchange(&mut self, frame: &[u8]) -> Result<Say> {
        let lane = self.lanes.first_mut().ok_or_else(|| Error::new("no lane"))?;
        let broken = |why: std::io::Error| Error::new(format!("a sandbox's lane: {why}"));
        lane.set_read_timeout(Some(PATIENCE)).map_err(broken)?;
        lane.write_all(frame).map_err(broken)?;
        loop {
            let mut header = [0; HEADER];
            lane.read_exact(&mut header).map_err(broken)?;
            let length = frame_length(Side::Sandbox, header).map_err(|why| Error::new(why.to_string()))?;
            let mut body = vec![0; length];
            lane.read_exact(&mut body).map_err(broken)?;
            match decode(&body).map_err(|why| Error::new(why.to_string()))? {
                Say::Log(..) => {}
                said => return Ok(said),
            }
        }
    }
}

/// As the daemon has it started, less these layers.
fn start(without: &[Layer]) -> Start {
    let demands = Demands { without: without.to_vec(), ..Demands::default() };
    let name = "regent-sandbox".to_owned();
    let layers = Layer::ALL.into_iter().filter(|layer| layer.is_namespace() && !without.contains(layer));
    Start {
        token: 1,
        path: name.clone(),
        argv: std::iter::once(name).chain(demands.arguments()).collect(),
        env: Vec::new(),
        cwd: "/".into(),
        umask: 0o077,
        identity: Some(Identity { uid: UID, gid: UID, groups: Vec::new() }),
        capabilities: None,
        may_gain: false,
        confinement: Confinement::Sandbox(layers.collect()),
        limits: Vec::new(),
        extra: u8::try_from(LANES + 1).unwrap_or(u8::MAX),
        descent: Descent::Alone { grouped: false },
    }
}

/// Sealed, as the daemon hands code on.
fn image(code: &[u8]) -> Result<OwnedFd> {
    let image = rustix::fs::memfd_create("code", MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC);
    let image = File::from(image.map_err(|why| system(&why))?);
    (&image).write_all(code).at(Path::new("memfd"))?;
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&image, seals).map_err(|why| system(&why))?;
    Ok(image.into())
}

fn word(ask: &Ask) -> Result<Vec<u8>> {
    encode(Side::Daemon, ask).map_err(|why| Error::new(why.to_string()))
}

fn system(why: &rustix::io::Errno) -> Error {
    Error::new(why.to_string())
}
