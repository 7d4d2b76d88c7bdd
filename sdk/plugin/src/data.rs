//! The caller's data, read into the author's type.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::Refusal;

/// # Errors
/// What is wrong, in words for the caller: `missing field `ip``.
pub(crate) fn read<T: DeserializeOwned>(data: &str) -> Result<T, Refusal> {
    serde_json::from_str(data).map_err(|error| {
        let text = error.to_string();
        match error.classify() {
            // The place helps only with text that is not JSON, and such text the daemon has refused before.
            Category::Data => Refusal::invalid(text.rsplit_once(" at line ").map_or(&*text, |(what, _)| what)),
            _ => Refusal::invalid(text),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    #[derive(Debug, serde::Deserialize)]
    struct Data {
        #[expect(dead_code, reason = "only its absence is looked at")]
        ip: String,
    }

    #[test]
    fn a_missing_field_is_named_to_the_caller() {
        assert_eq!(read::<Data>("{}").unwrap_err().message, "missing field `ip`");
    }

    #[test]
    fn a_wrong_type_is_told_without_a_place() {
        assert_eq!(read::<Data>(r#"{"ip": 5}"#).unwrap_err().message, "invalid type: integer `5`, expected a string");
    }
}
