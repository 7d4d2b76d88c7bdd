//! What does not load, and how that is told; and what ends the process.

mod fixtures;
mod process;

use std::io::Write as _;

use fixtures::{Plugin, importing};
use process::{INTERPRETER, Sandbox, compile, compile_for, engine, image, prepare};
use regent_lane::{Ask, HEADER, Say, Settings};

fn load() -> Ask {
    Ask::Load(Settings { settings: "{}".into() })
}

/// Loads these bytes as compiled code.
fn load_image(bytes: &[u8]) -> Say {
    Sandbox::start(image(bytes), &["--unconfined"]).lane().exchange(&load())
}

#[test]
fn compiled_code_that_is_damaged_is_incompatible_and_never_run() {
    let code = compile(&Plugin::default().component());
    let flipped = {
        // In the section that names the engine, its machine and its settings.
        let mut code = code.clone();
        let machine = if engine().is_empty() { std::env::consts::ARCH } else { "pulley64" }.as_bytes();
        let place = code.windows(machine.len()).position(|bytes| bytes == machine).unwrap();
        code[place] ^= 1;
        code
    };
    for bytes in [&code[..code.len() / 2], &code[..100], b"", b"\x7fELF", &flipped] {
        let said = load_image(bytes);
        assert!(matches!(said, Say::Unloadable { incompatible: true, .. }), "{said:?}");
    }
}

#[test]
fn a_module_that_was_not_compiled_is_incompatible() {
    let said = load_image(&Plugin::default().component());
    assert!(matches!(said, Say::Unloadable { incompatible: true, .. }), "{said:?}");
}

#[test]
fn code_of_the_other_engine_is_incompatible_and_that_of_its_own_loads() {
    let component = Plugin::default().component();
    for code in [&[][..], &INTERPRETER] {
        let image_of = || image(&compile_for(code, &component));
        for engine in [&[][..], &INTERPRETER] {
            let mut sandbox = Sandbox::start_on(engine, image_of(), &["--unconfined"]);
            let said = sandbox.lane().exchange(&load());
            let loaded = matches!(said, Say::Loaded { .. });
            assert_eq!(loaded, code == engine, "{code:?} on {engine:?}: {said:?}");
            assert!(loaded || matches!(said, Say::Unloadable { incompatible: true, .. }), "{said:?}");
        }
    }
}

#[test]
fn an_image_that_may_still_change_is_refused_before_it_is_read() {
    let image = rustix::fs::memfd_create("image", rustix::fs::MemfdFlags::ALLOW_SEALING).unwrap();
    let (status, said) = Sandbox::start(image, &["--unconfined"]).end();
    assert_eq!(status.code(), Some(77));
    assert!(said.contains("descriptor 7 is no sealed image"), "{said}");
}

#[test]
fn an_export_of_another_shape_is_told() {
    // `importing` exports an `operation` whose one function is not as it should be.
    let said = load_image(&compile(&importing(&[])));
    match said {
        Say::Unloadable { incompatible: false, reasons } => {
            assert!(reasons[0].text.contains("operation"), "{reasons:?}")
        }
        said => panic!("{said:?}"),
    }
}

#[test]
fn the_end_of_a_lane_is_the_quiet_end_of_the_process() {
    for lane in 0..2 {
        let mut sandbox = Sandbox::of(&Plugin::default().component());
        drop(sandbox.lanes.remove(lane));
        let (status, said) = sandbox.end();
        assert_eq!((status.code(), said.as_str()), (Some(0), ""));
    }
}

#[test]
fn what_is_no_word_ends_the_process() {
    let words: [&[u8]; 3] = [&[0xff; HEADER], &[1, 0, 0, 0, 0xff], &[2, 0, 0, 0, 1, 0]];
    for bytes in words {
        let mut sandbox = Sandbox::of(&Plugin::default().component());
        sandbox.lanes[1].0.write_all(bytes).unwrap();
        let (status, said) = sandbox.end();
        assert_eq!(status.code(), Some(76), "{said}");
        assert!(said.starts_with("regent-sandbox: "), "{said}");
    }
}

#[test]
fn a_word_out_of_turn_ends_the_process() {
    for word in [Ask::Planned(Ok(())), load()] {
        let mut sandbox = Sandbox::of(&Plugin::default().component());
        sandbox.lanes[0].ask(&word);
        assert_eq!(sandbox.end().0.code(), Some(76));
    }
    let mut sandbox = Sandbox::start(image(&compile(&Plugin::default().component())), &["--unconfined"]);
    sandbox.lanes[0].ask(&Ask::Describe);
    assert_eq!(sandbox.end().0.code(), Some(76));
}

#[test]
fn another_word_where_a_plan_waits_for_its_answer_ends_the_process() {
    let mut sandbox = Sandbox::of(&Plugin::if_one("(call $plan_one)").component());
    sandbox.lanes[0].ask(&prepare("1", true));
    assert!(matches!(sandbox.lanes[0].say(), Say::Plan(_)));
    sandbox.lanes[0].ask(&Ask::Describe);
    assert_eq!(sandbox.end().0.code(), Some(76));
}
