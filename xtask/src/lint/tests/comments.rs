use super::super::comments::{files, wide, wide_lines};
use super::folder;

/// A line of this many characters that starts with `start`.
fn line(start: &str, columns: usize) -> String {
    format!("{start}{}", "é".repeat(columns - start.chars().count()))
}

#[test]
fn comment_of_121_columns_is_wide() {
    for start in ["// ", "/// ", "//! ", "    // ", "/* ", "fn f() {} // "] {
        assert_eq!(wide_lines(&line(start, 120)), [], "{start}");
        assert_eq!(wide_lines(&line(start, 121)), [(1, 121)], "{start}");
    }
}

#[test]
fn block_comment_counts_on_each_of_its_lines() {
    let text = format!("/* one /* two */\n{}\n*/\n{}", line(" * ", 130), line("let a = ", 130));
    assert_eq!(wide_lines(&text), [(2, 130)]);
}

#[test]
fn code_and_strings_are_not_comments() {
    for start in [
        "let a = \"https://",
        "let a = r#\"\" // ",
        "let a = b\"\\\" // ",
        "let a = br\"// ",
        "let a = \"first\\\n // ",
    ] {
        assert_eq!(wide_lines(&format!("{}\"#;", line(start, 140))), [], "{start}");
    }
    let text = format!("{}\n{}", "let a = ('\"', '\\'', 'b'); fn f<'a>(_: &'a str) {}", line("// ", 125));
    assert_eq!(wide_lines(&text), [(2, 125)]);
}

#[test]
fn files_are_those_that_git_knows_or_would_add() {
    let wide_line = line("// ", 121);
    let folder = folder(&[
        (".gitignore", "target"),
        ("a.rs", &wide_line),
        ("tests/b.rs", "// narrow"),
        ("tests/fuzz/corpus/c.rs", &wide_line),
        ("target/d.rs", &wide_line),
        ("e.txt", &wide_line),
    ]);
    let git = std::process::Command::new("git").args(["init", "-q"]).current_dir(folder.path()).status();
    assert!(git.unwrap().success());
    let files = files(folder.path()).unwrap();
    assert_eq!(files, ["a.rs", "tests/b.rs"]);
    assert_eq!(wide(folder.path(), &files).unwrap(), ["a.rs:1: 121 columns"]);
}
