//! What a value may be, in words.

use serde_json::{Number, Value};

use super::part::Part;

/// What is said where nothing is.
pub(super) const ANYTHING: &str = "any JSON";

/// More than so many values to choose from are not listed.
const LISTED_MAX: usize = 12;

impl<'a> Part<'a> {
    pub(super) fn in_words(self) -> String {
        let default = self.get("default").map(|value| format!(", {value} if left out")).unwrap_or_default();
        format!("{}{default}", self.kind_in_words())
    }

    fn kind_in_words(self) -> String {
        if let Some(only) = self.get("const") {
            return format!("always {only}");
        }
        if let Some(values) = self.get("enum").and_then(Value::as_array) {
            return one_of(values);
        }
        let choices = self.choices();
        if !choices.is_empty() {
            return joined(choices.into_iter().map(Part::kind_in_words).collect());
        }
        let kinds = self.kinds();
        if kinds.is_empty() {
            return ANYTHING.to_owned();
        }
        joined(kinds.into_iter().map(|kind| self.of_kind(kind)).collect())
    }

    fn of_kind(self, kind: &str) -> String {
        match kind {
            "string" => self.text_in_words(),
            "integer" => format!("a whole number{}", self.range("minimum", "maximum", "")),
            "number" => format!("a number{}", self.range("minimum", "maximum", "")),
            "boolean" => "true or false".to_owned(),
            "null" => "null".to_owned(),
            "array" => {
                let items = self.get("items").and_then(|items| self.within(items));
                let items = items.map(|items| format!(" of: {}", items.in_words())).unwrap_or_default();
                format!("a JSON list{}{items}", self.range("minItems", "maxItems", " items"))
            }
            "object" => "a JSON object".to_owned(),
            other => other.to_owned(),
        }
    }

    fn text_in_words(self) -> String {
        let what = match self.text("format") {
            Some("ipv4") => "an IPv4 address".to_owned(),
            Some("ipv6") => "an IPv6 address".to_owned(),
            Some("hostname" | "idn-hostname") => "a host name".to_owned(),
            Some("email" | "idn-email") => "an e-mail address".to_owned(),
            Some("uri" | "iri") => "a URI".to_owned(),
            Some("date") => "a date (2026-01-31)".to_owned(),
            Some("date-time") => "a time (2026-01-31T12:00:00Z)".to_owned(),
            Some("uuid") => "a UUID".to_owned(),
            Some(other) => format!("text ({other})"),
            None => "text".to_owned(),
        };
        let pattern = self.text("pattern").map(|pattern| format!(" that matches {pattern}")).unwrap_or_default();
        format!("{what}{}{pattern}", self.range("minLength", "maxLength", " characters"))
    }

    /// The limits that are there.
    fn range(self, least: &str, most: &str, unit: &str) -> String {
        let (least, most) = (self.limit(least), self.limit(most));
        let (above, below) = (self.limit("exclusiveMinimum"), self.limit("exclusiveMaximum"));
        let least = least.map(|least| (" from ", " of at least ", least));
        let least = least.or(above.filter(|_| unit.is_empty()).map(|above| (" above ", " above ", above)));
        let below = below.filter(|_| unit.is_empty());
        match (least, most, below) {
            (Some((from, _, least)), Some(most), _) => format!("{from}{least} to {most}{unit}"),
            (Some((from, _, least)), None, Some(below)) => format!("{from}{least}, below {below}"),
            (Some((_, alone, least)), None, None) => format!("{alone}{least}{unit}"),
            (None, Some(most), _) => format!(" of at most {most}{unit}"),
            (None, None, Some(below)) => format!(" below {below}"),
            (None, None, None) => String::new(),
        }
    }

    fn limit(self, key: &str) -> Option<&'a Number> {
        match self.get(key)? {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }
}

fn one_of(values: &[Value]) -> String {
    let mut words: Vec<_> = values.iter().take(LISTED_MAX).map(Value::to_string).collect();
    if values.len() > LISTED_MAX {
        words.push(format!("{} more", values.len() - LISTED_MAX));
    }
    joined(words)
}

/// `a, b or c`
fn joined(mut words: Vec<String>) -> String {
    words.dedup();
    match words.pop() {
        Some(last) if !words.is_empty() => format!("{} or {last}", words.join(", ")),
        only => only.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use regent_client::Data;

    use super::super::Schema;

    fn words(schema: &str) -> String {
        Schema::read(&Data::parse(schema).unwrap()).whole().in_words()
    }

    #[test]
    fn types_and_limits_are_said_in_words() {
        for (schema, expected) in [
            (r#"{"type":"string","format":"ipv4"}"#, "an IPv4 address"),
            (r#"{"type":"string","minLength":1,"maxLength":63}"#, "text from 1 to 63 characters"),
            (r#"{"type":"string","pattern":"^[a-z]+$"}"#, "text that matches ^[a-z]+$"),
            (
                r#"{"type":"integer","minimum":1,"maximum":65535,"default":22}"#,
                "a whole number from 1 to 65535, 22 if left out",
            ),
            (r#"{"type":"integer","minimum":0}"#, "a whole number of at least 0"),
            (r#"{"type":"number","exclusiveMinimum":0}"#, "a number above 0"),
            (r#"{"type":"number","minimum":0,"exclusiveMaximum":1}"#, "a number from 0, below 1"),
            (r#"{"type":"number","exclusiveMaximum":1.5}"#, "a number below 1.5"),
            (r#"{"type":"number","maximum":1.5}"#, "a number of at most 1.5"),
            (r#"{"type":"boolean"}"#, "true or false"),
            (r#"{"enum":["tcp","udp",6]}"#, r#""tcp", "udp" or 6"#),
            (r#"{"const":"yes"}"#, r#"always "yes""#),
            (r#"{"type":["string","null"]}"#, "text or null"),
            (r#"{"anyOf":[{"type":"integer"},{"type":"null"}]}"#, "a whole number or null"),
            (r#"{"type":"array","items":{"type":"string"},"minItems":1}"#, "a JSON list of at least 1 items of: text"),
            (r#"{"type":"object"}"#, "a JSON object"),
            ("{}", "any JSON"),
            ("true", "any JSON"),
            (r#"{"type":7,"minimum":"x","enum":3,"anyOf":{}}"#, "any JSON"),
        ] {
            assert_eq!(words(schema), expected, "{schema}");
        }
    }

    #[test]
    fn a_long_list_of_values_is_cut_and_says_so() {
        let values: Vec<_> = (0..20).map(|value| value.to_string()).collect();
        assert!(words(&format!(r#"{{"enum":[{}]}}"#, values.join(","))).ends_with(", 11 or 8 more"));
    }
}
