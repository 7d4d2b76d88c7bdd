//! A module looked at and tried without a daemon: as root and as an ordinary user, good, bad and hostile.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "these tests start programs, and fail by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use regent_tests::{Cli, Watched, dist, fixture, needs_root, user};
use serde_json::{Value, json};

/// Whoever tries: root's sandboxes get a uid of their own, an ordinary user's do not.
const PEOPLE: [&str; 2] = ["root", "nobody"];

/// A folder that everybody can read.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        needs_root();
        let folder = tempfile::Builder::new().prefix("regent-trial-").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    /// A copy of a shipped module without its grants.
    fn module(&self, name: &str) -> String {
        self.write(&format!("{name}.wasm"), fs::read(shipped(name)).unwrap())
    }

    /// The program of Regent's as this user.
    fn run(&self, who: &str, program: &str, arguments: &[&str]) -> Cli {
        let mut command = Command::new(dist().join("bin").join(program));
        if who != "root" {
            command.uid(user(who)).gid(user(who));
        }
        let out = command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null()).output().unwrap();
        Cli {
            status: out.status.code().unwrap_or(-1),
            stdout: String::from_utf8(out.stdout).unwrap(),
            stderr: String::from_utf8(out.stderr).unwrap(),
        }
    }

    /// A trial, as JSON, and how it ended.
    fn try_as(&self, who: &str, arguments: &[&str]) -> (Value, i32) {
        told(self.run(who, "regent-dry-run", &[&["run", "--json"], arguments].concat()))
    }

    fn try_it(&self, arguments: &[&str]) -> (Value, i32) {
        self.try_as("root", arguments)
    }

    /// Again and again.
    fn watch(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(dist().join("bin/regent"));
        command.args(["plugin", "run", "--watch"]).args(arguments).current_dir(self.0.path());
        command
    }

    fn inspect_as(&self, who: &str, file: &str) -> (Value, i32) {
        told(self.run(who, "regent-dry-run", &["inspect", file]))
    }
}

fn shipped(name: &str) -> PathBuf {
    dist().join("plugins").join(format!("{name}.wasm"))
}

fn hostile() -> String {
    fixture("hostile.wasm").display().to_string()
}

#[track_caller]
fn told(cli: Cli) -> (Value, i32) {
    (serde_json::from_str(&cli.stdout).unwrap_or_else(|why| panic!("{why}: {cli:?}")), cli.status)
}

/// A component that imports this and nothing else, and exports nothing: written by hand, for no tool would build one.
fn importing(name: &str) -> Vec<u8> {
    let mut module = b"\0asm\x0d\0\x01\0".to_vec();
    module.extend([7, 3, 1, 0x42, 0]);
    let length = u8::try_from(name.len()).unwrap();
    module.extend([10, length + 5, 1, 0, length]);
    module.extend(name.as_bytes());
    module.extend([5, 0]);
    module
}

#[test]
fn a_shipped_module_is_told_whole_to_root_and_to_anybody() {
    let bench = Bench::new();
    let file = bench.module("whoami");
    for who in PEOPLE {
        let (found, status) = bench.inspect_as(who, &file);
        assert_eq!(status, 0, "{found}");
        assert_eq!(found["file"], json!(file));
        assert_eq!(found["size"], json!(fs::metadata(shipped("whoami")).unwrap().len()));
        assert_eq!(found["sha256"].as_str().unwrap().len(), 64);
        assert_eq!(found["exports"][0], "operation");
        assert_eq!(found["operations"][0]["name"], "whoami");
        assert_eq!(found["wants"][0]["command"], "whoami");
        assert_eq!(found["reasons"], json!([]));
        let class = |name: &str| {
            let import = found["imports"].as_array().unwrap().iter().find(|import| import["name"] == name);
            import.unwrap_or_else(|| panic!("{name}: {found}"))["class"].clone()
        };
        assert_eq!(class("regent:plugin/commands@0.1.0"), "regent");
        assert_eq!(class("wasi:cli/environment@0.2.6"), "inert");
        assert_eq!(class("wasi:cli/stderr@0.2.6"), "served");
    }
}

