//! Where a file has an operation, whatever else is wrong with it: for whoever is told why it is not served.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::sheet::Sheet;

/// The line and the name of the table that grants this operation, by the name that callers use; `None`: there is none,
/// as far as the text can be read.
#[must_use]
pub fn operation_at(text: &str, called: &str) -> Option<(usize, String)> {
    let (document, _mistakes) = DeTable::parse_recoverable(text);
    let operations = table(document.get_ref().get("operations")?)?;
    let (key, _) = operations.iter().find(|(key, value)| {
        let other = table(value).and_then(|operation| operation.get("as"));
        match other.map(|other| other.get_ref()) {
            Some(DeValue::String(other)) => other == called,
            _ => key.get_ref() == called,
        }
    })?;
    Some((Sheet::new("", text).line_of(key.span().start), key.get_ref().to_string()))
}

fn table<'t, 's>(value: &'t Spanned<DeValue<'s>>) -> Option<&'t DeTable<'s>> {
    match value.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_found_in_a_file_with_mistakes_by_the_name_that_callers_use() {
        let text = "alow = 1\n[operations.a]\nas = \"b\"\n[operations.c]\nrun = 7\n";
        assert_eq!(operation_at(text, "b"), Some((2, "a".into())));
        assert_eq!(operation_at(text, "c"), Some((4, "c".into())));
        assert_eq!((operation_at(text, "a"), operation_at("[operations]\n", "a")), (None, None));
    }

    #[test]
    fn what_is_no_toml_is_read_as_far_as_it_is() {
        let text = "[operations.a]\nrun = [\"/bin/true\"\n[operations.b]\nx = = 1\n";
        assert_eq!(operation_at(text, "a"), Some((1, "a".into())));
        for junk in ["", "[", "\0", "[operations.", "operations = 1\n"] {
            assert_eq!(operation_at(junk, "a"), None, "{junk:?}");
        }
    }
}
