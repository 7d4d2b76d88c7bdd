//! A component without what toolchains put around a module: theirs gives a module its imports only when it has started.
//! Here the imports are there before, by the memory of a module of its own, and the start function calls them.

/// Calls, for a start function and for whatever else: each of the plugin's imports once.
pub(crate) const PLAN: &str = "(call $plan (i32.const 64) (i32.const 7) (i32.const 0) (i32.const 0) (i32.const 96))";
pub(crate) const LOG: &str = "(call $log (i32.const 1) (i32.const 64) (i32.const 7))";
pub(crate) const SETTINGS: &str = "(call $settings (i32.const 128))";
pub(crate) const RANDOM: &str = "(call $random (i32.const 8) (i32.const 128))";
pub(crate) const NOW: &str = "(drop (call $now))";
pub(crate) const MONOTONIC: &str = "(drop (call $monotonic))";

/// A plugin that describes no operation, and whose start function does this.
pub(crate) fn starting(body: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {IMPORTS} {MODULE} {LOWERED} {} {LIFTED})", started(body))).unwrap()
}

const IMPORTS: &str = r#"
  (import "regent:plugin/types@0.1.0" (instance $types
    (type $r (record (field "code" string) (field "message" string)))
    (export "refusal" (type (eq $r)))
    (type $p (record (field "summary" string) (field "state" (list u8))))
    (export "prepared" (type (eq $p)))))
  (alias export $types "refusal" (type $refusal))
  (alias export $types "prepared" (type $prepared))
  (import "regent:plugin/commands@0.1.0" (instance $commands
    (alias outer 1 $refusal (type $r))
    (export "refusal" (type $no (eq $r)))
    (export "plan" (func (param "command" string) (param "values" (list (tuple string string)))
                         (result (result (error $no)))))))
  (import "regent:plugin/log@0.1.0" (instance $log
    (type $l (enum "debug" "info" "warning" "error"))
    (export "level" (type $level (eq $l)))
    (export "write" (func (param "level" $level) (param "text" string)))))
  (import "regent:plugin/settings@0.1.0" (instance $settings (export "all" (func (result string)))))
  (import "regent:plugin/random@0.1.0" (instance $random
    (export "bytes" (func (param "length" u32) (result (list u8))))))
  (import "regent:plugin/clocks@0.1.0" (instance $clocks
    (export "now" (func (result u64))) (export "monotonic" (func (result u64)))))"#;

/// The memory, and the two functions that every plugin has.
const MODULE: &str = r#"
  (core module $module
    (memory (export "memory") 2)
    (data (i32.const 0) "\08\00\00\00\11\00\00\00{\"operations\":[]}")
    (data (i32.const 64) "command")
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "describe") (result i32) (i32.const 0))
    (func (export "prepare") (param i32 i32 i32 i32) (result i32) unreachable))
  (core instance $module (instantiate $module))"#;

const LOWERED: &str = r#"
  (core func $plan (canon lower (func $commands "plan") (memory (core memory $module "memory")) (realloc (core func $module "realloc"))))
  (core func $write (canon lower (func $log "write") (memory (core memory $module "memory"))))
  (core func $all (canon lower (func $settings "all") (memory (core memory $module "memory")) (realloc (core func $module "realloc"))))
  (core func $bytes (canon lower (func $random "bytes") (memory (core memory $module "memory")) (realloc (core func $module "realloc"))))
  (core func $now (canon lower (func $clocks "now")))
  (core func $monotonic (canon lower (func $clocks "monotonic")))"#;

fn started(body: &str) -> String {
    format!(
        r#"
  (core module $starts
    (import "" "plan" (func $plan (param i32 i32 i32 i32 i32)))
    (import "" "write" (func $log (param i32 i32 i32)))
    (import "" "all" (func $settings (param i32)))
    (import "" "bytes" (func $random (param i32 i32)))
    (import "" "now" (func $now (result i64)))
    (import "" "monotonic" (func $monotonic (result i64)))
    (start $start)
    (func $start {body}))
  (core instance (instantiate $starts (with "" (instance
    (export "plan" (func $plan)) (export "write" (func $write)) (export "all" (func $all))
    (export "bytes" (func $bytes)) (export "now" (func $now)) (export "monotonic" (func $monotonic))))))"#
    )
}

const LIFTED: &str = r#"
  (func $describe (result string)
    (canon lift (core func $module "describe") (memory (core memory $module "memory"))))
  (func $prepare (param "name" string) (param "data" string) (result (result $prepared (error $refusal)))
    (canon lift (core func $module "prepare") (memory (core memory $module "memory")) (realloc (core func $module "realloc"))))
  (instance $operation (export "describe" (func $describe)) (export "prepare" (func $prepare)))
  (export "regent:plugin/operation@0.1.0" (instance $operation))"#;
