//! A client in mount, pid and, unless it is told otherwise, user namespaces of its own, where it is root: what Regent sees of a
//! container. Its program is the Python client, unchanged.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
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

/// A line in, a line out: a raw one, or a request by the client's own `call_service`.
const PROGRAM: &str = r#"
import json, os, socket, sys
from regent.client import Client
print(json.dumps([os.getuid(), os.getpid()]), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    path = "/mnt/regent" + asked["name"]
    try:
        if "raw" in asked:
            stream = socket.socket(socket.AF_UNIX)
            stream.connect(path)
            stream.sendall(asked["raw"].encode() + b"\n")
            reply = stream.makefile().readline().rstrip("\n")
        else:
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

pub struct Container {
    child: Child,
    asks: ChildStdin,
    told: BufReader<ChildStdout>,
    name: &'static str,
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
        let (from, name) = match mounted {
            Mounted::Folder | Mounted::ReadOnly => (socket.parent().unwrap(), "/regent.sock"),
            Mounted::File => (socket, ""),
        };
        let number = inner.unwrap_or(0).to_string();
        let becomes = ["setpriv", "--reuid", &number, "--regid", &number, "--clear-groups"];
        let mode = if mounted == Mounted::ReadOnly { "ro" } else { "rw" };
        let mut child = Command::new("unshare")
            .args(namespaces)
            .args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "sh"])
            .arg(from)
            .arg(mode)
            .args(becomes.iter().filter(|_| inner.is_some()))
            .args([&python, "-c", PROGRAM])
            .uid(user(outer))
            .gid(group_of(outer))
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (asks, told) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut container = Self { child, asks, told, name };
        let inside: Value = serde_json::from_str(&container.line()).expect("it starts");
        assert_eq!(inside, json!([inner.unwrap_or(0), 1]), "its user, and the first process");
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
        let reply = self.tell(&json!({"name": self.name, "secret": secret, "request": request}));
        serde_json::from_str(&reply).unwrap_or_else(|why| panic!("{why}: {reply:?}"))
    }

    /// The reply to a raw line, byte for byte.
    pub fn raw(&mut self, line: &str) -> String {
        self.tell(&json!({"name": self.name, "raw": line}))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
