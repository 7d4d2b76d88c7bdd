//! How one file can name an item of another.

use super::super::cycles;
use super::package;

const LIB: &str = "mod a;\nmod b;\nmod room;\n";
const B: &str = "
use crate::a::A;
pub(crate) struct B;
impl B { pub(crate) const MOST: u8 = 9; pub(crate) fn new() -> Self { B } }
pub(crate) trait Named { fn name(&self) {} }
pub(crate) enum Kind { One, Two }
pub(crate) const LIMIT: u8 = 1;
pub(crate) fn call() {}
#[macro_export]
macro_rules! warning { () => {} }
macro_rules! local { () => {} }
pub(crate) use local;
";

/// The items of `b.rs` that `a.rs` uses.
fn items(a: &str) -> Vec<String> {
    let a = format!("{a}\npub(crate) struct A;");
    let room = ("room/mod.rs", "mod inner;\npub(crate) use crate::b::{call, LIMIT, B as Renamed};");
    let package = package(&[("lib.rs", LIB), ("a.rs", &a), ("b.rs", B), room, ("room/inner.rs", "")]);
    let cycles: Vec<_> = package.trees.iter().flat_map(cycles::find).collect();
    let used = cycles.iter().filter_map(|cycle| cycle.files.get("host/one/src/a.rs")?.get("host/one/src/b.rs"));
    used.flatten().map(|(name, _)| name.clone()).collect()
}

#[test]
fn imports_name_items() {
    for (code, expected) in [
        ("use crate::b::B;", &["B"][..]),
        ("use super::b::B as Other;", &["B"]),
        ("use super::{b::{self, Kind::{One, Two as Second}, LIMIT}};", &["Kind", "LIMIT"]),
        ("use crate::b::Kind::*;", &["Kind"]),
        ("use crate::room::Renamed;", &["B"]),
        ("use self::super::b::call;", &["call"]),
        ("fn f() { use crate::b::B; }", &["B"]),
        ("use crate::warning;", &["warning"]),
        ("use crate::b::local;", &["local"]),
        ("mod inner { use super::super::b::B; }", &["B"]),
        ("use crate::b::*;", &[]),
        ("use ::b::B;", &[]),
    ] {
        assert_eq!(items(code), expected, "{code}");
    }
}

#[test]
fn paths_name_items() {
    for (code, expected) in [
        ("fn f() { crate::b::B::new(); }", &["B"][..]),
        ("use crate::b;\nfn f() -> u8 { b::B::MOST }", &["B"]),
        ("use crate::b as other;\nfn f() { other::call() }", &["call"]),
        ("use crate::b::*;\nfn f() { call(); }", &["call"]),
        ("fn f<T: super::b::Named>() {}", &["Named"]),
        ("fn f(a: &dyn crate::b::Named) { <A as crate::b::Named>::name(a) }", &["Named"]),
        ("fn f(n: u8) -> bool { match n { crate::b::LIMIT => true, _ => false } }", &["LIMIT"]),
        ("use crate::b::*;\nfn f(n: u8) -> bool { match n { LIMIT => true, _ => false } }", &["LIMIT"]),
        ("fn f(k: Option<u8>) { if let Some(crate::b::LIMIT) = k {} }", &["LIMIT"]),
        ("fn f() { let _ = Vec::<crate::b::Kind>::new(); }", &["Kind"]),
        ("fn f() -> u8 { crate::room::LIMIT }", &["LIMIT"]),
        ("mod inner { fn f() { super::super::b::call() } }", &["call"]),
        ("fn f(b: Other) { b.call() }", &[]),
        ("fn f() { b::call() }", &[]),
        ("use std::fmt as b;\nfn f() { b::call() }", &[]),
    ] {
        assert_eq!(items(code), expected, "{code}");
    }
}

#[test]
fn macros_name_items() {
    for (code, expected) in [
        ("fn f() { crate::warning!(); }", &["warning"][..]),
        ("fn f() { println!(\"{}\", crate::b::LIMIT); }", &["LIMIT"]),
        ("fn f() { let _ = matches!(1, crate::b::LIMIT if true); }", &["LIMIT"]),
        ("odd! { one => crate::b::call(); two ~ super::b::B::new }", &["B", "call"]),
        ("use crate::b::*;\nodd! { one => call(), Kind ~ .call() 'call }", &["Kind", "call"]),
        ("macro_rules! own { () => { $crate::b::call(); call(); $call() } }", &["call"]),
        ("odd! { one ~ ::crate_b::call() => b . call() }", &[]),
    ] {
        assert_eq!(items(code), expected, "{code}");
    }
}

#[test]
fn attributes_name_items() {
    for (code, expected) in [
        ("struct S { #[serde(default = \"crate::b::call\")] a: u8 }", &["call"][..]),
        ("#[arg(value_parser = crate::b::call)]\nstruct S;", &["call"]),
        ("#[doc = \"crate::b::call\"]\nstruct S;", &[]),
        ("/// [`crate::b::call`]\nstruct S;", &[]),
    ] {
        assert_eq!(items(code), expected, "{code}");
    }
}

#[test]
fn variables_hide_items() {
    for (code, expected) in [
        ("pub(crate) use crate::b::call;\nfn f() { let call = call(); call() }", &["call"][..]),
        ("pub(crate) use crate::b::call;\nfn f() { let call = || 1; call(); }", &[]),
        ("pub(crate) use crate::b::call;\nfn f(call: fn()) { call(); }", &[]),
        ("pub(crate) use crate::b::call;\nfn f() { fn call() {} call(); }", &[]),
        ("pub(crate) use crate::b::call;\nfn f() { { let call = 1; } call(); }", &["call"]),
    ] {
        assert_eq!(items(code), expected, "{code}");
    }
}

#[test]
fn serde_module_counts_as_used() {
    let files = [
        ("lib.rs", "mod a;\nmod time;\n"),
        ("a.rs", "pub struct A { #[serde(with = \"crate::time\")] at: u8 }"),
        ("time.rs", "use crate::a::A;\npub fn serialize() {}"),
    ];
    assert_eq!(package(&files).trees.iter().flat_map(cycles::find).count(), 1);
}

#[test]
fn item_from_a_macro_belongs_to_its_module() {
    let files = [
        ("lib.rs", "mod a;\nmod generated;\n"),
        ("a.rs", "pub struct A(crate::generated::Unknown);"),
        ("generated.rs", "generate!();\nfn f(_: crate::a::A) {}"),
    ];
    assert_eq!(package(&files).trees.iter().flat_map(cycles::find).count(), 1);
}

#[test]
fn imports_of_each_other_end() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\n"),
        ("a.rs", "pub use crate::b::*;"),
        ("b.rs", "pub use crate::a::*;\nfn f(_: X) {}"),
    ];
    assert_eq!(package(&files).trees.iter().flat_map(cycles::find).count(), 0);
}
