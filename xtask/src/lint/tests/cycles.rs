use super::super::cycles;
use super::package;

const A_AND_B: &str = "mod a;\nmod b;\n";

/// The files of each cycle, from the folder of sources.
fn cycles(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let cycles = package(files).trees.iter().flat_map(cycles::find).collect::<Vec<_>>();
    let name = |file: &String| file.trim_start_matches("host/one/src/").to_owned();
    cycles.iter().map(|cycle| cycle.files.keys().map(name).collect()).collect()
}

#[test]
fn files_that_use_each_other_are_a_cycle() {
    let files = [
        ("lib.rs", A_AND_B),
        ("a.rs", "use crate::b::B;\n\npub struct A(B);"),
        ("b.rs", "pub struct B(Option<Box<crate::a::A>>);"),
    ];
    assert_eq!(cycles(&files), [["a.rs", "b.rs"]]);
    let found = package(&files).trees.iter().flat_map(cycles::find).collect::<Vec<_>>();
    let expected = "\
cycle of 2 files
  host/one/src/a.rs
    uses host/one/src/b.rs: B (line 1)
  host/one/src/b.rs
    uses host/one/src/a.rs: A (line 1)
";
    assert_eq!(found[0].to_string(), expected);
    assert_eq!(found[0].summary(), "host/one/src/a.rs, host/one/src/b.rs");
}

#[test]
fn longer_cycle_is_found_without_files_beside_it() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod above; mod below;"),
        ("above.rs", "fn above() { crate::a::a() }"),
        ("a.rs", "pub fn a() { crate::b::b() }"),
        ("b.rs", "pub fn b() { crate::c::c(); crate::below::below() }"),
        ("c.rs", "pub fn c() { crate::a::a() }"),
        ("below.rs", "pub fn below() {}"),
    ];
    assert_eq!(cycles(&files), [["a.rs", "b.rs", "c.rs"]]);
}

#[test]
fn two_cycles_are_two() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "pub fn a() { crate::b::b() }"),
        ("b.rs", "pub fn b() { crate::a::a(); crate::c::c() }"),
        ("c.rs", "pub fn c() { crate::d::d() }"),
        ("d.rs", "pub fn d() { crate::c::c() }"),
    ];
    assert_eq!(cycles(&files).len(), 2);
}

#[test]
fn pub_use_is_followed_to_the_defining_file() {
    let files = [
        ("lib.rs", "mod a;\nmod room;\n"),
        ("a.rs", "use crate::room::B;\npub struct A(B);"),
        ("room/mod.rs", "mod b;\npub(crate) use b::B;"),
        ("room/b.rs", "pub(crate) struct B; fn f(_: crate::a::A) {}"),
    ];
    assert_eq!(cycles(&files), [["a.rs", "room/b.rs"]]);
}

#[test]
fn pub_use_of_everything_is_followed() {
    let files = [
        ("lib.rs", "mod a;\nmod room;\n"),
        ("a.rs", "use crate::room::*;\npub struct A(B);"),
        ("room/mod.rs", "mod b;\npub use b::*;"),
        ("room/b.rs", "pub struct B; fn f(_: crate::a::A) {}"),
    ];
    assert_eq!(cycles(&files), [["a.rs", "room/b.rs"]]);
}

#[test]
fn mod_lines_and_re_exports_are_no_uses() {
    let files = [
        ("lib.rs", "mod a;\npub use a::A;\npub(crate) use a::other;\npub struct Root;"),
        ("a.rs", "pub struct A(crate::Root);\npub(crate) fn other() {}"),
    ];
    assert_eq!(cycles(&files), Vec::<Vec<String>>::new());
}

#[test]
fn re_exported_item_counts_when_its_module_uses_it() {
    let files =
        [("lib.rs", "mod a;\npub use a::A;\npub struct Root;\nfn f(_: A) {}"), ("a.rs", "pub struct A(crate::Root);")];
    assert_eq!(cycles(&files), [["a.rs", "lib.rs"]]);
}

#[test]
fn use_of_a_module_alone_is_no_use() {
    let files = [
        ("lib.rs", A_AND_B),
        ("a.rs", "use crate::b;\nuse crate::b::{self as other};\npub struct A;"),
        ("b.rs", "pub struct B(crate::a::A);"),
    ];
    assert_eq!(cycles(&files), Vec::<Vec<String>>::new());
}

#[test]
fn tests_are_not_counted() {
    let b = ("b.rs", "pub struct B(crate::a::A);");
    for test in [
        "#[cfg(test)]\nmod tests { use crate::b::B; }",
        "#[cfg(all(test, target_os = \"linux\"))]\nmod tests { use crate::b::B; }",
        "#[cfg(test)]\nmod tests;",
        "#[cfg(test)]\nuse crate::b::B;",
        "#[test]\nfn f() { crate::b::B; }",
        "#[tokio::test]\nasync fn f() { crate::b::B; }",
        "impl A { #[cfg(test)] fn f(_: crate::b::B) {} }",
        "fn f() { #[cfg(test)] crate::b::B::new(); }",
        "struct Other { #[cfg(test)] field: crate::b::B }",
    ] {
        let a = format!("pub struct A;\n{test}");
        let files = [("lib.rs", A_AND_B), ("a.rs", &a), b, ("a/tests.rs", "use crate::b::B;")];
        assert_eq!(cycles(&files), Vec::<Vec<String>>::new(), "{test}");
    }
    for code in ["#[cfg(not(test))]\nuse crate::b::B;", "#[cfg(any(test, unix))]\nuse crate::b::B;"] {
        let a = format!("pub struct A;\n{code}");
        assert_eq!(cycles(&[("lib.rs", A_AND_B), ("a.rs", &a), b]).len(), 1, "{code}");
    }
}

#[test]
fn program_and_library_have_separate_trees() {
    let files = [
        ("lib.rs", "pub mod a;\npub struct Root;"),
        ("a.rs", "pub struct A;"),
        ("main.rs", "mod own;\nuse one::a::A;\nuse own::Own;\npub struct Root;"),
        ("own.rs", "pub struct Own(one::Root);"),
    ];
    assert_eq!(cycles(&files), Vec::<Vec<String>>::new());
}

#[test]
fn inline_modules_belong_to_their_file() {
    let files = [
        ("lib.rs", A_AND_B),
        ("a.rs", "pub mod inner { pub struct A(super::Outer); }\nstruct Outer(inner::A, crate::b::B);"),
        ("b.rs", "pub struct B(Option<crate::a::inner::A>);"),
    ];
    assert_eq!(cycles(&files), [["a.rs", "b.rs"]]);
}
