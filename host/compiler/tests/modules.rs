//! What the compiler makes of modules, good, bad and hostile: its exit status, and the words for the administrator.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what cannot be started is a test that fails")]

#[path = "../../sandbox/tests/fixtures/mod.rs"]
mod fixtures;

use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use fixtures::{Plugin, importing};
use regent_lane::{MODULE_MAX, ModuleError, Side, decode_all, encode};

/// Compiles these bytes.
fn compile(module: &[u8]) -> Output {
    started(&[], module)
}

/// The compiler with these arguments, over these bytes.
fn started(arguments: &[&str], module: &[u8]) -> Output {
    started_by(&["env"], arguments, module)
}

/// The same by another program.
#[expect(clippy::disallowed_methods, reason = "a test starts what it tests")]
fn started_by(wrapper: &[&str], arguments: &[&str], module: &[u8]) -> Output {
    let mut command = Command::new(wrapper[0]);
    command
        .args(&wrapper[1..])
        .arg(env!("CARGO_BIN_EXE_regent-compiler"))
        .arg("--unconfined")
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let module = module.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&module));
    let output = child.wait_with_output().unwrap();
    // It need not read what it refuses.
    let _read_or_not = writer.join().unwrap();
    output
}

/// The reasons for which these bytes are refused.
#[track_caller]
fn refused(module: &[u8]) -> Vec<String> {
    let output = compile(module);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.is_empty());
    let errors = decode_all::<ModuleError>(Side::Sandbox, &output.stderr);
    let length: usize = errors.iter().map(|error| encode(Side::Sandbox, error).unwrap().len()).sum();
    assert_eq!(length, output.stderr.len(), "nothing but errors is said");
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn a_plugin_is_compiled() {
    let output = compile(&Plugin::default().component());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.starts_with(b"\x7fELF"));
    assert!(output.stderr.is_empty());
}

#[test]
fn the_same_module_compiles_to_the_same_code() {
    let component = Plugin::default().component();
    assert_eq!(compile(&component).stdout, compile(&component).stdout);
}

#[test]
fn code_for_the_interpreter_is_other_code_of_the_same_module_and_the_same_each_time() {
    let component = Plugin::default().component();
    let [one, again] = [0, 1].map(|_| started(&["--interpreter"], &component));
    assert!(one.status.success(), "{}", String::from_utf8_lossy(&one.stderr));
    assert_eq!(one.stdout, again.stdout);
    assert_ne!(one.stdout, compile(&component).stdout);
    let refused = started(&["--interpreter"], b"#!/bin/sh\n");
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(1), 0));
}

#[test]
fn an_argument_that_is_not_known_is_an_error_and_nothing_is_read() {
    for arguments in [&["--interpeter"][..], &["--imports", "--interpreter"], &["--interpreter", "x"], &[""]] {
        let output = started(arguments, &Plugin::default().component());
        assert_eq!((output.status.code(), output.stdout.len()), (Some(64), 0), "{arguments:?}");
        assert!(String::from_utf8(output.stderr).unwrap().starts_with("usage: "));
    }
}

/// A kernel that takes the call and does nothing.
#[test]
fn what_the_kernel_accepts_and_does_not_give_is_seen_before_anything_is_read() {
    for (call, said) in [
        ("landlock_restrict_self", "landlock: it was accepted, and the root can still be read"),
        ("seccomp", "seccomp: it was accepted, and the kernel says "),
    ] {
        let (trace, lie) = (format!("trace={call}"), format!("inject={call}:retval=0"));
        let output = started_by(&["strace", "-o", "/dev/null", "-e", &trace, "-e", &lie], &[], b"(component)");
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(77), 0), "{words}");
        assert!(words.starts_with(&format!("regent-compiler: {said}")), "{words}");
    }
}

#[test]
fn what_is_no_component_is_refused_and_called_by_its_name() {
    let cases: [(&[u8], &str); 7] = [
        (b"\0asm\x01\0\0\0", "core module"),
        (b"\0asm\x0c\0\x01\0", "of a version"),
        (b"(component)", "text format"),
        (b"\n  (module)", "text format"),
        (b"\x7fELF\x02\x01\x01", "compiled code"),
        (b"#!/bin/sh\n", "not WebAssembly"),
        (b"", "empty"),
    ];
    for (bytes, words) in cases {
        let reasons = refused(bytes);
        assert!(reasons.len() == 1 && reasons[0].contains(words), "{reasons:?}");
    }
    let compiled = compile(&Plugin::default().component()).stdout;
    assert!(refused(&compiled)[0].contains("compiled code"));
}

