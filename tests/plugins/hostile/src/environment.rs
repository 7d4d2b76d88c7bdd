//! What a plugin sees of the machine. It should be nothing.

use std::{
    env, fs,
    io::{self, Read as _},
};

use regent_plugin::{Failure, Ignored, Operation, Plan, Refusal, Results};
use serde::{Deserialize, Serialize};

/// The reply: each list is to be empty, and each answer an error.
#[derive(Serialize, Deserialize)]
pub(crate) struct Environment {
    arguments: Vec<String>,
    variables: Vec<String>,
    /// What the root folder holds, or why it is not to be had.
    root: Result<Vec<String>, String>,
    /// What could be written.
    file: Result<(), String>,
    /// What stands in standard input.
    stdin: Result<Vec<u8>, String>,
    folder: Result<String, String>,
}

impl Operation for Environment {
    type Data = Ignored;
    const SUMMARY: &'static str = "Tell what of the machine can be seen";

    fn prepare(_: Ignored, _: &mut Plan) -> Result<Self, Refusal> {
        let mut stdin = Vec::new();
        let text = |error: io::Error| error.to_string();
        Ok(Self {
            arguments: env::args().collect(),
            variables: env::vars().map(|(name, value)| format!("{name}={value}")).collect(),
            root: names("/").map_err(text),
            file: fs::write("/tmp/regent-was-here", "x").map_err(text),
            stdin: io::stdin().take(1024).read_to_end(&mut stdin).map(|_| stdin).map_err(text),
            folder: env::current_dir().map(|folder| folder.display().to_string()).map_err(text),
        })
    }

    fn finish(self, _: &Results) -> Result<impl Serialize, Failure> {
        Ok(self)
    }
}

fn names(folder: &str) -> io::Result<Vec<String>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}
