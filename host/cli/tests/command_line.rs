//! The program from outside, before a daemon that says what each test wants: what goes over the socket, what is printed
//! where, and by which number it ends.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]
#![allow(clippy::disallowed_methods, reason = "these tests start the program that they are about")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread::JoinHandle;

/// A daemon for one request, and what it was asked.
struct Daemon {
    folder: tempfile::TempDir,
    thread: JoinHandle<String>,
}

impl Daemon {
    /// Answers with `reply` once `before` has looked around.
    fn saying(reply: &str, before: impl FnOnce() + Send + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "hunter2\nolder\n").unwrap();
        let listener = UnixListener::bind(folder.path().join("sock")).unwrap();
        let reply = format!("{reply}\n");
        let thread = std::thread::spawn(move || {
            let mut peer = BufReader::new(listener.accept().unwrap().0);
            let mut asked = String::new();
            peer.read_line(&mut asked).unwrap();
            before();
            peer.get_mut().write_all(reply.as_bytes()).unwrap();
            asked
        });
        Self { folder, thread }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program, told of this daemon by options.
    fn regent(&self, words: &[&str]) -> Command {
        let mut command = regent(words);
        command.arg("--socket").arg(self.path("sock")).arg("--admin").arg(self.path("sock"));
        command.arg("--secret-file").arg(self.path("secret"));
        command
    }

    fn asked(self) -> String {
        self.thread.join().unwrap()
    }
}

fn regent(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_regent"));
    command.args(words).env_clear().stdin(Stdio::null());
    command
}

