//! Keys of a whole file that were written last, and so into its last table.

use super::CONFIG;
use crate::Config;

/// What is said of the file with this at its end, less the lines.
fn said(end: &str) -> Vec<String> {
    match Config::parse("regent.toml", &format!("{CONFIG}{end}\n")) {
        Ok(_) => vec![],
        Err(mistakes) => mistakes.iter().map(|mistake| mistake.text.clone()).collect(),
    }
}

const KEYS: [&str; 6] = [
    "daemon_user = \"regentd\"",
    "keep_results = \"1h\"",
    "audit = \"/var/log/audit.jsonl\"",
    "grants = \"/etc/regent/plugins\"",
    "state = \"/var/lib/regent\"",
    "plugins = [\"/usr/lib/regent/plugins\"]",
];

#[test]
fn a_key_of_the_whole_file_is_sent_above_the_first_table_whatever_table_it_is_in() {
    let tables = [
        "",
        "[people.dan]\nuser = \"dan\"",
        "[people]",
        "[admin]\npath = \"/run/a/s\"",
        "[sandbox]",
        "[[sockets]]\nname = \"b\"\npath = \"/run/b/s\"\nsecret_file = \"/c\"\noperations = [\"*\"]",
    ];
    for (table, key) in tables.iter().flat_map(|table| KEYS.iter().map(move |key| (table, key))) {
        // Two tables of one name would be a mistake of their own.
        let config = if *table == "[people]" { CONFIG.replace("[people.", "[other.") } else { CONFIG.to_owned() };
        let found = Config::parse("regent.toml", &format!("{config}{table}\n{key}\n"));
        let texts: Vec<_> = found.err().iter().flatten().map(|mistake| mistake.text.clone()).collect();
        let word = key.split(' ').next().unwrap();
        let cure = format!("{word} is for the whole file: write it above the first [table]");
        assert!(texts.contains(&cure), "{table}: {key}: {texts:?}");
        assert!(!texts.iter().any(|text| text.starts_with(&format!("{word} is a "))), "{table}: {key}: {texts:?}");
    }
}

#[test]
fn a_team_may_be_called_as_such_a_key_is() {
    assert_eq!(said("audit = [\"anna\"]\nplugins = [\"ben\"]"), Vec::<String>::new());
}
