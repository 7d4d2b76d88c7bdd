//! One argument of a command: fixed text with slots in it. A slot is a part of one argument, never more than that.

use crate::value::is_name;

/// A part of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Slot(String),
}

/// Reads an argument. `{name}` is a slot, `{{` and `}}` are braces, and so is a brace that is the whole argument.
///
/// # Errors
/// What to write instead.
pub(crate) fn read(argument: &str) -> Result<Vec<Part>, String> {
    if argument == "{" || argument == "}" {
        return Ok(vec![Part::Text(argument.into())]);
    }
    let (mut parts, mut text, mut rest) = (Vec::new(), String::new(), argument);
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        if let Some(after) = from.strip_prefix("{{") {
            text.push('{');
            rest = after;
        } else if let Some(after) = from.strip_prefix("}}") {
            text.push('}');
            rest = after;
        } else {
            let slot = from.strip_prefix('{').and_then(|from| from.split_once('}')).filter(|(name, _)| is_name(name));
            let Some((name, after)) = slot else {
                return Err(format!("the argument \"{argument}\" has a brace that begins no slot: write {{name}} for a slot, {{{{ or }}}} for a brace"));
            };
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            parts.push(Part::Slot(name.to_owned()));
            rest = after;
        }
    }
    text.push_str(rest);
    if !text.is_empty() || parts.is_empty() {
        parts.push(Part::Text(text));
    }
    Ok(parts)
}
