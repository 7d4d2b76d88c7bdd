//! What is just within: for each kind of mistake the file beside it that is taken. `bad_config` and `bad_grants` are
//! the denied twins.

use super::{CONFIG, PIN, config};
use crate::{Config, Grants};

const FILE: &str = r#"sha256 = "PIN"
[settings]
ports = [22]
[operations.open]
allow = [{ user = "www-data" }]
[commands.c]
run = ["/usr/sbin/ufw", "{ip}", "{port}"]
params.ip = { type = "ipv4", scope = "public" }
params.port = { type = "integer", one_of = "settings.ports" }
timeout = "3s"
"#;

#[test]
fn regent_toml_may_say_all_that_is_just_within() {
    for (from, to) in [
        ("[\"/usr/lib/regent/plugins\"]", "[\"/a\", \"/b\"]"),
        ("state = \"/var/lib/regent\"", "state = \"/s\"\nkeep_results = \"1s\""),
        ("state = \"/var/lib/regent\"", "state = \"/s\"\nkeep_results = \"8784h\""),
        ("state = \"/var/lib/regent\"", "state = \"/var/..lib\"\naudit = \"/var/log/audit\""),
        ("[people.anna]", "[sandbox]\nuids = \"1000+1\"\n[people.anna]"),
        ("[people.anna]", "[sandbox]\nuids = \"4294967294+1\"\n[people.anna]"),
        ("[people.anna]", "[sandbox]\nengine = \"native\"\n[people.anna]"),
        ("[people.anna]", "[sandbox]\nengine = \"interpreter\"\n[people.anna]"),
        ("[people.anna]", "[sandbox]\nrecycle_after = 1\nrecycle_idle = \"1s\"\n[people.anna]"),
        ("[people.anna]", "[sandbox]\nrecycle_after = 1000000000\nrecycle_idle = \"8784h\"\n[people.anna]"),
        ("\"web\"", "\"a-b_C9\""),
        ("name =", "mode = \"660\"\nname ="),
        ("name =", "mode = \"0777\"\nname ="),
        ("name =", "group = 4294967294\nname ="),
        ("name =", "group = \"regent\"\nname ="),
        ("secret_file = \"/etc/regent/web.secret\"", "secret = \"0123456789abcdefg\""),
        ("[\"open\", \"close\"]", "[\"*\"]"),
        ("[people.anna]", "trust_peer_uid = false\n[people.anna]"),
        ("[people.anna]", "[admin]\npath = \"/run/regent/web2/admin.sock\"\n[people.anna]"),
        ("[people.anna]", "[admin]\npath = \"/run/regent/admin.sock\"\n[people.anna]"),
        ("user = \"cleo\"", "user = 1002"),
        ("ops = [\"anna\", \"ben\"]", "ops = [\"anna\"]"),
        ("ops = [\"anna\", \"ben\"]", "ops = [\"anna\"]\nall = [\"anna\", \"ben\", \"cleo\"]"),
    ] {
        assert!(CONFIG.contains(from), "{from}");
        Config::parse("regent.toml", &CONFIG.replacen(from, to, 1))
            .unwrap_or_else(|mistakes| panic!("{to}: {mistakes}"));
    }
}

#[test]
fn a_sockets_path_may_be_as_long_as_the_kernel_takes_and_no_longer() {
    let with = |length: usize| {
        let path = format!("/run/{}", "x/".repeat(60));
        CONFIG.replacen("/run/regent/web/regent.sock", &format!("{}s", &path[..length - 1]), 1)
    };
    assert!(Config::parse("f", &with(107)).is_ok());
    assert!(Config::parse("f", &with(108)).is_err());
}

#[test]
fn a_grants_file_may_say_all_that_is_just_within() {
    for (from, to) in [
        ("sha256 = \"PIN\"", "sha256 = [\"PIN\"]"),
        ("sha256 = \"PIN\"", ""),
        ("[settings]", "engine = \"native\"\n[settings]"),
        ("[settings]", "engine = \"interpreter\"\n[settings]"),
        ("ports = [22]", "ports = [22]\nbig = 9223372036854775807\nfloat = -1.5e300"),
        ("{ user = \"www-data\" }", "{ uid = 4294967294 }"),
        ("{ user = \"www-data\" }", "{ user = \"4294967294\" }, { gid = 0 }, { group = \"a\" }"),
        ("allow = [{ user = \"www-data\" }]", "require = [{ step = \"approval\", of = \"ops\", count = 2 }]"),
        ("allow = [{ user = \"www-data\" }]", "require = [{ step = \"approval\", of = \"anna\" }]"),
        ("allow = [{ user = \"www-data\" }]", "as = \"o\"\n[operations.o]\nas = \"open\""),
        ("allow = [{ user = \"www-data\" }]", "deadline = \"3s\""),
        ("allow = [{ user = \"www-data\" }]", "hold_for = \"1s\"\nrun_within = \"8784h\"\nshow_plan = true"),
        ("timeout = \"3s\"", "timeout = \"4500ms\""),
        ("timeout = \"3s\"", "timeout = \"1ms\""),
        ("\"{ip}\"", "\"{{\", \"{\", \"}\", \"}}\", \"{{{ip}}}\""),
        ("\"{ip}\"", "\"{ip}{ip}\""),
        ("scope = \"public\"", "scope = \"private\""),
        (", scope = \"public\"", ""),
        ("one_of = \"settings.ports\"", "min = 4, max = 4"),
        ("one_of = \"settings.ports\"", "min = -9223372036854775808, max = 9223372036854775807"),
        ("one_of = \"settings.ports\"", "one_of = [22]"),
        ("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"a\", max = 4096"),
        ("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"\\\\)\\\\(\""),
        ("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"(?:a)(?P<n>b)(?<m>c)\""),
        ("type = \"integer\", one_of = \"settings.ports\"", "type = \"text\", pattern = \"a{100}\""),
        ("type = \"integer\", one_of = \"settings.ports\"", "one_of = [\"22\"]"),
        ("type = \"integer\", one_of = \"settings.ports\"", "type = \"one_of\", values = [\"-v\"], first_any = true"),
        ("timeout = \"3s\"", "ok = [0, 255]"),
        ("timeout = \"3s\"", "env = { _A9 = \"\" }"),
        ("timeout = \"3s\"", "cwd = \"/\"\numask = \"000\"\noutput_max = 1"),
        ("timeout = \"3s\"", "output_max = 1048576\nrun_as = 4294967294"),
        ("timeout = \"3s\"", "run_as = \"root\""),
    ] {
        assert!(FILE.contains(from), "{from}");
        let text = FILE.replacen(from, to, 1).replace("PIN", PIN);
        Grants::parse("p", "p.toml", &text, &config()).unwrap_or_else(|mistakes| panic!("{to}: {mistakes}"));
    }
}
