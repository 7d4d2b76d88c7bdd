//! Granted commands by the whole daemon: what world they are born into, what becomes of how they end, and that nothing
//! of them is left. What leaves something behind is tried both ways: with a cgroup a run, and where there is no cgroup
//! v2.
//!
//! The plugin `whoami` runs the command of that name and replies with what it printed; here its grants point elsewhere.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use regent_tests::{Running, SECRET, Wire, World, code, dist, error, eventually, needs_root, proc};
use serde_json::{Value, json};

/// Within it nothing may be left of a command whose time is over.
const GONE: Duration = Duration::from_secs(2);

/// A daemon to which no cgroup v2 is mounted: in a mount namespace of its own.
const WITHOUT_CGROUPS: [&str; 6] =
    ["unshare", "--fork", "--mount", "sh", "-c", "umount --lazy --all --types cgroup2; exec \"$0\" \"$@\""];

/// A world whose `whoami` runs a script of the test's, with these further lines in its grant.
fn world(more: &str) -> World {
    needs_root();
    let world = World::new();
    script(&world, ":");
    let grants = format!(
        "[operations.whoami]\ndeadline = \"30s\"\n[commands.whoami]\nrun = [\"{}\"]\n{more}\n",
        world.path("program").display()
    );
    world.plugin("whoami", &grants)
}

/// What the script does from now on.
fn script(world: &World, body: &str) {
    program(&world.path("program"), &format!("#!/bin/sh\n{body}\n"));
}

