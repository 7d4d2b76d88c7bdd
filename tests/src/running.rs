//! The daemon that runs over a world, and the command line beside it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use crate::eventually::eventually;
use crate::wire::Wire;
use crate::world::{SECRET, World, user};

pub struct Running<'w> {
    pub world: &'w World,
    child: Child,
    pid: u32,
    log: Arc<Mutex<String>>,
}

/// What a command of `regent` came to.
#[derive(Debug)]
pub struct Cli {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl<'w> Running<'w> {
    pub(crate) fn start(world: &'w World, wrapper: &[&str]) -> Self {
        Self::start_over(world, world.write_config(), wrapper)
    }

    pub(crate) fn start_over(world: &'w World, config: PathBuf, wrapper: &[&str]) -> Self {
        Self::start_given(world, config, wrapper, Stdio::null())
    }

    pub(crate) fn start_given(world: &'w World, config: PathBuf, wrapper: &[&str], stdin: Stdio) -> Self {
        let regentd = world.program("regentd");
        let mut command = match wrapper {
            [] => Command::new(&regentd),
            [program, arguments @ ..] => {
                let mut command = Command::new(program);
                command.args(arguments).arg(&regentd);
                command
            }
        };
        let mut child = command
            .arg("--config")
            .arg(config)
            .stdin(stdin)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|why| panic!("{wrapper:?}: {why}"));
        let log = follow(&mut child);
        let mut running = Self { world, pid: child.id(), child, log };
        running.wait_ready();
        // A wrapper either has the daemon as its child, or has become it.
        let children = crate::proc::children(running.child.id());
        if let Some(daemon) =
            children.iter().find(|pid| crate::proc::status(**pid, "Name").as_deref() == Some("regentd"))
        {
            running.pid = *daemon;
        }
        running
    }

    fn wait_ready(&mut self) {
        eventually("READY", || {
            if let Some(status) = self.child.try_wait().unwrap() {
                thread::sleep(std::time::Duration::from_millis(100));
                panic!("regentd ended with {status}:\n{}", self.log());
            }
            self.log().contains("READY").then_some(())
        });
    }

    /// Waits until this plugin serves; at once without hope where its grants file has a mistake.
    #[track_caller]
    pub fn serving(self, plugin: &str) -> Self {
        let (serves, file) = (format!("plugin {plugin} serves"), format!("/{plugin}.toml:"));
        eventually(&serves, || {
            let log = self.log();
            let mistake = log.lines().find(|line| line.starts_with("regentd: error:") && line.contains(&file));
            assert_eq!(mistake, None);
            log.contains(&serves).then_some(())
        });
        self
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    #[track_caller]
    pub fn wait_log(&self, text: &str) {
        eventually(&format!("the log says {text:?}"), || self.log().contains(text).then_some(()));
    }

    pub fn connect(&self) -> Wire {
        Wire::connect(&self.world.socket_path(self.world.first_socket()))
    }

    pub fn connect_to(&self, socket: &str) -> Wire {
        Wire::connect(&self.world.socket_path(socket))
    }

    /// One request with the right secret on a connection of its own.
    pub fn ask(&self, mut request: Value) -> Value {
        request["secret"] = SECRET.into();
        self.connect().ask(&request)
    }

    pub fn op(&self, op: &str, data: Value) -> Value {
        self.ask(serde_json::json!({"op": op, "data": data}))
    }

    /// `regent` as this user of the system.
    pub fn regent_as(&self, name: &str, arguments: &[&str]) -> Cli {
        let mut command = Command::new(self.world.program("regent"));
        command.uid(user(name)).gid(user(name));
        self.run(command, arguments)
    }

    pub fn regent(&self, arguments: &[&str]) -> Cli {
        self.run(Command::new(self.world.program("regent")), arguments)
    }

    /// `regent` over this world's configuration.
    pub fn regent_over_config(&self, arguments: &[&str]) -> Cli {
        let config = self.world.config_path();
        self.regent(&[arguments, &["--config", config.to_str().unwrap()]].concat())
    }

    fn run(&self, mut command: Command, arguments: &[&str]) -> Cli {
        let out = command
            .args(arguments)
            .env("REGENT_SOCKET", self.world.socket_path(self.world.first_socket()))
            .env("REGENT_ADMIN", self.world.admin_path())
            .env("REGENT_SECRET", SECRET)
            .current_dir("/")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Cli {
            status: out.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&out.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
        }
    }

    /// The ID of the only hold that waits.
    pub fn only_pending(&self) -> String {
        let pending: Value = serde_json::from_str(&self.regent(&["pending", "--json"]).stdout).unwrap();
        let list = pending.as_array().unwrap();
        assert_eq!(list.len(), 1, "{pending}");
        list[0]["id"].as_str().unwrap().to_owned()
    }

    /// kill -9 of the daemon, and whatever else this plugin's sandboxes were.
    pub fn kill(mut self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.pid).unwrap()).unwrap();
        let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        self.child.wait().unwrap();
    }

    /// A signal to the daemon.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// SIGTERM, and how it ended.
    pub fn end(mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.child.wait().unwrap()
    }

    /// Waits for an end that something else brings about.
    pub fn ended(mut self) -> ExitStatus {
        eventually("the daemon ends", || self.child.try_wait().unwrap())
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let pid = rustix::process::Pid::from_raw(i32::try_from(self.pid).unwrap()).unwrap();
            let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            let _gone = self.child.kill();
            let _gone = self.child.wait();
        }
        if thread::panicking() {
            eprintln!("--- the daemon's log\n{}---", self.log());
        }
    }
}

fn follow(child: &mut Child) -> Arc<Mutex<String>> {
    let log = Arc::new(Mutex::new(String::new()));
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let kept = Arc::clone(&log);
    thread::spawn(move || {
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            kept.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
        let _rest = lines.read_to_end(&mut line);
    });
    log
}
