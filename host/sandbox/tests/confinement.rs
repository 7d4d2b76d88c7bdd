//! What the process demands of who starts it, and what the kernel says of it once it serves.

mod fixtures;
mod process;

use std::collections::BTreeSet;

use fixtures::Plugin;
use process::{Sandbox, compile, image};
use regent_lane::{Layer, Missing, Side, decode_all};

/// A field of `/proc/PID/status`.
#[expect(clippy::unwrap_used, reason = "without /proc there is no test")]
fn status(pid: u32, field: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {field}")).trim().to_owned()
}

#[test]
fn a_serving_sandbox_is_filtered_can_gain_no_right_and_has_the_threads_of_its_lanes() {
    let mut sandbox = Sandbox::of(&Plugin::default().component());
    for lane in &mut sandbox.lanes {
        lane.prepare("1");
    }
    let pid = sandbox.pid();
    assert_eq!(status(pid, "Seccomp"), "2");
    assert_eq!(status(pid, "NoNewPrivs"), "1");
    // Four lanes and the ticker.
    assert_eq!(status(pid, "Threads"), "5");
    let descriptors: BTreeSet<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected = ["0", "1", "2", "3", "4", "5", "6"].map(str::to_owned);
    assert!(descriptors.is_superset(&BTreeSet::from(expected)), "{descriptors:?}");
    assert!(sandbox.is_running());
}

#[test]
fn every_thread_of_a_sandbox_is_filtered() {
    let sandbox = Sandbox::of(&Plugin::default().component());
    let tasks = std::fs::read_dir(format!("/proc/{}/task", sandbox.pid())).unwrap();
    for task in tasks {
        let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        assert!(status.contains("Seccomp:\t2"), "{status}");
    }
}

#[test]
fn what_is_not_confined_and_was_not_told_so_serves_nothing() {
    let (status, said) = Sandbox::start(image(&compile(&Plugin::default().component())), &[]).end();
    assert_eq!(status.code(), Some(77), "{said}");
    // As root without anything, everything is missing, and all of it is said.
    for missing in ["confinement: it may gain rights", "user-namespace: ", "mount-namespace: ", "pid-namespace: "] {
        assert!(said.contains(missing), "{missing} in {said}");
    }
    assert!(said.contains("network-namespace: ") && said.contains("uts-namespace: "), "{said}");
}

#[test]
fn a_layer_that_was_accepted_to_be_missing_is_not_demanded_and_the_others_are() {
    let (status, said) =
        Sandbox::start(image(&compile(&Plugin::default().component())), &["--without=pid-namespace"]).end();
    assert_eq!(status.code(), Some(77), "{said}");
    assert!(!said.contains("pid-namespace") && said.contains("network-namespace: "), "{said}");
}

#[test]
fn one_that_only_looks_ends_well_where_everything_that_is_demanded_is_there() {
    let (status, said) = Sandbox::start(image(b""), &["--unconfined", "--verify"]).end();
    assert!(status.success(), "{said}");
    assert_eq!(said, "");
}

#[test]
fn a_look_reports_each_missing_layer_in_a_frame() {
    let (status, said) = Sandbox::start(image(b""), &["--verify"]).end();
    assert_eq!(status.code(), Some(77), "{said}");
    let missing: Vec<Missing> = decode_all(Side::Sandbox, said.as_bytes());
    for layer in [Layer::UserNamespace, Layer::MountNamespace, Layer::PidNamespace] {
        assert!(missing.iter().any(|missing| missing.layer == Some(layer)), "{missing:?}");
    }
    assert!(missing.iter().any(|missing| missing.layer.is_none()), "{missing:?}");
}

#[test]
fn an_argument_that_is_not_known_is_an_error() {
    let (status, said) = Sandbox::start(image(b""), &["--confined"]).end();
    assert_eq!(status.code(), Some(64), "{said}");
}
