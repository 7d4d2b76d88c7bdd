//! What is different between two modules, by their own words: operations, what they take, the commands that they want,
//! what they import.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use regent_protocol::{ModuleView, visible};
use serde::Serialize;

/// An operation, a command or an import that is not as before.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Change {
    change: &'static str,
    of: &'static str,
    name: String,
    aspects: Vec<Aspect>,
}

/// What of it.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Aspect {
    aspect: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is: Option<String>,
}

/// What is said of each thing.
type Facts = BTreeMap<(&'static str, String), BTreeMap<&'static str, String>>;

/// From the one to the other; of none, everything is new.
pub(super) fn between(before: Option<&ModuleView>, after: &ModuleView) -> Vec<Change> {
    let (was, is) = (before.map(facts).unwrap_or_default(), facts(after));
    let mut all: Vec<_> = was.keys().chain(is.keys()).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter()
        .filter_map(|thing| {
            let (was, is) = (was.get(thing), is.get(thing));
            let change = match (was, is) {
                (None, _) => "added",
                (_, None) => "removed",
                (Some(was), Some(is)) if was == is => return None,
                _ => "changed",
            };
            Some(Change { change, of: thing.0, name: thing.1.clone(), aspects: aspects(was, is) })
        })
        .collect()
}

fn facts(found: &ModuleView) -> Facts {
    let mut facts = Facts::new();
    for operation in &found.operations {
        let schema = if operation.schema.is_null() { "{}".into() } else { operation.schema.to_string() };
        let said = [("summary", operation.summary.clone()), ("schema", schema), ("uses", operation.uses.join(", "))];
        facts.insert(("operation", operation.name.clone()), said.into());
    }
    for want in &found.wants {
        let said = [("slots", want.slots.join(", ")), ("reason", want.reason.clone())];
        facts.insert(("command", want.command.clone()), said.into());
    }
    for import in &found.imports {
        facts.insert(("import", import.name.clone()), [("class", import.class.clone())].into());
    }
    facts
}

fn aspects(was: Option<&BTreeMap<&'static str, String>>, is: Option<&BTreeMap<&'static str, String>>) -> Vec<Aspect> {
    let of =
        |facts: Option<&BTreeMap<&'static str, String>>, aspect| facts.and_then(|facts| facts.get(aspect)).cloned();
    let names = was.or(is).into_iter().flat_map(BTreeMap::keys);
    let aspects = names.map(|aspect| Aspect { aspect, was: of(was, aspect), is: of(is, aspect) });
    aspects.filter(|aspect| aspect.was != aspect.is).collect()
}

/// For people: a line for each thing and one for each of its aspects.
pub(super) fn shown(changes: &[Change]) -> String {
    let mut text = String::new();
    for Change { change, of, name, aspects } in changes {
        let sign = match *change {
            "added" => '+',
            "removed" => '-',
            _ => '~',
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {sign} {of} {}", visible::line(name));
        for Aspect { aspect, was, is } in aspects {
            let said = match (was, is) {
                (Some(was), Some(is)) => format!("was {}\n{:16}is  {}", word(was), "", word(is)),
                (one, other) => word(one.as_ref().or(other.as_ref()).map_or("", String::as_str)),
            };
            let _ = writeln!(text, "      {aspect:<9} {said}");
        }
    }
    text
}

fn word(text: &str) -> String {
    if text.is_empty() { "(nothing)".into() } else { visible::line(text).into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> ModuleView {
        serde_json::from_str(&format!("{{\"file\":\"f\",\"sha256\":\"\",{text}}}")).unwrap()
    }

    fn one() -> ModuleView {
        found(
            r#""operations":[{"name":"close"},{"name":"open","summary":"Open","schema":{"type":"object"}}],
               "wants":[{"command":"add","slots":["ip"],"reason":"adds"}]"#,
        )
    }

    #[test]
    fn the_same_module_is_no_different() {
        assert_eq!(between(Some(&one()), &one()), []);
    }

    #[test]
    fn each_thing_that_came_went_or_is_another_is_told() {
        let other = found(
            r#""operations":[{"name":"open","summary":"Open","schema":{"type":"array"}}],
               "wants":[{"command":"add","slots":["ip","port"],"reason":"adds"},{"command":"reboot","reason":"why not"}],
               "imports":[{"name":"wasi:clocks/wall-clock@0.2.6","class":"served"}]"#,
        );
        assert_eq!(
            shown(&between(Some(&one()), &other)),
            "  ~ command add\n      slots     was ip\n                is  ip, port\n\
             \x20 + command reboot\n      reason    why not\n      slots     (nothing)\n\
             \x20 + import wasi:clocks/wall-clock@0.2.6\n      class     served\n\
             \x20 - operation close\n      schema    {}\n      summary   (nothing)\n      uses      (nothing)\n\
             \x20 ~ operation open\n      schema    was {\"type\":\"object\"}\n                is  {\"type\":\"array\"}\n"
        );
    }

    #[test]
    fn of_a_module_that_is_not_known_everything_is_new() {
        let changes = between(None, &one());
        assert!(changes.len() == 3 && changes.iter().all(|change| change.change == "added"), "{changes:?}");
    }

    #[test]
    fn no_word_of_a_module_reaches_a_person_with_hidden_characters() {
        let evil = found("\"wants\":[{\"command\":\"a\\u001b[2J\\nb\",\"slots\":[\"\\u202e\"],\"reason\":\"\\r\"}]");
        let text = shown(&between(None, &evil));
        assert_eq!(text.lines().count(), 3);
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\r']), "{text}");
    }
}
