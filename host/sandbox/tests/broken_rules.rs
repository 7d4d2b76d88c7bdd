//! A plugin that breaks a rule loses its instance and hears which rule it was; its lane, and the process, serve on.

mod fixtures;
mod process;

use std::time::{Duration, Instant};

use fixtures::Plugin;
use process::{Lane, Sandbox, prepare};
use regent_lane::{
    Ask, Blame, EXCHANGE_WALL, LOG_MAX, Level, RANDOM_MAX, REPLY_MAX, STATE_MAX, STEPS_MAX, Say, TEXT_MAX,
};

/// That this is a fault of that kind, with these words in its text.
#[track_caller]
fn assert_fault(said: &Say, blame: Blame, words: &str) {
    match said {
        Say::Fault(whose, text) if *whose == blame && text.contains(words) => {}
        _ => panic!("not {blame:?} with {words:?}: {said:?}"),
    }
}

/// That the lane still serves.
#[track_caller]
fn assert_serves(lane: &mut Lane) {
    let said = lane.prepare("0");
    assert!(matches!(&said, Say::Prepared { reply: Some(Ok(reply)), .. } if reply == "0"), "{said:?}");
}

/// That data beginning with `1` are a fault of that kind, and others are served afterwards on the same lane.
#[track_caller]
fn assert_blamed(plugin: &Plugin, blame: Blame, words: &str) {
    let mut sandbox = Sandbox::of(&plugin.component());
    let said = sandbox.lane().prepare("1");
    assert_fault(&said, blame, words);
    assert_serves(sandbox.lane());
}

#[test]
fn an_endless_loop_is_stopped_within_its_time_while_the_other_lanes_serve() {
    let mut sandbox = Sandbox::of(&Plugin::if_one("(loop $on (br $on))").component());
    let (looping, others) = sandbox.lanes.split_first_mut().unwrap();
    let began = Instant::now();
    looping.ask(&prepare("1", true));
    others.iter_mut().for_each(assert_serves);
    assert_fault(&looping.say(), Blame::Time, "200 ms");
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(200) && took < Duration::from_secs(2), "{took:?}");
    assert_serves(looping);
}

#[test]
fn an_endless_loop_on_every_lane_is_stopped_on_every_lane() {
    let mut sandbox = Sandbox::of(&Plugin::if_one("(loop $on (br $on))").component());
    sandbox.lanes.iter_mut().for_each(|lane| lane.ask(&prepare("1", true)));
    sandbox.lanes.iter_mut().for_each(|lane| assert_fault(&lane.say(), Blame::Time, "ran for"));
    sandbox.lanes.iter_mut().for_each(assert_serves);
}

#[test]
fn time_spent_waiting_for_the_daemon_does_not_count() {
    let mut sandbox = Sandbox::of(&Plugin::if_one("(call $plan_one)").component());
    let lane = &mut sandbox.lanes[0];
    lane.ask(&prepare("1", true));
    assert!(matches!(lane.say(), Say::Plan(_)));
    std::thread::sleep(Duration::from_millis(500));
    lane.ask(&Ask::Planned(Ok(())));
    let said = lane.say();
    assert!(matches!(said, Say::Prepared { .. }), "{said:?}");
}

#[test]
fn time_on_the_wall_counts_whatever_it_was_spent_on_and_has_a_limit_of_its_own() {
    let mut sandbox = Sandbox::of(&Plugin::if_one("(call $plan_one) (loop $on (br $on))").component());
    let (waiting, others) = sandbox.lanes.split_first_mut().unwrap();
    waiting.ask(&prepare("1", true));
    assert!(matches!(waiting.say(), Say::Plan(_)));
    std::thread::sleep(EXCHANGE_WALL + Duration::from_millis(200));
    waiting.ask(&Ask::Planned(Ok(())));
    // Of the 200 ms that it may run it has had next to nothing.
    assert_fault(&waiting.say(), Blame::Time, "ms in all; the limit is 2000 ms");
    assert_serves(waiting);
    others.iter_mut().for_each(assert_serves);
}

#[test]
fn an_unreachable_is_a_trap_that_names_its_functions() {
    let plugin = Plugin::if_one("(call $deep)").items("(func $deep unreachable)");
    assert_blamed(&plugin, Blame::Trap, "unreachable");
    let mut sandbox = Sandbox::of(&plugin.component());
    assert_fault(&sandbox.lanes[0].prepare("1"), Blame::Trap, "in deep < prepare");
}

#[test]
fn functions_of_rust_are_named_as_their_author_named_them() {
    let plugin = Plugin::if_one("(call $_ZN6plugin5check17h0123456789abcdefE)")
        .items("(func $_ZN6plugin5check17h0123456789abcdefE unreachable)");
    assert_blamed(&plugin, Blame::Trap, "in plugin::check < prepare");
}

#[test]
fn an_endless_recursion_is_a_trap() {
    let plugin = Plugin::if_one("(call $down)").items("(func $down (call $down) (call $down))");
    assert_blamed(&plugin, Blame::Trap, "recursion");
}

