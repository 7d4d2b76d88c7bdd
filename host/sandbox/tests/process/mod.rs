//! The real program, started as the spawner starts it for an ordinary user, and the daemon's end of its lanes.
#![allow(dead_code, reason = "each test file uses what it needs")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "this is a test's own process")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use command_fds::{CommandFdExt as _, FdMapping};
use regent_lane::{Ask, HEADER, LANES, Say, Settings, Side, decode, encode, frame_length};
use rustix::fs::{MemfdFlags, SealFlags};

/// Far more than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What compiler and sandbox are told of the engine: `REGENT_ENGINE`, set, makes every test one of that engine.
pub(crate) fn engine() -> &'static [&'static str] {
    match std::env::var("REGENT_ENGINE").as_deref() {
        Err(_) | Ok("native") => &[],
        Ok("interpreter") => &INTERPRETER,
        Ok(other) => panic!("REGENT_ENGINE is {other}"),
    }
}

/// What is told of the interpreter.
pub(crate) const INTERPRETER: [&str; 1] = ["--interpreter"];

/// Compiles a component with the program that `REGENT_COMPILER` names.
pub(crate) fn compile(component: &[u8]) -> Vec<u8> {
    compile_for(engine(), component)
}

/// The same for this engine.
pub(crate) fn compile_for(engine: &[&str], component: &[u8]) -> Vec<u8> {
    let compiler = std::env::var_os("REGENT_COMPILER").expect(
        "REGENT_COMPILER must name a built regent-compiler (`cargo xtask test` does that; by hand: cargo build \
         --release -p regent-compiler)",
    );
    let mut child = command(&compiler)
        .arg("--unconfined")
        .args(engine)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let component = component.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&component));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{}", output.status);
    output.stdout
}

#[expect(clippy::disallowed_methods, reason = "a test starts what it tests")]
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    Command::new(program)
}

/// The shipped program, if `REGENT_SANDBOX` names it: what is built beside the tests differs in features of libraries.
fn program() -> std::ffi::OsString {
    std::env::var_os("REGENT_SANDBOX").unwrap_or_else(|| env!("CARGO_BIN_EXE_regent-sandbox").into())
}

/// The sandbox in which native code stands in for the plugin's, which `cargo xtask test` builds beside the other
/// fixtures.
pub(crate) fn stand_in() -> std::ffi::OsString {
    let fixtures = std::env::var_os("REGENT_FIXTURES").expect("REGENT_FIXTURES is not set: run `cargo xtask test`");
    std::path::Path::new(&fixtures).join("regent-sandbox-stand-in").into()
}

/// A sealed image of these bytes.
pub(crate) fn image(bytes: &[u8]) -> OwnedFd {
    let image = rustix::fs::memfd_create("image", MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC).unwrap();
    File::from(image.try_clone().unwrap()).write_all(bytes).unwrap();
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&image, seals).unwrap();
    image
}

/// A running sandbox; killed when dropped.
pub(crate) struct Sandbox {
    child: Child,
    pub(crate) lanes: Vec<Lane>,
}

/// The daemon's end of a lane.
pub(crate) struct Lane(pub(crate) UnixStream);

impl Sandbox {
    /// Starts it over an image.
    pub(crate) fn start(image: OwnedFd, arguments: &[&str]) -> Self {
        Self::start_on(engine(), image, arguments)
    }

    /// The same on this engine.
    pub(crate) fn start_on(engine: &[&str], image: OwnedFd, arguments: &[&str]) -> Self {
        Self::start_program(&program(), image, &[engine, arguments].concat())
    }

    /// The same of another program.
    pub(crate) fn start_program(program: &std::ffi::OsStr, image: OwnedFd, arguments: &[&str]) -> Self {
        let (ours, theirs): (Vec<_>, Vec<_>) = (0..LANES).map(|_| UnixStream::pair().unwrap()).unzip();
        let mut descriptors: Vec<OwnedFd> = theirs.into_iter().map(OwnedFd::from).collect();
        descriptors.push(image);
        let mappings = descriptors.into_iter().zip(3..).map(|(parent_fd, child_fd)| FdMapping { parent_fd, child_fd });
        let mut command = command(program);
        command.args(arguments).env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.fd_mappings(mappings.collect()).unwrap();
        let child = command.spawn().unwrap();
        for lane in &ours {
            lane.set_read_timeout(Some(PATIENCE)).unwrap();
        }
        Self { child, lanes: ours.into_iter().map(Lane).collect() }
    }

    /// Starts it, and asks it to load the plugin.
    pub(crate) fn load(component: &[u8], settings: &str) -> (Self, Say) {
        let mut sandbox = Self::start(image(&compile(component)), &["--unconfined"]);
        let said = sandbox.lanes[0].exchange(&Ask::Load(Settings { settings: settings.into() }));
        (sandbox, said)
    }

    /// As `load`, of a plugin that must load.
    pub(crate) fn of(component: &[u8]) -> Self {
        let (sandbox, said) = Self::load(component, "{}");
        assert!(matches!(said, Say::Loaded { .. }), "{said:?}");
        sandbox
    }

    /// The first lane.
    pub(crate) fn lane(&mut self) -> &mut Lane {
        &mut self.lanes[0]
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, and what it said on standard error.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < PATIENCE, "the sandbox does not end");
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (status, said)
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Lane {
    pub(crate) fn ask(&mut self, ask: &Ask) {
        self.0.write_all(&encode(Side::Daemon, ask).unwrap()).unwrap();
    }

    pub(crate) fn say(&mut self) -> Say {
        let mut header = [0; HEADER];
        self.0.read_exact(&mut header).unwrap();
        let mut body = vec![0; frame_length(Side::Sandbox, header).unwrap()];
        self.0.read_exact(&mut body).unwrap();
        decode(&body).unwrap()
    }

    /// Asks, and returns the answer, whatever was logged before it.
    pub(crate) fn exchange(&mut self, ask: &Ask) -> Say {
        self.ask(ask);
        loop {
            match self.say() {
                Say::Log(..) => {}
                said => return said,
            }
        }
    }

    /// `prepare` with these data, to the end if the plan is empty.
    pub(crate) fn prepare(&mut self, data: &str) -> Say {
        self.exchange(&prepare(data, true))
    }

    /// The next word, whatever was logged before it; `None` if the lane ends instead.
    pub(crate) fn answer(&mut self) -> Option<Say> {
        loop {
            let mut header = [0; HEADER];
            self.0.read_exact(&mut header).ok()?;
            let mut body = vec![0; frame_length(Side::Sandbox, header).unwrap()];
            self.0.read_exact(&mut body).ok()?;
            match decode(&body).unwrap() {
                Say::Log(..) => {}
                said => return Some(said),
            }
        }
    }

    /// That nothing is left to read.
    pub(crate) fn is_silent(&mut self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let read = rustix::io::read(self.0.as_fd(), &mut [0; 1]);
        self.0.set_nonblocking(false).unwrap();
        read == Err(rustix::io::Errno::AGAIN)
    }
}

/// The word for it.
pub(crate) fn prepare(data: &str, complete: bool) -> Ask {
    Ask::Prepare { operation: "test".into(), data: data.into(), authorising: false, complete, finishing: true }
}
