//! Paths: what is below its folder by name, and what is not.

use super::{command, filled};

#[test]
fn a_path_is_below_its_folder_by_its_name() {
    let command = command(r#"type = "path", below = "/var/log/app/""#);
    for (value, rendered) in [
        ("a.log", "/var/log/app/a.log"),
        ("a/b/c", "/var/log/app/a/b/c"),
        ("/var/log/app/a", "/var/log/app/a"),
        ("..a", "/var/log/app/..a"),
        ("...", "/var/log/app/..."),
        ("a b", "/var/log/app/a b"),
        ("@/etc/shadow", "/var/log/app/@/etc/shadow"),
        ("$(id)", "/var/log/app/$(id)"),
        ("+7", "/var/log/app/+7"),
        ("var/log/app/x", "/var/log/app/var/log/app/x"),
    ] {
        assert_eq!(filled(&command, value).as_deref(), Some(rendered), "{value:?}");
        assert_eq!(filled(&command, rendered).as_deref(), Some(rendered), "{value:?}");
    }
    let long = format!("/var/log/app/{}", "a/".repeat(2041) + "a");
    assert_eq!(long.len(), 4096);
    for value in [
        "",
        "/",
        ".",
        "..",
        "../x",
        "a/../b",
        "a/..",
        "a/.",
        "./a",
        "a//b",
        "a/",
        "//a",
        "/a",
        "/etc/shadow",
        "/var/log/app",
        "/var/log/app/",
        "/var/log/app/..",
        "/var/log/app//a",
        "/var/log/app/../x",
        "/var/log/apple",
        "//var/log/app/a",
        "/var/log/app2/a",
        "-f",
        "--",
        "a/-f",
        "/var/log/app/-f",
        "a\nb",
        "a\0",
        "\t",
        "é",
        "\u{202e}a",
        "a\u{7f}",
        &long,
        &long[13..],
        &"a".repeat(256),
    ] {
        assert_eq!(filled(&command, value), None, "{value:?}");
    }
    assert!(filled(&command, &long[..4095]).is_none() && filled(&command, &long[..4094]).is_some());
    assert!(filled(&command, &"a".repeat(255)).is_some());
}
