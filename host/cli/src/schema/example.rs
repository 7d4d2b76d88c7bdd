//! A value that a schema takes, and the command line that says it. Where a value must be made up it is one of those
//! that are kept for documents (RFC 5737, RFC 3849, RFC 2606): an example that somebody runs as it stands reaches
//! nobody.

use regent_client::Data;
use regent_protocol::visible;
use serde_json::{Map, Value, json};

use super::part::Part;
use super::{Property, Schema};
use crate::data;

/// Characters of an example, however many a schema asks for.
const TEXT_MAX: u64 = 64;

/// The line that a shell takes to call this operation.
pub(crate) fn call(operation: &str, schema: &Schema) -> String {
    let mut words = vec!["regent".to_owned(), "call".to_owned()];
    let properties = schema.properties();
    let pairs = pairs(&properties);
    if pairs.is_none() || (properties.is_empty() && schema.whole().example_is_needed()) {
        words.extend(["--data".to_owned(), whole(schema, &properties).to_string()]);
    }
    let mut typed = vec![operation.to_owned()];
    typed.extend(pairs.unwrap_or_default());
    if typed.iter().any(|word| word.starts_with('-')) {
        words.push("--".to_owned());
    }
    words.extend(typed);
    visible::command_line(&words)
}

/// KEY=VALUE for each property; `None` if a name cannot stand before a `=`.
fn pairs(properties: &[Property<'_>]) -> Option<Vec<String>> {
    let sayable = |name: &str| !name.is_empty() && !name.contains('=') && !name.ends_with(':');
    properties
        .iter()
        .map(|property| {
            let value = Data::parse(&property.part.example().to_string()).ok()?;
            sayable(property.name).then(|| format!("{}={}", property.name, data::typed(&value)))
        })
        .collect()
}

fn whole(schema: &Schema, properties: &[Property<'_>]) -> Value {
    if properties.is_empty() {
        return schema.whole().example();
    }
    properties.iter().map(|property| (property.name.to_owned(), property.part.example())).collect::<Map<_, _>>().into()
}

impl Part<'_> {
    /// Whether a call without data would say too little.
    fn example_is_needed(self) -> bool {
        let kinds = self.kinds();
        let given = ["examples", "default", "enum", "const"].iter().any(|key| self.get(key).is_some());
        given || !(kinds.is_empty() || kinds.iter().any(|kind| ["object", "null"].contains(kind)))
    }

    fn example(self) -> Value {
        let first = |key| self.get(key).and_then(Value::as_array).and_then(|values| values.first());
        let given = first("examples").or(self.get("default")).or(first("enum")).or(self.get("const"));
        if let Some(given) = given {
            return given.clone();
        }
        if let Some(choice) = self.choices().into_iter().find(|choice| choice.kinds() != ["null"]) {
            return choice.example();
        }
        match self.kinds().first().copied() {
            Some("integer") => self.number(1),
            Some("number") => self.number(0),
            Some("boolean") => true.into(),
            Some("null") => Value::Null,
            Some("array") => {
                let items = self.get("items").and_then(|items| self.within(items));
                items.map(|items| vec![items.example()]).unwrap_or_default().into()
            }
            Some("object") => self.object(),
            _ => self.made_up_text().into(),
        }
    }

    fn number(self, above: i64) -> Value {
        let whole = |key| self.get(key).and_then(Value::as_i64);
        let least = self.get("minimum").cloned();
        let above = whole("exclusiveMinimum").map(|limit| limit.saturating_add(above.max(1)).into());
        let most = || self.get("maximum").filter(|most| most.as_f64().is_some_and(|most| most < 1.0)).cloned();
        least.or(above).or_else(most).filter(Value::is_number).unwrap_or(json!(1))
    }

    /// Of an object within: what is required alone.
    fn object(self) -> Value {
        let properties = self.get("properties").and_then(Value::as_object);
        let names = properties.into_iter().flat_map(Map::keys).filter(|name| self.requires(name));
        names.filter_map(|name| Some((name.clone(), self.property(name)?.example()))).collect::<Map<_, _>>().into()
    }

    fn made_up_text(self) -> String {
        let text = match self.text("format") {
            Some("ipv4") => "203.0.113.7",
            Some("ipv6") => "2001:db8::7",
            Some("hostname" | "idn-hostname") => "host.example",
            Some("email" | "idn-email") => "somebody@example.com",
            Some("uri" | "iri") => "https://example.com/",
            Some("date") => "2026-01-31",
            Some("date-time") => "2026-01-31T12:00:00Z",
            Some("time") => "12:00:00Z",
            Some("uuid") => "00000000-0000-4000-8000-000000000000",
            _ => return self.filler(),
        };
        text.to_owned()
    }

    /// `text`, as long as it must be and no longer than it may be.
    fn filler(self) -> String {
        let limit = |key| self.get(key).and_then(Value::as_u64);
        let length = limit("minLength").unwrap_or(0).max(4).min(limit("maxLength").unwrap_or(u64::MAX)).min(TEXT_MAX);
        "text".chars().cycle().take(usize::try_from(length).unwrap_or_default()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(schema: &str) -> String {
        call("open", &Schema::read(&Data::parse(schema).unwrap()))
    }

    /// The example of a property of this schema.
    fn property(schema: &str) -> String {
        let line = line(&format!(r#"{{"properties":{{"x":{schema}}}}}"#));
        line.strip_prefix("regent call open ").unwrap().to_owned()
    }

    #[test]
    fn what_is_required_stands_first_and_all_in_the_authors_order() {
        let schema = r#"{"type":"object","required":["zone","ip"],"properties":{
            "port":{"type":"integer","minimum":1},"ip":{"type":"string","format":"ipv4"},
            "comment":{"type":"string"},"zone":{"enum":["public","home"]}}}"#;
        assert_eq!(line(schema), "regent call open ip=203.0.113.7 zone=public port=1 comment=text");
    }

    #[test]
    fn a_value_is_given_by_its_author_or_made_up_within_the_limits() {
        for (schema, expected) in [
            (r#"{"type":"integer","examples":[8080],"default":22}"#, "x=8080"),
            (r#"{"type":"integer","default":22}"#, "x=22"),
            (r#"{"const":true}"#, "x=true"),
            (r#"{"type":"integer"}"#, "x=1"),
            (r#"{"type":"integer","exclusiveMinimum":9}"#, "x=10"),
            (r#"{"type":"integer","maximum":-5}"#, "x=-5"),
            (r#"{"type":"integer","maximum":10}"#, "x=1"),
            (r#"{"type":"number","minimum":0.5}"#, "x=0.5"),
            (r#"{"type":"boolean"}"#, "x=true"),
            (r#"{"type":"string","minLength":6}"#, "x=textte"),
            (r#"{"type":"string","maxLength":2}"#, "x=te"),
            (r#"{"type":"string","minLength":99999999999}"#, &format!("x={}", "text".repeat(16))),
            (r#"{"type":"string","format":"ipv6"}"#, "x=2001:db8::7"),
            (r#"{"type":"array","items":{"type":"integer"}}"#, "'x=[1]'"),
            (r#"{"type":"object","required":["a"],"properties":{"a":{"type":"null"},"b":{}}}"#, r#"'x={"a":null}'"#),
            (r#"{"anyOf":[{"type":"null"},{"type":"integer"}]}"#, "x=1"),
            // A text that looks like JSON is quoted as JSON.
            (r#"{"enum":["22"]}"#, r#"'x="22"'"#),
            (r#"{"enum":["it's"]}"#, r"'x=it'\''s'"),
            ("{}", "x=text"),
            ("7", "x=text"),
        ] {
            assert_eq!(property(schema), expected, "{schema}");
        }
    }

    #[test]
    fn what_no_pair_can_say_is_said_as_json() {
        let schema = r#"{"properties":{"a=b":{"type":"integer"},"c":{"type":"boolean"}}}"#;
        assert_eq!(line(schema), r#"regent call --data '{"a=b":1,"c":true}' open"#);
        assert_eq!(line(r#"{"type":"string"}"#), r#"regent call --data '"text"' open"#);
        assert_eq!(line(r#"{"type":"array","items":{}}"#), r#"regent call --data '["text"]' open"#);
        assert_eq!(line(r#"{"properties":{"-c":{"type":"boolean"}}}"#), "regent call -- open -c=true");
        for nothing in ["{}", r#"{"type":"object"}"#, r#"{"type":"null"}"#, "true", r#"{"properties":7}"#] {
            assert_eq!(line(nothing), "regent call open", "{nothing}");
        }
    }

    #[test]
    fn references_are_followed_within_the_schema_and_never_in_a_circle() {
        let schema = r##"{"$defs":{"Port":{"type":"integer","minimum":7},"A":{"$ref":"#/$defs/A"},
            "Tree":{"type":"array","items":{"$ref":"#/$defs/Tree"}}},
            "properties":{"port":{"$ref":"#/$defs/Port"},"a":{"$ref":"#/$defs/A"},"tree":{"$ref":"#/$defs/Tree"}}}"##;
        let line = line(schema);
        assert!(line.starts_with("regent call open port=7 'tree=[[["), "{line}");
        assert!(line.len() < 60, "{line}");
    }

    #[test]
    fn a_hostile_schema_gives_one_harmless_line() {
        let schema = r#"{"properties":{"a\u001b[2J\n":{"enum":["\u202e; rm -rf /\n"]},"$(id)":{"default":"`id`"}}}"#;
        let line = line(schema);
        assert!(!line.contains(['\u{1b}', '\n', '\u{202e}']), "{line}");
        assert!(line.ends_with(r"'$(id)=`id`'"), "{line}");
    }
}
