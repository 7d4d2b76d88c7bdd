//! From a command's output to a reply. Output that is no text is none that JSON could carry, so it comes in base64.

use data_encoding::BASE64;
use regent_plugin::{Failure, Results, StepResult};
use serde_json::{Value, json};

use crate::granted::Reply;

/// The reply.
///
/// # Errors
/// Without words if the command failed, for the daemon says how; with words if its output is not what it should be.
pub(crate) fn of(reply: Reply, results: &Results) -> Result<Value, Failure> {
    let last = results.last().filter(|_| results.succeeded()).ok_or_else(Failure::default)?;
    match reply {
        Reply::None => Ok(Value::Null),
        _ if last.truncated => Err("Its output is too long".into()),
        Reply::Json => serde_json::from_slice(&last.stdout).map_err(|_| "It did not print JSON".into()),
        Reply::Text => Ok(text(last)),
    }
}

/// The text without the line end that commands put behind their last word.
fn text(result: &StepResult) -> Value {
    match std::str::from_utf8(&result.stdout) {
        Ok(text) => text.strip_suffix('\n').unwrap_or(text).into(),
        Err(_) => json!({"base64": BASE64.encode(&result.stdout)}),
    }
}
