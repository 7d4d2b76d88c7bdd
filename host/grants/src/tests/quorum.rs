//! Whose consent is asked for: a plugin may ask for more than its grants do, never for less, and nobody is asked who
//! cannot consent.

use super::{PIN, config};
use crate::{Config, Grants, Step, combine};

fn required(require: &str) -> Result<Vec<Step>, String> {
    let text = format!("sha256 = \"{PIN}\"\n[operations.open]\nallow = [{{ uid = 1 }}]\nrequire = {require}\n");
    match Grants::parse("firewall", "firewall.toml", &text, &config()) {
        Ok(checked) => Ok(checked.value.operations[0].require.clone()),
        Err(mistakes) => Err(mistakes.to_string()),
    }
}

fn step(of: &str, count: u32) -> Step {
    Step { of: of.into(), count }
}

#[test]
fn a_quorum_that_nobody_could_reach_or_fail_is_a_mistake() {
    for (require, why) in [
        ("[]", "require is empty: it would ask nobody: write a step, or leave require out"),
        ("[{ step = \"approval\", of = \"ops\", count = 0 }]", "count = 0 would ask nobody: write count = 1 or more"),
        ("[{ step = \"approval\", of = \"ops\", count = -1 }]", "count = -1 would ask nobody: write count = 1 or more"),
        (
            "[{ step = \"approval\", of = \"ops\", count = 3 }]",
            "count = 3, and ops has 2: nobody could reach it: write 2 or less",
        ),
        (
            "[{ step = \"approval\", of = \"anna\", count = 2 }]",
            "count = 2, and anna has 1: nobody could reach it: write 1 or less",
        ),
        (
            "[{ step = \"approval\", of = \"ops\", count = 4294967297 }]",
            "count = 4294967297, and ops has 2: nobody could reach it: write 2 or less",
        ),
        (
            "[{ step = \"approval\", of = \"opps\" }]",
            "no person or team of regent.toml is called \"opps\": did you mean ops?",
        ),
        ("[{ step = \"approval\" }]", "a step has no of: write of = \"TEAM\", a person or team of regent.toml"),
    ] {
        assert_eq!(required(require).unwrap_err(), format!("firewall.toml:4: {why}"), "{require}");
    }
}

#[test]
fn where_there_are_no_persons_it_is_said_how_to_list_some() {
    let config = "plugins = [\"/p\"]\nstate = \"/s\"\n[[sockets]]\nname = \"web\"\npath = \"/run/regent/web/regent.sock\"\n\
                  secret_file = \"/etc/regent/web.secret\"\noperations = [\"open\"]\n";
    let text = "[operations.open]\nrequire = [{ step = \"approval\", of = \"ops\" }]\n";
    let alone = Config::parse("regent.toml", config).unwrap().value;
    assert_eq!(
        Grants::parse("firewall", "firewall.toml", text, &alone).unwrap_err().to_string(),
        "firewall.toml:2: no person or team of regent.toml is called \"ops\": there is none: add [people.NAME] with \
         user = \"USER\", and [teams] with ops = [\"NAME\"]"
    );
    let teams = format!("{config}[teams]\nops = [\"anna\"]\n");
    assert_eq!(
        Config::parse("regent.toml", &teams).unwrap_err().to_string(),
        "regent.toml:9: team ops: no person is called \"anna\": add [people.anna] with user = \"USER\""
    );
}

#[test]
fn quorums_that_persons_can_reach_are_taken() {
    assert_eq!(required("[{ step = \"approval\", of = \"ops\" }]"), Ok(vec![step("ops", 1)]));
    assert_eq!(required("[{ step = \"approval\", of = \"ops\", count = 2 }]"), Ok(vec![step("ops", 2)]));
    assert_eq!(
        required("[{ step = \"approval\", of = \"anna\" }, { step = \"approval\", of = \"cleo\", count = 1 }]"),
        Ok(vec![step("anna", 1), step("cleo", 1)])
    );
}

#[test]
fn what_a_plugin_asks_for_is_judged_as_strictly() {
    let read = |text: &str| Step::read_json(text, &config());
    assert_eq!(read("[]"), Ok(vec![]));
    assert_eq!(read(r#"[{"step":"approval","of":"ops","count":2}]"#), Ok(vec![step("ops", 2)]));
    assert_eq!(read(r#" [ {"of":"cleo","step":"approval"} ] "#), Ok(vec![step("cleo", 1)]));
    for bad in [
        "",
        "null",
        "{}",
        "[1]",
        "[] []",
        "[{}]",
        r#"[{"step":"approval"}]"#,
        r#"[{"of":"ops"}]"#,
        r#"[{"step":"approval","of":"ops","count":0}]"#,
        r#"[{"step":"approval","of":"ops","count":3}]"#,
        r#"[{"step":"approval","of":"ops","count":-1}]"#,
        r#"[{"step":"approval","of":"ops","count":"1"}]"#,
        r#"[{"step":"approval","of":"ops","count":1.0}]"#,
        r#"[{"step":"approval","of":"ops","count":null}]"#,
        r#"[{"step":"approval","of":"ops","count":1,"when":{}}]"#,
        r#"[{"step":"approval","of":"ops","of":"anna"}]"#,
        r#"[{"step":"approval","of":"nobody"}]"#,
        r#"[{"step":"approval","of":""}]"#,
        r#"[{"step":"Approval","of":"ops"}]"#,
        r#"[{"any":[]}]"#,
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
    assert_eq!(
        read(r#"[{"step":"totp","of":"anna"}]"#).unwrap_err().to_string(),
        "step = \"totp\" is not served by this version of Regent: write step = \"approval\""
    );
    let many = |count: usize| format!("[{}]", vec![r#"{"step":"approval","of":"ops"}"#; count].join(","));
    assert!(read(&many(16)).is_ok() && read(&many(17)).is_err());
}

#[test]
fn a_plugin_can_add_steps_and_never_take_one_away() {
    let (floor, own) = ([step("ops", 2), step("anna", 1)], [step("cleo", 1), step("anna", 1), step("ops", 1)]);
    assert_eq!(combine(&floor, &own), [step("ops", 2), step("anna", 1), step("cleo", 1), step("ops", 1)]);
    assert_eq!(combine(&floor, &[]), floor);
    assert_eq!(combine(&[], &own), own);
}

#[test]
fn a_person_is_a_team_of_one() {
    let config: Config = config();
    assert_eq!(config.members("anna"), Some(vec!["anna"]));
    assert_eq!(config.members("ops"), Some(vec!["anna", "ben"]));
    assert_eq!((config.members("Ops"), config.members("")), (None, None));
}
