//! Grants files with mistakes, and all that is said of each.

use super::{PIN, compare, config};
use crate::Grants;

/// A grants file without a mistake, on 12 lines.
const FILE: &str = r#"sha256 = "PIN"
[settings]
ports = [22]
none = []
[operations.open]
allow = [{ user = "www-data" }]
require = [{ step = "approval", of = "ops" }]
[commands.open-port]
run = ["/usr/sbin/ufw", "{ip}", "{port}"]
params.ip = { type = "ipv4", scope = "public" }
params.port = { type = "integer", one_of = "settings.ports" }
timeout = "3s"
"#;

fn said(text: &str) -> Vec<String> {
    match Grants::parse("firewall", "firewall.toml", &text.replace("PIN", PIN), &config()) {
        Ok(_) => vec![],
        Err(mistakes) => mistakes.iter().map(|mistake| format!("{}: {}", mistake.line, mistake.text)).collect(),
    }
}

/// The good file with one text replaced by another.
fn with(from: &str, to: &str) -> String {
    assert!(FILE.contains(from), "{from}");
    FILE.replacen(from, to, 1)
}

#[test]
fn the_file_is_good_as_it_stands() {
    assert_eq!(said(FILE), Vec::<String>::new());
}

#[test]
fn a_file_of_an_odd_name_is_a_mistake() {
    let mistakes = Grants::parse("fire wall", "f", "[operations.o]\n", &config()).unwrap_err();
    let text = "f:1: \"fire wall\" is no name of a plugin: call the file by letters, digits, - and _, not - first";
    assert_eq!(mistakes.to_string(), text);
}

