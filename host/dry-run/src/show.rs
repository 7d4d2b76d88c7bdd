//! A trial for people. Every word that a plugin, a command or a file had a hand in is made harmless here.

use std::fmt::Write as _;

use regent_grants::Engine;
use regent_protocol::visible;

use crate::report::{Cost, Lines, Planned, Problem, Ran, Report};

/// All of it, several lines.
pub(crate) fn report(report: &Report) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name:<10} {value}");
    };
    line("operation", &visible::line(&report.operation));
    line("module", &visible::line(&report.file));
    match &report.grants {
        Some(grants) => line("grants", &format!("{}{}", visible::line(grants), warnings(report.warnings.len()))),
        None if report.write.is_some() => line("grants", "none: nothing is granted"),
        // It did not come so far.
        None => {}
    }
    if report.engine == Engine::Interpreter.as_str() {
        line("engine", report.engine);
    }
    if let Some(summary) = &report.summary {
        line("summary", &format!("the plugin says: {}", visible::line(summary)));
    }
    report.require.iter().for_each(|step| {
        line("needs", &format!("{} of {}: {}", step.step, visible::line(&step.of), step.count));
    });
    match report.plan.as_deref() {
        None => {}
        Some([]) => line("plan", "nothing would run"),
        Some(steps) => steps.iter().zip(1..).for_each(|(step, number)| line(&format!("plan {number}"), &planned(step))),
    }
    let results = report.results.as_deref().unwrap_or_default();
    results.iter().zip(1..).for_each(|(ran, number)| line(&format!("result {number}"), &result(ran)));
    report.log.iter().for_each(|said| line("log", &logged(said.level, &said.text)));
    if let Some(reply) = &report.reply {
        line("reply", &visible::line(reply.as_str()));
    }
    if let Some(problem) = &report.error {
        of_problem(problem, &mut line);
    }
    line("took", &cost(&report.cost));
    let advice = report.error.as_ref().and_then(|problem| problem.add.as_deref());
    if let Some(lines) = report.write.as_ref().or(advice) {
        text.push_str(&to_write(lines, report.write.is_some()));
    } else if report.results.is_none()
        && report.error.is_none()
        && report.plan.as_ref().is_some_and(|plan| !plan.is_empty())
    {
        text.push_str("\nNothing was run; with --perform the commands run, as you.\n");
    }
    text
}

/// They are about pins and who may ask, which are not judged here.
fn warnings(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => " (one warning for whoever installs it: regent check)".to_owned(),
        count => format!(" ({count} warnings for whoever installs it: regent check)"),
    }
}

fn planned(step: &Planned) -> String {
    let absent = if step.installed { "" } else { ", NOT INSTALLED here" };
    let via = step.via.as_deref().map(|via| format!(", via {via}")).unwrap_or_default();
    let (what, whom) = (visible::command_line(&step.argv), visible::line(&step.run_as));
    let seconds = std::time::Duration::from_millis(step.timeout_ms).as_secs_f64();
    format!("{what}   [as {whom}, {}, at most {seconds} s{via}{absent}]", visible::line(&step.command))
}

fn result(ran: &Ran) -> String {
    let how = match ran.outcome {
        "ok" | "status" => format!("exit status {}", ran.status),
        "signal" => format!("signal {}", ran.status),
        "timeout" => "did not end in time".to_owned(),
        _ => "could not be started".to_owned(),
    };
    let mut text = format!("{}: {how}", visible::line(&ran.command));
    for (name, output) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        for line in output.lines() {
            let _ = write!(text, "\n  {name:<8} {}", visible::line(line));
        }
    }
    if ran.truncated {
        text.push_str("\n  (the rest of its output was dropped)");
    }
    text
}

fn logged(level: &str, text: &str) -> String {
    let text = visible::line(text);
    if level == "info" { text.into_owned() } else { format!("{level}: {text}") }
}

fn of_problem(problem: &Problem, line: &mut impl FnMut(&str, &str)) {
    if let Some(text) = &problem.text {
        line("refused", &format!("the caller hears: {}", visible::line(text)));
    }
    line("code", problem.code);
    problem.why.iter().for_each(|why| line("because", &visible::line(why)));
}

fn cost(cost: &Cost) -> String {
    let parts = [
        ("compile", cost.compile_ms),
        ("load", cost.load_ms),
        ("prepare", cost.prepare_ms),
        ("commands", cost.commands_ms),
        ("finish", cost.finish_ms),
    ];
    let parts = parts.iter().filter_map(|(name, time)| Some(format!("{name} {:.1} ms", (*time)?)));
    let memory = cost.memory_kib.map(|kib| format!("at most {} MiB of memory", (kib + 512) / 1024));
    let all: Vec<String> = parts.chain(memory).collect();
    if all.is_empty() { "nothing: it was not started".to_owned() } else { all.join(", ") }
}

fn to_write(advice: &Lines, whole: bool) -> String {
    let file = visible::line(&advice.file);
    let what = match &advice.instead_of {
        _ if whole => format!("There is no grants file. To begin with, {file}:"),
        None => format!("Add to {file}:"),
        Some(what) => {
            format!("Add to {file}, for all callers of what plans it and instead of {}:", visible::line(what))
        }
    };
    let mut text = format!("\n{what}\n\n");
    for line in advice.lines.lines() {
        let _ = writeln!(text, "{}{}", if line.is_empty() { "" } else { "    " }, visible::line(line));
    }
    text
}