#[test]
fn a_bad_module_is_told_with_every_reason_and_its_code() {
    let bench = Bench::new();
    let file = bench.write("net.wasm", importing("wasi:sockets/tcp@0.2.0"));
    let (found, status) = bench.inspect_as("nobody", &file);
    assert_eq!((status, &found["imports"][0]["class"]), (65, &json!("refused")));
    let reasons: Vec<&str> = found["reasons"].as_array().unwrap().iter().map(|why| why.as_str().unwrap()).collect();
    assert_eq!(
        reasons,
        [
            "plugin-import: imports wasi:sockets/tcp@0.2.0: plugins have no network. Python: componentize with \
             --stub-wasi. Otherwise plan a granted command",
            "exports no regent:plugin/operation: build it against a world of Regent's `wit` folder",
        ]
    );
    let (tried, status) = bench.try_it(&[&file, "say"]);
    assert_eq!((status, &tried["error"]["code"]), (65, &json!("plugin-import")));
    bench.write("net.toml", "[operations.say]\n");
    let told = bench.run("nobody", "regent-dry-run", &["run", &file, "say"]);
    assert!(told.stdout.contains("grants     ") && !told.stdout.contains("nothing is granted"), "{}", told.stdout);
    assert!(
        told.stdout.contains("\ncode       plugin-import\nbecause    plugin-import: imports wasi:"),
        "{}",
        told.stdout
    );

    let large = bench.write("large.wasm", "");
    fs::File::options().write(true).open(&large).unwrap().set_len((64 << 20) + 1).unwrap();
    let (tried, status) = bench.try_it(&[&large, "say"]);
    assert_eq!((status, &tried["error"]["code"]), (65, &json!("plugin-size")));

    for (name, content, words) in [("text.wasm", "#!/bin/sh\n", "not WebAssembly"), ("none.wasm", "", "empty")] {
        let (found, status) = bench.inspect_as("root", &bench.write(name, content));
        assert_eq!(status, 65);
        assert!(found["reasons"][0].as_str().unwrap().contains(words), "{found}");
    }
    assert_eq!(bench.inspect_as("root", "/dev/zero").1, 65);
    let (found, _) = bench.inspect_as("root", "nowhere.wasm");
    assert!(found["reasons"][0].as_str().unwrap().contains("no such file"), "{found}");
}

#[test]
fn a_name_is_looked_up_in_the_plugins_folders_of_the_configuration() {
    let bench = Bench::new();
    bench.write("plugins/echo.wasm", fs::read(shipped("echo")).unwrap());
    let folder = bench.path("plugins").display().to_string();
    let config = bench.write(
        "regent.toml",
        format!(
            "plugins = [\"{folder}\"]\nstate = \"/s\"\n[[sockets]]\nname = \"web\"\npath = \"/r/web/s.sock\"\n\
             secret_file = \"/r/secret\"\noperations = [\"echo\"]\n"
        ),
    );
    let inspect = |name: &str| told(bench.run("nobody", "regent-dry-run", &["inspect", name, "--config", &config]));
    let (found, status) = inspect("echo");
    assert_eq!((status, &found["operations"][0]["name"]), (0, &json!("echo")));
    let (found, status) = inspect("other");
    assert!(status == 65 && found["reasons"][0].as_str().unwrap().contains("no other.wasm in"), "{found}");
}

#[test]
fn an_empty_plan_comes_to_its_reply_and_nothing_is_asked_of_a_daemon() {
    let bench = Bench::new();
    let file = bench.module("echo");
    bench.write("echo.toml", "[operations.echo]\nas = \"ping\"\n");
    for (who, name) in [("root", "echo"), ("nobody", "ping")] {
        let (tried, status) = bench.try_as(who, &[&file, name, "{\"a\": [1, \"two\"]}"]);
        assert_eq!((status, &tried["error"]), (0, &Value::Null), "{tried}");
        assert_eq!(tried["reply"], json!({"a": [1, "two"]}));
        assert_eq!((&tried["plan"], &tried["operation"]), (&json!([]), &json!("ping")));
        for cost in ["compile_ms", "load_ms", "prepare_ms", "memory_kib"] {
            assert!(tried["cost"][cost].as_f64().unwrap() > 0.0, "{tried}");
        }
    }
}

