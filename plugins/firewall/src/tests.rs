use std::net::Ipv4Addr;

use regent_plugin::testing::{Host, json, ok, status};

use crate::{PLUGIN, address};

const GRANTS: &str = include_str!("../firewall.toml");

fn host() -> Host {
    Host::with_grants(&PLUGIN, GRANTS)
}

fn refused(data: serde_json::Value) -> String {
    host().prepare("open", data).unwrap_err().to_string()
}

#[test]
fn open_plans_the_change_and_then_a_look_at_it() {
    let host = host();
    let planned = host.prepare("open", json!({"ip": "8.8.8.8", "port": 22})).unwrap();
    assert_eq!(
        planned.command_lines(),
        ["/usr/sbin/nft add element inet regent open { 8.8.8.8 . 22 }", "/usr/sbin/nft list set inet regent open"]
    );
    assert_eq!(planned.summary(), "Open port 22 to 8.8.8.8");
    assert_eq!(planned.run(|_| ok("")), Ok(json!({"ip": "8.8.8.8", "port": 22})));
}

#[test]
fn close_plans_the_opposite() {
    let host = host();
    let planned = host.prepare("close", json!({"ip": "8.8.8.8"})).unwrap();
    assert_eq!(planned.command_lines()[0], "/usr/sbin/nft delete element inet regent open { 8.8.8.8 . 22 }");
    assert_eq!(planned.summary(), "Close port 22 to 8.8.8.8");
}

#[test]
fn a_missing_address_is_told_first() {
    for data in [json!(null), json!({}), json!({"ip": null}), json!({"port": "x"})] {
        assert_eq!(refused(data), "Invalid data: Missing IP");
    }
}

#[test]
fn then_one_that_is_none() {
    for ip in
        [json!("x"), json!(""), json!("8.8.8"), json!("08.8.8.8"), json!("8.8.8.8 "), json!(134_744_072), json!([])]
    {
        assert_eq!(refused(json!({"ip": ip, "port": "x"})), "Invalid data: Invalid IP");
    }
}

#[test]
fn then_one_of_ipv6() {
    for ip in ["::1", "2001:4860:4860::8888", "::ffff:8.8.8.8", "fe80::1%eth0"] {
        assert_eq!(refused(json!({"ip": ip, "port": "x"})), "Invalid data: IPv4 only");
    }
    assert_eq!(refused(json!({"ip": "fe80::1%"})), "Invalid data: Invalid IP");
}

#[test]
fn then_one_that_is_not_public() {
    for ip in ["10.0.0.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "203.0.113.7", "224.0.0.1", "255.255.255.255"]
    {
        assert_eq!(refused(json!({"ip": ip, "port": "x"})), "Invalid data: IP not allowed");
    }
}

#[test]
fn and_the_port_last() {
    assert_eq!(refused(json!({"ip": "8.8.8.8", "port": "x"})), "Invalid data: Invalid port");
    assert_eq!(refused(json!({"ip": "8.8.8.8", "port": 65_558})), "Invalid data: Invalid port");
    assert_eq!(refused(json!({"ip": "8.8.8.8", "port": 23})), "Invalid data: Port not allowed");
}

#[test]
fn data_that_is_no_object_is_refused() {
    assert_eq!(refused(json!(5)), "Invalid data: expected an object, found the number 5");
}

#[test]
fn a_misspelt_key_is_refused_and_not_passed_over() {
    assert_eq!(refused(json!({"ip": "8.8.8.8", "prt": 22})), "Invalid data: prt: unknown key, expected `ip` or `port`");
}

#[test]
fn the_example_that_callers_are_shown_is_one_that_the_shipped_grants_take() {
    let schema: serde_json::Value = serde_json::from_str(crate::request::SCHEMA).unwrap();
    let example = |key: &str| schema["properties"][key]["examples"][0].clone();
    assert!(host().prepare("open", json!({"ip": example("ip"), "port": example("port")})).is_ok());
}

#[test]
fn with_two_ports_a_request_has_to_name_one() {
    let grants = GRANTS.replace("ports = [22] ", "ports = [22, 443] ");
    let host = Host::with_grants(&PLUGIN, &grants);
    assert_eq!(host.prepare("open", json!({"ip": "8.8.8.8"})).unwrap_err(), "Invalid data: Missing port");
    assert!(host.prepare("open", json!({"ip": "8.8.8.8", "port": 443})).is_ok());
}

#[test]
fn a_failed_step_is_told_in_the_words_that_clients_know() {
    let host = host();
    let open = || host.prepare("open", json!({"ip": "8.8.8.8"})).unwrap();
    assert_eq!(open().run(|_| status(1)).unwrap_err(), "Failed to change firewall");
    let second = |line: &regent_plugin::testing::Line| if line.command == "list-ports" { status(1) } else { ok("") };
    assert_eq!(open().run(second).unwrap_err(), "Failed to change firewall");
}

#[test]
fn both_tables_of_public_addresses_agree_at_every_border() {
    for network in (0..=u32::from(u16::MAX)).map(|network| network << 16) {
        for third in [0, 1, 2, 31, 88, 99, 100, 113, 127, 196, 255] {
            for host in [0, 8, 9, 10, 11, 170, 171, 255] {
                let ip = Ipv4Addr::from(network | third << 8 | host);
                assert_eq!(address::is_public(ip), regent_grants::addresses::is_public(ip), "{ip}");
            }
        }
    }
}
