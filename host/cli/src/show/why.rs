//! A refusal, explained: what happened, by which rule, and the lines that would allow it. They are shown as they are to
//! be written, and nothing here writes them: what is allowed is a person's to decide.

use std::fmt::Write as _;

use regent_protocol::{AllowView, RuleView, WhyView, visible};

use super::fields::{Fields, paragraph};
use super::origin;

pub(crate) fn why(why: &WhyView) -> String {
    let WhyView { reference, at, requester, from, operation, data, said, code, why, rule, allow } = why;
    let mut fields = Fields::new();
    fields.line("ref", &visible::line(reference));
    fields.line("asked by", &format!("{} ({})", visible::line(requester), origin(from)));
    fields.line("asked at", &visible::line(at));
    if let Some(operation) = operation {
        fields.line("operation", &visible::line(operation));
    }
    if let Some(data) = data {
        fields.line("data", &format!("the requester says: {}", visible::line(data)));
    }
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    fields.line("heard", &format!("{}{code}", visible::line(said)));
    // Where that was all, what the caller heard has said it.
    if !why.is_empty() {
        fields.paragraph("because", "            ", why);
    }
    if let Some(rule) = rule {
        fields.line("rule", &placed(rule));
    }
    if let Some(allow) = allow {
        fields.add(&cure(allow));
    }
    fields.text()
}

fn placed(rule: &RuleView) -> String {
    let line = rule.line.map(|line| format!(":{line}")).unwrap_or_default();
    format!("{}{line}: {}", visible::line(&rule.file), visible::line(&rule.rule))
}

fn cure(allow: &AllowView) -> String {
    let mut text = format!("\nto allow it, write into {}:\n", visible::line(&allow.file));
    for line in &allow.lines {
        let _ = writeln!(text, "    {}", visible::line(line));
    }
    if let Some(beware) = &allow.beware {
        text.push_str(&paragraph("beware: ", "    ", beware));
    }
    text
}
