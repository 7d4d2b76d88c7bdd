use regent_plugin::testing::{Host, Planned, Required, json, ok, status};
use serde_json::Value;

use crate::PLUGIN;

const GRANTS: &str = include_str!("../restart.toml");

const CONFIG: &str = r#"
plugins = ["/usr/lib/regent/plugins"]
state = "/var/lib/regent"
[[sockets]]
name = "test"
path = "/run/regent/test/regent.sock"
secret_file = "/etc/regent/test.secret"
operations = ["*"]
[people.anna]
user = "anna"
[people.ben]
user = "ben"
[teams]
ops = ["anna"]
web = ["ben"]
"#;

fn with(grants: &str) -> Host {
    Host::with_config(&PLUGIN, grants, CONFIG)
}

fn host() -> Host {
    with(GRANTS)
}

fn planned<'host>(host: &'host Host, service: &str) -> Planned<'host> {
    host.prepare("restart", json!({ "service": service })).unwrap()
}

fn refused(data: Value) -> String {
    host().prepare("restart", data).unwrap_err().to_string()
}

fn asked(host: &Host, service: &str) -> Vec<Required> {
    planned(host, service).required().to_vec()
}

fn one_of(team: &str) -> [Required; 1] {
    [Required { of: team.into(), count: 1 }]
}

#[test]
fn it_plans_the_restart_and_replies_nothing() {
    let host = host();
    let planned = planned(&host, "nginx");
    assert_eq!(planned.command_lines(), ["/usr/bin/systemctl restart nginx.service"]);
    assert_eq!(planned.summary(), "Restart nginx");
    assert_eq!(planned.run(|_| ok("")), Ok(json!(null)));
}

#[test]
fn clients_of_the_python_project_are_understood() {
    let host = host();
    let planned = host.prepare("restart", json!({"service_name": "nginx"})).unwrap();
    assert_eq!(planned.command_lines(), ["/usr/bin/systemctl restart nginx.service"]);
    assert_eq!(refused(json!({"service_name": "sshd"})), "Invalid data: Unexpected service name");
}

#[test]
fn nginx_goes_at_once() {
    assert_eq!(asked(&host(), "nginx"), []);
}

#[test]
fn every_other_service_waits_for_an_approval() {
    assert_eq!(asked(&host(), "supervisor"), one_of("ops"));
}

#[test]
fn who_approves_and_what_goes_at_once_say_the_settings() {
    let settings = "at_once = [\"supervisor\"]\napprovers = \"web\"\n\n[operations.restart]";
    let grants = GRANTS.replace("[operations.restart]", settings);
    assert_eq!(asked(&with(&grants), "supervisor"), []);
    assert_eq!(asked(&with(&grants), "nginx"), one_of("web"));
    let nothing = GRANTS.replace("[operations.restart]", "at_once = []\n\n[operations.restart]");
    assert_eq!(asked(&with(&nothing), "nginx"), one_of("ops"));
}

#[test]
fn a_missing_service_is_told() {
    for data in [json!(null), json!({}), json!({"service": null}), json!({"service": ""}), json!({"name": "nginx"})] {
        assert_eq!(refused(data), "Invalid data: Missing service name");
    }
}

#[test]
fn a_service_that_the_settings_do_not_name_is_unexpected() {
    for service in [
        json!("sshd"),
        json!("nginx.service"),
        json!("nginx "),
        json!("NGINX"),
        json!("-H"),
        json!(5),
        json!(["nginx"]),
    ] {
        assert_eq!(refused(json!({ "service": service })), "Invalid data: Unexpected service name");
    }
}

#[test]
fn so_is_one_that_the_settings_name_and_the_grant_does_not_take() {
    let grants = GRANTS.replace("values = \"settings.services\"", "values = [\"nginx\"]");
    let heard = with(&grants).prepare("restart", json!({"service": "supervisor"})).unwrap_err();
    assert_eq!(heard, "Invalid data: Unexpected service name");
}

#[test]
fn data_that_is_no_object_is_refused() {
    assert_eq!(refused(json!("nginx")), "Invalid data: expected an object, found a string");
    assert_eq!(refused(json!(["nginx"])), "Invalid data: expected an object, found a list");
}

#[test]
fn a_restart_that_failed_is_told() {
    assert_eq!(planned(&host(), "nginx").run(|_| status(1)).unwrap_err(), "Failed to restart service");
}
