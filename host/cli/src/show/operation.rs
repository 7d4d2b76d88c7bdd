//! An operation, for who may ask for it: in a list, and as help. The summary, the schema and every word in it are an
//! administrator's or a plugin's.

use std::fmt::Write as _;

use regent_protocol::{OperationView, visible};

use super::consent;
use crate::schema::{self, Property, Schema};

/// A few lines of it, for a list.
pub(crate) fn operation(view: &OperationView) -> String {
    let OperationView { operation, summary, schema, steps } = view;
    let mut text = format!("{}\n", visible::line(operation));
    if !summary.is_empty() {
        let _ = writeln!(text, "    {}", visible::line(summary));
    }
    for step in steps {
        let _ = writeln!(text, "    needs {}", consent(step));
    }
    let _ = writeln!(text, "    {}", schema::call(operation, &Schema::read(schema)));
    text
}

/// Everything that is known of it.
pub(crate) fn operation_help(view: &OperationView) -> String {
    let OperationView { operation, summary, schema, steps } = view;
    let schema = Schema::read(schema);
    let summary = if summary.is_empty() { String::new() } else { format!(": {}", visible::line(summary)) };
    let mut text = format!("{}{summary}\n\nData:\n", visible::line(operation));
    text.push_str(&data(&schema));
    if !steps.is_empty() {
        text.push_str("\nNeeds, before it runs:\n");
    }
    for step in steps {
        let _ = writeln!(text, "  {}", consent(step));
    }
    let _ = writeln!(text, "\nExample:\n  {}", schema::call(operation, &schema));
    text.push_str("\nThe options of `regent call` and the exit statuses: regent call --help\n");
    text
}

fn data(schema: &Schema) -> String {
    let properties = schema.properties();
    if properties.is_empty() {
        let words = schema.in_words().unwrap_or_else(|| "nothing is said about it".to_owned());
        return format!("  {}\n", visible::line(&words));
    }
    let names: Vec<_> = properties.iter().map(|property| visible::line(property.name)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    names.iter().zip(&properties).map(|(name, property)| row(name, width, property)).collect()
}

fn row(name: &str, width: usize, property: &Property<'_>) -> String {
    let required = if property.required { "required: " } else { "" };
    let mut text = format!("  {name:<width$}  {required}{}\n", visible::line(&property.in_words()));
    if let Some(description) = property.description() {
        let _ = writeln!(text, "  {:<width$}  {}", "", visible::line(description));
    }
    text
}
