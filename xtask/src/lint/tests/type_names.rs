use super::super::type_names::shared;
use super::{folder, package, packages};

#[test]
fn types_of_one_package_must_not_share_a_name() {
    let files = [
        ("lib.rs", "mod a;\nmod b;\nstruct Place;\nstruct Other;"),
        ("a.rs", "\ntrait Place {}"),
        ("b.rs", "mod inner { type Place = u8; }\nfn place() { enum Other {} }"),
        ("main.rs", "union Place { a: u8 }"),
    ];
    let expected = ["src/a.rs:2", "src/b.rs:1", "src/lib.rs:3", "src/main.rs:1"];
    assert_eq!(shared(&package(&files)), expected.map(|place| format!("host/one/{place}: Place")));
}

#[test]
fn test_types_associated_types_and_alternatives_are_not_counted() {
    let files = [
        ("lib.rs", "mod a;\nstruct Place;"),
        (
            "a.rs",
            "#[cfg(test)]\nmod tests { struct Place; }\nimpl Iterator for B { type Place = u8; }\nuse crate::Place;",
        ),
    ];
    assert_eq!(shared(&package(&files)), Vec::<String>::new());
    let alternatives = "#[cfg(unix)]\nstruct Place;\n#[cfg(not(unix))]\nstruct Place;";
    assert_eq!(shared(&package(&[("lib.rs", alternatives)])), Vec::<String>::new());
}

#[test]
fn two_packages_may_share_a_name() {
    let folder = folder(&[
        ("host/one/Cargo.toml", ""),
        ("host/one/src/lib.rs", "struct Place;"),
        ("host/two/Cargo.toml", ""),
        ("host/two/src/lib.rs", "struct Place;"),
    ]);
    assert_eq!(packages(folder.path()).iter().flat_map(shared).count(), 0);
}
