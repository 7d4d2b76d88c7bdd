//! The README's own commands, in its order and letter by letter, on a machine that has nothing of Regent: the folders
//! that they write to are empty ones of their own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that cannot go on panics"
)]

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use regent_tests::{dist, needs_root};

/// The fake: an init script that leaves a daemon behind, and says so.
const INIT_SCRIPT: &str = r#"#!/bin/sh
setsid sleep 4711 >/dev/null 2>&1 </dev/null &
echo "nginx: $1ed"
"#;

/// Empty folders where the commands write, and the fake service. What ends the script takes all of it away.
const GROUND: &str = r#"
set -eu
for folder in /etc/regent /run /var/lib /etc/systemd /etc/init.d /usr/local/lib; do
    mkdir -p "$folder"
    mount -t tmpfs -o mode=755 regent-test "$folder"
done
printf '%s' "$INIT_SCRIPT" > /etc/init.d/nginx
chmod 755 /etc/init.d/nginx
trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT
cargo() { echo "built before: cargo $*"; }
"#;

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap()
}

/// As the README writes it at the beginning of a sentence.
fn number(count: usize) -> String {
    ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten"][count].to_owned()
}

/// A block of the README between two marks, without its fences.
fn block(name: &str) -> Vec<String> {
    let readme = readme();
    let (_, rest) = readme.split_once(&format!("<!-- {name}:begin -->")).expect("the README has the mark");
    let (block, _) = rest.split_once(&format!("<!-- {name}:end -->")).expect("the README has the other mark");
    block.lines().filter(|line| !line.is_empty() && !line.starts_with("```")).map(str::to_owned).collect()
}

fn run(script: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("target")).unwrap();
    symlink(dist(), folder.path().join("target/dist")).unwrap();
    // What `cargo xtask` has fetched need not be fetched again.
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    symlink(target.canonicalize().unwrap(), folder.path().join("regent")).unwrap();
    Command::new("unshare")
        .env("XDG_CACHE_HOME", folder.path())
        .args(["--mount", "--pid", "--fork", "--mount-proc", "bash", "-c", script])
        .env("INIT_SCRIPT", INIT_SCRIPT)
        .current_dir(folder.path())
        .output()
        .expect("unshare of util-linux")
}

/// Whoever types is slower than the daemon.
fn typed(commands: &[String]) -> String {
    commands.join("\nuntil [ -z \"$(jobs -pr)\" ] || [ -S /run/regent/local/regent.sock ]; do sleep 0.1; done\n")
}

#[test]
fn the_readmes_commands_take_an_author_from_nothing_to_a_plugin_that_is_served() {
    needs_root();
    let commands = block("author");
    let until_it_ran = 1 + commands.iter().position(|command| command.starts_with("regent plugin run")).unwrap();
    let [ran, served] = [until_it_ran, commands.len() - until_it_ran].map(number);
    let readme = readme();
    assert!(readme.contains(&format!("{ran} commands from nothing to a plugin that ran")), "{ran}");
    assert!(readme.contains(&format!(" {served} more, as\nroot,")), "{served}");
    let ground =
        "export PATH=$PWD/target/dist/bin:$PATH\nregent init > /dev/null\nregentd --config /etc/regent/regent.toml &\n";
    let out = run(&format!("{GROUND}unset -f cargo\n{ground}{}", typed(&commands)));
    let (said, complained) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{said}\n{complained}");
    assert!(said.contains("plan 1     /usr/bin/printf 'Hello, %s!' Ben"), "{said}\n{complained}");
    assert!(said.ends_with("Hello, Ben!\n"), "{said}\n{complained}");
}

#[test]
fn the_readme_says_how_many_commands_it_is_in_python() {
    let count = number(block("python").len()).to_lowercase();
    assert!(readme().contains(&format!("In Python it is {count} commands too")), "{count}");
}

#[test]
fn the_readmes_commands_take_a_machine_from_nothing_to_a_restarted_service_without_code() {
    needs_root();
    let commands = block("first-hour");
    let count = number(commands.len()).to_lowercase();
    assert!(readme().contains(&format!("{count} lines from nothing to a restarted nginx")), "{count}");
    let typed = typed(&commands);
    let after = "\npgrep -f 'sleep 4711' > /dev/null && echo 'it left its daemon behind'\n";
    let out = run(&format!("{GROUND}{typed}{after}"));
    let (said, complained) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{said}\n{complained}");
    assert!(said.contains("nginx: restarted"), "{said}\n{complained}");
    assert!(said.contains("it left its daemon behind"), "{said}\n{complained}");
}
