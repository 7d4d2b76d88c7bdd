use super::super::string_errors::find;
use super::package;

fn lines(source: &str) -> Vec<String> {
    find(&package(&[("lib.rs", source)]))
        .iter()
        .map(|place| place.trim_start_matches("host/one/src/").to_owned())
        .collect()
}

#[test]
fn result_with_a_string_error_is_found_anywhere() {
    for source in [
        "fn f() -> Result<(), String> {}",
        "fn f() -> std::result::Result<Vec<u8>, std::string::String> {}",
        "fn f(g: impl Fn() -> Result<u8, String>) {}",
        "type Said<T> = Result<T, String>;",
        "fn f() { list.collect::<Result<Vec<_>, String>>(); }",
        "fn f() { Result::<u8, String>::Ok(1); }",
        "fn f() { vec![a::<Result<u8, String>>()]; }",
        "struct S { field: Option<Result<u8, String>> }",
    ] {
        assert_eq!(lines(source), ["lib.rs:1"], "{source}");
    }
}

#[test]
fn other_results_and_tests_are_not_counted() {
    for source in [
        "fn f() -> Result<String, Error> {}",
        "fn f() -> io::Result<String> {}",
        "fn f() -> Result<(), Vec<String>> {}",
        "fn f() -> HashMap<u8, String> {}",
        "// Result<(), String>\nconst A: &str = \"Result<(), String>\";",
        "#[cfg(test)]\nmod tests { fn f() -> Result<(), String> {} }",
        "#[test]\nfn f() -> Result<(), String> {}",
    ] {
        assert_eq!(lines(source), Vec::<String>::new(), "{source}");
    }
}

#[test]
fn nested_results_count_each() {
    assert_eq!(lines("\nfn f() -> Result<Result<u8, String>, String> {}"), ["lib.rs:2", "lib.rs:2"]);
}