#[test]
fn a_plan_is_shown_and_runs_only_where_that_is_said_and_as_who_says_it() {
    let bench = Bench::new();
    let file = bench.module("whoami");
    let mark = bench.path("ran").display().to_string();
    bench.write(
        "whoami.toml",
        format!("[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/touch\", \"{mark}\"]\n"),
    );
    let (tried, status) = bench.try_it(&[&file, "whoami"]);
    assert_eq!((status, &tried["results"], &tried["reply"]), (0, &Value::Null, &Value::Null), "{tried}");
    assert_eq!(tried["plan"][0]["argv"], json!(["/usr/bin/touch", mark]));
    assert!(!Path::new(&mark).exists(), "nothing runs without --perform");
    assert_eq!(bench.try_it(&[&file, "whoami", "--perform"]).1, 0);
    assert!(Path::new(&mark).exists(), "and with it, it does");

    bench.write("whoami.toml", "[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n");
    for who in PEOPLE {
        let (tried, status) = bench.try_as(who, &[&file, "whoami", "--perform"]);
        assert_eq!((status, &tried["reply"]), (0, &json!(who)), "{tried}");
        assert_eq!((&tried["results"][0]["outcome"], &tried["plan"][0]["run_as"]), (&json!("ok"), &json!(who)));
    }
}

#[test]
fn a_command_of_another_user_is_roots_to_start_and_nobody_elses() {
    let bench = Bench::new();
    let file = bench.module("whoami");
    bench.write(
        "whoami.toml",
        "[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\nrun_as = \"games\"\n",
    );
    let perform = [file.as_str(), "whoami", "--perform"];
    assert_eq!(bench.try_it(&perform).0["reply"], "games");
    let (tried, status) = bench.try_as("nobody", &perform);
    assert_eq!((status, &tried["error"]["code"], &tried["results"]), (77, &json!("run-as"), &Value::Null), "{tried}");
    assert_eq!(bench.try_as("nobody", &[&file, "whoami"]).1, 0, "its plan can be seen by anybody");
}

#[test]
fn root_runs_no_command_by_a_grants_file_that_somebody_else_can_change() {
    let bench = Bench::new();
    let file = bench.module("whoami");
    let grants = bench.write("whoami.toml", "[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n");
    std::os::unix::fs::chown(&grants, Some(user("nobody")), None).unwrap();
    assert_eq!(bench.try_it(&[&file, "whoami"]).1, 0, "a plan is only shown");
    let (tried, status) = bench.try_it(&[&file, "whoami", "--perform"]);
    assert_eq!((status, &tried["error"]["code"], &tried["results"]), (78, &json!("grants"), &Value::Null), "{tried}");
    assert_eq!(bench.try_as("nobody", &[&file, "whoami", "--perform"]).0["reply"], "nobody");
}

#[test]
fn what_is_not_granted_is_told_with_lines_that_grant_it() {
    let bench = Bench::new();
    let file = bench.module("whoami");
    let (tried, status) = bench.try_it(&[&file, "whoami"]);
    assert_eq!((status, &tried["error"]["code"]), (78, &json!("not-granted")), "{tried}");
    assert_eq!(tried["error"]["text"], "Operation failed");
    assert_eq!(tried["write"]["file"], json!(bench.path("whoami.toml").display().to_string()));
    let lines = tried["write"]["lines"].as_str().unwrap().replace("PROGRAM", "true");
    bench.write("whoami.toml", &lines);
    assert_eq!(bench.try_it(&[&file, "whoami"]).1, 0, "{lines}");

    bench.write("whoami.toml", "[operations.other]\n");
    let (tried, status) = bench.try_it(&[&file, "whoami"]);
    assert_eq!((status, &tried["error"]["add"]["lines"]), (78, &json!("[operations.whoami]\n")), "{tried}");
    bench.write("whoami.toml", "[operations.whoami]\n");
    let (tried, status) = bench.try_it(&[&file, "whoami"]);
    assert_eq!(status, 78);
    assert_eq!(tried["error"]["add"]["lines"], "[commands.whoami]\nrun = [\"/path/to/program\"]\n");
    assert_eq!(tried["write"], Value::Null);
}

