//! The pins of a grants file, read and changed, and all else in it as it was: comments, order, spelling. It need not be
//! without mistakes: one that grants nothing yet has pins as well.

use std::path::Path;

use toml_edit::{Array, DocumentMut, Item, Value};

use crate::ending::Failure;
use crate::output;

const KEY: &str = "sha256";

/// A grants file, as far as pins go.
#[derive(Debug)]
pub(super) struct Pins {
    document: DocumentMut,
}

impl Pins {
    pub(super) fn read(path: &Path, text: &str) -> Result<Self, Failure> {
        let document = text.parse().map_err(|why: toml_edit::TomlError| {
            output::advise_all(&regent_protocol::visible::text(why.to_string().trim_end()));
            Failure::other(format!("{}: is no TOML", path.display()))
        })?;
        Ok(Self { document })
    }

    /// The digests, as small letters.
    pub(super) fn digests(&self) -> Vec<String> {
        let digest = |value: &Value| value.as_str().map(str::to_ascii_lowercase);
        match self.document.get(KEY).and_then(Item::as_value) {
            Some(Value::Array(list)) => list.iter().filter_map(digest).collect(),
            Some(one) => digest(one).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// Whether it names this digest, as a pin or as what was one.
    pub(super) fn name(&self, digest: &str) -> bool {
        self.digests().iter().any(|pin| pin == digest) || self.document.to_string().contains(&note(digest))
    }

    /// The module's name, if it is not the file's.
    pub(super) fn module(&self) -> Option<&str> {
        self.document.get("module")?.as_str().filter(|name| regent_grants::is_name(name))
    }

    /// The operations, as the module calls them and as callers do.
    pub(super) fn operations(&self) -> Vec<(String, String)> {
        let Some(operations) = self.document.get("operations").and_then(Item::as_table_like) else { return Vec::new() };
        let named = |(name, operation): (&str, &Item)| {
            let called = operation.get("as").and_then(Item::as_str).unwrap_or(name);
            (name.to_owned(), called.to_owned())
        };
        operations.iter().map(named).collect()
    }

    /// Those of a list of several beside this one: somebody meant each of them. One alone is what served, and makes
    /// way.
    pub(super) fn others(&self, than: &str) -> Vec<String> {
        let digests = self.digests();
        if digests.len() < 2 { Vec::new() } else { digests.into_iter().filter(|other| other != than).collect() }
    }

    /// The file with this digest and the `others`; what was pinned and is no longer stands as a comment above it.
    pub(super) fn with(&self, digest: &str, others: &[String]) -> String {
        let mut document = self.document.clone();
        let mut pin = Value::Array(Array::from_iter([digest].into_iter().chain(others.iter().map(String::as_str))));
        let Some((mut key, item)) = document.get_key_value_mut(KEY) else {
            if document.iter().all(|(_, item)| !item.is_value()) {
                return added(&document.to_string(), &format!("{KEY} = {pin}\n"));
            }
            document.insert(KEY, Item::Value(pin));
            return document.to_string();
        };
        let before: Vec<String> =
            self.digests().iter().filter(|old| *old != digest && !others.contains(old)).map(|old| note(old)).collect();
        let above = key.leaf_decor().prefix().and_then(|prefix| prefix.as_str()).unwrap_or_default();
        // What was noted of the same digest is no longer before it, and nothing is noted twice.
        let above = others.iter().fold(above.replace(&note(digest), ""), |above, pin| above.replace(&note(pin), ""));
        let above = before.iter().fold(above, |above, note| above.replace(note, ""));
        key.leaf_decor_mut().set_prefix(above + &before.concat());
        if let Some(value) = item.as_value() {
            *pin.decor_mut() = value.decor().clone();
        }
        *item = Item::Value(pin);
        document.to_string()
    }
}

fn note(digest: &str) -> String {
    format!("# before: {digest}\n")
}

/// Before the first table and the comment that belongs to it, behind the file's head. Where no key stands at the top,
/// there is nothing but comments above the first table.
fn added(text: &str, pin: &str) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let comment = |line: &&&str| line.trim_start().starts_with('#');
    let table = lines.iter().position(|line| !line.trim().is_empty() && !comment(&line)).unwrap_or(lines.len());
    let (head, tables) = lines.split_at_checked(table).unwrap_or((&lines, &[]));
    let own = head.iter().rev().take_while(comment).count();
    // A head that reaches down to the table is the file's.
    let at = if own == head.len() { head.len() } else { head.len() - own };
    let (head, own) = head.split_at_checked(at).unwrap_or((head, &[]));
    let line = if head.last().is_none_or(|line| line.ends_with('\n')) { "" } else { "\n" };
    let below = if own.is_empty() && tables.is_empty() { "" } else { "\n" };
    format!("{}{line}{pin}{below}{}{}", head.concat(), own.concat(), tables.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const NEW: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn pins(text: &str) -> Pins {
        Pins::read(Path::new("x.toml"), text).unwrap()
    }

    #[test]
    fn the_new_digest_is_the_pin_and_everything_else_stays_as_it_was() {
        let rest = "\n[settings] # s\nports = [ 22 ]\n\n# about open\n[operations.open]\nallow=[{user=\"a\"}]\n";
        for pin in [format!("\"{OLD}\""), format!("[\"{OLD}\"]"), format!("[\n  '{OLD}',\n]")] {
            let text = format!("# head\n\nsha256 = {pin}   # why\n{rest}");
            let wanted = format!("# head\n\n# before: {OLD}\nsha256 = [\"{NEW}\"]   # why\n{rest}");
            assert_eq!(pins(&text).with(NEW, &[]), wanted);
        }
    }

    #[test]
    fn a_file_without_a_pin_gets_one_below_its_head() {
        let text = "# head\n# more\n\n[operations.open]\n\n[commands.a]\nrun = [\"/a\"]\n";
        let wanted =
            format!("# head\n# more\n\nsha256 = [\"{NEW}\"]\n\n[operations.open]\n\n[commands.a]\nrun = [\"/a\"]\n");
        assert_eq!(pins(text).with(NEW, &[]), wanted);
        let text = "# head\n\n# about open\n[operations.open]\n";
        let wanted = format!("# head\n\nsha256 = [\"{NEW}\"]\n\n# about open\n[operations.open]\n");
        assert_eq!(pins(text).with(NEW, &[]), wanted);
        let text = "# head\nmodule = \"m\"\n[operations.open]\n";
        assert_eq!(
            pins(text).with(NEW, &[]),
            format!("# head\nmodule = \"m\"\nsha256 = [\"{NEW}\"]\n[operations.open]\n")
        );
        assert_eq!(pins(&pins("").with(NEW, &[])).digests(), [NEW]);
        assert_eq!(pins(&pins("# no line break").with(NEW, &[])).digests(), [NEW]);
    }

    #[test]
    fn a_list_of_several_keeps_those_that_nobody_took_out() {
        let third = "c".repeat(64);
        let list = pins(&format!("sha256 = [\"{OLD}\", \"{third}\"]\n"));
        assert_eq!(list.others(NEW), [OLD.to_owned(), third.clone()]);
        assert_eq!(list.others(OLD), [third.as_str()]);
        assert_eq!(pins(&format!("sha256 = [\"{OLD}\"]")).others(NEW), [""; 0]);
        assert_eq!(list.with(NEW, &list.others(NEW)), format!("sha256 = [\"{NEW}\", \"{OLD}\", \"{third}\"]\n"));
        assert_eq!(
            list.with(NEW, std::slice::from_ref(&third)),
            format!("# before: {OLD}\nsha256 = [\"{NEW}\", \"{third}\"]\n")
        );
    }

    #[test]
    fn there_and_back_notes_each_digest_once() {
        let first = format!("sha256 = [\"{OLD}\"]\n");
        let there = pins(&first).with(NEW, &[]);
        let back = pins(&there).with(OLD, &[]);
        assert_eq!(back, format!("# before: {NEW}\nsha256 = [\"{OLD}\"]\n"));
        assert_eq!(pins(&back).with(NEW, &[]), there);
    }

    #[test]
    fn operations_are_known_as_callers_call_them_and_the_module_by_its_name() {
        let text = "module = \"m\"\nsha256 = \"AB\"\n[operations]\na = {}\n[operations.b]\nas = \"c\"\n";
        let operations = [("a", "a"), ("b", "c")].map(|(name, called)| (name.to_owned(), called.to_owned()));
        assert_eq!((pins(text).operations(), pins(text).module()), (operations.to_vec(), Some("m")));
        assert_eq!(pins(text).digests(), ["ab"]);
        assert_eq!((pins("").operations(), pins("module = '../x'").module()), (Vec::new(), None));
    }

    #[test]
    fn what_is_no_toml_is_an_error_with_its_file() {
        let failure = Pins::read(Path::new("x.toml"), "sha256 = ").unwrap_err();
        assert_eq!(failure.words, "x.toml: is no TOML");
    }
}
