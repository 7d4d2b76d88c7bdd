//! What a program that the spawner started finds itself in, and what becomes of what it leaves behind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

mod spawned;

use std::fs;
use std::time::Duration;

use regent_lane::{HOST_NAME, Layer};
use regent_spawner::{Ask, Confinement, Descent, Exit, Identity, Limit, Say, Stage};
use spawned::{Spawner, needs_root, pid_of, plain, running, spy, within};

const SOON: Duration = Duration::from_secs(2);

/// A uid of a sandbox, which no user has.
const NOBODYS: u32 = 1_900_000_007;

/// Of every kind.
fn namespaces() -> Vec<Layer> {
    Layer::ALL.into_iter().filter(|layer| layer.is_namespace()).collect()
}

fn spy_start(argument: &str) -> regent_spawner::Start {
    plain(&[spy().to_str().unwrap(), argument])
}

/// A line of the spy's report, without its key.
fn line<'a>(report: &'a str, key: &str) -> &'a str {
    let found = report.lines().find_map(|line| line.strip_prefix(key));
    found.unwrap_or_else(|| panic!("no {key} in {report}")).trim()
}

#[test]
fn a_program_is_born_into_exactly_the_world_that_was_asked_for() {
    needs_root();
    let mut start = spy_start("world");
    start.env = vec!["ONLY=this".into()];
    start.cwd = "/usr".into();
    start.identity = Some(Identity { uid: 12_345, gid: 12_346, groups: vec![12_347, 12_348] });
    let report = Spawner::new().output(start);

    for mask in ["SigBlk:", "SigIgn:", "SigCgt:", "SigPnd:"] {
        // The spy's own runtime ignores SIGPIPE and catches SEGV and BUS; what was inherited would be more.
        let bits = u64::from_str_radix(line(&report, mask), 16).unwrap();
        let own = if mask == "SigIgn:" {
            1 << 12
        } else if mask == "SigCgt:" {
            1 << 10 | 1 << 6
        } else {
            0
        };
        assert_eq!(bits & !own, 0, "{mask}");
    }
    assert_eq!(line(&report, "Uid:"), "12345\t12345\t12345\t12345");
    assert_eq!(line(&report, "Gid:"), "12346\t12346\t12346\t12346");
    assert_eq!(line(&report, "Groups:"), "12347 12348");
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
        assert_eq!(line(&report, set), "0000000000000000", "{set}");
    }
    assert_eq!(line(&report, "Umask:"), "0022");
    assert_eq!(line(&report, "fds="), "3");
    assert_eq!(line(&report, "oom_score_adj="), "0");
    assert_eq!(line(&report, "timerslack_ns="), "50000");
    let environment: Vec<_> = report.lines().filter(|line| line.starts_with("env ")).collect();
    assert_eq!(environment, ["env ONLY=this"]);
    assert!(line(&report, "Max open files").starts_with("1024 "));
    assert!(line(&report, "Max core file size").starts_with("0 "));
    assert!(line(&report, "argv=").ends_with("cwd=/usr"));
    // pid, name, state, parent, group, session: it leads its own.
    let stat: Vec<_> = line(&report, "stat=").split(' ').collect();
    assert_eq!((stat[0], stat[0]), (stat[4], stat[5]));
}

/// Sets what an exec keeps and a program would not look for, then becomes the spawner: signals ignored (34 and 64 are
/// no library's), the lowest scheduling of processor and disk, no address randomisation.
const ODD: [&str; 11] = [
    "/usr/bin/setarch",
    "-R",
    "/usr/bin/ionice",
    "--class=3",
    "/usr/bin/chrt",
    "--batch",
    "0",
    "/bin/sh",
    "-c",
    "trap '' HUP INT USR1 ALRM 34 64; exec nice -n 7 \"$@\"",
    "sh",
];

#[test]
fn nothing_odd_that_the_daemon_was_started_with_reaches_a_program() {
    needs_root();
    for descent in [Descent::Alone { grouped: false }, Descent::Sweep] {
        let spawner = Spawner::under(&ODD);
        let mut start = spy_start("world");
        start.descent = descent.clone();
        let report = spawner.output(start);
        let own = |file: &str| fs::read_to_string(format!("/proc/{}/{file}", spawner.child.id())).unwrap();
        assert_eq!(own("personality").trim(), "00040000", "it was started so");
        assert_eq!(line(&report, "personality="), "00000000");
        let ignored = u64::from_str_radix(line(&report, "SigIgn:"), 16).unwrap();
        assert_eq!(ignored & !(1 << 12), 0, "{ignored:x}");
        // After the name in brackets: the 19th field is niceness, the 41st the policy, of which 0 is the usual.
        let stat: Vec<_> = line(&report, "stat=").rsplit(") ").next().unwrap().split(' ').collect();
        assert_eq!((stat[19 - 3], stat[41 - 3]), ("0", "0"));
        let mut start = plain(&["/usr/bin/ionice"]);
        start.descent = descent;
        assert!(spawner.output(start).starts_with("none"));
    }
}

