//! The plugins `restart` and `reboot` as they are shipped, by the whole daemon and the Python client of 2022,
//! unchanged. Their grants files are the shipped ones too; only the programs in them are the test's own, which say how
//! they were called.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use regent_tests::{Running, SECRET, World, client, dist, eventually, needs_root, proc};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// A shipped grants file, pinned.
fn shipped(name: &str) -> String {
    let text = fs::read_to_string(dist().join(format!("plugins/{name}.toml"))).unwrap();
    replaced(&text, "# sha256 = [\"…\"]", "sha256 = \"PIN\"")
}

/// One text for another that is there once.
#[track_caller]
fn replaced(text: &str, one: &str, other: &str) -> String {
    assert_eq!(text.matches(one).count(), 1, "{one:?} in\n{text}");
    text.replace(one, other)
}

/// The same with the fake `systemctl` and `service` of a world instead of the machine's.
fn with_fakes(world: World, name: &str, grants: &str) -> World {
    needs_root();
    let bin = world.path("bin");
    fs::create_dir_all(&bin).unwrap();
    let ran = world.path("ran").display().to_string();
    for program in ["systemctl", "service"] {
        let path = bin.join(program);
        let more = world.path(&format!("{program}.more")).display().to_string();
        fs::write(&path, format!("#!/bin/sh\necho {program} \"$@\" >>{ran}\n[ ! -e {more} ] || . {more}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(world.path("ran"), "").unwrap();
    let grants = grants
        .replace("\"/usr/bin/systemctl\"", &format!("{:?}", bin.join("systemctl")))
        .replace("\"/usr/sbin/service\"", &format!("{:?}", bin.join("service")));
    world.plugin(name, &grants)
}

fn restarting() -> World {
    with_fakes(World::new(), "restart", &shipped("restart"))
}

/// What ran so far, a line each.
fn ran(world: &World) -> Vec<String> {
    fs::read_to_string(world.path("ran")).unwrap().lines().map(str::to_owned).collect()
}

fn restart(running: &Running<'_>, service: &str) -> Value {
    client(running, SECRET, &format!("request('restart', {{'service': '{service}'}})"))
}

/// Both spellings of one thing that is done.
fn done() -> Value {
    json!({"success": true, "uid": null, "data": null})
}

#[test]
fn nginx_is_restarted_at_once_and_no_other_service_is() {
    let world = restarting();
    let running = world.start().serving("restart");
    assert_eq!(restart(&running, "nginx"), done());
    assert_eq!(
        client(&running, SECRET, "request('restart', {'service_name': 'nginx'})"),
        done(),
        "the original's word"
    );
    assert_eq!(ran(&world), ["systemctl restart nginx.service"; 2]);
    assert_eq!(restart(&running, "supervisor")["state"], "held");
    assert_eq!(ran(&world).len(), 2);
}

#[test]
fn another_service_is_restarted_when_somebody_has_approved_and_never_when_somebody_has_denied() {
    let world = restarting();
    let running = world.start().serving("restart");
    for (decision, state, lines) in [("deny", "denied", 0), ("approve", "done", 1)] {
        let held = restart(&running, "supervisor");
        assert_eq!((&held["success"], &held["state"]), (&json!(true), &json!("held")), "{held}");
        let id = running.only_pending();
        let shown = running.regent_as("games", &["show", &id]).stdout;
        assert!(shown.contains("bin/systemctl restart supervisor.service"), "{shown}");
        assert_eq!(running.regent_as("games", &[decision, &id]).status, 0);
        let uid = held["uid"].as_str().unwrap();
        let ended = client(&running, SECRET, &format!("call_service({{'uid': '{uid}', 'wait': 4}})"));
        assert_eq!(ended["state"], state, "{ended}");
        assert_eq!(ran(&world), vec!["systemctl restart supervisor.service"; lines]);
    }
}

#[test]
fn a_service_that_is_missing_or_unexpected_is_told_in_the_originals_words_and_nothing_runs() {
    let world = restarting();
    let running = world.start().serving("restart");
    let (missing, unexpected) = ("Invalid data: Missing service name", "Invalid data: Unexpected service name");
    for (data, words) in [
        ("None", missing),
        ("{}", missing),
        ("{'service': ''}", missing),
        ("{'service': None}", missing),
        ("{'service': 'sshd'}", unexpected),
        ("{'service': 'nginx.service'}", unexpected),
        ("{'service': 'nginx; reboot'}", unexpected),
        ("{'service': ['nginx']}", unexpected),
        ("{'service': 17}", unexpected),
    ] {
        assert_eq!(client(&running, SECRET, &format!("request('restart', {data})"))["error"], words, "{data}");
    }
    assert_eq!(ran(&world), Vec::<String>::new());
}

#[test]
fn a_restart_that_fails_is_told_and_the_log_has_the_commands_words() {
    let world = restarting();
    fs::write(world.path("systemctl.more"), "echo Unit nginx.service not found. >&2\nexit 5\n").unwrap();
    let running = world.start().serving("restart");
    assert_eq!(restart(&running, "nginx")["error"], "Failed to restart service");
    running.wait_log("exit status 5: Unit nginx.service not found.");
}

/// A daemon by this mark, left behind by the fake init script; what the grants' comments say of such scripts is
/// followed if so.
fn by_service(mark: &str, leaves: bool) -> World {
    let [systemd, service] =
        ["run = [\"/usr/bin/systemctl\", \"restart\", \"{service}.service\"]\n", "# run = [\"/usr/sbin/service\""];
    let grants = replaced(&replaced(&shipped("restart"), systemd, ""), service, &service[2..]);
    let grants = if leaves { replaced(&grants, "# leave_children = true", "leave_children = true") } else { grants };
    let world = with_fakes(World::new(), "restart", &grants);
    fs::write(world.path("service.more"), format!("setsid sleep {mark} >/dev/null 2>&1 &\nsleep 0.2\n")).unwrap();
    world
}

#[test]
fn without_systemd_the_comments_of_its_grants_restart_it_and_its_daemon_stays_only_if_they_say_so() {
    for leaves in [true, false] {
        let mark = format!("38{}{}", u8::from(leaves), std::process::id());
        let world = by_service(&mark, leaves);
        let running = world.start().serving("restart");
        assert_eq!(restart(&running, "nginx"), done());
        assert_eq!(ran(&world), ["service nginx restart"]);
        let left = proc::with_text(&format!("sleep\u{0}{mark}"));
        assert_eq!(left.len(), usize::from(leaves), "{left:?}");
        for pid in left {
            kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
        }
    }
}

// The end of the host.

fn rebooting(require: &str) -> World {
    let grants = replaced(&shipped("reboot"), "[operations.reboot]\n", &format!("[operations.reboot]\n{require}\n"));
    with_fakes(World::new(), "reboot", &grants)
}

const CONSENT: &str = "require = [{ step = \"approval\", of = \"ops\" }]";

/// The audit log's records of reboots: the event, or the state that a held one came to.
fn recorded(world: &World) -> Vec<String> {
    let audit = world.audit();
    let of_it = audit.iter().filter(|record| record["operation"] == "reboot" && record["event"] != "refused");
    of_it.map(|record| record["state"].as_str().or(record["event"].as_str()).unwrap().to_owned()).collect()
}

#[test]
fn a_reboot_is_recorded_as_done_when_its_command_is_accepted_and_is_for_root_until_others_are_named() {
    let world = rebooting("");
    let running = world.start().serving("reboot");
    let other = running.regent_as("games", &["call", "reboot"]);
    assert!(other.status != 0 && other.stderr.contains("Unknown operation"), "{other:?}");
    assert_eq!((ran(&world).len(), recorded(&world).len()), (0, 0));
    assert_eq!(client(&running, SECRET, "request('reboot')"), done());
    assert_eq!(ran(&world), ["systemctl reboot"]);
    assert_eq!(recorded(&world), ["performing", "done"]);
}

#[test]
fn a_held_reboot_waits_for_consent_and_is_recorded_as_done_when_its_command_is_accepted() {
    let world = rebooting(CONSENT);
    let running = world.start().serving("reboot");
    let held = client(&running, SECRET, "request('reboot')");
    assert_eq!((held["state"].as_str(), ran(&world).len()), (Some("held"), 0));
    let id = running.only_pending();
    assert!(running.regent_as("games", &["show", &id]).stdout.contains("ends the host"));
    assert_eq!(running.regent_as("games", &["approve", &id]).status, 0);
    let uid = held["uid"].as_str().unwrap();
    assert_eq!(client(&running, SECRET, &format!("call_service({{'uid': '{uid}', 'wait': 4}})"))["state"], "done");
    assert_eq!(ran(&world), ["systemctl reboot"]);
    assert_eq!(recorded(&world), ["held", "approved", "performing", "done"]);
}

/// A boot of this name, as far as a daemon below it can see.
fn boot(world: &World, name: &str) -> Vec<String> {
    let file = world.path(name);
    fs::write(&file, format!("{name}\n")).unwrap();
    let enter = "mount --bind \"$0\" /proc/sys/kernel/random/boot_id; exec \"$@\"";
    ["unshare", "--fork", "--mount", "sh", "-c", enter, file.to_str().unwrap()].map(str::to_owned).to_vec()
}

fn start_in<'w>(world: &'w World, name: &str) -> Running<'w> {
    let wrapper = boot(world, name);
    world.start_under(&wrapper.iter().map(String::as_str).collect::<Vec<_>>()).serving("reboot")
}

/// Asks for a reboot by which the daemon is ended, as the machine's end would do it.
fn reboot_to_the_end(running: Running<'_>, held: bool) {
    let kill = format!("kill -9 {}\nsleep 30\n", running.pid());
    fs::write(running.world.path("systemctl.more"), kill).unwrap();
    let mut wire = running.connect();
    wire.send(format!("{}\n", json!({"secret": SECRET, "op": "reboot"})).as_bytes());
    let reply = wire.line();
    assert_eq!(reply.is_some(), held, "who is not held hears nothing: {reply:?}");
    if held {
        running.regent_as("games", &["approve", &running.only_pending()]);
    }
    running.ended();
}

#[test]
fn a_reboot_that_nobody_lived_to_see_the_end_of_is_recorded_as_done_by_the_next_boot_and_as_interrupted_by_this_one() {
    for (require, before) in [("", &["performing"][..]), (CONSENT, &["held", "approved", "performing"])] {
        for (later, ending) in [("second-boot", "done"), ("first-boot", "interrupted")] {
            let world = rebooting(require);
            reboot_to_the_end(start_in(&world, "first-boot"), !require.is_empty());
            assert_eq!(recorded(&world), before, "nobody has written its end");
            assert_eq!(ran(&world), ["systemctl reboot"]);
            let running = start_in(&world, later);
            let told = format!("{ending}: ");
            eventually("the log tells of it", || running.log().contains(&told).then_some(()));
            if require.is_empty() {
                assert_eq!(recorded(&world), [before, &[ending]].concat());
            } else {
                let closing = world.audit().into_iter().find(|record| record["event"] == "recovery").unwrap();
                let id =
                    world.audit().into_iter().find_map(|record| record["hold"].as_str().map(str::to_owned)).unwrap();
                assert_eq!(closing[ending], serde_json::json!([id]), "{closing}");
            }
            assert!(running.end().success());
            let running = start_in(&world, "third-boot");
            assert!(!running.log().contains(&told), "it is told once:\n{}", running.log());
            assert_eq!(ran(&world).len(), 1, "and never done again");
        }
    }
}
