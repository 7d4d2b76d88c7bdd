//! WASI as a plugin sees it: what is printed is logged, what is inert is empty, and nothing waits.

mod fixtures;
mod process;

use fixtures::{ECHO, Plugin};
use process::{Sandbox, prepare};
use regent_lane::{Blame, LOG_MAX, Level, Say};

/// As much of WASI as these tests call, of a version that is newer than any.
const WIT: &str = "
package test:fixture;
world fixture {
  include regent:plugin/full-plugin@0.1.0;
  import wasi:cli/stdout@0.2.99;
  import wasi:cli/exit@0.2.99;
  import wasi:cli/environment@0.2.99;
  import wasi:clocks/monotonic-clock@0.2.99;
  import wasi:random/random@0.2.99;
}
package wasi:io@0.2.99 {
  interface error { resource error; }
  interface poll { resource pollable { ready: func() -> bool; block: func(); } }
  interface streams {
    use error.{error};
    variant stream-error { last-operation-failed(error), closed }
    resource output-stream { blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>; }
  }
}
package wasi:cli@0.2.99 {
  interface stdout { use wasi:io/streams@0.2.99.{output-stream}; get-stdout: func() -> output-stream; }
  interface exit { exit: func(status: result); }
  interface environment { get-environment: func() -> list<tuple<string, string>>; }
}
package wasi:clocks@0.2.99 {
  interface monotonic-clock {
    use wasi:io/poll@0.2.99.{pollable};
    now: func() -> u64;
    subscribe-duration: func(when: u64) -> pollable;
  }
}
package wasi:random@0.2.99 {
  interface random { get-random-bytes: func(len: u64) -> list<u8>; }
}
";

/// One whose `prepare` runs this before it echoes.
fn plugin(body: &str) -> Vec<u8> {
    let imports = r#"
      (import "wasi:cli/stdout@0.2.99" "get-stdout" (func $stdout (result i32)))
      (import "wasi:io/streams@0.2.99" "[method]output-stream.blocking-write-and-flush"
        (func $write (param i32 i32 i32 i32)))
      (import "wasi:cli/exit@0.2.99" "exit" (func $exit (param i32)))
      (import "wasi:cli/environment@0.2.99" "get-environment" (func $environment (param i32)))
      (import "wasi:clocks/monotonic-clock@0.2.99" "subscribe-duration" (func $after (param i64) (result i32)))
      (import "wasi:io/poll@0.2.99" "[method]pollable.block" (func $block (param i32)))
      (import "wasi:io/poll@0.2.99" "[method]pollable.ready" (func $ready (param i32) (result i32)))
      (import "wasi:random/random@0.2.99" "get-random-bytes" (func $random_bytes (param i64 i32)))"#;
    Plugin { prepare: format!("{body} {ECHO}"), imports: imports.into(), ..Plugin::default() }.component_of(WIT)
}

/// What `prepare` comes to, and the log before it.
fn run(body: &str) -> (Vec<(Level, String)>, Say) {
    let mut sandbox = Sandbox::of(&plugin(body));
    let lane = sandbox.lane();
    lane.ask(&prepare("1", true));
    let mut log = Vec::new();
    loop {
        match lane.say() {
            Say::Log(level, text) => log.push((level, text)),
            said => return (log, said),
        }
    }
}

/// Prints bytes of memory.
fn write(from: u32, length: u32) -> String {
    format!("(call $write (call $stdout) (i32.const {from}) (i32.const {length}) (i32.const 160))")
}

#[test]
fn what_is_printed_is_logged_line_by_line_at_debug() {
    // "summary", a line's end, "refused", and no end.
    let body =
        format!("(i32.store8 (i32.const 200) (i32.const 10)) {} {} {}", write(1043, 7), write(200, 1), write(1050, 7));
    let (log, said) = run(&body);
    assert_eq!(log, [(Level::Debug, "summary".to_owned()), (Level::Debug, "refused".to_owned())]);
    assert!(matches!(said, Say::Prepared { .. }), "{said:?}");
}

#[test]
fn what_is_printed_without_end_is_bounded() {
    let (log, said) = run(&format!("(loop $on {} (br $on))", write(0, 4096)));
    assert!(matches!(said, Say::Fault(..)), "{said:?}");
    assert!(log.iter().map(|(_, text)| text.len()).sum::<usize>() <= LOG_MAX + 100);
    assert!(log.len() <= 18, "{}", log.len());
}

#[test]
fn the_environment_is_empty() {
    let (_, said) = run("(call $environment (i32.const 128)) (if (i32.load (i32.const 132)) (then unreachable))");
    assert!(matches!(said, Say::Prepared { .. }), "{said:?}");
}

#[test]
fn exit_is_a_trap_and_not_the_end_of_the_process() {
    let (_, said) = run("(call $exit (i32.const 0))");
    assert!(matches!(&said, Say::Fault(Blame::Trap, text) if text.contains("exit(0)")), "{said:?}");
}

#[test]
fn a_moment_that_has_come_is_ready_at_once() {
    let (_, said) = run("(call $block (call $after (i64.const 0)))");
    assert!(matches!(said, Say::Prepared { .. }), "{said:?}");
}

#[test]
fn a_moment_that_has_not_come_is_not_ready_and_waiting_for_it_is_a_trap() {
    let (_, said) = run("(if (call $ready (call $after (i64.const 60000000000))) (then unreachable))");
    assert!(matches!(said, Say::Prepared { .. }), "{said:?}");
    let (_, said) = run("(call $block (call $after (i64.const 1000000)))");
    assert!(matches!(&said, Say::Fault(Blame::Denied, text) if text.contains("plugins do not wait")), "{said:?}");
}

#[test]
fn one_handle_more_than_an_instance_may_have_is_a_fault() {
    let (_, said) = run("(loop $on (drop (call $stdout)) (br $on))");
    assert!(matches!(&said, Say::Fault(Blame::Trap, _)), "{said:?}");
}

#[test]
fn random_bytes_are_bounded() {
    let (_, said) = run("(call $random_bytes (i64.const 65536) (i32.const 128))");
    assert!(matches!(said, Say::Prepared { .. }), "{said:?}");
    let (_, said) = run("(call $random_bytes (i64.const 65537) (i32.const 128))");
    assert!(matches!(&said, Say::Fault(Blame::Denied, text) if text.contains("65536")), "{said:?}");
}
