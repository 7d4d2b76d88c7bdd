//! regent.toml files with mistakes, and all that is said of each.

use super::{CONFIG, compare};
use crate::Config;

const ODD_CREDENTIAL: &str = "6: secret_file: a credential's name is made of letters, digits, \".\", \"_\", \"-\" and \"@\" and does not \
                              begin with \".\": write secret_file = \"credential:web.secret\"";

fn said(text: &str) -> Vec<String> {
    match Config::parse("regent.toml", text) {
        Ok(_) => vec![],
        Err(mistakes) => mistakes.iter().map(|mistake| format!("{}: {}", mistake.line, mistake.text)).collect(),
    }
}

/// The good file with one text replaced by another.
fn with(from: &str, to: &str) -> String {
    assert!(CONFIG.contains(from), "{from}");
    CONFIG.replacen(from, to, 1)
}

#[test]
fn each_mistake_is_said_with_its_line_and_what_to_write() {
    let cases: Vec<(String, &[&str])> = vec![
        (
            with("plugins = [\"/usr/lib/regent/plugins\"]\n", ""),
            &["1: regent.toml has no plugins: write plugins = [\"/usr/lib/regent/plugins\"]"],
        ),
        (
            with("\"/usr/lib/regent/plugins\"", ""),
            &["1: plugins is empty: nothing could be served: write plugins = [\"/usr/lib/regent/plugins\"]"],
        ),
        (
            with("\"/usr/lib/regent/plugins\"", "\n  \"lib\",\n  5"),
            &[
                "2: plugins: \"lib\" is not absolute: write a path that begins with /",
                "3: plugins is a number: write a text in quotes",
            ],
        ),
        (with("[\"/usr/lib/regent/plugins\"]", "\"/usr/lib\""), &["1: plugins is a text: write a list in [ ]"]),
        (
            with("state = \"/var/lib/regent\"\n", ""),
            &["1: regent.toml has no state: write state = \"/var/lib/regent\""],
        ),
        (with("/var/lib/regent", "/var/../etc"), &["2: state: \"/var/../etc\" holds ..: write it without"]),
        (
            with("state = \"/var/lib/regent\"", "state = \"/s\"\naudit = \"/var/log/\""),
            &["3: audit is a folder: write the path of a file"],
        ),
        (
            with("state =", "sate ="),
            &[
                "1: regent.toml has no state: write state = \"/var/lib/regent\"",
                "2: regent.toml has no key \"sate\": did you mean state?",
            ],
        ),
        (
            with("state = \"/var/lib/regent\"", "state = \"/s\"\nfoo = 1"),
            &[
                "3: regent.toml has no key \"foo\": there is plugins, grants, state, audit, daemon_user, keep_results, sandbox, admin, sockets, people, teams",
            ],
        ),
        (
            with("state = \"/var/lib/regent\"", "state = \"/s\"\nengine = \"native\""),
            &["3: engine is of the sandboxes: write it below [sandbox]"],
        ),
        (
            with("state = \"/var/lib/regent\"", "state = \"/s\"\nkeep_results = \"0h\""),
            &["3: keep_results: zero is no time: write 1ms or more, or leave the key out"],
        ),
        (
            with("state = \"/var/lib/regent\"", "state = \"/s\"\nkeep_results = 24"),
            &["3: keep_results is a number: write a time, such as \"30s\""],
        ),
        (
            with("state = \"/var/lib/regent\"", "state = \"/s\"\nkeep_results = \"1d\""),
            &[
                "3: keep_results: \"1d\" is not a time: write a whole number and ms, s, m or h, such as \"500ms\", \"3s\", \"15m\", \"24h\"",
            ],
        ),
        (
            with("state = \"/var/lib/regent\"", "state = \"/s\"\nkeep_results = \"1500ms\""),
            &["3: keep_results counts whole seconds: write \"1s\" or more"],
        ),
        (
            with("state = \"/var/lib/regent\"", "state = \"/s\"\nkeep_results = \"9000h\""),
            &["3: keep_results: 9000h is too long: write 8784h (366 days) or less"],
        ),
        (
            with("state = \"/var/lib/regent\"", "state = /s"),
            &["2: not TOML: string values must be quoted, expected literal string"],
        ),
        (with("state = \"/var/lib/regent\"", "state = \"/s\"\nstate = \"/t\""), &["3: not TOML: duplicate key"]),
        (
            with("[people.anna]", "[sandbox]\nuids = \"0+10\"\n[people.anna]"),
            &["9: uids must be FIRST+COUNT, from 1000 on: write uids = \"1900000000+1000\""],
        ),
        (
            with("[people.anna]", "[sandbox]\nuids = \"4294967290+10\"\n[people.anna]"),
            &["9: uids must be FIRST+COUNT, from 1000 on: write uids = \"1900000000+1000\""],
        ),
        (
            with("[people.anna]", "[sandbox]\nuids = \"2000+0\"\n[people.anna]"),
            &["9: uids must be FIRST+COUNT, from 1000 on: write uids = \"1900000000+1000\""],
        ),
        (
            with("[people.anna]", "[sandbox]\nuids = 2000\n[people.anna]"),
            &["9: uids is a number: write a text in quotes"],
        ),
        (
            with("[people.anna]", "[sandbox]\nengine = \"x\"\n[people.anna]"),
            &["9: no engine is called \"x\": write \"native\" or \"interpreter\""],
        ),
        (
            with("[people.anna]", "[sandbox]\nengine = true\n[people.anna]"),
            &["9: engine is true or false: write a text in quotes"],
        ),
        (
            with("[people.anna]", "[sandbox]\nrecycle_after = 0\nrecycle_idle = \"0s\"\n[people.anna]"),
            &[
                "9: recycle_after is 0: write a number from 1 to 1000000000",
                "10: recycle_idle: zero is no time: write 1ms or more, or leave the key out",
            ],
        ),
        (
            with("[people.anna]", "[sandbox]\nrecycle_after = 1000000001\nrecycle_idle = \"999ms\"\n[people.anna]"),
            &[
                "9: recycle_after is 1000000001: write a number from 1 to 1000000000",
                "10: recycle_idle counts whole seconds: write \"1s\" or more",
            ],
        ),
        (
            with("[people.anna]", "sandbox = 1\n[people.anna]"),
            &[
                "8: [[sockets]] has no key \"sandbox\": there is name, path, mode, group, secret, secret_file, operations, trust_peer_uid",
            ],
        ),
        (
            with("[people.anna]", "[admin]\npath = \"/run/a/s\"\ngroup = -1\n[people.anna]"),
            &["10: group is -1: write a number from 0 to 4294967294"],
        ),
        (
            with("user = \"1001\"", "user = 1001\ntotp = \"x\""),
            &["12: totp is not served by this version of Regent: leave it out"],
        ),
        (
            with("[people.anna]", "[sandbox]\nuid = \"5\"\nallow_missing = [\"a b\"]\n[people.anna]"),
            &[
                "9: [sandbox] has no key \"uid\": did you mean uids?",
                "10: allow_missing: a b is no layer of the sandbox: write user-namespace, mount-namespace, pid-namespace, \
                 network-namespace, ipc-namespace, uts-namespace, cgroup-namespace, landlock, seccomp",
            ],
        ),
        (with("name = \"web\"\n", ""), &["3: [[sockets]] has no name: write name = \"web\""]),
        (with("\"web\"", "\"-web\""), &["4: \"-web\" is no name: write 1 to 64 letters, digits, - and _, not - first"]),
        (with("\"web\"", "\"we b\""), &["4: \"we b\" is no name: write 1 to 64 letters, digits, - and _, not - first"]),
        (
            with("/run/regent/web/regent.sock", "regent.sock"),
            &["5: path: \"regent.sock\" is not absolute: write a path that begins with /"],
        ),
        (
            with("/run/regent/web/regent.sock", "/regent.sock"),
            &["5: path is in /: give the socket a folder of its own"],
        ),
        (
            with(
                "/run/regent/web/regent.sock",
                "/run/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/s",
            ),
            &["5: path is longer than the 107 bytes that a socket's may have: write a shorter one"],
        ),
        (
            with("name =", "mode = 660\nname ="),
            &["4: mode must be octal digits in quotes, at most \"0777\": write mode = \"0660\""],
        ),
        (
            with("name =", "mode = \"0888\"\nname ="),
            &["4: mode must be octal digits in quotes, at most \"0777\": write mode = \"0660\""],
        ),
        (
            with("name =", "mode = \"4755\"\nname ="),
            &["4: mode must be octal digits in quotes, at most \"0777\": write mode = \"0660\""],
        ),
        (
            with("name =", "mode = 0660\nname ="),
            &["4: not TOML: unexpected leading zero, expected nothing: write it in quotes"],
        ),
        (with("name =", "mdoe = \"0660\"\nname ="), &["4: [[sockets]] has no key \"mdoe\": did you mean mode?"]),
        (
            with("name =", "group = 4294967295\nname ="),
            &["4: group is 4294967295: write a number from 0 to 4294967294"],
        ),
        (
            with("name =", "group = \"a b\"\nname ="),
            &["4: group: \"a b\" is no name and no number: write those of a user or group of this machine"],
        ),
        (with("name =", "rate = \"1/s\"\nname ="), &["4: rate is not served by this version of Regent: leave it out"]),
        (
            with("secret_file = \"/etc/regent/web.secret\"\n", ""),
            &["3: [[sockets]] has no secret: write secret_file = \"/etc/regent/web.secret\""],
        ),
        (
            with("secret_file = \"/etc/regent/web.secret\"", "secret = \"\""),
            &["6: secret is empty: write 16 random bytes or more, or secret_file = \"/etc/regent/web.secret\""],
        ),
        (
            with("secret_file = \"/etc/regent/web.secret\"", "secret = 5"),
            &["6: secret is a number: write a text in quotes"],
        ),
        (
            with("secret_file =", "secret = \"0123456789abcdefg\"\nsecret_file ="),
            &["7: secret and secret_file: keep one of them"],
        ),
        (
            with("secret_file = \"/etc/regent/web.secret\"", "secret_file = \"web.secret\""),
            &[
                "6: secret_file is no absolute path: write secret_file = \"/etc/regent/web.secret\", or \"credential:NAME\" for one that systemd hands over",
            ],
        ),
        (
            with("secret_file = \"/etc/regent/web.secret\"", "secret_file = \"credential:../web.secret\""),
            &[ODD_CREDENTIAL],
        ),
        (with("secret_file = \"/etc/regent/web.secret\"", "secret_file = \"credential:\""), &[ODD_CREDENTIAL]),
        (with("secret_file = \"/etc/regent/web.secret\"", "secret_file = \"credential:.secret\""), &[ODD_CREDENTIAL]),
        (
            with("secret_file = \"/etc/regent/web.secret\"", "secret_file = \"credential:web secret\""),
            &[ODD_CREDENTIAL],
        ),
        (
            with("operations = [\"open\", \"close\"]\n", ""),
            &["3: [[sockets]] has no operations: write operations = [\"whoami\"], or [\"*\"] for all"],
        ),
        (
            with("[\"open\", \"close\"]", "[]"),
            &["7: operations is empty: nothing could be asked: write the operations' names, or [\"*\"] for all"],
        ),
        (
            with("\"close\"", "\"*\", \"open\""),
            &["7: \"*\" means all: write it alone, or take it out", "7: open stands twice: take one out"],
        ),
        (
            with("\"close\"", "\"cl ose\""),
            &["7: \"cl ose\" is no name: write 1 to 64 letters, digits, - and _, not - first"],
        ),
        (
            with("[people.anna]", "trust_peer_uid = \"no\"\n[people.anna]"),
            &["8: trust_peer_uid is a text: write true or false"],
        ),
        (
            with(
                "[people.anna]",
                "[[sockets]]\nname = \"web\"\npath = \"/run/regent/web/regent.sock\"\nsecret_file = \"/s\"\noperations = [\"*\"]\n[people.anna]",
            ),
            &["9: two sockets are called web: name one otherwise", "10: web has the path of web: give it another"],
        ),
        (
            with(
                "[people.anna]",
                "[[sockets]]\nname = \"two\"\npath = \"/run/regent//web/two.sock\"\nsecret_file = \"/s\"\noperations = [\"*\"]\n[people.anna]",
            ),
            &["10: two is in the folder of web: give each a folder of its own"],
        ),
        (
            with("[people.anna]", "[admin]\npath = \"/run/regent/web/admin.sock\"\n[people.anna]"),
            &["9: the admin socket is in the folder of web: give it a folder of its own"],
        ),
        (
            with("[people.anna]", "[admin]\nmode = \"0666\"\nusers = 1\n[people.anna]"),
            &[
                "8: [admin] has no path: write path = \"/run/regent-admin/admin.sock\"",
                "10: [admin] has no key \"users\": there is path, mode, group",
            ],
        ),
        (
            with("user = \"anna\"", "usr = \"anna\""),
            &[
                "8: [people.anna] has no user: write user = \"anna\"",
                "9: [people.anna] has no key \"usr\": did you mean user?",
            ],
        ),
        (
            with("user = \"anna\"", "user = \"anna\"\nkeys = [\"SHA256:x\"]\nmail = \"a@b\""),
            &[
                "10: keys is not served by this version of Regent: leave it out",
                "11: mail is not served by this version of Regent: leave it out",
            ],
        ),
        (with("user = \"cleo\"", "user = \"anna\""), &["12: cleo and anna are one user, and so one person: keep one"]),
        (with("admin = true", "admin = 1"), &["14: admin is a number: write true or false"]),
        (
            with("[people.anna]", "[people.\"an na\"]\nuser = \"x\"\n[people.anna]"),
            &["8: \"an na\" is no name: write 1 to 64 letters, digits, - and _, not - first"],
        ),
        (with("ops = [\"anna\", \"ben\"]", "ops = []"), &["16: ops is empty: a team has persons: write their names"]),
        (
            with("ops = [\"anna\", \"ben\"]", "ops = [\"anna\",\n  \"bne\"]"),
            &["17: team ops: no person is called \"bne\": did you mean ben?"],
        ),
        (
            with("ops = [\"anna\", \"ben\"]", "ops = [\"anna\", \"anna\"]"),
            &["16: team ops: anna stands twice, and counts once: take one out"],
        ),
        (
            with("ops = [\"anna\", \"ben\"]", "anna = [\"ben\"]"),
            &["16: anna is a person already, and `of` could mean either: name the team otherwise"],
        ),
        (with("ops = [\"anna\", \"ben\"]", "ops = \"anna\""), &["16: ops is a text: write a list in [ ]"]),
        (
            "plugins = [\"/p\"]\nstate = \"/s\"\n".to_owned(),
            &["1: there is no socket, so nobody could ask: add [[sockets]]"],
        ),
        (
            "plugins = [\"/p\"]\nstate = \"/s\"\nsockets = []\n".to_owned(),
            &["3: sockets is empty: nobody could ask: add [[sockets]]"],
        ),
        (
            "".to_owned(),
            &[
                "1: regent.toml has no plugins: write plugins = [\"/usr/lib/regent/plugins\"]",
                "1: regent.toml has no state: write state = \"/var/lib/regent\"",
                "1: there is no socket, so nobody could ask: add [[sockets]]",
            ],
        ),
        (
            "[[sockets]]\n".to_owned(),
            &[
                "1: regent.toml has no plugins: write plugins = [\"/usr/lib/regent/plugins\"]",
                "1: regent.toml has no state: write state = \"/var/lib/regent\"",
                "1: [[sockets]] has no name: write name = \"web\"",
                "1: [[sockets]] has no path: write path = \"/run/regent/web/regent.sock\"",
                "1: [[sockets]] has no secret: write secret_file = \"/etc/regent/web.secret\"",
                "1: [[sockets]] has no operations: write operations = [\"whoami\"], or [\"*\"] for all",
            ],
        ),
        (
            with("[[sockets]]", "[sockets]"),
            &["3: sockets is a table: write [[sockets]], in two brackets, since there can be several"],
        ),
        ("x = [1\n".to_owned(), &["1: not TOML: unclosed array, expected `]`"]),
        (
            "x = [1\ny = /s\n[[sockets]\n".to_owned(),
            &["2: not TOML: missing comma between array elements, expected `,`"],
        ),
    ];
    compare(&cases, said);
}