#[test]
fn a_division_by_zero_and_an_access_out_of_bounds_are_traps() {
    assert_blamed(&Plugin::if_one("(drop (i32.div_u (i32.const 1) (i32.const 0)))"), Blame::Trap, "divide by zero");
    assert_blamed(&Plugin::if_one("(drop (i32.load (i32.const -8)))"), Blame::Trap, "out of bounds");
}

#[test]
fn memory_without_end_is_blamed_on_memory_and_names_the_limit() {
    let plugin = Plugin::if_one("(loop $more (drop (memory.grow (i32.const 16))) (br $more))");
    assert_blamed(&plugin, Blame::Memory, "64 MiB");
}

#[test]
fn memory_up_to_the_limit_is_granted() {
    // 16 pages of 64 KiB at first; 1008 more are 64 MiB.
    let plugin = Plugin::if_one(
        "(if (i32.ne (memory.grow (i32.const 1008)) (i32.const 16)) (then unreachable))
         (i32.store (i32.const 67108860) (i32.const 1))",
    );
    let said = Sandbox::of(&plugin.component()).lanes[0].prepare("1");
    assert!(matches!(said, Say::Prepared { .. }), "{said:?}");
    assert_blamed(&Plugin::if_one("(drop (memory.grow (i32.const 1009)))"), Blame::Memory, "64 MiB");
}

#[test]
fn a_table_without_end_is_blamed_on_memory() {
    let plugin =
        Plugin::if_one("(drop (table.grow $t (ref.null func) (i32.const 20001)))").items("(table $t 1 funcref)");
    assert_blamed(&plugin, Blame::Memory, "elements of tables; the limit is 20000");
}

#[test]
fn a_log_without_end_is_bounded_and_its_cut_is_said() {
    let plugin = Plugin::if_one("(loop $on (call $log (i32.const 1) (i32.const 0) (i32.const 1000)) (br $on))");
    let mut sandbox = Sandbox::of(&plugin.component());
    let lane = &mut sandbox.lanes[0];
    lane.ask(&prepare("1", true));
    let (mut bytes, mut last) = (0, Level::Debug);
    loop {
        match lane.say() {
            Say::Log(level, text) => {
                assert_ne!(last, Level::Warning, "something was logged after the cut: {text}");
                last = level;
                bytes += text.len();
            }
            said => {
                assert_fault(&said, Blame::Time, "");
                break;
            }
        }
    }
    assert_eq!(last, Level::Warning);
    assert!(bytes <= LOG_MAX + 100, "{bytes}");
    assert_serves(lane);
}

#[test]
fn a_plan_outside_of_prepare_is_denied_and_the_text_names_the_call_and_the_phase() {
    let finish =
        Plugin { finish: "(call $plan_one) (call $json (local.get 2) (local.get 3))".into(), ..Plugin::default() };
    let mut sandbox = Sandbox::of(&finish.component());
    let ask = Ask::Finish { operation: "test".into(), state: b"1".to_vec(), results: vec![] };
    assert_fault(&sandbox.lanes[0].exchange(&ask), Blame::Denied, "`commands.plan` in `finish`");
    assert_fault(&sandbox.lanes[0].prepare("1"), Blame::Denied, "`commands.plan` in `finish`");

    let describe = Plugin {
        describe: "(call $plan_one) (call $text (i32.const 1024) (i32.const 17))".into(),
        ..Plugin::default()
    };
    let said = Sandbox::of(&describe.component()).lanes[0].exchange(&Ask::Describe);
    assert_fault(&said, Blame::Denied, "`commands.plan` in `describe`");

    let authorise = Plugin {
        authorise: "(call $plan_one) (call $json (i32.const 1041) (i32.const 2))".into(),
        ..Plugin::default()
    };
    let ask =
        Ask::Prepare { operation: "test".into(), data: "1".into(), authorising: true, complete: true, finishing: true };
    let said = Sandbox::of(&authorise.component()).lanes[0].exchange(&ask);
    assert_fault(&said, Blame::Denied, "`commands.plan` in `authorise`");
}

#[test]
fn one_step_more_than_a_plan_may_have_is_denied() {
    let plugin = Plugin::if_one("(loop $on (call $plan_one) (br $on))");
    let mut sandbox = Sandbox::of(&plugin.component());
    let lane = &mut sandbox.lanes[0];
    lane.ask(&prepare("1", true));
    for _ in 0..STEPS_MAX {
        assert!(matches!(lane.say(), Say::Plan(_)));
        lane.ask(&Ask::Planned(Ok(())));
    }
    assert_fault(&lane.say(), Blame::Denied, "more than 64 steps");
    assert_serves(lane);
}

#[test]
fn a_step_that_is_too_long_is_denied() {
    let plugin =
        Plugin::if_one("(call $plan (i32.const 0) (i32.const 70000) (i32.const 0) (i32.const 0) (i32.const 96))");
    assert_blamed(&plugin, Blame::Denied, "64 KiB");
}

