//! A refusal, explained: what happened, by which rule, and the lines that would allow it. They are shown as they are to be
//! written, and nothing here writes them: what is allowed is a person's to decide.

use std::fmt::Write as _;

use regent_protocol::{AllowView, RuleView, WhyView, visible};

use super::{origin, paragraph};

pub(crate) fn why(why: &WhyView) -> String {
    let WhyView { reference, at, requester, from, operation, data, said, code, why, rule, allow } = why;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name:<10}  {value}");
    };
    line("ref", &visible::line(reference));
    line("asked by", &format!("{} ({})", visible::line(requester), origin(from)));
    line("asked at", &visible::line(at));
    if let Some(operation) = operation {
        line("operation", &visible::line(operation));
    }
    if let Some(data) = data {
        line("data", &format!("the requester says: {}", visible::line(data)));
    }
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    line("heard", &format!("{}{code}", visible::line(said)));
    // Where that was all, what the caller heard has said it.
    if !why.is_empty() {
        text.push_str(&paragraph("because     ", "            ", why));
    }
    if let Some(rule) = rule {
        let _ = writeln!(text, "rule        {}", placed(rule));
    }
    if let Some(allow) = allow {
        text.push_str(&cure(allow));
    }
    text
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
