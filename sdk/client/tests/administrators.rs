//! What administrators ask about what is served, over one connection, and what they take for an answer.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread::JoinHandle;

use regent_client::{Admin, Code, Error};
use regent_protocol::Serving;

/// Says one reply after the other on one connection; what was asked for them.
fn daemon(path: &Path, replies: Vec<String>) -> JoinHandle<Vec<String>> {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        let mut peer = BufReader::new(listener.accept().unwrap().0);
        let mut say = |reply: String| {
            let mut asked = String::new();
            peer.read_line(&mut asked).unwrap();
            peer.get_mut().write_all(reply.as_bytes()).unwrap();
            asked
        };
        replies.into_iter().map(&mut say).collect()
    })
}

/// Asks once, of a daemon that says this data.
fn told<T>(data: &str, ask: impl FnOnce(&mut Admin) -> T) -> (T, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.sock");
    let daemon = daemon(&path, vec![format!("{{\"success\":true,\"data\":{}}}\n", data.replace('\n', ""))]);
    let told = ask(&mut Admin::new(&path));
    (told, daemon.join().unwrap().remove(0))
}

#[test]
fn a_reload_says_whether_it_was_applied() {
    let data = r#"{"applied":false,"changed":["a"],"mistakes":["b"],"warnings":["c"],"a_later_key":1}"#;
    let (reloaded, asked) = told(data, Admin::reload);
    let reloaded = reloaded.unwrap();
    assert_eq!((reloaded.applied, reloaded.changed[0].as_str()), (false, "a"));
    assert_eq!((reloaded.mistakes[0].as_str(), reloaded.warnings[0].as_str()), ("b", "c"));
    assert_eq!(asked, "{\"admin\":\"reload\"}\n");
}

#[test]
fn status_is_the_daemon_at_one_moment() {
    let data = r#"{"version":"0.2.0","pid":1,"since":"t","config":"/c","sockets":[{"name":"web","path":"/p","connections":3,
        "operations":["*"],"trust_peer_uid":false}],"serving":1,"troubled":2,"held":3,"running":4,"lacks":[],"mistakes":[],
        "warnings":[]}"#;
    let (status, asked) = told(data, Admin::status);
    let status = status.unwrap();
    assert_eq!((status.serving, status.troubled, status.held, status.running), (1, 2, 3, 4));
    assert_eq!((status.sockets[0].connections, status.sockets[0].trust_peer_uid), (3, false));
    assert_eq!(asked, "{\"admin\":\"status\"}\n");
}

#[test]
fn plugins_are_told_with_whom_they_serve() {
    let data = r#"[{"name":"dns","state":"serving-accepted","grants":"/g","module":null,"serves":"aa","file":null,"pin":"none",
        "reasons":["r"],"operations":[{"operation":"x","sockets":[],"allow":null,"require":[]}]}]"#;
    let (plugins, asked) = told(data, Admin::plugins);
    let plugin = plugins.unwrap().remove(0);
    assert_eq!(
        (plugin.state, plugin.module, plugin.operations[0].allow.as_ref()),
        (Serving::ServingAccepted, None, None)
    );
    assert_eq!(asked, "{\"admin\":\"plugins\"}\n");
}

#[test]
fn a_refusal_is_explained_by_its_reference() {
    let data = r#"{"reference":"kq\"z","at":"t","requester":"uid 1","from":{"socket":"web","uid":1,"gid":1},"operation":null,
        "data":null,"said":"Permission denied","code":"denied","why":"w","rule":{"file":"/f","line":null,"rule":"r"},
        "allow":{"file":"/f","lines":["a","b"]}}"#;
    let (why, asked) = told(data, |admin| admin.why("kq\"z"));
    let why = why.unwrap();
    assert_eq!((why.code, why.rule.unwrap().line, why.allow.unwrap().beware), (Some(Code::Denied), None, None));
    assert_eq!(asked, "{\"admin\":\"why\",\"ref\":\"kq\\\"z\"}\n");
}

#[test]
fn an_answer_of_another_kind_is_an_error_and_leaves_the_connection_usable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.sock");
    let success = |data: &str| format!("{{\"success\":true,\"data\":{data}}}\n");
    let refused = "{\"error\":\"Unknown ref\",\"code\":\"unknown-uid\",\"ref\":\"r\"}\n".to_owned();
    let daemon = daemon(&path, vec![success("[]"), success("{}"), success("{}"), success("7"), refused, success("[]")]);
    let mut admin = Admin::new(&path);
    assert!(matches!(admin.reload(), Err(Error::Protocol(_))));
    assert!(matches!(admin.status(), Err(Error::Protocol(_))));
    assert!(matches!(admin.plugins(), Err(Error::Protocol(_))));
    assert!(matches!(admin.why("x"), Err(Error::Protocol(_))));
    assert!(matches!(admin.why("x"), Err(Error::Refused { code: Some(Code::UnknownUid), .. })));
    assert_eq!(admin.plugins().unwrap(), []);
    assert_eq!(daemon.join().unwrap().len(), 6);
}

#[test]
fn a_state_of_a_later_version_is_not_taken_for_one_of_these() {
    let data = r#"[{"name":"dns","state":"serving-soon","grants":null,"module":null,"serves":null,"file":null,"pin":"none",
        "reasons":[],"operations":[]}]"#;
    assert!(matches!(told(data, Admin::plugins).0, Err(Error::Protocol(_))));
}
