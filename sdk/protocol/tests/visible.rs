//! Strangers' text before a person's eyes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use regent_protocol::visible;

/// Every class of character that was ever used to make a text look like another.
const HOSTILE: [char; 20] = [
    '\0',
    '\u{7}',
    '\u{8}',
    '\t',
    '\n',
    '\r',
    '\u{1b}',
    '\u{7f}',
    '\u{85}',
    '\u{9b}',
    '\u{ad}',
    '\u{200b}',
    '\u{200f}',
    '\u{2028}',
    '\u{2029}',
    '\u{202e}',
    '\u{2066}',
    '\u{feff}',
    '\u{e0041}',
    '\u{e0100}',
];

#[test]
fn every_hostile_character_becomes_its_number() {
    for character in HOSTILE {
        let seen = visible::line(&format!("a{character}b")).into_owned();
        assert_eq!(seen, format!("a\\u{{{:x}}}b", u32::from(character)));
    }
}

#[test]
fn text_in_any_script_stays_as_it_is() {
    for text in ["", "Firewall öffnen", "ファイアウォール", "брандмауэр", "جدار الحماية", r"C:\u{1}", "naïve 😀"]
    {
        assert_eq!(visible::line(text), text);
    }
}

#[test]
fn a_text_keeps_its_lines_and_tabs_and_nothing_else_that_is_hidden() {
    for character in HOSTILE.into_iter().filter(|character| !"\n\t".contains(*character)) {
        let seen = visible::text(&format!("a\n\tb{character}c")).into_owned();
        assert_eq!(seen, format!("a\n\tb\\u{{{:x}}}c", u32::from(character)));
    }
    assert_eq!(visible::text("a\n\tb"), "a\n\tb");
}

#[test]
fn an_argument_with_a_hostile_character_is_quoted_and_shows_it() {
    for character in HOSTILE {
        let seen = visible::argument(&format!("a{character}b"));
        assert!(seen.starts_with("$'a\\") && seen.ends_with("b'") && seen.is_ascii(), "{seen}");
        assert!(!seen.contains(character), "{seen}");
    }
}

#[test]
fn a_command_line_shows_where_each_argument_begins_and_ends() {
    let argv =
        ["/bin/x", "plain-1.2", "two words", "", "it's", "$(id)", ";", "a\\b", "tab\there", "é è", "no\u{a0}break"];
    assert_eq!(
        visible::command_line(&argv),
        r"/bin/x plain-1.2 'two words' '' 'it'\''s' '$(id)' ';' 'a\b' $'tab\there' 'é è' $'no\U000000a0break'"
    );
}

#[test]
fn an_argument_that_looks_like_an_escape_is_told_from_one() {
    assert_eq!(visible::argument(r"a\nb"), r"'a\nb'");
    assert_eq!(visible::argument("a\nb"), r"$'a\nb'");
    assert_eq!(visible::argument("\\\n'"), r"$'\\\n\''");
}