#[test]
fn a_value_that_no_slot_takes_is_refused_as_the_caller_hears_it_and_explained_to_the_author() {
    let bench = Bench::new();
    let file = bench.module("firewall");
    let grants = "[settings]\nports = [22]\n[operations.open]\n[commands.open-port]\n\
                  run = [\"/usr/bin/true\", \"{ip}\", \"{port}\"]\nparams.ip = { type = \"ipv4\" }\n\
                  params.port = { type = \"integer\", min = 1000 }\n[commands.list-ports]\nrun = [\"/usr/bin/true\"]\n";
    let path = bench.write("firewall.toml", grants);
    let data = "{\"ip\": \"93.184.216.34\"}";
    let (tried, status) = bench.try_it(&[&file, "open", data]);
    assert_eq!((status, &tried["error"]["code"]), (65, &json!("invalid-data")), "{tried}");
    assert!(tried["error"]["text"].as_str().unwrap().starts_with("Invalid data: "), "{tried}");
    let why =
        format!("{path}:7: [commands.open-port]: port = 22 is not accepted; it takes a whole number from 1000 on");
    assert_eq!(tried["error"]["why"], json!([why]));
    let wider = "params.port = { type = \"integer\", min = 22 }";
    assert_eq!(
        tried["error"]["add"],
        json!({"file": path, "lines": wider, "instead_of": "line 7, in [commands.open-port]"})
    );
    let told = bench.run("nobody", "regent", &["plugin", "run", &file, "open", "ip=93.184.216.34"]).stdout;
    let advice = format!(
        "\nAdd to {path}, for all callers of what plans it and instead of line 7, in [commands.open-port]:\n\n    {wider}\n"
    );
    assert!(told.ends_with(&advice), "{told}");
    bench.write("firewall.toml", grants.replace("params.port = { type = \"integer\", min = 1000 }", wider));
    assert_eq!(bench.try_it(&[&file, "open", data]).1, 0, "what is advised helps");
    let listed = grants.replace("[22]\n", "[22]\nknown = [80]\n").replace("min = 1000", "one_of = \"settings.known\"");
    bench.write("firewall.toml", listed);
    let add = json!({"file": path, "lines": "known = [80, 22]", "instead_of": "line 3, in [settings]"});
    assert_eq!(bench.try_it(&[&file, "open", data]).0["error"]["add"], add);
    bench.write("firewall.toml", grants.replace("min = 1000", "min = 1"));
    assert_eq!(bench.try_it(&[&file, "open", data]).1, 0);
    assert_eq!(bench.try_it(&[&file, "open", "{\"ip\":"]).1, 65, "data that is no JSON");
}

#[test]
fn a_slot_that_is_unknown_or_left_empty_is_told_with_the_line_to_mend() {
    let bench = Bench::new();
    let grants = "[operations.bad-slot]\n[operations.missing-slot]\n[commands.say]\n\
                  run = [\"/usr/bin/echo\", \"{text}\"]\nparams.text = { type = \"text\", pattern = \"[a-z ]+\" }\n";
    let path = bench.write("hostile.toml", grants);
    for (operation, words) in [
        (
            "bad-slot",
            format!(
                "command say has no slot undeclared: have the plugin leave it out, or add params.undeclared = \
                 {{ type = … }}, and where it stands in run, to [commands.say] of {path}:3"
            ),
        ),
        (
            "missing-slot",
            format!(
                "command say: slot text was given no value: the plugin must fill it, as params.text of {path}:5 says"
            ),
        ),
    ] {
        let (tried, status) = bench.try_it(&[&hostile(), operation, "--grants", &path]);
        assert_eq!((status, &tried["error"]["code"]), (70, &json!("plugin-fault")), "{tried}");
        assert_eq!(tried["error"]["why"], json!([format!("plugin-fault: {words}")]));
    }
    let more = grants.replace("\"{text}\"]", "\"{text}\", \"{undeclared}\"]")
        + "params.undeclared = { type = \"text\", pattern = \"[a-z]+\" }\n";
    bench.write("hostile.toml", more);
    assert_eq!(bench.try_it(&[&hostile(), "bad-slot", "--grants", &path]).1, 0, "the twin: what is advised helps");
}

#[test]
fn the_steps_that_a_request_would_need_are_told_without_any_people_and_without_a_pin() {
    let bench = Bench::new();
    let file = bench.module("whoami");
    bench.write(
        "whoami.toml",
        "[operations.whoami]\nrequire = [{ step = \"approval\", of = \"ops\", count = 2 }]\n[commands.whoami]\n\
         run = [\"/usr/bin/whoami\"]\n",
    );
    let (tried, status) = bench.try_it(&[&file, "whoami"]);
    assert_eq!((status, &tried["require"]), (0, &json!([{"step": "approval", "of": "ops", "count": 2}])), "{tried}");
    let (tried, status) = bench.try_it(&[&hostile(), "authorise-steps"]);
    assert_eq!((status, &tried["require"][0]["of"]), (0, &json!("ops")), "{tried}");
    let (tried, status) = bench.try_it(&[&hostile(), "authorise-deny"]);
    assert_eq!((status, &tried["error"]["text"]), (65, &json!("Authorisation failed")), "{tried}");
}

