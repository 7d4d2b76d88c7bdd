//! The Python client, unchanged from PyPI.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::running::Running;

/// Calls it, and prints what it gave back or raised.
const CALL: &str = "import json, sys
from regent.client import Client
c = Client(sys.argv[1], sys.argv[2])
try:
    print(json.dumps(eval('c.' + sys.argv[3])))
except Exception as e:
    print(json.dumps({'raised': str(e)}))";

/// The interpreter that has it.
pub fn python() -> String {
    std::env::var("REGENT_PYTHON").expect("REGENT_PYTHON is not set: run `cargo xtask test`")
}

/// What a call of the client gives back, or the text of what it raised.
pub fn client(running: &Running<'_>, secret: &str, call: &str) -> Value {
    let out = Command::new(python())
        .args(["-c", CALL])
        .arg(running.world.socket_path("web"))
        .args([secret, call])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&out.stderr)))
}
