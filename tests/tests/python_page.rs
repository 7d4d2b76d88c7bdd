//! docs/python.md, block by block, against a real daemon: the client of 2022 prints what the page says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]
#![allow(clippy::disallowed_methods, reason = "a test starts the client")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use regent_tests::{Running, SECRET, World, needs_root};
use serde_json::{Value, json};

/// Blocks in, what each of them printed out, in one world of names.
const INTERPRETER: &str = r#"
import contextlib, io, json, sys, traceback
names = {}
for line in sys.stdin:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            exec(json.loads(line), names)
        except Exception:
            traceback.print_exc(file=out)
    print(json.dumps(out.getvalue()), flush=True)
"#;

/// A block of a page.
struct Block {
    kind: String,
    text: String,
    line: usize,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (number, line) in page.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if open => open = false,
            Some(kind) => {
                open = true;
                blocks.push(Block { kind: kind.to_owned(), text: String::new(), line: number + 1 });
            }
            None if open => blocks.last_mut().unwrap().text += &format!("{line}\n"),
            None => {}
        }
    }
    assert!(!open, "a block has no end");
    blocks
}

struct Python {
    child: Child,
    asks: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Python {
    fn start() -> Self {
        let python = std::env::var("REGENT_PYTHON").expect("REGENT_PYTHON is not set: run `cargo xtask test`");
        let mut command = Command::new(python);
        let mut child = command.args(["-c", INTERPRETER]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (asks, told) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, asks, told }
    }

    fn run(&mut self, block: &str) -> String {
        writeln!(self.asks, "{}", json!(block)).unwrap();
        let mut line = String::new();
        self.told.read_line(&mut line).unwrap();
        let printed: Value = serde_json::from_str(&line).unwrap();
        printed.as_str().unwrap().to_owned()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// What a person types on the page, of which there is one thing.
fn typed(running: &Running<'_>, text: &str) {
    for line in text.lines() {
        assert_eq!(line, "$ regent approve ID");
        let approved = running.regent_as("games", &["approve", &running.only_pending()]);
        assert_eq!(approved.status, 0, "{approved:?}");
    }
}

#[test]
fn the_page_prints_what_it_says() {
    needs_root();
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/python.md")).unwrap();
    let blocks = blocks(&page);
    let granted = blocks.iter().find(|block| block.kind == "toml").unwrap().text.replace("\"…\"", "\"PIN\"");
    let world = World::new().without_code("shop", &granted);
    let secret = world.path("web.secret");
    fs::write(&secret, format!("{SECRET}\n")).unwrap();
    let running = world.start().serving("shop");
    let here = |text: &str| {
        text.replace("/run/regent/web/regent.sock", world.socket_path("web").to_str().unwrap())
            .replace("/etc/regent/web.secret", secret.to_str().unwrap())
    };
    let mut python = Python::start();
    let mut printed = None;
    let mut compared = 0;
    for Block { kind, text, line } in &blocks {
        match kind.as_str() {
            "python" => {
                assert_eq!(printed, None, "the block before line {line} prints something that is not on the page");
                printed = Some(python.run(&here(text)));
            }
            "text" => {
                assert_eq!(printed.take().as_deref(), Some(text.as_str()), "line {line}");
                compared += 1;
            }
            "console" => typed(&running, text),
            "toml" => {}
            other => panic!("line {line}: nobody knows what {other} is"),
        }
    }
    assert_eq!((printed, compared), (None, blocks.iter().filter(|block| block.kind == "python").count()));
}

#[test]
fn the_page_leads_to_the_table_from_the_originals_classes_to_ours() {
    let read = |name: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)).unwrap();
    assert!(read("docs/python.md").contains("](../README.md#an-operation)"));
    let readme = read("README.md");
    let (_, section) = readme.split_once("\n## An operation\n").expect("what the link names");
    let section = section.split("\n## ").next().unwrap();
    for original in
        ["`class Restart(Operation)`", "`service.register(", "`prepare(self, data)`", "`auth(self)`", "`perform(self)`"]
    {
        assert!(section.lines().any(|line| line.starts_with("| ") && line.contains(original)), "{original}");
    }
}