#[test]
fn each_rule_that_a_plugin_breaks_has_its_code_whoever_tries_it() {
    let bench = Bench::new();
    for who in PEOPLE {
        for (operation, code, words) in [
            ("loop", "plugin-timeout", "it ran too long: it ran for 2"),
            ("loop-in-finish", "plugin-timeout", "it ran too long"),
            ("allocate", "plugin-memory", "the limit is 64 MiB"),
            ("trap", "plugin-trap", "it reached `unreachable`"),
            ("trap-in-finish", "plugin-trap", "it reached `unreachable`"),
            ("exit", "plugin-trap", "plugins return"),
            ("sleep", "plugin-fault", "plugins do not wait"),
            ("not-json", "plugin-fault", "its reply is not JSON"),
            ("missing-slot", "plugin-fault", "slot text was given no value"),
        ] {
            let (tried, status) = bench.try_as(who, &[&hostile(), operation, "--perform"]);
            assert_eq!((status, &tried["error"]["code"]), (70, &json!(code)), "{operation}: {tried}");
            assert_eq!(tried["error"]["text"], "Operation failed");
            let why = tried["error"]["why"][0].as_str().unwrap();
            assert!(why.starts_with(code) && why.contains(words), "{operation}: {why}");
        }
        for operation in ["trap", "trap-in-finish"] {
            let (tried, _) = bench.try_as(who, &[&hostile(), operation, "--perform"]);
            let log: Vec<&str> =
                tried["log"].as_array().unwrap().iter().map(|said| said["text"].as_str().unwrap()).collect();
            assert!(log.iter().any(|text| text.contains("a panic's text reaches the log")), "{operation}: {tried}");
        }
        let (tried, status) = bench.try_as(who, &[&hostile(), "well"]);
        assert_eq!((status, &tried["reply"]), (0, &json!("well")), "the twin: {tried}");
    }
}

#[test]
fn a_command_that_fails_is_a_failure_with_its_results() {
    let bench = Bench::new();
    let (tried, status) = bench.try_it(&[&hostile(), "failed-step", "true", "--perform"]);
    assert_eq!((status, &tried["error"]["code"]), (1, &json!("failed")), "{tried}");
    assert!(tried["error"]["text"].as_str().unwrap().contains("Step 2 of 3 failed"), "{tried}");
    let outcomes: Vec<_> = tried["results"].as_array().unwrap().iter().map(|ran| &ran["outcome"]).collect();
    assert_eq!(outcomes, ["ok", "status"]);
}