/// Status, standard output, standard error.
fn run(mut command: Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// What it prints and how it ends when told `reply`.
fn told(words: &[&str], reply: &str) -> (i32, String, String) {
    let daemon = Daemon::saying(reply, || ());
    let told = run(daemon.regent(words));
    daemon.asked();
    told
}

fn no_words(text: &str) -> String {
    text.to_owned()
}

#[test]
fn a_string_result_is_printed_as_the_text_that_it_is() {
    for (data, printed) in [
        ("\"root\"", "root\n"),
        ("\"two\\nlines\\n\"", "two\nlines\n"),
        ("\"\\u001b[31m\\u202e\"", "\u{1b}[31m\u{202e}\n"),
        ("\"\"", ""),
        ("null", "null\n"),
        ("{\"b\": 1.50, \"a\":[]}", "{\"b\": 1.50, \"a\":[]}\n"),
    ] {
        let reply = format!("{{\"success\":true,\"uid\":null,\"data\":{data}}}");
        assert_eq!(told(&["call", "whoami"], &reply), (0, printed.to_owned(), no_words("")), "{data}");
    }
}

#[test]
fn what_was_typed_is_what_is_asked() {
    for (words, asked) in [
        (&["call", "whoami"][..], r#""op":"whoami","data":null}"#),
        (&["call", "open", "ip=198.51.100.7", "port=22"], r#""op":"open","data":{"ip":"198.51.100.7","port":22}}"#),
        (&["call", "open", "--data", "[1, 2]", "--dry-run"], r#""op":"open","data":[1, 2],"dry_run":true}"#),
        (&["call", "open", "--key", "order 17"], r#""op":"open","data":null,"key":"order 17"}"#),
        (&["call", "open", "--wait=5"], r#""op":"open","data":null,"wait":5}"#),
        (&["call", "open", "--wait"], r#""op":"open","data":null,"wait":3600}"#),
        (&["read", "u-1"], r#""uid":"u-1","data":null}"#),
        (&["read", "u-1", "--wait=7"], r#""uid":"u-1","data":null,"wait":7}"#),
        (&["cancel", "u-1"], r#""uid":"u-1","data":null,"cancel":true}"#),
    ] {
        let daemon = Daemon::saying("{\"success\":true,\"uid\":null,\"data\":null}", || ());
        run(daemon.regent(words));
        assert_eq!(daemon.asked(), format!("{{\"secret\":\"hunter2\",{asked}\n"));
    }
}

#[test]
fn data_comes_from_a_file_or_from_standard_input() {
    let reply = "{\"success\":true,\"uid\":null,\"data\":null}";
    let daemon = Daemon::saying(reply, || ());
    std::fs::write(daemon.path("data.json"), "{\n \"ip\": 1\n}\n").unwrap();
    let argument = format!("@{}", daemon.path("data.json").display());
    assert_eq!(run(daemon.regent(&["call", "x", "--data", &argument])).0, 0);
    assert!(daemon.asked().ends_with("\"data\":{  \"ip\": 1 }}\n"));

    let daemon = Daemon::saying(reply, || ());
    let mut command = daemon.regent(&["call", "x", "--data", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"[7]").unwrap();
    assert!(child.wait().unwrap().success());
    assert!(daemon.asked().ends_with("\"data\":[7]}\n"));
}

#[test]
fn a_held_operation_ends_with_75_and_prints_its_uid_alone() {
    let reply = r#"{"success":true,"uid":"u-1","data":"Waiting for ops","state":"held","step":"approval"}"#;
    let (status, out, err) = told(&["call", "open", "--wait=1"], reply);
    assert_eq!((status, out.as_str()), (75, "u-1\n"));
    assert!(err.starts_with("regent: held, waiting for approval: Waiting for ops") && err.contains("regent read u-1"));
    assert_eq!(told(&["read", "u-1"], r#"{"success":true,"uid":"u-1","data":"Running","state":"performing"}"#).0, 75);
}

#[test]
fn refusals_end_with_77_and_all_other_errors_with_1() {
    for (code, number) in [
        ("denied", 77),
        ("unknown-operation", 77),
        ("not-authorised", 77),
        ("invalid-data", 1),
        ("failed", 1),
        ("timeout", 1),
        ("busy", 1),
        ("rate", 1),
        ("unknown-uid", 1),
        ("unavailable", 1),
        ("of-next-year", 1),
    ] {
        let reply = format!("{{\"error\":\"No\",\"code\":\"{code}\",\"ref\":\"abcdefgh\"}}");
        let words = format!("regent: No ({code}, ref abcdefgh)\nask the administrator: regent why abcdefgh\n");
        assert_eq!(told(&["call", "open"], &reply), (number, no_words(""), words));
    }
    let rejected = r#"{"error":"Request too long","code":"too-long","ref":"r"}"#;
    assert_eq!(
        told(&["call", "x"], rejected),
        (1, no_words(""), "regent: Request too long (too-long, ref r)\n".into())
    );
    assert_eq!(told(&["call", "x"], "nonsense").0, 1);
    assert_eq!(told(&["call", "x"], "{\"error\": \"Permission denied\"}").0, 1);
}

#[test]
fn what_a_stranger_worded_is_harmless_on_standard_error() {
    let (_, _, err) = told(&["call", "open"], r#"{"error":"a\u001b[2J\u202eb\nregent: done","code":"failed"}"#);
    assert_eq!(err, "regent: a\\u{1b}[2J\\u{202e}b\\u{a}regent: done (failed)\n");
}

#[test]
fn no_daemon_ends_with_69() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none");
    for words in [["call", "whoami"], ["read", "u"], ["show", "h"], ["approve", "h"]] {
        let mut command = regent(&words);
        command.env("REGENT_SOCKET", &path).env("REGENT_ADMIN", &path).env("REGENT_SECRET", "s");
        let (status, out, err) = run(command);
        assert_eq!((status, out.as_str()), (69, ""), "{err}");
        assert!(err.starts_with(&format!("regent: {}: no daemon", path.display())), "{err}");
    }
}

#[test]
fn where_no_socket_is_named_and_none_is_at_the_usual_place_it_ends_with_69_too() {
    for (words, usual, missing) in [
        (["call", "whoami"], "/run/regent/local/regent.sock", "--socket PATH or set REGENT_SOCKET"),
        (["show", "h"], "/run/regent-admin/admin.sock", "--admin PATH or set REGENT_ADMIN"),
    ] {
        if std::path::Path::new(usual).exists() {
            continue; // A daemon of this machine's own would be asked.
        }
        let (status, _, err) = run(regent(&words));
        assert_eq!(status, 69);
        assert!(err.contains(&format!("there is no {usual}: start regentd")) && err.contains(missing), "{err}");
    }
}

#[test]
fn wrong_usage_ends_with_2_and_asks_nothing() {
    for words in [
        &[][..],
        &["call"],
        &["frobnicate"],
        &["call", "open", "pair"],
        &["call", "open", "a=1", "a=2"],
        &["call", "open", "--data", "{"],
        &["call", "open", "a=1", "--data", "1"],
        &["call", "open", "--wait=0"],
        &["call", "open", "--secret=hunter2"],
    ] {
        let mut command = regent(words);
        command.env("REGENT_SOCKET", "/nowhere/sock").env("REGENT_SECRET", "s");
        assert_eq!(run(command).0, 2, "{words:?}");
    }
    let (status, _, err) = run(regent(&["call", "whoami", "--socket", "/nowhere/sock"]));
    assert_eq!(status, 2);
    assert!(err.contains("--secret-file PATH") && err.contains("REGENT_SECRET"), "{err}");
}

#[test]
fn places_are_taken_from_the_environment_and_options_win() {
    let daemon = Daemon::saying("{\"success\":true,\"uid\":null,\"data\":null}", || ());
    let mut command = regent(&["call", "x"]);
    command.env("REGENT_SOCKET", daemon.path("sock")).env("REGENT_SECRET", "from-env");
    assert_eq!(run(command).0, 0);
    assert!(daemon.asked().starts_with("{\"secret\":\"from-env\""));

    let daemon = Daemon::saying("{\"success\":true,\"uid\":null,\"data\":null}", || ());
    let mut command = daemon.regent(&["call", "x"]);
    command.env("REGENT_SOCKET", "/nowhere").env("REGENT_SECRET", "wrong").env("REGENT_SECRET_FILE", "/nowhere");
    assert_eq!(run(command).0, 0);
    assert!(daemon.asked().starts_with("{\"secret\":\"hunter2\""));
}

#[test]
fn the_secret_is_on_no_process_list_while_the_program_runs() {
    let (say, heard) = std::sync::mpsc::channel::<u32>();
    let (found, lines) = std::sync::mpsc::channel();
    let daemon = Daemon::saying("{\"success\":true,\"uid\":null,\"data\":null}", move || {
        let pid = heard.recv().unwrap();
        for file in ["cmdline", "comm", "status"] {
            let mut text = Vec::new();
            std::fs::File::open(format!("/proc/{pid}/{file}")).unwrap().read_to_end(&mut text).unwrap();
            found.send(String::from_utf8_lossy(&text).into_owned()).unwrap();
        }
    });
    let mut child = daemon.regent(&["call", "whoami"]).stdout(Stdio::null()).spawn().unwrap();
    say.send(child.id()).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(daemon.asked().contains("hunter2"), "the daemon must have been told");
    let lines: Vec<_> = lines.iter().collect();
    assert!(lines[0].contains("whoami") && lines.iter().all(|line| !line.contains("hunter2")), "{lines:?}");
}

#[test]
fn to_cancel_ends_well_only_if_it_was_cancelled() {
    let cancelled = r#"{"error":"Operation failed","code":"failed","ref":"r","state":"cancelled"}"#;
    assert_eq!(told(&["cancel", "u"], cancelled), (0, "cancelled\n".to_owned(), no_words("")));
    let done = r#"{"success":true,"uid":null,"data":7,"state":"done"}"#;
    assert_eq!(told(&["cancel", "u"], done), (1, no_words(""), "regent: not cancelled: it is done\n".to_owned()));
    assert_eq!(told(&["cancel", "u"], r#"{"error":"Unknown or expired uid","code":"unknown-uid"}"#).0, 1);
}

#[test]
fn every_help_has_the_table_of_endings() {
    for words in [&["--help"][..], &["call", "--help"], &["approve", "--help"], &["pending", "--help"]] {
        let (status, out, _) = run(regent(words));
        assert_eq!(status, 0);
        for number in ["\n   0  ", "\n   1  ", "\n   2  ", "\n  69  ", "\n  75  ", "\n  77  ", "\n  78  "] {
            assert!(out.contains(number), "{words:?}: {out}");
        }
    }
}

#[test]
fn a_closed_standard_output_is_an_error_and_no_panic() {
    let daemon = Daemon::saying("{\"success\":true,\"uid\":null,\"data\":\"x\"}", || ());
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = daemon.regent(&["call", "x"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("regent: output: "));
    daemon.asked();
}
