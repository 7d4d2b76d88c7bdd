//! An administrator's verbs about what is served, from outside: what is asked, each screen, and each way to end.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

// A daemon that says what each test wants.
mod daemon;
// What people see, kept as files.
mod screens;

use daemon::{run, success, told};
use screens::screen;

/// A socket, twelve plugins and everything that can be wrong; what strangers wrote is the worst that they could.
const STATUS: &str = r#"{"version":"0.2.0","pid":4711,"user":"uid 1899999999\u001b","since":"2026-01-01T00:00:00Z","config":"/etc/regent/regent.toml","engine":"interpreter\u001b",
"sockets":[
{"name":"web","path":"/run/regent/web/regent.sock","connections":12,"operations":["open","whoami"],"trust_peer_uid":true},
{"name":"build","path":"/run/regent/build/regent.sock","connections":1,"operations":["*"],"trust_peer_uid":false},
{"name":"idle","path":"/run/regent/idle/regent.sock","connections":0,"operations":[],"trust_peer_uid":true}],
"serving":11,"troubled":1,"held":2,"running":3,"lacks":["no cgroup v2: commands of a killed daemon may outlive it"],
"mistakes":["/etc/regent/plugins/dns.toml:7: unknown key \u001b[2Jallwo\ndid you mean allow?"],
"warnings":["/etc/regent/web.secret: shorter than 16 bytes\u202e"],"a_later_key":1}"#;

const PLUGINS: &str = r#"[
{"name":"firewall","state":"serving-accepted","grants":"/etc/regent/plugins/firewall.toml",
"module":"/usr/lib/regent/plugins/firewall.wasm","serves":"3f2a9c0d1e4b58677f2a9c0d1e4b58677f2a9c0d1e4b58677f2a9c0d1e4b5867",
"file":"00ffee112233445566778899aabbccddeeff00112233445566778899aabbccdd","pin":"sha256 in the grants file",
"reasons":["the module in the folder is another: put its digest into sha256\nor put the old module back"],
"operations":[
{"operation":"open","sockets":["web","ci"],"allow":["user www-data","group deploy"],
"require":[{"step":"approval","of":"ops","count":2},{"step":"approval","of":"anna","count":1}]},
{"operation":"close","sockets":[],"allow":[],"require":[],"unserved":"another plugin serves close: dns"}]},
{"name":"whoami","state":"serving","grants":"/etc/regent/plugins/whoami.toml","module":"/usr/lib/regent/plugins/whoami.wasm",
"serves":"aabbccddeeff00112233","file":"aabbccddeeff00112233","pin":"none","engine":"interpreter","reasons":[],
"operations":[{"operation":"whoami","sockets":["web"],"allow":null,"require":[]}]},
{"name":"slow","state":"preparing","grants":"/etc/regent/plugins/slow.toml","module":"/usr/lib/regent/plugins/slow.wasm",
"serves":null,"file":"aabbccddeeff00112233","pin":"none","reasons":[],"operations":[]},
{"name":"mail","state":"resting","grants":"/etc/regent/plugins/mail.toml","module":"/usr/lib/regent/plugins/mail.wasm",
"serves":"aabbccddeeff00112233","file":"aabbccddeeff00112233","pin":"none",
"reasons":["its sandbox crashes again and again: nothing of it is started before 2026-01-01T00:01:00Z"],"operations":[],
"crashes":{"count":5,"last":"its process was ended by signal 9\u001b[2J","until":"2026-01-01T00:01:00Z"}},
{"name":"calm","state":"serving","grants":"/etc/regent/plugins/calm.toml","module":"/usr/lib/regent/plugins/calm.wasm",
"serves":"aabbccddeeff00112233","file":"aabbccddeeff00112233","pin":"none","reasons":[],"operations":[],
"crashes":{"count":1,"last":"it did not answer in time"}},
{"name":"\u001b[31mevil","state":"not-serving","grants":null,"module":"/usr/lib/regent/plugins/\u001b[31mevil.wasm",
"serves":null,"file":null,"pin":"none","reasons":["no grants file: \u202ewrite one\r\nfirewall: serving"],"operations":[],
"a_later_key":1}]"#;