#[test]
fn each_mistake_is_said_with_its_line_and_what_to_write() {
    let cases: Vec<(String, &[&str])> = vec![
        (
            with("\"PIN\"", "\"9f2c\""),
            &["1: sha256: write the 64 hexadecimal digits that `sha256sum MODULE.wasm` prints"],
        ),
        (
            with("\"PIN\"", "[]"),
            &["1: sha256 is empty: it would accept no module: write sha256 = [\"…\"], or leave it out"],
        ),
        (with("\"PIN\"", "[\"PIN\",\n \"PIN\"]"), &["2: sha256: this digest stands twice: take one out"]),
        (with("\"PIN\"", "0"), &["1: sha256 is a number: write a list in [ ]"]),
        (
            with("ports = [22]", "ports = [nan]"),
            &[
                "3: ports is a number with a point: write a whole number",
                "3: settings: ports is nan, inf or larger than JSON's numbers: write it in quotes",
            ],
        ),
        (
            with("ports = [22]", "ports = [22]\nbig = 99999999999999999999"),
            &["4: settings: big has a number of more than 63 bits: write it in quotes"],
        ),
        (
            with("[settings]", "settings = 1\n[x]"),
            &[
                "2: settings is a number: write a table",
                "3: firewall.toml has no key \"x\": there is sha256, module, engine, settings, operations, commands",
                "12: [settings] has no key \"ports\": there is none: add it",
            ],
        ),
        (
            with("[operations.open]", "[operation.open]"),
            &[
                "1: no operation is served: add [operations.NAME]",
                "5: firewall.toml has no key \"operation\": did you mean operations?",
            ],
        ),
        (
            with("[operations.open]", "[operations.\"o pen\"]"),
            &["5: \"o pen\" is no name: write 1 to 64 letters, digits, - and _, not - first"],
        ),
        (
            with("[settings]", "module = \"../firewall\"\n[settings]"),
            &["2: \"../firewall\" is no name: write 1 to 64 letters, digits, - and _, not - first"],
        ),
        (
            with("allow = [{ user = \"www-data\" }]", "allow = []"),
            &["6: allow is empty: it would allow nobody: write { user = \"NAME\" }, or leave allow out"],
        ),
        (
            with("{ user = \"www-data\" }", "{ user = \"a\", uid = 1 }"),
            &["6: a rule of allow has one of user, uid, group, gid: write { user = \"NAME\" }, and a rule for each"],
        ),
        (
            with("{ user = \"www-data\" }", "{ }"),
            &["6: a rule of allow has one of user, uid, group, gid: write { user = \"NAME\" }, and a rule for each"],
        ),
        (
            with("{ user = \"www-data\" }", "{ usr = \"a\" }"),
            &[
                "6: a rule of allow has one of user, uid, group, gid: write { user = \"NAME\" }, and a rule for each",
                "6: a rule of allow has no key \"usr\": did you mean user?",
            ],
        ),
        (
            with("{ user = \"www-data\" }", "{ uid = 4294967295 }"),
            &["6: uid is 4294967295: write a number from 0 to 4294967294"],
        ),
        (with("{ user = \"www-data\" }", "{ uid = \"82\" }"), &["6: uid is a text: write a whole number"]),
        (with("{ user = \"www-data\" }", "{ user = 82 }"), &["6: user is a number: write a text in quotes"]),
        (with("{ user = \"www-data\" }", "{ gid = -1 }"), &["6: gid is -1: write a number from 0 to 4294967294"]),
        (with("{ user = \"www-data\" }", "\"www-data\""), &["6: allow is a text: write { user = \"NAME\" }, a table"]),
        (
            with("require = [{ step = \"approval\", of = \"ops\" }]", "rate = \"10/min\""),
            &["7: rate is not served by this version of Regent: leave it out"],
        ),
        (
            with("require = [{ step = \"approval\", of = \"ops\" }]", "timeout = \"3s\""),
            &["7: timeout belongs beside run: add run = [\"/usr/bin/PROGRAM\"], or write it in [commands.NAME]"],
        ),
        (
            with("require = [{ step = \"approval\", of = \"ops\" }]", "require = [{ step = \"totp\", of = \"anna\" }]"),
            &["7: step = \"totp\" is not served by this version of Regent: write step = \"approval\""],
        ),
        (
            with(
                "require = [{ step = \"approval\", of = \"ops\" }]",
                "require = [{ step = \"email\", of = \"anna\" }]",
            ),
            &["7: step = \"email\" is not served by this version of Regent: write step = \"approval\""],
        ),
        (
            with("require = [{ step = \"approval\", of = \"ops\" }]", "require = [{ step = \"plugin\" }]"),
            &["7: step = \"plugin\" is not served by this version of Regent: write step = \"approval\""],
        ),
        (
            with("require = [{ step = \"approval\", of = \"ops\" }]", "require = [{ any = [] }]"),
            &["7: any is not served by this version of Regent: leave it out"],
        ),
        (
            with(
                "require = [{ step = \"approval\", of = \"ops\" }]",
                "require = [{ when = { ip = [] }, step = \"approval\", of = \"ops\" }]",
            ),
            &["7: when is not served by this version of Regent: leave it out"],
        ),
        (
            with(
                "require = [{ step = \"approval\", of = \"ops\" }]",
                "require = [{ step = \"approve\", of = \"ops\" }]",
            ),
            &["7: no step is called \"approve\": write step = \"approval\""],
        ),
        (
            with("require = [{ step = \"approval\", of = \"ops\" }]", "require = [{ of = \"ops\" }]"),
            &["7: a step has no step: write step = \"approval\""],
        ),
        (
            with(
                "require = [{ step = \"approval\", of = \"ops\" }]",
                "require = [{ step = \"approval\", of = \"ops\", cuont = 2 }]",
            ),
            &["7: a step has no key \"cuont\": did you mean count?"],
        ),
        (
            with(
                "require = [{ step = \"approval\", of = \"ops\" }]",
                "require = [{ step = \"approval\", of = \"ops\" }, { step = \"approval\", of = \"ops\", count = 1 }]",
            ),
            &["7: the same step twice asks nobody else: write a higher count, or take one out"],
        ),
        (
            with(
                "require = [{ step = \"approval\", of = \"ops\" }]",
                "require = { step = \"approval\", of = \"ops\" }",
            ),
            &["7: require is a table: write a list in [ ]"],
        ),
        (
            with("require = [{ step = \"approval\", of = \"ops\" }]", "as = \"a b\""),
            &["7: \"a b\" is no name: write 1 to 64 letters, digits, - and _, not - first"],
        ),
        (
            with(
                "require = [{ step = \"approval\", of = \"ops\" }]",
                "require = [{ step = \"approval\", of = \"ops\" }]\n[operations.two]\nas = \"open\"",
            ),
            &["9: open and two are both called open: write another as = \"…\""],
        ),
        (
            with("require = [{ step = \"approval\", of = \"ops\" }]", "show_plan = \"yes\""),
            &["7: show_plan is a text: write true or false"],
        ),
        (
            with("require = [{ step = \"approval\", of = \"ops\" }]", "hold_for = \"0s\""),
            &["7: hold_for: zero is no time: write 1ms or more, or leave the key out"],
        ),
        (
            with("require = [{ step = \"approval\", of = \"ops\" }]", "run_within = \"0s\"\ndeadline = \"0ms\""),
            &[
                "7: run_within: zero is no time: write 1ms or more, or leave the key out",
                "8: deadline: zero is no time: write 1ms or more, or leave the key out",
            ],
        ),
        (with("of = \"ops\"", "of = \"ops\", count = 0"), &["7: count = 0 would ask nobody: write count = 1 or more"]),
        (
            with("of = \"ops\"", "of = \"ops\", count = 3"),
            &["7: count = 3, and ops has 2: nobody could reach it: write 2 or less"],
        ),
        (
            with("of = \"ops\"", "of = \"opps\""),
            &["7: no person or team of regent.toml is called \"opps\": did you mean ops?"],
        ),
        (
            with("[{ step = \"approval\", of = \"ops\" }]", "[]"),
            &["7: require is empty: it would ask nobody: write a step, or leave require out"],
        ),
        (
            with("require = [{ step = \"approval\", of = \"ops\" }]", "run_within = \"100ms\""),
            &["7: run_within counts whole seconds: write \"1s\" or more"],
        ),
        (
            with("require = [{ step = \"approval\", of = \"ops\" }]", "deadline = \"3\""),
            &[
                "7: deadline: \"3\" is not a time: write a whole number and ms, s, m or h, such as \"500ms\", \"3s\", \"15m\", \"24h\"",
            ],
        ),
        (
            with("require = [{ step = \"approval\", of = \"ops\" }]", "requires = []"),
            &["7: [operations.open] has no key \"requires\": did you mean require?"],
        ),
        (
            with("require = [{ step = \"approval\", of = \"ops\" }]", "deadline = \"2s\""),
            &[
                "12: command open-port: its timeout of 3s does not fit into the 2s of operation open: write a shorter timeout, or deadline = \"3s\" or more in [operations.open]",
            ],
        ),
        (
            with("timeout = \"3s\"", "timeout = \"6s\"\n[operations.slow]\ndeadline = \"10s\"\n[operations.fast]"),
            &[
                "12: command open-port: its timeout of 6s does not fit into the 4500ms of operation fast: write a shorter timeout, or deadline = \"6s\" or more in [operations.fast]",
            ],
        ),
        (
            with("timeout = \"3s\"", "timeout = \"0s\""),
            &["12: timeout: zero is no time: write 1ms or more, or leave the key out"],
        ),
        (with("timeout = \"3s\"", "timeout = 3"), &["12: timeout is a number: write a time, such as \"30s\""]),
        (
            with("timeout = \"3s\"", "timeuot = \"3s\""),
            &["12: [commands.open-port] has no key \"timeuot\": did you mean timeout?"],
        ),
        (
            with("timeout = \"3s\"", "timeout = \"3 s\""),
            &[
                "12: timeout: \"3 s\" is not a time: write a whole number and ms, s, m or h, such as \"500ms\", \"3s\", \"15m\", \"24h\"",
            ],
        ),
        (
            with("[commands.open-port]", "[commands.\"open port\"]"),
            &["8: \"open port\" is no name: write 1 to 64 letters, digits, - and _, not - first"],
        ),
        (
            with("run = [\"/usr/sbin/ufw\", \"{ip}\", \"{port}\"]\n", ""),
            &["8: [commands.open-port] has no run: write run = [\"/usr/bin/PROGRAM\", \"ARGUMENT\"]"],
        ),
        (
            with("[\"/usr/sbin/ufw\", \"{ip}\", \"{port}\"]", "[]"),
            &["9: run is empty: nothing would run: write the program's absolute path and its arguments"],
        ),
        (
            with("[\"/usr/sbin/ufw\", \"{ip}\", \"{port}\"]", "\"/usr/sbin/ufw\""),
            &["9: run is a text: write a list in [ ]"],
        ),
        (with("/usr/sbin/ufw", "ufw"), &["9: run: \"ufw\" is not absolute: write a path that begins with /"]),
        (with("/usr/sbin/ufw", "/usr/{ip}"), &["9: run: the program cannot have a slot: write its absolute path"]),
        (with("/usr/sbin/ufw", "/usr//sbin/ufw"), &["9: run: write the program's path plainly: \"/usr/sbin/ufw\""]),
        (with("/usr/sbin/ufw", "/usr/sbin/"), &["9: run is a folder: write the path of a file"]),
        (
            with("\"{ip}\"", "\"a{\", \"{ip}\""),
            &["9: run: \"a{\" has a lone {: a slot is written {SLOT}, a brace itself {{"],
        ),
        (
            with("\"{ip}\"", "\"}}}\", \"{ip}\""),
            &["9: run: \"}}}\" has a lone }: a slot is written {SLOT}, a brace itself }}"],
        ),
        (with("\"{ip}\"", "\"{ip\""), &["9: run: \"{ip\" has a lone {: a slot is written {SLOT}, a brace itself {{"]),
        (
            with("\"{ip}\"", "\"{}\", \"{ip}\""),
            &["9: run: \"{}\" has a lone {: a slot is written {SLOT}, a brace itself {{"],
        ),
        (
            with("\"{ip}\"", "\"{i p}\", \"{ip}\""),
            &["9: run: \"{i p}\": \"i p\" is no name of a slot: write {SLOT}, and {{ for a brace itself"],
        ),
        (
            with("\"{ip}\"", "\"{ip}\", \"{{{ip}}\""),
            &["9: run: \"{{{ip}}\" has a lone }: a slot is written {SLOT}, a brace itself }}"],
        ),
        (with("\"{ip}\"", "\"\\u0000\", \"{ip}\""), &["9: run: an argument cannot hold a NUL: take it out"]),
        (with("\"{ip}\"", "5, \"{ip}\""), &["9: run is a number: write a text in quotes"]),
        (
            with("\"{ip}\"", "\"{ipp}\""),
            &[
                "9: run: slot ipp has no type: add params.ipp = { type = \"…\" }, or did you mean {ip}?",
                "10: params.ip is in no argument of run: write {ip} there, or take it out",
            ],
        ),
        (with("\"{ip}\", ", ""), &["10: params.ip is in no argument of run: write {ip} there, or take it out"]),
        (
            with("type = \"ipv4\"", "type = \"xyz\""),
            &[
                "10: no type is called \"xyz\": there is ipv4, ipv6, ip, cidr, hostname, integer, one_of, text, user, group, unit, uuid, path, list, flag",
            ],
        ),
        (with("type = \"ipv4\"", "type = \"ivp4\""), &["10: no type is called \"ivp4\": did you mean ipv4?"]),
        (
            with("type = \"ipv4\", ", ""),
            &[
                "10: params.ip has no type: write type = \"text\", or one of ipv4, ipv6, ip, cidr, hostname, integer, one_of, text, user, group, unit, uuid, path, list, flag",
            ],
        ),
        (
            with("scope = \"public\"", "scope = \"global\""),
            &["10: no scope is called \"global\": write \"public\", \"private\" or \"any\""],
        ),
        (
            with("scope = \"public\"", "pattern = \"x\""),
            &["10: params.ip has no key \"pattern\": there is type, scope"],
        ),
        (with("settings.ports", "settings.prots"), &["11: [settings] has no key \"prots\": did you mean ports?"]),
        (
            with("settings.ports", "settings.none"),
            &["4: none is empty: the slot would accept nothing: write what it may be"],
        ),
        (
            with("\"settings.ports\"", "[]"),
            &["11: one_of is empty: the slot would accept nothing: write what it may be"],
        ),
        (with("settings.ports", "ports"), &["11: one_of: write a list in [ ], or \"settings.KEY\""]),
        (with("\"settings.ports\"", "[\"22\"]"), &["11: one_of is a text: write a whole number"]),
        (with("one_of = \"settings.ports\"", "one_of = [1], min = 1"), &["11: one_of and min: keep one of them"]),
        (
            with("one_of = \"settings.ports\"", "min = 5, max = 4"),
            &["11: no number is from 5 to 4: write a min that is not above max (min is 0 if left out)"],
        ),
        (
            with("one_of = \"settings.ports\"", "max = -1"),
            &["11: no number is from 0 to -1: write a min that is not above max (min is 0 if left out)"],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "one_of = [22]"),
            &["11: one_of is a number: write a text in quotes"],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"one_of\""),
            &["11: params.port has no values: write values = [\"start\", \"stop\"]"],
        ),
        (
            with(
                "type = \"integer\", one_of = \"settings.ports\"",
                "type = \"one_of\", values = [\"-v\", \"\", \"é\"]",
            ),
            &[
                "11: \"-v\" could be read as an option: write first_any = true if it is meant so",
                "11: \"\" cannot be a slot's value: write 1 to 4096 bytes of ASCII, no control characters",
                "11: \"é\" cannot be a slot's value: write 1 to 4096 bytes of ASCII, no control characters",
            ],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"(?i)a\""),
            &[
                "11: pattern: flags such as (?i) or (?m) are not taken: write classes, such as [Aa], and groups as (?:…)",
            ],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"\\\\\\\\(?i)a\""),
            &[
                "11: pattern: flags such as (?i) or (?m) are not taken: write classes, such as [Aa], and groups as (?:…)",
            ],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"(?m)^[a-z]+$\""),
            &[
                "11: pattern: flags such as (?i) or (?m) are not taken: write classes, such as [Aa], and groups as (?:…)",
            ],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"(?x) a\""),
            &[
                "11: pattern: flags such as (?i) or (?m) are not taken: write classes, such as [Aa], and groups as (?:…)",
            ],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"(?s-u:.)\""),
            &[
                "11: pattern: flags such as (?i) or (?m) are not taken: write classes, such as [Aa], and groups as (?:…)",
            ],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \")(\""),
            &[
                "11: pattern: unopened group: write it as the crate regex reads it, with \\ before a sign that means itself",
            ],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"a)|(?:b\""),
            &[
                "11: pattern: unopened group: write it as the crate regex reads it, with \\ before a sign that means itself",
            ],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"[\""),
            &[
                "11: pattern: unclosed character class: write it as the crate regex reads it, with \\ before a sign that means itself",
            ],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"a{1000}{1000}\""),
            &["11: pattern: it is too big: write smaller repetitions"],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"\\\\p{L}\""),
            &[
                "11: pattern: Unicode not allowed here: write it as the crate regex reads it, with \\ before a sign that means itself",
            ],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"é\""),
            &["11: pattern: values are ASCII only: write the pattern in ASCII"],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"a\\\\\""),
            &[
                "11: pattern: incomplete escape sequence, reached end of pattern prematurely: write it as the crate regex reads it, with \\ before a sign that means itself",
            ],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"(?=a)\""),
            &[
                "11: pattern: flags such as (?i) or (?m) are not taken: write classes, such as [Aa], and groups as (?:…)",
            ],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"[(?x]\""),
            &[
                "11: pattern: flags such as (?i) or (?m) are not taken: write classes, such as [Aa], and groups as (?:…)",
            ],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"(?<=a)b\""),
            &[
                "11: pattern: look-around, including look-ahead and look-behind, is not supported: write it as the crate regex reads it, with \\ before a sign that means itself",
            ],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\""),
            &["11: params.port has no pattern: write pattern = \"[a-z]+\" (it must match the whole value), or one_of"],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"a\", max = 4097"),
            &["11: max is 4097: write a number from 1 to 4096"],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"a\", max = 0"),
            &["11: max is 0: write a number from 1 to 4096"],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"list\""),
            &["11: params.port has no of: write of = { type = \"ipv4\" }"],
        ),
        (
            with("type = \"integer\", one_of = \"settings.ports\"", "type = \"path\""),
            &["11: params.port has no below: write below = \"/var/log/app\""],
        ),
        (with("timeout = \"3s\"", "ok = []"), &["12: ok is empty: nothing would be success: write ok = [0]"]),
        (with("timeout = \"3s\"", "ok = [256]"), &["12: ok is 256: write a number from 0 to 255"]),
        (
            with("timeout = \"3s\"", "env = { \"A-B\" = \"x\", C = 1 }"),
            &[
                "12: env: \"A-B\" is no name of a variable: write letters, digits and _",
                "12: C is a number: write a text in quotes",
            ],
        ),
        (
            with("timeout = \"3s\"", "cwd = \"srv\""),
            &["12: cwd: \"srv\" is not absolute: write a path that begins with /"],
        ),
        (
            with("timeout = \"3s\"", "umask = 22"),
            &["12: umask must be octal digits in quotes, at most \"0777\": write umask = \"0022\""],
        ),
        (
            with("timeout = \"3s\"", "output_max = 1048577"),
            &["12: output_max is 1048577: write a number from 1 to 1048576"],
        ),
        (with("timeout = \"3s\"", "output_max = 0"), &["12: output_max is 0: write a number from 1 to 1048576"]),
        (with("timeout = \"3s\"", "run_as = -1"), &["12: run_as is -1: write a number from 0 to 4294967294"]),
        (
            with("timeout = \"3s\"", "run_as = \"\""),
            &["12: run_as: \"\" is no name and no number: write those of a user or group of this machine"],
        ),
        (
            with("timeout = \"3s\"", "limits = 1\nrequire = []"),
            &[
                "12: limits is not served by this version of Regent: leave it out",
                "13: require is not served by this version of Regent: leave it out",
            ],
        ),
        (
            with("timeout = \"3s\"", "stdin = \"file\""),
            &["12: no stdin is called \"file\": write \"data\", the request's data, or \"none\""],
        ),
        (with("timeout = \"3s\"", "stdin = true"), &["12: stdin is true or false: write a text in quotes"]),
        (
            with("timeout = \"3s\"", "leave_children = \"yes\"\nends_host = 1"),
            &["12: leave_children is a text: write true or false", "13: ends_host is a number: write true or false"],
        ),
        ("".to_owned(), &["1: no operation is served: add [operations.NAME]"]),
        ("[operations]\n".to_owned(), &["1: no operation is served: add [operations.NAME]"]),
        ("[operations.o]\nallow = [\n".to_owned(), &["2: not TOML: unclosed array, expected `]`"]),
        (
            "operations = 5\n".to_owned(),
            &["1: operations is a number: write a table", "1: no operation is served: add [operations.NAME]"],
        ),
        (
            "commands = 5\nlimits = 1\nsha265 = 1\n".to_owned(),
            &[
                "1: commands is a number: write a table",
                "1: no operation is served: add [operations.NAME]",
                "2: firewall.toml has no key \"limits\": there is sha256, module, engine, settings, operations, commands",
                "3: firewall.toml has no key \"sha265\": did you mean sha256?",
            ],
        ),
    ];
    compare(&cases, said);
}

#[test]
fn an_engine_is_one_of_two_words_above_the_first_table() {
    let unknown = "2: no engine is called \"wasm\": write \"native\" or \"interpreter\"";
    assert_eq!(said(&with("[settings]", "engine = \"wasm\"\n[settings]")), [unknown]);
    let misplaced = "8: engine is for the whole file: write it above the first table";
    assert_eq!(said(&with("[commands", "engine = \"native\"\n[commands")), [misplaced]);
}

#[test]
fn words_of_later_versions_are_called_so() {
    for key in ["rate", "when", "any", "keys", "plan", "approve_open", "groups", "limits"] {
        let text = with("[commands", &format!("{key} = 1\n[commands"));
        assert_eq!(said(&text), [format!("8: {key} is not served by this version of Regent: leave it out")]);
    }
    for key in ["plan", "approve_open"] {
        let text = with("[settings]", &format!("{key} = 1\n[settings]"));
        assert_eq!(said(&text), [format!("2: {key} is not served by this version of Regent: leave it out")]);
    }
}
