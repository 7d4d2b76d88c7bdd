//! What is valid and dangerous: each file, and all that it is warned of. Beside most stands the twin of which nothing
//! is said.

use super::{CONFIG, PIN, checked, compare, config};
use crate::{Config, Grants};

/// A grants file of which there is nothing to say, on 8 lines.
const FILE: &str = r#"[operations.open]
allow = [{ user = "www-data" }]
run = ["/usr/sbin/ufw", "{ip}", "{word}"]
params.ip = { type = "ipv4" }
params.word = { type = "text", pattern = "[a-z]+" }
timeout = "3s"
[operations.other]
allow = [{ user = "www-data" }]
run = ["/usr/bin/true"]
"#;

fn grants_warn(text: &str) -> Vec<String> {
    checked(&text.replace("PIN", PIN)).warnings.iter().map(|said| format!("{}: {}", said.line, said.text)).collect()
}

fn config_warns(text: &str) -> Vec<String> {
    let checked = Config::parse("regent.toml", text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    checked.warnings.iter().map(|said| format!("{}: {}", said.line, said.text)).collect()
}

fn with(from: &str, to: &str) -> String {
    assert!(FILE.contains(from), "{from}");
    FILE.replacen(from, to, 1)
}

fn configured(from: &str, to: &str) -> String {
    assert!(CONFIG.contains(from), "{from}");
    CONFIG.replacen(from, to, 1)
}

/// The file with another `run`, its two slots last.
fn running(program: &str) -> String {
    with("\"/usr/sbin/ufw\"", program)
}

#[test]
fn nothing_is_said_of_the_files_as_they_stand() {
    assert_eq!(grants_warn(FILE), Vec::<String>::new());
    assert_eq!(config_warns(CONFIG), Vec::<String>::new());
}

#[test]
fn each_danger_of_a_grants_file_is_said_with_its_line_and_what_to_write() {
    let allow = "allow = [{ user = \"www-data\" }]\n";
    let at_once = "1: operation open: whoever knows the secret may ask, and a command runs at once with the rights of whoever started the daemon: \
                   add allow = [{ user = \"NAME\" }], require or run_as";
    let wide = "5: params.word takes blanks and ; | $( ) ` > alike, as a shell does, and the program may hand it to one: write a \
                pattern of the letters that are meant, or one_of";
    let cwd = "6: cwd: everybody can put files where the program will look for its own: write a folder of root's";
    let at_once: &[&str] = &[at_once];
    let wide: &[&str] = &[wide];
    let cwd: &[&str] = &[cwd];
    let cases: Vec<(String, &[&str])> = vec![
        (with(allow, ""), at_once),
        (with(allow, "run_as = 0\n"), at_once),
        (with(allow, "run_as = \"root\"\n"), at_once),
        (
            with(allow, "run_as = \"www-data\"\n"),
            &["1: operation open: whoever knows the secret may ask: add allow = [{ user = \"NAME\" }] or require"],
        ),
        (
            with(allow, "require = [{ step = \"approval\", of = \"ops\" }]\n"),
            &[
                "1: operation open: whoever knows the secret may ask: add allow = [{ user = \"NAME\" }], unless it is only for a socket with trust_peer_uid = false",
            ],
        ),
        (
            "[operations.o]\n".to_owned(),
            &["1: operation o: whoever knows the secret may ask: add allow = [{ user = \"NAME\" }] or require"],
        ),
        (with("[a-z]+", ".*"), wide),
        (with("[a-z]+", "[ -~]{1,4}"), wide),
        (with("[a-z]+", "[^\\\\n]+"), wide),
        (
            with("timeout", "deadline = \"6s\"\ntimeout"),
            &[
                "6: deadline: clients of the Python package give up after 5 s of silence: write \"4500ms\" or less, or give them a socket_timeout that is longer",
            ],
        ),
        (
            with("timeout", "hold_for = \"25h\"\ntimeout"),
            &["6: hold_for: who approves after more than a day has forgotten why it was asked: write \"24h\" or less"],
        ),
        (
            with("timeout", "env = { PATH = \"/opt\", TZ = \"UTC\" }\ntimeout"),
            &["6: env: PATH decides what code the program finds: take it out, or grant a program that needs it not"],
        ),
        (
            with("timeout", "env.LD_PRELOAD = \"/a.so\"\nenv.PYTHONPATH = \"/a\"\ntimeout"),
            &[
                "6: env: LD_PRELOAD decides what code the program finds: take it out, or grant a program that needs it not",
                "7: env: PYTHONPATH decides what code the program finds: take it out, or grant a program that needs it not",
            ],
        ),
        (
            with("timeout", "env = { TZ = \"UTC\" }\nvia = \"systemd\"\ntimeout"),
            &[
                "7: via = \"systemd\": every user of this machine can read the values of env while it runs (systemctl show): take secrets out, and write them into a file",
            ],
        ),
        (with("timeout", "cwd = \"/tmp\"\ntimeout"), cwd),
        (with("timeout", "cwd = \"/var/tmp/app/\"\ntimeout"), cwd),
        (with("timeout", "cwd = \"/dev/shm\"\ntimeout"), cwd),
    ];
    compare(&cases, grants_warn);
}

#[test]
fn what_is_just_within_is_not_warned_of() {
    for (from, to) in [
        ("[a-z]+", "[a-z; ]+"),
        ("[a-z]+", "[A-Za-z0-9 ._/-]+"),
        ("timeout", "deadline = \"5s\"\ntimeout"),
        ("timeout", "deadline = \"1h\"\nrequire = [{ step = \"approval\", of = \"ops\" }]\ntimeout"),
        ("timeout", "hold_for = \"24h\"\ntimeout"),
        ("timeout", "env = { HOME = \"/\", OLD_PATH = \"/opt\", XLD_PRELOAD = \"\" }\ntimeout"),
        ("timeout", "cwd = \"/tmpfiles\"\ntimeout"),
        ("timeout", "cwd = \"/var\"\ntimeout"),
    ] {
        assert_eq!(grants_warn(&with(from, to)), Vec::<String>::new(), "{to}");
    }
}

#[test]
fn a_program_that_runs_what_it_is_given_is_named() {
    for (program, name) in [
        ("\"/bin/sh\"", "sh"),
        ("\"/bin/bash\", \"/opt/app/rotate.sh\"", "bash"),
        ("\"/usr/bin/bash\", \"-c\", \"exec systemctl restart \\\"$1\\\"\", \"bash\"", "bash"),
        ("\"/usr/bin/bash\", \"-o\", \"errexit\", \"/opt/app/rotate.sh\", \"-c\"", "bash"),
        ("\"/usr/bin/python3.11\", \"/opt/app/rotate.py\"", "python"),
        ("\"/usr/bin/perl\"", "perl"),
        ("\"/usr/bin/node\", \"/opt/app/rotate.js\", \"-e\"", "node"),
        ("\"/usr/bin/php8.2\"", "php"),
        ("\"/usr/bin/lua5.4\"", "lua"),
        ("\"/usr/bin/env\", \"A=b\"", "env"),
        ("\"/usr/bin/sudo\"", "sudo"),
        ("\"/usr/bin/su\", \"www\"", "su"),
        ("\"/usr/bin/nsenter\", \"-t\", \"1\"", "nsenter"),
        ("\"/usr/sbin/chroot\", \"/srv\"", "chroot"),
        ("\"/usr/bin/xargs\"", "xargs"),
        ("\"/usr/bin/find\", \"/srv\", \"-name\"", "find"),
        ("\"/usr/bin/gawk\"", "gawk"),
        ("\"/usr/bin/ssh\", \"host\"", "ssh"),
        ("\"/usr/bin/docker\", \"exec\"", "docker"),
        ("\"/usr/bin/timeout\", \"5\", \"/bin/sh\", \"/opt/app/rotate.sh\"", "timeout"),
    ] {
        let said = format!(
            "3: command open: {name} runs what it is given, and {{ip}} is among that: write a program of your own that takes \
             no code, and grant that"
        );
        assert_eq!(grants_warn(&running(program)), [said], "{program}");
    }
}

#[test]
fn an_option_whose_value_a_program_runs_is_named_and_its_other_arguments_are_not() {
    for (program, option) in [
        ("\"/usr/bin/git\", \"-c\", \"{word}\", \"pull\"", "-c"),
        ("\"/usr/bin/git\", \"-c{word}\", \"pull\"", "-c"),
        ("\"/usr/bin/git\", \"--exec-path={word}\", \"pull\"", "--exec-path"),
        ("\"/usr/bin/git\", \"fetch\", \"--upload-pack\", \"{word}\"", "--upload-pack"),
        ("\"/usr/bin/tar\", \"-x\", \"-I\", \"{word}\"", "-I"),
        ("\"/usr/bin/tar\", \"-c\", \"--checkpoint-action=exec={word}\"", "--checkpoint-action"),
        ("\"/usr/bin/rsync\", \"-e\", \"{word}\", \"/a\", \"b:/c\"", "-e"),
        ("\"/usr/bin/rsync\", \"--rsh={word}\"", "--rsh"),
        ("\"/usr/bin/scp\", \"-oProxyCommand={word}\"", "-o"),
    ] {
        let name = program.split(['/', '"']).find(|part| ["git", "tar", "rsync", "scp"].contains(part)).unwrap();
        let said = format!(
            "3: command open: {name} runs or loads what {option} says, and {{word}} is in that: write the option without a \
             slot, or grant a program of your own"
        );
        let text = running(program).replace(", \"{word}\"]", "]");
        assert!(grants_warn(&text).contains(&said), "{program}: {:?}", grants_warn(&text));
    }
    for program in [
        "\"/usr/bin/git\", \"-C\", \"/srv\", \"checkout\", \"{word}\"",
        "\"/usr/bin/git\", \"-c\", \"core.pager=cat\", \"log\", \"{word}\"",
        "\"/usr/bin/tar\", \"-cf\", \"/srv/a.tar\", \"{word}\"",
        "\"/usr/bin/rsync\", \"--exclude={word}\", \"/a\", \"/b\"",
    ] {
        let text = running(program).replace(", \"{word}\"]", "]");
        assert!(!grants_warn(&text).iter().any(|said| said.contains("is in that")), "{program}");
    }
}

#[test]
fn a_program_that_is_given_nothing_or_runs_nothing_is_not_named() {
    for program in ["/usr/bin/systemctl", "/usr/bin/shred", "/opt/app/rotate.sh", "/opt/python-app", "/usr/bin/finder"]
    {
        assert_eq!(grants_warn(&running(&format!("{program:?}"))), Vec::<String>::new(), "{program}");
    }
    let fixed = with("[\"/usr/bin/true\"]", "[\"/bin/sh\", \"-c\", \"systemctl restart nginx && echo {{}}\"]");
    assert_eq!(grants_warn(&fixed), Vec::<String>::new());
}

/// Not a danger but a hole: the value is code.
#[test]
fn a_slot_inside_of_code_is_a_mistake() {
    for (program, name) in [
        ("\"/bin/sh\", \"-c\", \"echo {word}\"", "sh"),
        ("\"/bin/sh\", \"-ec\", \"{word}\"", "sh"),
        ("\"/bin/bash\", \"-c\", \"-x\", \"{word}\"", "bash"),
        ("\"/bin/bash\", \"-o\", \"errexit\", \"-c\", \"{word}\"", "bash"),
        ("\"/bin/bash\", \"--norc\", \"-c\", \"{word}\"", "bash"),
        ("\"/usr/bin/python3\", \"-W\", \"ignore\", \"-c\", \"print('{word}')\"", "python"),
        ("\"/usr/bin/perl\", \"-ne\", \"print if /{word}/\"", "perl"),
        ("\"/usr/bin/perl\", \"-e{word}\"", "perl"),
        ("\"/usr/bin/ruby3.1\", \"-e\", \"{word}\"", "ruby"),
        ("\"/usr/bin/node\", \"-p\", \"{word}\"", "node"),
        ("\"/usr/bin/php\", \"-r\", \"{word}\"", "php"),
        ("\"/usr/bin/su\", \"www\", \"-c\", \"{word}\"", "su"),
        ("\"/usr/bin/sudo\", \"-u\", \"www\", \"sh\", \"-c\", \"{word}\"", "sh"),
        ("\"/usr/bin/docker\", \"exec\", \"web\", \"/bin/bash\", \"-lc\", \"{word}\"", "bash"),
        ("\"/usr/bin/env\", \"A=b\", \"python3\", \"-c\", \"{word}\"", "python"),
    ] {
        let text = running(program).replace(", \"{word}\"]", "]");
        let mistakes = Grants::parse("p", "p.toml", &text, &config()).unwrap_err().to_string();
        let said = format!(
            "p.toml:3: command open: {{word}} is inside of the code that {name} runs: write a program of your own that takes no \
             code, and give it the value as an argument"
        );
        assert_eq!(mistakes, said, "{program}");
    }
}

#[test]
fn each_danger_of_regent_toml_is_said_with_its_line_and_what_to_write() {
    let state = "state = \"/var/lib/regent\"";
    let secret = "secret_file = \"/etc/regent/web.secret\"";
    let written = "6: the secret is in this file, and known to whoever reads it: write secret_file = …";
    let plain: &[&str] = &[written];
    let weak: &[&str] = &[written, "6: weak secret: it is shorter than 16 bytes; write 16 random bytes or more"];
    let same: &[&str] = &[written, "6: weak secret: its letters are all the same; write 16 random bytes or more"];
    let everybody: &[&str] = &["4: every user of this machine may connect: write mode = \"0660\" and group"];
    let cases: Vec<(String, &[&str])> = vec![
        (
            configured(state, "state = \"/s\"\nkeep_results = \"721h\""),
            &["3: keep_results: what commands printed stays on the disk for more than 30 days: write \"720h\" or less"],
        ),
        (configured(secret, "secret = \"0123456789abcdefg\""), plain),
        (configured(secret, "secret = \"0123456789\""), weak),
        (configured(secret, "secret = \"aaaaaaaaaaaaaaaaaaaaa\""), same),
        (configured("name =", "mode = \"0666\"\nname ="), everybody),
        (configured("name =", "mode = \"0602\"\nname ="), everybody),
        (
            configured("[\"open\", \"close\"]", "[\"*\"]\ntrust_peer_uid = false"),
            &[
                "3: operations = [\"*\"] where peers' uids are not trusted: all that is granted is asked for with the secret alone: name the operations",
            ],
        ),
        (
            configured("[people.anna]", "[admin]\npath = \"/run/a/s\"\nmode = \"0777\"\n[people.anna]"),
            &["10: every user of this machine may connect: write mode = \"0660\" and group"],
        ),
    ];
    compare(&cases, config_warns);
}

#[test]
fn what_is_just_within_regent_toml_is_not_warned_of() {
    for (from, to) in [
        ("state = \"/var/lib/regent\"", "state = \"/s\"\nkeep_results = \"720h\""),
        ("[\"open\", \"close\"]", "[\"*\"]"),
        ("[people.anna]", "trust_peer_uid = false\n[people.anna]"),
        ("name =", "mode = \"0664\"\nname ="),
    ] {
        assert_eq!(config_warns(&configured(from, to)), Vec::<String>::new(), "{to}");
    }
}

fn unused(config: &str, grants: &[&str]) -> Vec<String> {
    let config = Config::parse("regent.toml", config).unwrap().value;
    let parsed = |text: &&str| Grants::parse("p", "p.toml", text, &config).unwrap().value;
    let grants: Vec<_> = grants.iter().map(parsed).collect();
    config.unused(&grants).iter().map(ToString::to_string).collect()
}

#[test]
fn a_person_and_a_team_that_no_grants_file_needs_are_said() {
    let config = configured("[people.cleo]", "[people.dora]\nuser = \"dora\"\n[people.cleo]");
    let team = "regent.toml:18: team ops is in no require: add { step = \"approval\", of = \"ops\" }, or take it out";
    let dora = "regent.toml:12: person dora is no admin, in no team and in no require: add them to one, or take it out";
    let of = |name: &str| format!("[operations.o]\nrequire = [{{ step = \"approval\", of = \"{name}\" }}]\n");
    assert_eq!(unused(&config, &[]), [dora, team]);
    assert_eq!(unused(&config, &[&of("ops")]), [dora]);
    assert_eq!(unused(&config, &[&of("anna"), &of("dora")]), [team]);
    assert_eq!(unused(&config, &["[operations.a]\n", &of("dora"), &of("ops")]), Vec::<String>::new());
}