const WHY: &str = r#"{"reference":"kqzwmfpa","at":"2026-01-01T00:00:00Z","requester":"www-data",
"from":{"socket":"web","uid":33,"gid":33,"pid":4711},"operation":"open","data":"{\"ip\": \"198.51.100.7\"}",
"said":"Unknown operation","code":"unknown-operation","why":"open is granted, and www-data is not among those who may ask",
"rule":{"file":"/etc/regent/plugins/firewall.toml","line":5,"rule":"allow = user deploy"},
"allow":{"file":"/etc/regent/plugins/firewall.toml",
"lines":["[operations.open]","allow = [","    { user = \"deploy\" },","    { user = \"www-data\" },","]"],
"beware":"every process of www-data could then ask for open"}}"#;

#[test]
fn a_reload_says_what_changed() {
    let ended = told(
        &["reload"],
        &success(
            r#"{"applied":true,"changed":["plugin dns: now served","plugin \u001b[2Jx: gone\nplugin y: gone"],
            "mistakes":[],"warnings":["/etc/regent/web.secret: shorter than 16 bytes"]}"#,
        ),
    );
    assert_eq!(ended.asked, "{\"admin\":\"reload\"}\n");
    screen("reload", &ended.screen());
}

#[test]
fn a_reload_that_changed_nothing_says_so() {
    let nothing = r#"{"applied":true,"changed":[],"mistakes":[],"warnings":[]}"#;
    screen("reload-nothing", &told(&["reload"], &success(nothing)).screen());
}

#[test]
fn mistakes_end_a_reload_with_78_whether_or_not_it_was_applied() {
    let mistakes = |applied| {
        success(&format!(
            r#"{{"applied":{applied},"changed":[],"mistakes":["/etc/regent/regent.toml:3: unknown key soket
            \\ndid you mean sockets?","/etc/regent/plugins/\u001b[2Jdns.toml:1: not TOML"],"warnings":[]}}"#
        ))
        .replace("            \\\\n", "\\n")
    };
    screen("reload-refused", &told(&["reload"], &mistakes(false)).screen());
    screen("reload-in-part", &told(&["reload"], &mistakes(true)).screen());
    let ended = told(&["reload", "--json"], &success(r#"{"applied":false,"changed":[],"mistakes":[],"warnings":[]}"#));
    assert_eq!((ended.status, ended.err.as_str()), (78, ""));
    assert_eq!(ended.out, "{\"applied\":false,\"changed\":[],\"mistakes\":[],\"warnings\":[]}\n");
}

#[test]
fn status_is_one_screen() {
    let ended = told(&["status"], &success(STATUS));
    assert_eq!(ended.asked, "{\"admin\":\"status\"}\n");
    screen("status", &ended.screen());
    let calm = STATUS.split_once("\"engine\"").unwrap().0.to_owned()
        + r#""engine":"native","sockets":[],"serving":0,"troubled":0,"held":0,"running":0,"lacks":[],"mistakes":[],"warnings":[]}"#;
    screen("status-calm", &told(&["status"], &success(&calm)).screen());
}

#[test]
fn plugins_are_listed_with_what_they_serve_and_what_keeps_them_from_it() {
    let ended = told(&["plugin", "list"], &success(PLUGINS));
    assert_eq!(ended.asked, "{\"admin\":\"plugins\"}\n");
    screen("plugin-list", &ended.screen());
    screen("plugin-list-none", &told(&["plugin", "list"], &success("[]")).screen());
}

#[test]
fn one_plugin_is_listed_alone_and_one_that_is_not_there_is_said() {
    screen("plugin-list-one", &told(&["plugin", "list", "whoami"], &success(PLUGINS)).screen());
    screen("plugin-list-unknown", &told(&["plugin", "list", "wohami"], &success(PLUGINS)).screen());
    let ended = told(&["plugin", "list", "x"], &success("[]"));
    assert_eq!((ended.status, ended.err.as_str()), (1, "regent: no plugin is called x; there is: none\n"));
}

#[test]
fn a_refusal_is_explained_with_the_lines_that_would_allow_it() {
    let ended = told(&["why", "kqzwmfpa"], &success(WHY));
    assert_eq!(ended.asked, "{\"admin\":\"why\",\"ref\":\"kqzwmfpa\"}\n");
    screen("why", &ended.screen());
}

#[test]
fn what_only_the_audit_log_still_knows_is_explained_as_far_as_it_goes() {
    let little = r#"{"reference":"kqzwmfpa","at":"2026-01-01T00:00:00Z","requester":"uid 33",
        "from":{"socket":"web","uid":33,"gid":33},"operation":null,"data":null,"said":"Permission denied","code":null,
        "why":"the secret was wrong","rule":{"file":"/etc/regent/regent.toml","line":null,"rule":"no such socket"},
        "allow":null}"#;
    screen("why-little", &told(&["why", "kqzwmfpa"], &success(little)).screen());
}

#[test]
fn no_stranger_moves_an_administrators_terminal() {
    let evil = r"\u001b[2J\u202e\u0007x";
    let why = format!(
        r#"{{"reference":"{evil}","at":"{evil}","requester":"{evil}","from":{{"socket":"{evil}","uid":1,"gid":1}},
        "operation":"{evil}","data":"{evil}\nrule  forged","said":"{evil}\nrule  forged","code":"denied","why":"{evil}",
        "rule":{{"file":"{evil}","line":1,"rule":"{evil}"}},
        "allow":{{"file":"{evil}","lines":["{evil}"],"beware":"{evil}\nto allow it"}}}}"#
    );
    let ended = told(&["why", "r"], &success(&why));
    screen("why-hostile", &ended.screen());
    for (words, reply) in [(&["status"][..], STATUS), (&["plugin", "list"], PLUGINS), (&["why", "r"], &why)] {
        let ended = told(words, &success(reply));
        assert!(!ended.out.contains(['\u{1b}', '\u{202e}', '\u{7}', '\r']), "{}", ended.out);
        assert!(ended.out.contains("\\u{1b}"), "{}", ended.out);
    }
    let ended = told(&["why", "r"], "{\"error\":\"Unknown ref\\u001b[2J\",\"code\":\"unknown-uid\",\"ref\":\"x\"}");
    assert_eq!((ended.status, ended.err.as_str()), (1, "regent: Unknown ref\\u{1b}[2J (unknown-uid, ref x)\n"));
}