#[test]
fn a_component_that_is_cut_short_or_followed_by_garbage_is_refused() {
    let component = Plugin::default().component();
    for cut in [8, 9, 100, component.len() / 2, component.len() - 1] {
        assert_eq!(refused(&component[..cut]).len(), 1);
    }
    let followed = [component.as_slice(), b"garbage"].concat();
    assert_eq!(refused(&followed).len(), 1);
}

#[test]
fn a_module_one_byte_too_large_is_refused() {
    let mut module = b"\0asm\x0d\0\x01\0".to_vec();
    module.resize(usize::try_from(MODULE_MAX).unwrap() + 1, 0);
    assert!(refused(&module)[0].contains("larger than 64 MiB"));
}

#[test]
fn every_refused_import_is_told_at_once_each_with_its_cure() {
    let reasons = refused(&importing(&[
        ("wasi:sockets/tcp@0.2.9", "a"),
        ("wasi:http/outgoing-handler@0.2.0", "b"),
        ("wasi:keyvalue/store@0.2.0", "c"),
        ("wasi:clocks/wall-clock@0.3.0", "d"),
        ("regent:plugin/mail@0.1.0", "e"),
        ("regent:plugin/commands@1.0.0", "f"),
        ("some:thing/else", "g"),
        ("wasi:cli/environment@0.2.6", "h"),
        ("regent:plugin/log@0.1.7", "i"),
    ]));
    let expected = [
        ("wasi:sockets/tcp@0.2.9", "no network"),
        ("wasi:http/outgoing-handler@0.2.0", "no network"),
        ("wasi:keyvalue/store@0.2.0", "no such thing"),
        ("wasi:clocks/wall-clock@0.3.0", "only WASI 0.2"),
        ("regent:plugin/mail@0.1.0", "no `mail`"),
        ("regent:plugin/commands@1.0.0", "regent:plugin 0.1"),
        ("some:thing/else", "nothing of that name"),
    ];
    assert_eq!(reasons.len(), expected.len(), "{reasons:?}");
    for (reason, (import, cure)) in reasons.iter().zip(expected) {
        assert!(reason.starts_with("plugin-import: "), "{reason}");
        assert!(reason.contains(import) && reason.contains(cure), "{reason}");
    }
}

#[test]
fn a_component_without_the_operation_export_is_refused() {
    let empty = wat::parse_str("(component)").unwrap();
    assert!(refused(&empty)[0].contains("exports no regent:plugin/operation"));
    let other =
        wat::parse_str(r#"(component (instance $o) (export "regent:plugin/operation@1.0.0" (instance $o)))"#).unwrap();
    let reasons = refused(&other);
    assert!(reasons[0].contains("operation@1.0.0") && reasons[0].contains("serves regent:plugin 0.1"), "{reasons:?}");
}

#[test]
fn imports_of_components_within_are_not_the_plugins_own() {
    let component = wat::parse_str(
        r#"(component
             (component (import "wasi:sockets/tcp@0.2.0" (instance)))
             (instance $o)
             (export "regent:plugin/operation@0.1.3" (instance $o)))"#,
    )
    .unwrap();
    assert!(compile(&component).status.success());
}

#[test]
fn a_module_made_to_cost_the_compiler_stays_within_its_limits() {
    let adds = "local.get 0 i32.add ".repeat(200_000);
    let bomb = Plugin::default().items(&format!("(func $bomb (param i32) (result i32) local.get 0 {adds})"));
    let component = bomb.component();
    assert!(component.len() < 1 << 20);
    let began = Instant::now();
    assert!(compile(&component).status.success());
    let took = began.elapsed();
    assert!(took < Duration::from_secs(15), "{took:?}");
}

#[test]
fn names_in_reasons_are_harmless_and_short() {
    let name = format!("evil:thing/{}", "a".repeat(1000));
    let reasons = refused(&importing(&[(&name, "a")]));
    assert!(reasons.len() == 1 && reasons[0].len() < 500, "{reasons:?}");
}

#[test]
fn the_imports_of_a_module_are_listed_each_with_its_class_and_nothing_is_compiled() {
    let module = importing(&[
        ("wasi:clocks/wall-clock@0.2.6", "a"),
        ("wasi:cli/environment@0.2.6", "b"),
        ("wasi:sockets/tcp@0.2.9", "c"),
        ("regent:plugin/log@0.1.7", "d"),
    ]);
    let output = started(&["--imports"], &module);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "served wasi:clocks/wall-clock@0.2.6\ninert wasi:cli/environment@0.2.6\nrefused wasi:sockets/tcp@0.2.9\n\
         regent regent:plugin/log@0.1.7\n"
    );
    let garbage = started(&["--imports"], b"#!/bin/sh\n");
    assert_eq!((garbage.status.code(), garbage.stdout.len()), (Some(1), 0));
}
