//! A connection in raw bytes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

pub struct Wire {
    pub stream: UnixStream,
    reader: BufReader<UnixStream>,
}

impl Wire {
    pub fn connect(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        Self { stream, reader }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next line; `None` when the daemon closed.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line),
            Err(why) if why.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(why) => panic!("no reply: {why}"),
        }
    }

    pub fn reply(&mut self) -> Value {
        let line = self.line().expect("the daemon closed instead of replying");
        serde_json::from_str(&line).unwrap_or_else(|why| panic!("{why}: {line}"))
    }

    /// Raw bytes, a newline, and the reply.
    pub fn raw(&mut self, bytes: impl AsRef<[u8]>) -> Value {
        self.send(&[bytes.as_ref(), b"\n"].concat());
        self.reply()
    }

    pub fn ask(&mut self, request: &Value) -> Value {
        self.raw(request.to_string())
    }
}

/// The error of a reply.
#[track_caller]
pub fn error(reply: &Value) -> &str {
    reply["error"].as_str().unwrap_or_else(|| panic!("no error: {reply}"))
}

/// Its code.
#[track_caller]
pub fn code(reply: &Value) -> &str {
    reply["code"].as_str().unwrap_or_else(|| panic!("no code: {reply}"))
}
