//! Lines of a grants file, to be copied: what would grant what is not granted. The names are a plugin's own words, so only such
//! as a grants file takes are written.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use regent_protocol::visible;

/// Whether it is a name that a grants file takes.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !text.is_empty() && text.len() <= 64 && text.bytes().all(letter)
}

/// The lines of an operation.
#[must_use]
pub fn operation(name: &str) -> String {
    if is_name(name) { format!("[operations.{name}]\n") } else { String::new() }
}

/// The lines of a command that was planned with these values, or that is wanted.
#[must_use]
pub fn command(name: &str, slots: &[(String, Option<String>)], reason: Option<&str>) -> String {
    if !is_name(name) {
        return format!("# {:?} is no name that a command can have\n", visible::line(name));
    }
    let mut lines = reason.map(|reason| format!("# {}\n", visible::line(reason))).unwrap_or_default();
    let slots: Vec<_> = slots.iter().filter(|(slot, _)| is_name(slot)).collect();
    let arguments: String = slots.iter().map(|(slot, _)| format!(", \"{{{slot}}}\"")).collect();
    // Writing to a string does not fail.
    let _ = writeln!(lines, "[commands.{name}]\nrun = [\"/usr/bin/PROGRAM\"{arguments}]");
    for (slot, value) in slots {
        let _ = writeln!(lines, "params.{slot} = {{ {} }}", kind(value.as_deref()));
    }
    lines
}

/// A type that takes this value: a guess to begin with, for the administrator to narrow.
fn kind(value: Option<&str>) -> &'static str {
    match value {
        Some(value) if value.parse::<Ipv4Addr>().is_ok() => "type = \"ipv4\"",
        Some(value) if value.parse::<i64>().is_ok_and(|number| (0..=65535).contains(&number)) => {
            "type = \"integer\", min = 0, max = 65535"
        }
        Some(value) if value.contains(' ') => "type = \"text\", pattern = \"[A-Za-z0-9 ._-]+\", max = 64",
        _ => "type = \"text\", pattern = \"[A-Za-z0-9._-]+\", max = 64",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regent_grants::{Config, Grants};

    #[test]
    fn what_is_suggested_is_a_grants_file_that_takes_the_call() {
        let call = [("ip", "203.0.113.9"), ("port", "22"), ("note", "two words"), ("unit", "nginx.service")];
        let slots: Vec<_> = call.iter().map(|(slot, value)| ((*slot).to_owned(), Some((*value).to_owned()))).collect();
        let text = operation("open") + &command("open-port", &slots, Some("adds\nthe rule"));
        let config = "plugins = [\"/p\"]\nstate = \"/s\"\n[[sockets]]\nname = \"a\"\npath = \"/a/b\"\nsecret_file = \"/c\"\noperations = [\"*\"]\n";
        let config = Config::parse("regent.toml", config).unwrap().value;
        let grants = Grants::parse("x", "x.toml", &text, &config).unwrap_or_else(|why| panic!("{why}\n{text}")).value;
        let values: Vec<_> = call.iter().map(|(slot, value)| ((*slot).to_owned(), (*value).to_owned())).collect();
        let rendered = grants.command("open-port").unwrap().render(&values).unwrap();
        assert_eq!(rendered.argv().len(), 5);
    }

    #[test]
    fn a_name_that_would_break_the_file_is_not_written() {
        let lines = command("x]\n[commands.y", &[("a\"".into(), None)], None);
        assert_eq!(lines, "# \"x]\\\\u{a}[commands.y\" is no name that a command can have\n");
        assert_eq!(operation("a\nb"), "");
        assert!(!command("x", &[("a\"b".into(), None)], None).contains("a\"b"));
    }
}