fn program(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    mode(path, 0o755);
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn run(running: &Running<'_>, body: &str) -> Value {
    script(running.world, body);
    running.op("whoami", Value::Null)
}

/// The daemon with cgroups, and the one without; with each a mark that no other process has in its command line.
fn both_ways(more: &str, test: impl Fn(&Running<'_>, &str)) {
    for (number, wrapper) in [(1, &[][..]), (2, &WITHOUT_CGROUPS[..])] {
        let world = world(more);
        let running = world.start_under(wrapper).serving("whoami");
        assert_eq!(running.log().contains("no cgroup v2"), number == 2, "{}", running.log());
        let mark = format!("36{number}{:?}.{}", thread::current().id(), std::process::id());
        test(&running, &mark.replace(|letter: char| !letter.is_ascii_digit() && letter != '.', ""));
    }
}

/// A body that detaches two processes in every way there is, one of them deaf to whoever asks it to end.
fn detach(mark: &str, then: &str) -> String {
    let deaf = format!("trap \"\" TERM HUP INT; echo >>$0.detached; sleep {mark}; :");
    format!("(setsid sh -c '{deaf}' $0 &)\n(setsid setsid sleep {mark} &)\n{then}")
}

#[track_caller]
fn detached(world: &World) {
    assert!(world.path("program.detached").exists(), "nothing was detached");
}

#[track_caller]
fn gone(mark: &str) {
    let begin = Instant::now();
    while !proc::with_text(mark).is_empty() {
        assert!(begin.elapsed() < GONE, "{:?} is left", proc::with_text(mark));
        thread::sleep(Duration::from_millis(10));
    }
}

#[track_caller]
fn failed(running: &Running<'_>, reply: &Value, word: &str, why: &str) {
    assert_eq!((error(reply), code(reply)), ("Operation failed", word), "{reply}");
    let reference = reply["ref"].as_str().unwrap();
    let line = eventually("its line is in the log", || {
        running.log().lines().find(|line| line.contains(&format!("ref {reference}:"))).map(str::to_owned)
    });
    assert!(line.contains(why), "{why:?} is not in {line:?}");
    assert!(!line.contains("the plugin's fault"), "{line:?}");
}

#[track_caller]
fn printed(reply: &Value, text: &str) {
    assert_eq!(reply["data"], text, "{reply}");
}

// What a command is born into.

/// What each of three spies tells of its process: status and limits; environment; descriptors.
const SPIES: [(&str, &str); 3] = [
    (
        "status",
        r#"["/usr/bin/cat", "/proc/self/status", "/proc/self/limits", "/proc/self/stat", "/proc/self/oom_score_adj"]"#,
    ),
    ("environment", r#"["/usr/bin/env"]"#),
    ("descriptors", r#"["/usr/bin/ls", "-l", "/proc/self/fd"]"#),
];

fn spies(more: &str) -> World {
    needs_root();
    SPIES.iter().fold(World::new(), |world, (name, run)| {
        let grants = format!("[operations.whoami]\nas = \"{name}\"\n[commands.whoami]\nrun = {run}\n{more}\n");
        world.module(name, &dist().join("plugins/whoami.wasm"), &grants)
    })
}

fn spied(running: &Running<'_>, spy: &str) -> String {
    let reply = running.op(spy, Value::Null);
    reply["data"].as_str().unwrap_or_else(|| panic!("{reply}")).to_owned()
}

fn line<'a>(report: &'a str, key: &str) -> &'a str {
    let found =
        report.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_else(|| panic!("no {key} in {report}"));
    found.trim()
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines
}

fn is_a_fresh_session(status: &str) {
    for (key, value) in [
        ("SigBlk:", "0000000000000000"),
        ("SigIgn:", "0000000000000000"),
        ("SigPnd:", "0000000000000000"),
        ("Umask:", "0022"),
        ("Seccomp:", "0"),
    ] {
        assert_eq!(line(status, key), value, "{key}");
    }
    assert_eq!(words(line(status, "Max open files"))[0], "1024");
    assert_eq!(words(line(status, "Max core file size"))[..2], ["0", "0"]);
    let stat = words(status.lines().find(|line| line.contains(" (cat) ")).unwrap());
    // pid, name, state, parent, group, session: it leads its own; the nineteenth is its niceness.
    assert_eq!((stat[0], stat[0], stat[18]), (stat[4], stat[5], "0"));
    assert_eq!(status.lines().last().unwrap(), "0", "oom_score_adj");
}

fn has_three_descriptors(listed: &str) {
    let leads: Vec<_> = listed.lines().filter_map(|line| line.split_once(" -> ")).map(|(_, to)| to).collect();
    // The last is the folder that is listed.
    let [input, output, error, own] = leads[..] else { panic!("{listed}") };
    assert_eq!(input, "/dev/null");
    assert!(output.starts_with("pipe:") && error.starts_with("pipe:") && output != error, "{listed}");
    assert!(own.starts_with("/proc/"), "{listed}");
}

#[test]
fn a_command_is_born_into_a_fresh_session_whatever_the_daemon_was_started_with() {
    // Everything that an exec keeps, set to something else.
    let odd = "umask 0; cd /tmp; ulimit -n 4096; echo 500 >/proc/self/oom_score_adj; exec 9</etc/passwd; \
               export SECRET=inherited NOTIFY_SOCKET=/run/none LD_PRELOAD= PATH=/tmp:$PATH; \
               nice -n 5 env --block-signal=USR1,TSTP --ignore-signal=INT,HUP,USR2,PIPE,RTMIN \"$0\" \"$@\"; exit $?";
    for wrapper in [&["sh", "-c", odd][..], &[]] {
        let world = spies("");
        let running = world.start_under(wrapper);
        let status = spied(&running, "status");
        is_a_fresh_session(&status);
        assert_eq!(words(line(&status, "Uid:")), ["0"; 4]);
        assert_eq!(words(line(&status, "Gid:")), ["0"; 4]);
        assert_eq!(line(&status, "CapInh:"), "0000000000000000");
        assert_eq!(line(&status, "CapAmb:"), "0000000000000000");
        let environment = spied(&running, "environment");
        let expected = ["HOME=/root", "LANG=C.UTF-8", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "USER=root"];
        assert_eq!(lines(&environment), expected);
        has_three_descriptors(&spied(&running, "descriptors"));
    }
}

#[test]
fn a_command_that_runs_as_another_user_is_that_user_in_all_its_groups_and_in_no_other() {
    // The user `games`, in two more groups, on a machine of this daemon's own; the daemon itself in one that is not
    // theirs.
    let world = spies("run_as = \"games\"\nenv = { ONE = \"1\", LANG = \"C\" }");
    let groups = fs::read_to_string("/etc/group").unwrap();
    let added = groups.replace("adm:x:4:", "adm:x:4:games").replace("audio:x:29:", "audio:x:29:games");
    fs::write(world.path("group"), added).unwrap();
    let bind = format!("mount --bind {} /etc/group; exec \"$0\" \"$@\"", world.path("group").display());
    let wrapper = ["setpriv", "--groups", "6,20", "unshare", "--fork", "--mount", "sh", "-c", &bind];
    let running = world.start_under(&wrapper);
    let status = spied(&running, "status");
    is_a_fresh_session(&status);
    assert_eq!(words(line(&status, "Uid:")), ["5"; 4]);
    assert_eq!(words(line(&status, "Gid:")), ["60"; 4]);
    assert_eq!(words(line(&status, "Groups:")), ["4", "29", "60"]);
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
        assert_eq!(line(&status, set), "0000000000000000", "{set}");
    }
    let environment = spied(&running, "environment");
    let expected = ["HOME=/usr/games", "LANG=C", "ONE=1", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "USER=games"];
    assert_eq!(lines(&environment), expected);
    has_three_descriptors(&spied(&running, "descriptors"));
}

#[test]
fn a_command_runs_where_and_under_the_mask_that_its_grant_says() {
    let world = world("cwd = \"/usr\"\numask = \"0077\"");
    let running = world.start().serving("whoami");
    printed(&run(&running, "pwd; umask"), "/usr\n0077");
}

// How it ends.

#[test]
fn only_the_exit_statuses_of_its_grant_are_success() {
    let world = world("ok = [0, 3]");
    let running = world.start().serving("whoami");
    printed(&run(&running, "echo well; exit 3"), "well");
    printed(&run(&running, "echo well"), "well");
    let reply = run(&running, "echo first >&2; echo last words >&2; exit 4");
    failed(&running, &reply, "command-failed", "command whoami: exit status 4: last words");
    let reply = run(&running, "kill -9 $$");
    failed(&running, &reply, "command-failed", "command whoami: signal 9");
    let reply = run(&running, "kill -SEGV $$");
    failed(&running, &reply, "command-failed", "command whoami: signal 11");
}

#[test]
fn an_exit_status_that_its_grant_does_not_name_is_a_failure_even_if_it_is_nought() {
    let world = world("ok = [3]");
    let running = world.start().serving("whoami");
    printed(&run(&running, "echo well; exit 3"), "well");
    let reply = run(&running, "echo well");
    failed(&running, &reply, "command-failed", "command whoami: exit status 0");
}

#[test]
fn a_command_that_takes_too_long_is_ended_in_time_and_the_next_one_runs() {
    both_ways("timeout = \"500ms\"", |running, mark| {
        let begin = Instant::now();
        let reply = run(running, &format!("sleep {mark}"));
        let took = begin.elapsed();
        failed(running, &reply, "timeout", "command whoami: did not end in time");
        assert!((Duration::from_millis(450)..GONE).contains(&took), "{took:?}");
        printed(&run(running, "echo well"), "well");
    });
}

#[test]
fn nothing_that_a_command_detached_outlives_its_time() {
    both_ways("timeout = \"500ms\"", |running, mark| {
        let reply = run(running, &detach(mark, &format!("sleep {mark}")));
        failed(running, &reply, "timeout", "did not end in time");
        detached(running.world);
        gone(mark);
    });
}

#[test]
fn nothing_that_a_command_detached_outlives_its_end() {
    both_ways("", |running, mark| {
        // Time enough for what it detaches.
        printed(&run(running, &detach(mark, "sleep 0.3; echo well")), "well");
        detached(running.world);
        gone(mark);
    });
}

#[test]
fn a_gibibyte_of_output_costs_no_memory_and_nobody_waits_for_it() {
    both_ways("timeout = \"20s\"", |running, _| {
        printed(&run(running, "echo well"), "well");
        let before = proc::resident(running.pid());
        script(running.world, "head -c 1073741824 /dev/zero >&2");
        let reply = thread::scope(|scope| {
            let flood = scope.spawn(|| running.op("whoami", Value::Null));
            eventually("it floods", || (!proc::with_text("head\u{0}-c").is_empty()).then_some(()));
            let begin = Instant::now();
            let reply = running.op("nonsense", Value::Null);
            assert_eq!(error(&reply), "Unknown operation");
            assert!(begin.elapsed() < Duration::from_millis(500), "{:?}", begin.elapsed());
            flood.join().unwrap()
        });
        // Half of an output is none, says the plugin; that it was cut, and not that it took too long.
        assert_eq!(code(&reply), "failed", "{reply}");
        let after = proc::resident(running.pid());
        assert!(after < before + (8 << 10), "{before} KiB, then {after} KiB");
        printed(&run(running, "echo well"), "well");
    });
}

#[test]
fn a_command_that_closes_its_output_and_lives_is_ended_in_time() {
    both_ways("timeout = \"500ms\"", |running, mark| {
        let begin = Instant::now();
        let reply = run(running, &format!("exec >&- 2>&-; sleep {mark}"));
        failed(running, &reply, "timeout", "did not end in time");
        assert!(begin.elapsed() < GONE, "{:?}", begin.elapsed());
        gone(mark);
    });
}

#[test]
fn a_grandchild_that_keeps_the_pipe_keeps_nobody_waiting() {
    both_ways("timeout = \"20s\"", |running, mark| {
        let begin = Instant::now();
        printed(&run(running, &format!("echo well; setsid sleep {mark} &")), "well");
        assert!(begin.elapsed() < GONE, "{:?}", begin.elapsed());
        gone(mark);
    });
}

// Which programs start at all.

#[test]
fn a_script_is_run_by_its_first_line_under_its_own_path() {
    let world = world("");
    let running = world.start().serving("whoami");
    printed(&run(&running, "echo $0 $#"), &format!("{} 0", world.path("program").display()));
    program(&world.path("program"), "#!/usr/bin/env -S sh -e\nfalse\necho not here\n");
    let reply = running.op("whoami", Value::Null);
    failed(&running, &reply, "command-failed", "exit status 1");
    for text in ["#!/no/such/interpreter\n", "\u{7f}no program\n"] {
        program(&world.path("program"), text);
        let reply = running.op("whoami", Value::Null);
        failed(&running, &reply, "command-failed", "command whoami: could not be started: exec: ");
    }
}

#[test]
fn a_program_that_is_not_there_is_a_warning_at_the_start_and_a_failure_at_the_run() {
    let world = world("");
    fs::remove_file(world.path("program")).unwrap();
    let running = world.start().serving("whoami");
    let warning = format!("command whoami: {}: there is no such file", world.path("program").display());
    assert!(running.log().contains(&warning), "{}", running.log());
    let reply = running.op("whoami", Value::Null);
    failed(&running, &reply, "command-failed", "there is no such file");
    printed(&run(&running, "echo it came"), "it came");
}

/// Each way in which somebody else could have written what is run, and how it is put right.
fn tampered(world: &World, way: &str) {
    let (program, folder) = (world.path("program"), world.path(""));
    match way {
        "can be written by others" => mode(&program, 0o775),
        "belongs to uid 5" => chown(&program, Some(5), None).unwrap(),
        "is not executable" => mode(&program, 0o644),
        "is not a regular file" => {
            fs::remove_file(&program).unwrap();
            fs::create_dir(&program).unwrap();
        }
        "its folder" => mode(&folder, 0o777),
        "its link" => {
            fs::rename(&program, world.path("other")).unwrap();
            mode(&world.path("other"), 0o757);
            symlink(world.path("other"), &program).unwrap();
        }
        _ => panic!("{way}"),
    }
}

const TAMPERED: [(&str, &str); 6] = [
    ("can be written by others", "/program: can be written by others"),
    ("belongs to uid 5", "/program: belongs to uid 5"),
    ("is not executable", "/program: is not executable"),
    ("is not a regular file", "/program: is not a regular file"),
    ("its folder", "can be written by others"),
    ("its link", "/other: can be written by others"),
];

#[test]
fn a_program_that_others_could_have_written_is_not_run_though_it_was_well_at_the_start() {
    for (way, why) in TAMPERED {
        let world = world("");
        let running = world.start().serving("whoami");
        printed(&run(&running, "echo well; echo >>$0.ran"), "well");
        tampered(&world, way);
        let reply = running.op("whoami", Value::Null);
        failed(&running, &reply, "failed", why);
        assert_eq!(fs::read(world.path("program.ran")).unwrap(), b"\n", "{way}");
    }
}

#[test]
fn a_program_that_others_can_write_keeps_its_grants_file_from_being_served() {
    for (way, why) in TAMPERED {
        if way == "its folder" {
            // Then it is the configuration that nobody may believe.
            continue;
        }
        let world = world("");
        tampered(&world, way);
        let running = world.start();
        assert!(running.log().contains(why), "{why}: {}", running.log());
        assert_eq!(error(&running.op("whoami", Value::Null)), "Unknown operation", "{way}");
    }
}

// What is left when the daemon ends.

/// Asks, and leaves the reply for later.
fn begin(running: &Running<'_>) -> Wire {
    let mut wire = running.connect();
    wire.send(format!("{}\n", json!({"secret": SECRET, "op": "whoami"})).as_bytes());
    wire
}

fn dies(running: Running<'_>, mark: &str, with_its_spawner: bool) {
    script(running.world, &detach(mark, &format!("sleep {mark}")));
    let _waits = begin(&running);
    eventually("all of it runs", || (proc::with_text(&format!("sleep\u{0}{mark}")).len() == 3).then_some(()));
    if with_its_spawner {
        // Neither is left a moment in which it could do something about the other.
        let both = [proc::named(running.pid(), "regent-spawner")[0], running.pid()];
        both.iter().for_each(|pid| signal(*pid, rustix::process::Signal::STOP));
        both.iter().for_each(|pid| signal(*pid, rustix::process::Signal::KILL));
    }
    running.kill();
}

fn signal(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

#[test]
fn nothing_that_was_started_outlives_a_daemon_that_is_killed() {
    for wrapper in [&[][..], &WITHOUT_CGROUPS[..]] {
        let world = world("timeout = \"20s\"");
        let mark = format!("3701{}.{}", wrapper.len(), std::process::id());
        let running = world.start_under(wrapper).serving("whoami");
        let started = proc::descendants(running.pid());
        dies(running, &mark, false);
        gone(&mark);
        eventually("spawner and sandboxes end", || started.iter().all(|pid| is_over(*pid)).then_some(()));
    }
}

fn is_over(pid: u32) -> bool {
    proc::status(pid, "State").is_none_or(|state| state.starts_with('Z'))
}

#[test]
fn what_outlived_daemon_and_spawner_is_ended_by_the_next_start_before_it_is_ready() {
    let world = world("timeout = \"20s\"");
    let mark = format!("37021.{}", std::process::id());
    dies(world.start().serving("whoami"), &mark, true);
    let running = world.start();
    assert_eq!(proc::with_text(&mark), Vec::<u32>::new());
    assert!(
        running.log().contains("1 runs of a predecessor were still there and have been killed"),
        "{}",
        running.log()
    );
}

/// A control group of a test's own, in which a daemon is started.
struct Group(PathBuf);

impl Group {
    fn new() -> Self {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let mount = mounts.lines().find(|line| line.contains(" - cgroup2 ")).expect("this test needs cgroup v2");
        let group = Path::new(mount.split(' ').nth(4).unwrap()).join(format!("regent-test-{}", std::process::id()));
        let group = group.with_extension(format!("{:?}", thread::current().id()).replace(['(', ')'], ""));
        fs::create_dir(&group).unwrap();
        Self(group)
    }

    /// Shell's words for a start in it.
    fn enter(&self) -> String {
        format!("echo $$ >{}/cgroup.procs; exec \"$0\" \"$@\"", self.0.display())
    }

    /// Of processes, and of groups.
    fn is_empty(&self) -> bool {
        let groups = fs::read_dir(&self.0).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
        groups == 0 && fs::read_to_string(self.0.join("cgroup.procs")).unwrap().is_empty()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let removed = fs::remove_dir(&self.0);
        assert!(removed.is_ok() || thread::panicking(), "something is left in {}", self.0.display());
    }
}

#[test]
fn what_a_daemon_in_another_group_left_is_found_by_the_next_start() {
    let world = world("timeout = \"20s\"");
    let mark = format!("37023.{}", std::process::id());
    let group = Group::new();
    dies(world.start_under(&["sh", "-c", &group.enter()]).serving("whoami"), &mark, true);
    let running = world.start();
    assert_eq!(proc::with_text(&mark), Vec::<u32>::new());
    assert!(
        running.log().contains("1 runs of a predecessor were still there and have been killed"),
        "{}",
        running.log()
    );
}

#[test]
fn without_cgroups_what_runs_ends_with_daemon_and_spawner_and_the_next_start_says_what_it_did_not_look_for() {
    let world = world("timeout = \"20s\"");
    let mark = format!("37022.{}", std::process::id());
    dies(world.start_under(&WITHOUT_CGROUPS).serving("whoami"), &mark, true);
    gone(&mark);
    let running = world.start_under(&WITHOUT_CGROUPS);
    assert!(running.log().contains("what a predecessor may have left running was not looked for"));
}

#[test]
fn a_daemon_that_is_told_to_end_gives_what_runs_its_time_and_leaves_neither_process_nor_group() {
    // Longer than the daemon gives what runs.
    let world = world("timeout = \"50s\"");
    let grants = fs::read_to_string(world.path("grants/whoami.toml")).unwrap();
    fs::write(world.path("grants/whoami.toml"), grants.replace("\"30s\"", "\"60s\"")).unwrap();
    let mark = format!("3704.{}", std::process::id());
    for (body, ends_by_itself) in [("sleep 1; echo well", true), (&detach(&mark, &format!("sleep {mark}")), false)] {
        let group = Group::new();
        let running = world.start_under(&["sh", "-c", &group.enter()]).serving("whoami");
        script(&world, &format!("echo >$0.begun; {body}"));
        let _left_by_the_first = fs::remove_file(world.path("program.begun"));
        let mut wire = begin(&running);
        eventually("it runs", || world.path("program.begun").exists().then_some(()));
        let since = Instant::now();
        assert_eq!(running.end().code(), Some(0));
        assert!(since.elapsed() < Duration::from_secs(40), "{:?}", since.elapsed());
        match ends_by_itself {
            true => printed(&wire.reply(), "well"),
            false => assert_eq!(code(&wire.reply()), "unavailable"),
        }
        gone(&mark);
        eventually("its group is empty", || group.is_empty().then_some(()));
    }
}

#[test]
fn a_held_operation_whose_daemon_was_killed_while_it_ran_is_interrupted_and_does_not_run_again() {
    for wrapper in [&[][..], &WITHOUT_CGROUPS[..]] {
        let world = held_world();
        let mark = format!("3703{}.{}", wrapper.len(), std::process::id());
        script(&world, &format!("echo >>$0.ran; sleep {mark}"));
        let running = world.start_under(wrapper).serving("whoami");
        let uid = running.op("whoami", Value::Null)["uid"].as_str().unwrap().to_owned();
        let approved = running.regent_as("games", &["approve", &running.only_pending()]);
        assert_eq!(approved.status, 0, "{approved:?}");
        eventually("it runs", || (!proc::with_text(&mark).is_empty()).then_some(()));
        running.kill();
        let running = world.start_under(wrapper).serving("whoami");
        assert_eq!(proc::with_text(&mark), Vec::<u32>::new());
        let reply = running.ask(json!({"uid": uid}));
        assert_eq!((error(&reply), &reply["state"]), ("Operation failed", &json!("interrupted")));
        assert_eq!(fs::read(world.path("program.ran")).unwrap(), b"\n", "once");
    }
}

fn held_world() -> World {
    needs_root();
    let world = World::new();
    script(&world, ":");
    let grants = format!(
        "sha256 = \"PIN\"\n[operations.whoami]\nrequire = [{{ step = \"approval\", of = \"ops\" }}]\ndeadline = \"30s\"\n\
         [commands.whoami]\nrun = [\"{}\"]\ntimeout = \"20s\"\n",
        world.path("program").display()
    );
    world.plugin("whoami", &grants)
}

#[test]
fn endless_error_line_leaves_a_short_record_and_a_daemon_that_starts_again() {
    let world = world("");
    let running = world.start().serving("whoami");
    // Each of these bytes is no text, and six bytes in the audit log.
    let reply = run(&running, "{ printf a; head -c 1000000 /dev/zero | tr '\\0' '\\377'; } >&2; exit 1");
    assert_eq!(code(&reply), "command-failed", "{reply}");
    eventually("it is on record", || world.audit().iter().any(|line| line["event"] == "failed").then_some(()));
    assert!(running.end().success());
    let log = fs::read_to_string(world.path("log/audit.jsonl")).unwrap();
    let longest = log.lines().map(str::len).max().unwrap();
    assert!(longest < 64 << 10, "{longest} bytes");
    let running = world.start().serving("whoami");
    assert_eq!(run(&running, "exit 0")["success"], true);
}
