//! Lines of a grants file, to be copied: what would grant what is not granted. The names are a plugin's own words, so
//! only such as a grants file takes are written.

use regent_grants::{grant_lines, is_name};
use regent_protocol::visible;

pub fn operation(name: &str) -> String {
    if is_name(name) { format!("[operations.{name}]\n") } else { String::new() }
}

/// The lines of a command that was planned with these values, or that is wanted.
pub fn command(name: &str, slots: &[(String, Option<String>)], reason: Option<&str>) -> String {
    let slots: Vec<_> = slots.iter().map(|(slot, value)| (slot.as_str(), value.as_deref())).collect();
    let reason = reason.map(|reason| format!("# {}\n", visible::line(reason))).unwrap_or_default();
    let lines: String = grant_lines(name, &slots).iter().map(|line| format!("{line}\n")).collect();
    reason + &lines
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
        assert!(lines.starts_with("# \"x]\\n[commands.y\" is no name") && lines.lines().count() == 1, "{lines}");
        assert_eq!(operation("a\nb"), "");
        assert!(command("x", &[("a\"b".into(), None)], None).starts_with("# "));
    }
}