#[test]
fn further_descriptors_stand_from_three_on() {
    let mut start = spy_start("world");
    start.extra = 4;
    assert_eq!(line(&Spawner::new().output(start), "fds="), "7");
}

#[test]
fn a_failure_before_the_exec_names_its_stage_and_nothing_runs() {
    let spawner = Spawner::new();
    let mut start = spy_start("world");
    start.cwd = "/no/such/folder".into();
    let (said, _) = spawner.start(start, None);
    assert_eq!(said, Say::NotStarted { token: 1, stage: Stage::Folder, errno: 2 });
    // It serves on.
    spawner.output(spy_start("world"));
}

#[test]
fn a_folder_that_the_user_may_not_enter_is_not_where_its_program_starts() {
    needs_root();
    let closed = tempfile_folder("closed");
    let mut start = spy_start("world");
    start.cwd = closed.clone();
    start.identity = Some(Identity { uid: 12_345, gid: 12_345, groups: Vec::new() });
    let (said, _) = Spawner::new().start(start, None);
    assert_eq!(said, Say::NotStarted { token: 1, stage: Stage::Folder, errno: 13 });
    fs::remove_dir(closed).unwrap();
}

fn tempfile_folder(name: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = format!("{}/{name}-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

#[test]
fn a_script_runs_by_its_path() {
    use std::os::unix::fs::PermissionsExt as _;
    let script = format!("{}/script-{}", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    fs::write(&script, "#!/bin/sh\necho \"$0 $1\"\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(Spawner::new().output(plain(&[&script, "one"])), format!("{script} one\n"));
    fs::remove_file(script).unwrap();
}

#[test]
fn a_sandbox_is_somebody_else_without_rights_in_an_empty_root() {
    needs_root();
    let spawner = Spawner::new();
    let mut start = spy_start("sleep");
    start.confinement = Confinement::Sandbox(namespaces());
    start.identity = Some(Identity { uid: NOBODYS, gid: NOBODYS, groups: Vec::new() });
    start.limits = vec![(Limit::Memory, 1 << 30), (Limit::File, 0), (Limit::Descriptors, 32)];
    let (said, _output) = spawner.start(start, None);
    let pid = pid_of(&said);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    for id in ["Uid:", "Gid:"] {
        assert_eq!(line(&status, id), vec![NOBODYS.to_string(); 4].join("\t"), "{id}");
    }
    assert_eq!(line(&status, "Groups:"), "");
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        assert_eq!(line(&status, set), "0000000000000000", "{set}");
    }
    assert_eq!(line(&status, "NoNewPrivs:"), "1");
    assert!(line(&status, "NSpid:").ends_with("\t1"));
    for namespace in ["user", "mnt", "net", "pid", "ipc", "uts", "cgroup"] {
        let link = |of: &str| fs::read_link(format!("/proc/{of}/ns/{namespace}")).unwrap();
        assert_ne!(link(&pid.to_string()), link("self"), "{namespace}");
    }
    assert_eq!(fs::read_dir(format!("/proc/{pid}/root/")).unwrap().count(), 0);
    let mounts = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap();
    assert_eq!(mounts.lines().count(), 1, "{mounts}");
    assert!(mounts.contains(" / / ro,nosuid,nodev,noexec,"), "{mounts}");
    for map in ["uid_map", "gid_map"] {
        let map = fs::read_to_string(format!("/proc/{pid}/{map}")).unwrap();
        assert_eq!(map.split_whitespace().collect::<Vec<_>>(), [&NOBODYS.to_string(), &NOBODYS.to_string(), "1"]);
    }
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    assert!(line(&limits, "Max file size").starts_with("0 "));
    assert!(line(&limits, "Max open files").starts_with("32 "));
    assert_eq!(fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count(), 3);
    spawner.say(&Ask::Kill(1), &[]);
    assert_eq!(spawner.hear(), Say::Exited { token: 1, status: Exit::Signal(9) });
}

#[test]
fn a_sandbox_finds_nothing_and_reaches_nobody() {
    needs_root();
    let mut start = spy_start("try");
    start.confinement = Confinement::Sandbox(namespaces());
    start.identity = Some(Identity { uid: NOBODYS, gid: NOBODYS, groups: Vec::new() });
    assert_eq!(Spawner::new().output(start), "root=Some(0)\ncreate=true\nconnect=true\npid=1\n");
}

#[test]
fn a_sandbox_without_a_user_of_its_own_does_not_start() {
    needs_root();
    let mut start = spy_start("sleep");
    start.confinement = Confinement::Sandbox(namespaces());
    let (said, _) = Spawner::new().start(start, None);
    assert!(matches!(said, Say::NotStarted { .. }), "{said:?}");
}

#[test]
fn a_sandbox_has_namespaces_of_the_kinds_that_were_asked_for_and_of_no_other() {
    needs_root();
    for kind in [Layer::IpcNamespace, Layer::UtsNamespace, Layer::CgroupNamespace, Layer::NetworkNamespace] {
        let spawner = Spawner::new();
        let mut start = spy_start("sleep");
        start.confinement = Confinement::Sandbox(vec![kind]);
        start.identity = Some(Identity { uid: NOBODYS, gid: NOBODYS, groups: Vec::new() });
        let (said, _output) = spawner.start(start, None);
        let pid = pid_of(&said).to_string();
        let names = [
            (Layer::UserNamespace, "user"),
            (Layer::IpcNamespace, "ipc"),
            (Layer::UtsNamespace, "uts"),
            (Layer::CgroupNamespace, "cgroup"),
            (Layer::NetworkNamespace, "net"),
        ];
        for (layer, name) in names {
            let link = |of: &str| fs::read_link(format!("/proc/{of}/ns/{name}")).unwrap();
            assert_eq!(link(&pid) != link("self"), layer == kind, "{name}, where {kind:?} was asked for");
        }
    }
}

#[test]
fn the_host_name_of_a_sandbox_is_its_own_and_the_machines_stays() {
    needs_root();
    let before = rustix::system::uname();
    let mut start = spy_start("world");
    start.path = "/bin/uname".into();
    start.argv = vec!["uname".into(), "-n".into()];
    start.confinement = Confinement::Sandbox(vec![Layer::UserNamespace, Layer::UtsNamespace]);
    start.identity = Some(Identity { uid: NOBODYS, gid: NOBODYS, groups: Vec::new() });
    assert_eq!(Spawner::new().output(start), format!("{HOST_NAME}\n"));
    assert_eq!(rustix::system::uname().nodename(), before.nodename());
}

/// Detaches a grandchild by a second session, deaf to SIGTERM, that keeps this number of seconds as its mark; then
/// waits.
fn escape(mark: &str, then: &str) -> Vec<String> {
    let script =
        format!("(setsid sh -c 'trap \"\" TERM HUP; sleep {mark}; :' & ) ; (setsid setsid sleep {mark} &) ; {then}");
    vec!["/bin/sh".into(), "-c".into(), script]
}

fn escaping(mark: &str, then: &str, descent: Descent) -> regent_spawner::Start {
    let argv = escape(mark, then);
    let mut start = plain(&argv.iter().map(String::as_str).collect::<Vec<_>>());
    start.descent = descent;
    start
}

#[test]
fn what_detached_itself_is_gone_when_a_swept_command_has_ended() {
    let spawner = Spawner::new();
    let (said, _output) = spawner.start(escaping("3601", "sleep 1", Descent::Sweep), None);
    pid_of(&said);
    within(SOON, "it detaches", || running("sleep\u{0}3601").len() == 2);
    assert_eq!(spawner.hear(), Say::Exited { token: 1, status: Exit::Status(0) });
    assert_eq!(running("3601"), [0; 0]);
}

#[test]
fn a_swept_command_that_is_killed_leaves_nothing() {
    let spawner = Spawner::new();
    let (said, _output) = spawner.start(escaping("3602", "sleep 3602", Descent::Sweep), None);
    pid_of(&said);
    within(SOON, "it detaches", || running("sleep\u{0}3602").len() == 3);
    spawner.say(&Ask::Kill(1), &[]);
    assert_eq!(spawner.hear(), Say::Exited { token: 1, status: Exit::Signal(9) });
    assert_eq!(running("3602"), [0; 0]);
}

#[test]
fn a_reaper_writes_no_core_when_it_ends_as_its_command_did() {
    needs_root();
    let spawner = Spawner::new();
    let mut start = plain(&["/bin/sh", "-c", "sleep 3607; :"]);
    start.descent = Descent::Sweep;
    let (said, _output) = spawner.start(start, None);
    pid_of(&said);
    within(SOON, "it runs", || running("sleep\u{0}3607").len() == 1);
    let parent = |pid: i32| -> i32 {
        line(&fs::read_to_string(format!("/proc/{pid}/status")).unwrap(), "PPid:").parse().unwrap()
    };
    let command = parent(running("sleep\u{0}3607")[0]);
    let limits = fs::read_to_string(format!("/proc/{}/limits", parent(command))).unwrap();
    assert!(line(&limits, "Max core file size").starts_with("0 "));
    rustix::process::kill_process(rustix::process::Pid::from_raw(command).unwrap(), rustix::process::Signal::SEGV)
        .unwrap();
    assert_eq!(spawner.hear(), Say::Exited { token: 1, status: Exit::Signal(11) });
}

#[test]
fn a_kill_right_behind_its_start_is_not_lost() {
    let spawner = Spawner::new();
    for round in 0..200 {
        let start = escaping("3603", "sleep 3603", Descent::Sweep);
        let program = rustix::fs::open("/bin/sh", rustix::fs::OFlags::PATH, rustix::fs::Mode::empty()).unwrap();
        let null = rustix::fs::open("/dev/null", rustix::fs::OFlags::RDWR, rustix::fs::Mode::empty()).unwrap();
        use std::os::fd::AsFd as _;
        spawner.say(&Ask::Start(Box::new(start)), &[program.as_fd(), null.as_fd(), null.as_fd(), null.as_fd()]);
        spawner.say(&Ask::Kill(1), &[]);
        while matches!(spawner.hear(), Say::Started { .. }) {}
        assert_eq!(running("3603"), [0; 0], "round {round}");
    }
}

#[test]
fn when_the_daemon_is_gone_everything_that_was_started_ends() {
    for (mark, descent) in [("3604", Descent::Alone { grouped: false }), ("3605", Descent::Sweep)] {
        let mut spawner = Spawner::new();
        let (said, _output) = spawner.start(escaping(mark, &format!("sleep {mark}"), descent), None);
        pid_of(&said);
        let sleeping = format!("sleep\u{0}{mark}");
        within(SOON, "it detaches", || running(&sleeping).len() == 3);
        spawner.hang_up();
        within(SOON, "all of it ends", || running(mark).is_empty());
        within(SOON, "and the spawner with it", || spawner.child.try_wait().unwrap().is_some());
    }
}

#[test]
fn when_the_spawner_is_killed_a_swept_command_ends_and_one_that_may_leave_something_too() {
    for (mark, descent) in [("3606", Descent::Sweep), ("3608", Descent::Leave { after: vec![0] })] {
        let mut spawner = Spawner::new();
        let (said, _output) = spawner.start(escaping(mark, &format!("sleep {mark}"), descent), None);
        pid_of(&said);
        let sleeping = format!("sleep\u{0}{mark}");
        within(SOON, "it detaches", || running(&sleeping).len() == 3);
        spawner.child.kill().unwrap();
        within(SOON, "all of it ends", || running(mark).is_empty());
    }
}

#[test]
fn what_was_left_after_success_is_nothing_to_the_spawner_any_more() {
    let mut spawner = Spawner::new();
    let start = escaping("3609", "sleep 1; exit 4", Descent::Leave { after: vec![0, 4] });
    let (said, _output) = spawner.start(start, None);
    pid_of(&said);
    assert_eq!(spawner.hear(), Say::Exited { token: 1, status: Exit::Status(4) });
    let left = running("sleep\u{0}3609");
    assert_eq!(left.len(), 2);
    // What comes after is found again, and its end is nothing to what was left.
    spawner.start(escaping("3610", "sleep 1", Descent::Sweep), None);
    assert_eq!(spawner.hear(), Say::Exited { token: 1, status: Exit::Status(0) });
    assert_eq!(running("3610"), [0; 0]);
    let (said, _output) = spawner.start(escaping("3611", "sleep 3611", Descent::Alone { grouped: false }), None);
    pid_of(&said);
    within(SOON, "it detaches", || running("sleep\u{0}3611").len() == 3);
    spawner.hang_up();
    within(SOON, "the spawner ends", || spawner.child.try_wait().unwrap().is_some());
    assert_eq!((running("3611"), running("sleep\u{0}3609")), (vec![], left));
    for pid in running("3609") {
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL)
            .unwrap();
    }
}

#[test]
fn a_command_that_fails_leaves_nothing_though_it_may() {
    let spawner = Spawner::new();
    for (then, status) in [("exit 1", Exit::Status(1)), ("kill -9 $$", Exit::Signal(9))] {
        let start = escaping("3612", &format!("sleep 0.5; {then}"), Descent::Leave { after: vec![0] });
        let (said, _output) = spawner.start(start, None);
        pid_of(&said);
        assert_eq!(spawner.hear(), Say::Exited { token: 1, status });
        assert_eq!(running("3612"), [0; 0], "{then}");
    }
}

#[test]
fn one_that_may_leave_something_and_is_not_started_says_why() {
    let mut start = plain(&["/bin/sh", "-c", ":"]);
    (start.descent, start.cwd) = (Descent::Leave { after: vec![0] }, "/no/such/folder".into());
    let (said, _) = Spawner::new().start(start, None);
    assert_eq!(said, Say::NotStarted { token: 1, stage: Stage::Folder, errno: 2 });
}

#[test]
fn a_kill_of_what_is_not_there_is_passed_over() {
    let spawner = Spawner::new();
    spawner.say(&Ask::Kill(77), &[]);
    spawner.output(spy_start("world"));
}