#[test]
fn programs_get_the_daemons_own_json() {
    for (words, data) in [(&["status"][..], STATUS), (&["plugin", "list"], PLUGINS), (&["why", "r"], WHY)] {
        let ended = told(&[words, &["--json"]].concat(), &success(data));
        assert_eq!((ended.status, ended.out), (0, format!("{}\n", data.replace('\n', ""))), "{words:?}");
    }
    let one = told(&["plugin", "list", "\u{1b}[31mevil", "--json"], &success(PLUGINS)).out;
    assert!(one.starts_with("[{\"name\":\"\\u001b[31mevil\"") && one.ends_with("\"a_later_key\":1}]\n"), "{one}");
    assert_eq!(told(&["plugin", "list", "--json"], &success("[]")).out, "[]\n");
}

#[test]
fn who_is_no_administrator_hears_77() {
    let refused = r#"{"error":"Authorisation failed: not listed","code":"not-authorised","ref":"r"}"#;
    for words in [&["reload"][..], &["status"], &["plugin", "list"], &["why", "r"]] {
        let ended = told(words, refused);
        let err = "regent: Authorisation failed: not listed (not-authorised, ref r)\n";
        assert_eq!((ended.status, ended.out.as_str(), ended.err.as_str()), (77, "", err), "{words:?}");
    }
}

#[test]
fn what_is_not_what_was_asked_for_is_not_shown_as_it() {
    for words in [&["reload"][..], &["status"], &["plugin", "list"], &["plugin", "list", "--json"], &["why", "r"]] {
        for data in ["7", "[7]", "{\"state\":\"of-next-year\"}", "null"] {
            let ended = told(words, &success(data));
            assert_eq!((ended.status, ended.out.as_str()), (1, ""), "{words:?} {data}");
            assert!(ended.err.ends_with("what came back is not what was asked for\n"), "{}", ended.err);
        }
    }
}

#[test]
fn without_a_daemon_each_ends_with_69() {
    for words in [&["reload"][..], &["status"], &["plugin", "list"], &["why", "r"]] {
        let ended = run(words, &[("REGENT_ADMIN", "/nowhere/admin.sock")]);
        assert_eq!(ended.status, 69, "{words:?}");
        assert!(ended.err.starts_with("regent: /nowhere/admin.sock: no daemon"), "{}", ended.err);
    }
}

#[test]
fn an_admin_socket_of_ones_own_is_found_below_the_runtime_folder() {
    if std::path::Path::new("/run/regent-admin/admin.sock").exists() {
        return; // The machine's own daemon comes first.
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("regent-admin")).unwrap();
    let path = folder.path().join("regent-admin/admin.sock");
    let environment = [("XDG_RUNTIME_DIR", folder.path().to_str().unwrap())];
    assert_eq!(run(&["status"], &environment).status, 69);
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let ended = run(&["status"], &environment);
    assert_eq!(ended.status, 69);
    assert!(ended.err.contains(path.to_str().unwrap()), "{}", ended.err);
}
