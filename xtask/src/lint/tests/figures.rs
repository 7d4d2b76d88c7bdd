use super::super::figures::{Figure, Figures};
use super::super::sizes::Length;
use super::super::{CEILINGS, compare};

fn figures() -> Figures {
    let length = |place: &str, lines| Length { lines, place: place.to_owned() };
    Figures {
        string_errors: vec!["host/a.rs:1".to_owned(), "host/a.rs:2".to_owned()],
        files: vec![length("host/daemon/src/a.rs", 300), length("host/daemon/tests/b.rs", 20), length("sdk/c.rs", 10)],
        functions: vec![length("a.rs:1: long", 70), length("b.rs:2: short", 6)],
        ..Figures::default()
    }
}

#[test]
fn figure_above_its_ceiling_is_an_error_with_places() {
    let report = compare(&figures(), &[(Figure::StringErrors, 1), (Figure::LongestFunction, 60)]);
    let expected = [
        "`Result<_, String>` in `host`: 2, and the ceiling is 1\nhost/a.rs:1\nhost/a.rs:2",
        "longest function: 70, and the ceiling is 60\na.rs:1: long: 70 lines",
    ];
    assert_eq!(report.errors, expected);
    assert!(report.notes.is_empty());
}

#[test]
fn figure_below_its_ceiling_is_a_note() {
    let ceilings = [(Figure::StringErrors, 3), (Figure::SharedNames, 0), (Figure::LongestFile, 400)];
    let report = compare(&figures(), &ceilings);
    assert!(report.errors.is_empty());
    let expected = ["note: `Result<_, String>` in `host`: 2; the ceiling can be lowered from 3"];
    assert_eq!(report.notes, expected);
}

#[test]
fn daemon_lines_are_those_of_its_sources() {
    assert_eq!(figures().value(Figure::DaemonLines), 300);
}

#[test]
fn table_has_a_row_for_each_figure() {
    let table = figures().table();
    assert!(table.contains("| module cycles; files in the largest; in all | 0; 0; 0 |"), "{table}");
    assert!(table.contains("| longest function | 70 (`a.rs:1: long`) |"), "{table}");
    assert_eq!(table.lines().count(), 10);
}

#[test]
fn each_figure_has_one_ceiling() {
    for (index, (figure, _)) in CEILINGS.iter().enumerate() {
        assert_eq!(CEILINGS.iter().position(|(other, _)| other == figure), Some(index));
    }
    assert_eq!(CEILINGS.len(), 8);
}
