//! A client in mount, pid and, unless it is told otherwise, user namespaces of its own, where it is root: what Regent
//! sees of a container. Its program is the Python client, unchanged.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::python::python;
use crate::world::{group_of, user};

/// Makes a place for the mount that is seen from inside alone, then becomes the program.
const ENTER: &str = r#"
set -e
mount -t tmpfs none /mnt
if [ -d "$1" ]; then mkdir /mnt/regent; else touch /mnt/regent; fi
mount --bind "$1" /mnt/regent
[ "$2" = rw ] || mount -o remount,bind,ro /mnt/regent
shift 2
exec "$@"
"#;

/// The same for mounts as a container's tool is given them: each to where it says, and of the folder that has them all
/// nothing else is left to be seen.
const ENTER_MOUNTS: &str = r#"
set -e
hidden=$1 secret=$4
mount -t tmpfs none /mnt
mkdir /mnt/folder
touch /mnt/secret
mount --bind "$2" /mnt/folder
mount --bind "$3" /mnt/secret
mount -t tmpfs none "$hidden"
mount -t tmpfs none "${secret%/*/*}"
mkdir -p "$2" "${secret%/*}"
touch "$secret"
mount --bind /mnt/folder "$2"
mount --bind /mnt/secret "$secret"
mount -o remount,bind,ro "$2"
mount -o remount,bind,ro "$secret"
umount /mnt/folder /mnt/secret
shift 4
exec "$@"
"#;

/// A line in, a line out: a raw one, or a request by the client's own `call_service`.
const PROGRAM: &str = r#"
import json, os, socket, sys
from regent.client import Client
print(json.dumps([os.getuid(), os.getpid()]), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    path = asked["path"]
    try:
        if "raw" in asked:
            stream = socket.socket(socket.AF_UNIX)
            stream.connect(path)
            stream.sendall(asked["raw"].encode() + b"\n")
            reply = stream.makefile().readline().rstrip("\n")
        else:
            if "file" in asked:
                with open(asked["file"]) as file:
                    asked["secret"] = file.readline().strip()
            reply = json.dumps(Client(path, asked["secret"]).call_service(asked["request"]))
    except Exception as error:
        reply = json.dumps({"raised": type(error).__name__})
    print(reply, flush=True)
"#;

/// How the socket comes into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mounted {
    /// Its folder.
    Folder,
    /// Its folder, read-only.
    ReadOnly,
    /// The socket alone: what nobody should do.
    File,
}

/// What a container's tool is told: paths and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The folder, which keeps its path.
    pub folder: String,
    /// The secret's file, outside and inside.
    pub secret: (String, String),
    /// The socket inside.
    pub socket: String,
}

pub struct Container {
    child: Child,
    asks: ChildStdin,
    told: BufReader<ChildStdout>,
    /// The socket as it is seen inside.
    path: String,
}

impl Container {
    /// As this user of the machine, who is root inside.
    pub fn of(outer: &str, socket: &Path, mounted: Mounted) -> Self {
        Self::start(outer, &["--user", "--map-root-user"], None, socket, mounted)
    }

    /// Whose root is the machine's: no user namespace.
    pub fn of_root(socket: &Path) -> Self {
        Self::start("root", &[], None, socket, Mounted::Folder)
    }

    /// The same, but the program runs under this number.
    pub fn of_number(uid: u32, socket: &Path) -> Self {
        Self::start("root", &[], Some(uid), socket, Mounted::ReadOnly)
    }

    fn start(outer: &str, namespaces: &[&str], inner: Option<u32>, socket: &Path, mounted: Mounted) -> Self {
        let python = python();
        let (from, path) = match mounted {
            Mounted::Folder | Mounted::ReadOnly => {
                (socket.parent().unwrap(), Path::new("/mnt/regent").join(socket.file_name().unwrap()))
            }
            Mounted::File => (socket, PathBuf::from("/mnt/regent")),
        };
        let number = inner.unwrap_or(0).to_string();
        let becomes = ["setpriv", "--reuid", &number, "--regid", &number, "--clear-groups"];
        let mode = if mounted == Mounted::ReadOnly { "ro" } else { "rw" };
        let mut command = Command::new("unshare");
        command
            .args(namespaces)
            .args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "sh"])
            .arg(from)
            .arg(mode)
            .args(becomes.iter().filter(|_| inner.is_some()))
            .args([&python, "-c", PROGRAM])
            .uid(user(outer))
            .gid(group_of(outer));
        Self::run(command, inner.unwrap_or(0), path.to_str().unwrap())
    }

    /// As this user of the machine in this further group, who is root inside: the folder and the secret where `given`
    /// says, and nothing else of the folder `hidden` that both lie in.
    pub fn given(outer: &str, group: Option<u32>, hidden: &Path, given: &Given) -> Self {
        let mut command = Command::new("setpriv");
        let groups = group.map_or("--clear-groups".to_owned(), |gid| format!("--groups={gid}"));
        let (uid, gid) = (user(outer).to_string(), group_of(outer).to_string());
        command
            .args([
                "--reuid",
                &uid,
                "--regid",
                &gid,
                &groups,
                "unshare",
                "--user",
                "--map-root-user",
                "--mount",
                "--pid",
            ])
            .args(["--fork", "--kill-child", "sh", "-c", ENTER_MOUNTS, "sh"])
            .arg(hidden)
            .args([&given.folder, &given.secret.0, &given.secret.1])
            .args([&python(), "-c", PROGRAM]);
        Self::run(command, 0, &given.socket)
    }

    fn run(mut command: Command, uid: u32, path: &str) -> Self {
        let command = command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (asks, told) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut container = Self { child, asks, told, path: path.to_owned() };
        let inside: Value = serde_json::from_str(&container.line()).expect("it starts");
        assert_eq!(inside, json!([uid, 1]), "its user, and the first process");
        container
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.told.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    fn tell(&mut self, what: &Value) -> String {
        writeln!(self.asks, "{what}").unwrap();
        self.line()
    }

    /// A request by the Python client; `{"raised": …}` when there is nobody to hear it.
    pub fn ask(&mut self, secret: &str, request: Value) -> Value {
        let reply = self.tell(&json!({"path": self.path, "secret": secret, "request": request}));
        serde_json::from_str(&reply).unwrap_or_else(|why| panic!("{why}: {reply:?}"))
    }

    /// The same with the secret that stands in a file inside.
    pub fn ask_with_file(&mut self, file: &str, request: Value) -> Value {
        let reply = self.tell(&json!({"path": self.path, "file": file, "request": request}));
        serde_json::from_str(&reply).unwrap_or_else(|why| panic!("{why}: {reply:?}"))
    }

    /// The reply to a raw line, byte for byte.
    pub fn raw(&mut self, line: &str) -> String {
        self.tell(&json!({"path": self.path, "raw": line}))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