/// A screen without what differs from run to run.
fn steady(text: &str, bench: &Bench) -> String {
    let text = text.replace(&bench.0.path().display().to_string(), "DIR");
    let line = |line: &str| match line.strip_prefix("took ") {
        Some(_) => "took       …".to_owned(),
        None => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn people_read_a_trial_and_how_to_go_on() {
    let bench = Bench::new();
    let file = bench.module("whoami");
    bench.write("whoami.toml", "[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n");
    let run = |more: &[&str]| bench.run("nobody", "regent", &[&["plugin", "run", &file, "whoami"], more].concat());
    let planned = run(&[]);
    assert_eq!(
        steady(&planned.stdout, &bench),
        "operation  whoami\n\
         module     DIR/whoami.wasm\n\
         grants     DIR/whoami.toml (one warning for whoever installs it: regent check)\n\
         summary    the plugin says: Tell which user commands run as\n\
         plan 1     /usr/bin/whoami   [as nobody, whoami, at most 3 s]\n\
         took       …\n\
         \n\
         Nothing was run; with --perform the commands run, as you."
    );
    let performed = run(&["--perform"]);
    assert_eq!(performed.status, 0, "{performed:?}");
    assert!(performed.stdout.contains("result 1   whoami: exit status 0\n  stdout   nobody\nreply      \"nobody\"\n"));
    fs::remove_file(bench.path("whoami.toml")).unwrap();
    let refused = run(&[]);
    assert_eq!(refused.status, 78);
    assert_eq!(
        steady(&refused.stdout, &bench),
        "operation  whoami\n\
         module     DIR/whoami.wasm\n\
         grants     none: nothing is granted\n\
         refused    the caller hears: Operation failed\n\
         code       not-granted\n\
         because    plugin-fault: not granted: add [commands.whoami] to the grants of whoami\n\
         took       …\n\
         \n\
         There is no grants file. To begin with, DIR/whoami.toml:\n\
         \n    [operations.whoami]\n\
         \n    # prints the user's name\n    [commands.whoami]\n    run = [\"/path/to/program\"]"
    );
}

#[test]
fn people_see_a_module_on_one_screen_and_its_data_is_typed_as_pairs() {
    let bench = Bench::new();
    let file = bench.module("echo");
    let screen = bench.run("nobody", "regent", &["plugin", "inspect", &file]);
    assert_eq!(screen.status, 0, "{screen:?}");
    assert!(screen.stdout.contains("operation  echo: Give back the data"), "{}", screen.stdout);
    assert!(screen.stdout.ends_with(&format!("next       regent plugin enable {file}\n")), "{}", screen.stdout);
    let bad = bench.write("bad.wasm", "#!/bin/sh\n");
    let screen = bench.run("nobody", "regent", &["plugin", "inspect", &bad]);
    assert_eq!(screen.status, 65);
    assert!(screen.stdout.contains("not served this is not WebAssembly: "), "{}", screen.stdout);
    let run = bench.run("nobody", "regent", &["plugin", "run", &file, "echo", "port=22", "user=--json", "--json"]);
    assert_eq!(told(run).0["reply"], json!({"port": 22, "user": "--json"}));
    // What begins with a hyphen is data where data stands.
    let run = bench.run("nobody", "regent", &["plugin", "run", &file, "echo", "--json", "--data", "-5"]);
    assert_eq!(told(run).0["reply"], json!(-5));
}

#[test]
fn the_folder_of_a_crate_is_tried_by_what_was_built_of_it() {
    let bench = Bench::new();
    bench.write("greet/Cargo.toml", "[package]\nname = \"greet\"\n");
    let folder = bench.path("greet").display().to_string();
    let (tried, status) = bench.try_it(&[&folder, "echo", "1"]);
    assert_eq!(status, 65);
    assert!(tried["error"]["why"][0].as_str().unwrap().contains("regent plugin build"), "{tried}");
    bench.write("greet/target/regent/greet.wasm", fs::read(shipped("echo")).unwrap());
    bench.write("greet/greet.toml", "[operations.echo]\n");
    let (tried, status) = bench.try_it(&[&folder, "echo", "1"]);
    assert_eq!((status, &tried["reply"]), (0, &json!(1)), "{tried}");
    assert!(tried["grants"].as_str().unwrap().ends_with("greet/greet.toml"), "{tried}");
}

#[test]
fn a_panics_text_stands_among_the_log_lines_that_people_read() {
    let bench = Bench::new();
    let told = bench.run("nobody", "regent", &["plugin", "run", &hostile(), "trap"]);
    assert_eq!(told.status, 70, "{told:?}");
    let is_it = |line: &str| line.starts_with("log  ") && line.contains("a panic's text reaches the log");
    assert!(told.stdout.lines().any(is_it), "{}", told.stdout);
    let well = bench.run("nobody", "regent", &["plugin", "run", &hostile(), "well"]);
    assert!(!well.stdout.contains("\nlog  "), "the twin: {}", well.stdout);
}

#[test]
fn a_watched_trial_is_run_again_within_three_seconds_of_a_change() {
    let bench = Bench::new();
    let file = bench.module("whoami");
    bench.write("whoami.toml", "[operations.whoami]\n");
    let mut watched = Watched::of(&mut bench.watch(&[&file, "whoami"]));
    watched.until("code       not-granted");
    // The first trial's last line may still be on its way; a change during a trial counts as well.
    let begin = std::time::Instant::now();
    bench.write("whoami.toml", "[operations.whoami]\n[commands.whoami]\nrun = [\"/usr/bin/whoami\"]\n");
    watched.until("--- changed: ");
    watched.until("plan 1     /usr/bin/whoami");
    let took = begin.elapsed();
    assert!(took < std::time::Duration::from_secs(3), "{took:?}");
}

#[test]
fn a_watched_trial_reads_the_file_of_its_data_anew() {
    let bench = Bench::new();
    let file = bench.module("echo");
    bench.write("echo.toml", "[operations.echo]\n");
    let data = bench.write("data.json", "\"the first\"");
    let mut watched = Watched::of(&mut bench.watch(&[&file, "echo", "--data", &format!("@{data}")]));
    watched.until("reply      \"the first\"");
    bench.write("data.json", "\"the sec");
    watched.until("--- changed: ");
    bench.write("data.json", "\"the second\"");
    watched.until("reply      \"the second\"");
}
