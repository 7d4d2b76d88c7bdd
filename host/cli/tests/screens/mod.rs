//! What people see, kept as files beside this one: a change to any screen is a change that a reviewer reads.
//! `REGENT_SCREENS=write cargo test -p regent` writes them anew; the whole-daemon tests have theirs by the same code.

use std::path::Path;

/// Compares a text with the file of this name.
pub(crate) fn screen(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens").join(format!("{name}.txt"));
    if std::env::var_os("REGENT_SCREENS").is_some_and(|word| word == "write") {
        return std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "{} differs (- kept, + now; REGENT_SCREENS=write takes it):\n{}",
        path.display(),
        difference(&kept, text)
    );
}

/// The lines from the first to the last that differ.
fn difference(kept: &str, now: &str) -> String {
    let (kept, now): (Vec<_>, Vec<_>) = (kept.lines().collect(), now.lines().collect());
    let start = kept.iter().zip(&now).take_while(|(a, b)| a == b).count();
    let end = kept[start..].iter().rev().zip(now[start..].iter().rev()).take_while(|(a, b)| a == b).count();
    let marked = |mark: &'static str, lines: &[&str]| {
        lines[start..lines.len() - end].iter().map(move |line| format!("{mark} {line}\n")).collect::<String>()
    };
    format!("line {}:\n{}{}", start + 1, marked("-", &kept), marked("+", &now))
}
