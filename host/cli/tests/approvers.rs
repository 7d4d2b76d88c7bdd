//! An approver's verbs from outside, before a daemon that says what each test wants.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]
#![allow(clippy::disallowed_methods, reason = "these tests start the program that they are about")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

/// A hold as a daemon says it, of which the requester and the plugin made the worst that they could.
fn hold(state: &str) -> String {
    format!(
        r#"{{"id":"h-1","operation":"open","state":"{state}","requester":"www-data",
        "from":{{"socket":"web","uid":33,"gid":33,"pid":4711}},"asked":"2026-01-01T00:00:00Z",
        "expires":"2026-01-01T00:15:00Z","data":{{"ip":"198.51.100.7"}},"summary":"\u001b[2JHarmless\n\u202e",
        "plan":[{{"command":"open-port","values":{{"ip":"198.51.100.7"}},"argv":["/usr/sbin/nft","add rule","$(id)"],
        "run_as":"root","timeout":3}}],"steps":[{{"step":"approval","of":"ops","count":1}}],"a_later_key":1}}"#
    )
    .replace('\n', "")
}

/// Runs the program before a daemon that answers once; what was asked, status, standard output, standard error.
fn told(words: &[&str], reply: &str) -> (String, i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let reply = format!("{reply}\n");
    let daemon = std::thread::spawn(move || {
        let mut peer = BufReader::new(listener.accept().unwrap().0);
        let mut asked = String::new();
        peer.read_line(&mut asked).unwrap();
        peer.get_mut().write_all(reply.as_bytes()).unwrap();
        asked
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_regent"));
    let output = command.args(words).env_clear().env("REGENT_ADMIN", &path).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (daemon.join().unwrap(), output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn success(data: &str) -> String {
    format!("{{\"success\":true,\"data\":{data}}}")
}

#[test]
fn an_approver_sees_each_command_line_and_nothing_that_moves_the_terminal() {
    let (asked, status, out, _) = told(&["show", "h-1"], &success(&hold("held")));
    assert_eq!((asked.as_str(), status), ("{\"admin\":\"show\",\"hold\":\"h-1\"}\n", 0));
    assert!(
        out.contains("will run    /usr/sbin/nft 'add rule' '$(id)'   [as root, open-port, at most 3 s]\n"),
        "{out}"
    );
    assert!(out.contains("the plugin says: \"\\u{1b}[2JHarmless\\u{a}\\u{202e}\"\n"), "{out}");
    assert!(out.contains("www-data (uid 33, gid 33, pid 4711, socket web)"), "{out}");
}

#[test]
fn pending_lists_what_waits_for_people_and_for_programs() {
    let list = success(&format!("[{},{}]", hold("held"), hold("held")));
    let (asked, status, out, _) = told(&["pending"], &list);
    assert_eq!((asked.as_str(), status), ("{\"admin\":\"pending\"}\n", 0));
    assert_eq!(out.matches("will run").count(), 2);
    let (_, status, out, _) = told(&["pending", "--json"], &list);
    assert_eq!((status, out), (0, format!("[{},{}]\n", hold("held"), hold("held"))));
    let (_, status, out, err) = told(&["pending"], &success("[]"));
    assert_eq!((status, out.as_str(), err.as_str()), (0, "", "regent: nothing waits\n"));
    let (_, status, out, _) = told(&["pending", "--json"], &success("[]"));
    assert_eq!((status, out.as_str()), (0, "[]\n"));
}

#[test]
fn to_decide_asks_nothing_and_says_what_was_decided() {
    let (asked, status, out, _) = told(&["approve", "h-1"], &success(&hold("done")));
    assert_eq!((asked.as_str(), status), ("{\"admin\":\"approve\",\"hold\":\"h-1\"}\n", 0));
    assert_eq!(out, "approved: open for www-data, hold h-1: done\n");
    let (asked, status, out, _) = told(&["deny", "h-1"], &success(&hold("denied")));
    assert_eq!((asked.as_str(), status), ("{\"admin\":\"deny\",\"hold\":\"h-1\"}\n", 0));
    assert_eq!(out, "denied: open for www-data, hold h-1: denied\n");
}

#[test]
fn a_decision_that_does_not_stand_is_not_reported_as_one() {
    for (word, state) in [("approve", "void"), ("approve", "expired"), ("approve", "denied"), ("deny", "performing")] {
        let (_, status, out, err) = told(&[word, "h-1"], &success(&hold(state)));
        assert_eq!((status, out.as_str()), (1, ""), "{word} {state}");
        assert!(err.starts_with("regent: not ") && err.contains(state), "{err}");
    }
}

#[test]
fn who_may_not_decide_hears_77_and_an_unknown_id_is_1() {
    for word in ["approve", "deny", "show"] {
        let (_, status, _, err) =
            told(&[word, "h-1"], r#"{"error":"Authorisation failed: not named","code":"not-authorised","ref":"r"}"#);
        assert_eq!((status, err.as_str()), (77, "regent: Authorisation failed: not named (not-authorised, ref r)\n"));
        let (_, status, _, err) = told(&[word, "x"], r#"{"error":"Unknown hold","code":"unknown-uid","ref":"r"}"#);
        assert_eq!((status, err.as_str()), (1, "regent: Unknown hold (unknown-uid, ref r)\n"));
    }
}

#[test]
fn what_is_no_hold_is_not_shown_as_one() {
    for words in [&["show", "h-1"][..], &["pending"], &["pending", "--json"], &["approve", "h-1"]] {
        let (_, status, out, _) = told(words, &success("{\"id\":7}"));
        assert_eq!((status, out.as_str()), (1, ""), "{words:?}");
    }
}