#[test]
fn one_random_byte_too_many_is_denied() {
    let bytes = |count| Plugin::if_one(&format!("(call $random (i32.const {count}) (i32.const 128))"));
    assert_blamed(&bytes(RANDOM_MAX + 1), Blame::Denied, "random bytes");
    let said = Sandbox::of(&bytes(RANDOM_MAX).component()).lanes[0].prepare("1");
    assert!(matches!(said, Say::Prepared { .. }), "{said:?}");
}

#[test]
fn a_summary_or_state_one_byte_too_long_is_no_answer() {
    let prepared = |summary, state| {
        Plugin::if_one(&format!(
            "(memory.fill (i32.const 131072) (i32.const 49) (i32.const 131072))
             (return (call $prepared (i32.const 131072) (i32.const {summary}) (i32.const 131072) (i32.const {state})))"
        ))
    };
    assert_blamed(&prepared(TEXT_MAX + 1, 1), Blame::Answer, "summary");
    assert_blamed(&prepared(1, STATE_MAX + 1), Blame::Answer, "state");
    let said = Sandbox::of(&prepared(TEXT_MAX, STATE_MAX).component()).lanes[0].exchange(&prepare("1", false));
    assert!(matches!(said, Say::Prepared { .. }), "{said:?}");
}

#[test]
fn a_reply_one_byte_too_long_is_no_answer() {
    // A number of that many digits.
    let finish = |bytes| Plugin {
        finish: format!(
            "(drop (memory.grow (i32.const 64)))
             (memory.fill (i32.const 131072) (i32.const 49) (i32.const {bytes}))
             (call $json (i32.const 131072) (i32.const {bytes}))"
        ),
        ..Plugin::default()
    };
    assert_fault(&Sandbox::of(&finish(REPLY_MAX + 1).component()).lanes[0].prepare("1"), Blame::Answer, "reply");
    let said = Sandbox::of(&finish(REPLY_MAX).component()).lanes[0].prepare("1");
    assert!(matches!(&said, Say::Prepared { reply: Some(Ok(reply)), .. } if reply.len() == REPLY_MAX));
    // So much that the engine does not even copy it.
    assert_fault(&Sandbox::of(&finish(3 << 20).component()).lanes[0].prepare("1"), Blame::Answer, "2 MiB at once");
}

#[test]
fn what_is_not_json_is_no_answer() {
    let text = "(call $text (i32.const 1043) (i32.const 7))";
    let describe = Plugin { describe: text.into(), ..Plugin::default() };
    let said = Sandbox::of(&describe.component()).lanes[0].exchange(&Ask::Describe);
    assert_fault(&said, Blame::Answer, "description is not JSON");

    let mut sandbox = Sandbox::of(&Plugin::default().component());
    for data in ["", "1 2", "{", "summary", "\u{feff}1"] {
        assert_fault(&sandbox.lanes[0].prepare(data), Blame::Answer, "reply is not JSON");
    }
    assert_serves(&mut sandbox.lanes[0]);

    let authorise = Plugin { authorise: "(call $json (local.get 2) (local.get 3))".into(), ..Plugin::default() };
    let mut sandbox = Sandbox::of(&authorise.component());
    let ask = Ask::Prepare {
        operation: "test".into(),
        data: "{}".into(),
        authorising: true,
        complete: true,
        finishing: true,
    };
    assert_fault(&sandbox.lanes[0].exchange(&ask), Blame::Answer, "no JSON list");
}

#[test]
fn json_of_any_depth_is_looked_at_without_recursion() {
    let mut sandbox = Sandbox::of(&Plugin::default().component());
    let data = "[".repeat(30_000) + &"]".repeat(30_000);
    let said = sandbox.lanes[0].prepare(&data);
    assert!(matches!(said, Say::Prepared { reply: Some(Ok(_)), .. }), "{said:?}");
    assert_fault(&sandbox.lanes[0].prepare(&"[".repeat(30_000)), Blame::Answer, "not JSON");
}

#[test]
fn text_that_is_not_utf8_is_a_fault() {
    let plugin = Plugin::if_one(
        "(i32.store8 (i32.const 128) (i32.const 255))
         (return (call $prepared (i32.const 128) (i32.const 1) (i32.const 128) (i32.const 0)))",
    );
    assert_blamed(&plugin, Blame::Trap, "utf");
}

#[test]
fn a_start_up_without_end_is_stopped_and_the_plugin_is_not_loaded() {
    let plugin = Plugin::default().items("(start $start) (func $start (loop $on (br $on)))");
    let (_sandbox, said) = Sandbox::load(&plugin.component(), "{}");
    match said {
        Say::Unloadable { incompatible: false, reasons } => assert!(reasons[0].text.contains("200 ms"), "{reasons:?}"),
        said => panic!("{said:?}"),
    }
}
