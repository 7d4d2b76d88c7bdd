//! What a well-behaved plugin sees: each word of a lane, from the daemon's end.

mod fixtures;
mod process;

use fixtures::{ECHO, Plugin};
use process::{Sandbox, prepare};
use regent_lane::{Ask, Authorised, Call, Export, Level, Outcome, Refusal, Say, StepResult};

#[test]
fn a_plugin_loads_and_says_which_optional_interfaces_it_exports() {
    let (_sandbox, said) = Sandbox::load(&Plugin::default().component(), "{}");
    let exports = vec![Export::Authorising, Export::Judging, Export::Performing, Export::Finishing];
    assert_eq!(said, Say::Loaded { exports });
}

#[test]
fn describe_answers_with_the_description() {
    let mut sandbox = Sandbox::of(&Plugin::default().component());
    assert_eq!(sandbox.lanes[0].exchange(&Ask::Describe), Say::Described(r#"{"operations":[]}"#.into()));
}

#[test]
fn an_empty_plan_is_completed_in_the_same_exchange_on_every_lane() {
    let mut sandbox = Sandbox::of(&Plugin::default().component());
    for lane in &mut sandbox.lanes {
        for data in ["1", r#"{"ip":"198.51.100.7"}"#] {
            let said = Say::Prepared {
                summary: "summary".into(),
                state: data.into(),
                authorised: None,
                reply: Some(Ok(data.into())),
            };
            assert_eq!(lane.prepare(data), said);
            assert!(lane.is_silent());
        }
    }
}

#[test]
fn without_finish_the_reply_of_an_empty_plan_is_null() {
    let mut sandbox = Sandbox::of(&Plugin::default().component());
    let ask = Ask::Prepare {
        operation: "test".into(),
        data: "1".into(),
        authorising: false,
        complete: true,
        finishing: false,
    };
    let said = sandbox.lanes[1].exchange(&ask);
    assert!(matches!(&said, Say::Prepared { reply: Some(Ok(null)), .. } if null == "null"), "{said:?}");
}

#[test]
fn nothing_is_completed_that_was_not_asked_to_be() {
    let mut sandbox = Sandbox::of(&Plugin::default().component());
    let said = sandbox.lanes[0].exchange(&prepare("1", false));
    assert!(matches!(said, Say::Prepared { reply: None, .. }), "{said:?}");
}

#[test]
fn a_plan_is_asked_for_step_by_step_and_is_not_completed() {
    let plugin = Plugin { prepare: format!("(call $plan_one) (call $plan_one) {ECHO}"), ..Plugin::default() };
    let mut sandbox = Sandbox::of(&plugin.component());
    let lane = &mut sandbox.lanes[2];
    lane.ask(&prepare("1", true));
    for _ in 0..2 {
        assert_eq!(lane.say(), Say::Plan(Call { command: "command".into(), values: vec![] }));
        lane.ask(&Ask::Planned(Ok(())));
    }
    let said = lane.say();
    assert!(matches!(said, Say::Prepared { reply: None, .. }), "{said:?}");
}

#[test]
fn a_refused_value_is_told_to_the_plugin_which_may_pass_it_on() {
    // The refusal stands at 96: code at 100, message at 108.
    let plugin = Plugin { prepare: "(call $plan_one) (i32.const 96)".into(), ..Plugin::default() };
    let mut sandbox = Sandbox::of(&plugin.component());
    let lane = &mut sandbox.lanes[0];
    lane.ask(&prepare("1", true));
    assert!(matches!(lane.say(), Say::Plan(_)));
    let refusal = Refusal { code: "invalid-data".into(), message: "ip: not accepted".into() };
    lane.ask(&Ask::Planned(Err(refusal.clone())));
    assert_eq!(lane.say(), Say::Refused(refusal));
}

#[test]
fn steps_that_authorise_asks_for_keep_the_exchange_from_being_completed() {
    let ask = Ask::Prepare {
        operation: "test".into(),
        data: r#"[{"step":"approval"}]"#.into(),
        authorising: true,
        complete: true,
        finishing: true,
    };
    let plugin = Plugin { authorise: "(call $json (local.get 2) (local.get 3))".into(), ..Plugin::default() };
    let said = Sandbox::of(&plugin.component()).lanes[0].exchange(&ask);
    let steps = Authorised::Steps(r#"[{"step":"approval"}]"#.into());
    assert!(matches!(&said, Say::Prepared { authorised: Some(asked), reply: None, .. } if *asked == steps), "{said:?}");

    let said = Sandbox::of(&Plugin::default().component()).lanes[0].exchange(&ask);
    let none = Authorised::Steps("[]".into());
    assert!(matches!(&said, Say::Prepared { authorised: Some(asked), reply: Some(Ok(_)), .. } if *asked == none));
}

#[test]
fn authorise_may_deny() {
    let plugin = Plugin { authorise: "(call $no (local.get 0) (local.get 1))".into(), ..Plugin::default() };
    let ask =
        Ask::Prepare { operation: "test".into(), data: "1".into(), authorising: true, complete: true, finishing: true };
    let said = Sandbox::of(&plugin.component()).lanes[0].exchange(&ask);
    let denied = Authorised::Denied(Refusal { code: "refused".into(), message: "test".into() });
    assert!(
        matches!(&said, Say::Prepared { authorised: Some(asked), reply: None, .. } if *asked == denied),
        "{said:?}"
    );
}

#[test]
fn finish_gets_state_and_results_in_a_fresh_instance() {
    // Replies with the first result's stdout: a result is 10 words, stdout the sixth and seventh.
    let finish = "(call $json (i32.load offset=20 (local.get 4)) (i32.load offset=24 (local.get 4)))";
    let mut sandbox = Sandbox::of(&Plugin { finish: finish.into(), ..Plugin::default() }.component());
    let results = vec![StepResult {
        command: "command".into(),
        outcome: Outcome::Ok(0),
        stdout: b"\"root\"".to_vec(),
        stderr: vec![],
        truncated: false,
    }];
    let ask = Ask::Finish { operation: "test".into(), state: b"1".to_vec(), results };
    assert_eq!(sandbox.lanes[3].exchange(&ask), Say::Finished(Ok("\"root\"".into())));
}

#[test]
fn settings_are_what_the_daemon_said() {
    let plugin = Plugin {
        prepare: "(call $settings (i32.const 128)) (call $prepared (i32.const 1043) (i32.const 7)
                  (i32.load (i32.const 128)) (i32.load (i32.const 132)))"
            .into(),
        ..Plugin::default()
    };
    let (mut sandbox, _) = Sandbox::load(&plugin.component(), r#"{"ports":[22]}"#);
    let said = sandbox.lanes[0].prepare("1");
    assert!(matches!(&said, Say::Prepared { state, .. } if state == br#"{"ports":[22]}"#), "{said:?}");
}

#[test]
fn what_is_logged_comes_before_the_answer() {
    let plugin = Plugin {
        prepare: format!("(call $log (i32.const 2) (i32.const 1043) (i32.const 7)) {ECHO}"),
        ..Plugin::default()
    };
    let mut sandbox = Sandbox::of(&plugin.component());
    let lane = &mut sandbox.lanes[0];
    lane.ask(&prepare("1", true));
    assert_eq!(lane.say(), Say::Log(Level::Warning, "summary".into()));
    assert!(matches!(lane.say(), Say::Prepared { .. }));
}

#[test]
fn nothing_of_one_exchange_is_left_for_the_next() {
    // Counts its calls in a global, and keeps the count as its state.
    let plugin = Plugin {
        prepare: "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                  (i32.store8 (i32.const 200) (global.get $calls))
                  (call $prepared (i32.const 1043) (i32.const 7) (i32.const 200) (i32.const 1))"
            .into(),
        ..Plugin::default()
    }
    .items("(global $calls (mut i32) (i32.const 48))");
    let mut sandbox = Sandbox::of(&plugin.component());
    for _ in 0..3 {
        let said = sandbox.lanes[0].exchange(&prepare("1", false));
        assert!(matches!(&said, Say::Prepared { state, .. } if state == b"1"), "{said:?}");
    }
}

#[test]
fn a_refusals_words_are_cut_and_not_blamed() {
    let plugin = Plugin { prepare: "(call $no (local.get 2) (local.get 3))".into(), ..Plugin::default() };
    let mut sandbox = Sandbox::of(&plugin.component());
    let data = format!("\"{}\"", "é".repeat(400));
    let said = sandbox.lanes[0].prepare(&data);
    // 500 is within a character, so one byte less is left.
    assert!(matches!(&said, Say::Refused(refusal) if refusal.message.len() == 499), "{said:?}");
}
