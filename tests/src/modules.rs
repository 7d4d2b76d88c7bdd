//! Modules as they come and go: put in place whole, changed so that they are others and behave alike, and asked after.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::eventually::eventually;
use crate::running::Running;
use crate::world::{World, dist, fixture};

/// What a custom section begins with.
const CUSTOM: u8 = 0;

impl World {
    /// Into `plugins/` or `grants/` as packages put it there: written beside its place, then renamed.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        let beside = path.with_file_name(format!(".{}", path.file_name().unwrap().to_str().unwrap()));
        fs::write(&beside, content).unwrap();
        fs::rename(&beside, &path).unwrap();
        path
    }

    pub fn take_away(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }
}

impl Running<'_> {
    /// What `regent plugin list` tells of this plugin.
    #[track_caller]
    pub fn plugin(&self, name: &str) -> Value {
        let listed = self.regent(&["plugin", "list", "--json", name]);
        assert_eq!(listed.status, 0, "{listed:?}");
        serde_json::from_str::<Value>(&listed.stdout).unwrap()[0].clone()
    }

    /// Waits until this plugin stands so, and tells of it.
    #[track_caller]
    pub fn wait_plugin(&self, name: &str, state: &str) -> Value {
        eventually(&format!("plugin {name} is {state}"), || {
            let listed = self.regent(&["plugin", "list", "--json", name]);
            let list: Value = serde_json::from_str(&listed.stdout).ok()?;
            Some(list[0].clone()).filter(|plugin| plugin["state"] == state)
        })
    }

    /// Waits until this operation answers so.
    #[track_caller]
    pub fn wait_answer(&self, op: &str, expected: &Value) {
        eventually(&format!("{op} answers {expected}"), || {
            (self.op(op, Value::Null)["data"] == *expected).then_some(())
        });
    }

    /// Waits until nobody serves this operation.
    #[track_caller]
    pub fn wait_unknown(&self, op: &str) {
        eventually(&format!("{op} is unknown"), || {
            (self.op(op, Value::Null)["error"] == "Unknown operation").then_some(())
        });
    }
}

/// A shipped module or a fixture, as bytes.
pub fn bytes(name: &str) -> Vec<u8> {
    let shipped = dist().join("plugins").join(format!("{name}.wasm"));
    fs::read(if shipped.exists() { shipped } else { fixture(&format!("{name}.wasm")) }).unwrap()
}

/// The same module with a custom section more: another digest, and it behaves alike.
pub fn relabelled(module: &[u8], label: &str) -> Vec<u8> {
    let length = u8::try_from(label.len()).unwrap();
    assert!(length < 0x7f, "lengths of one byte only");
    [module, &[CUSTOM, length + 1, length], label.as_bytes()].concat()
}
