//! A plugin: whether it serves, what, for whom, and if not, why and what to do about it.

use std::fmt::Write as _;

use regent_protocol::{CrashesView, PluginView, ServedView, Serving, visible};

use super::consent;
use super::fields::{Fields, paragraph};

/// Digits of a digest that people compare by eye.
const DIGITS: usize = 12;

pub(crate) fn plugin(plugin: &PluginView) -> String {
    let PluginView { name, state, grants, module, serves, file, pin, engine, reasons, operations, crashes } = plugin;
    let mut fields = Fields::below(&format!("{}: {}", visible::line(name), standing(*state)));
    let path = |path: &Option<String>| visible::line(path.as_deref().unwrap_or("none")).into_owned();
    fields.line("grants", &path(grants));
    fields.line("module", &path(module));
    fields.line("serves", &serves.as_deref().map_or("nothing".to_owned(), digest));
    if file != serves {
        fields.line("file", &file.as_deref().map_or("cannot be read".to_owned(), digest));
    }
    fields.line("pin", &visible::line(pin));
    if let Some(engine) = engine {
        fields.line("engine", &visible::line(engine));
    }
    if let Some(crashes) = crashes {
        fields.line("crashes", &crashed(crashes));
    }
    for operation in operations {
        fields.line("operation", &served(operation));
    }
    for reason in reasons {
        fields.add(&paragraph("    ! ", "      ", reason));
    }
    fields.text()
}

fn standing(state: Serving) -> &'static str {
    match state {
        Serving::Serving => "serving",
        Serving::ServingAccepted => "serving, but not the module that is in the folder",
        Serving::Preparing => "preparing: it will serve as soon as its module is compiled and described",
        Serving::Resting => "resting: it crashed too often, and nothing of it is started for a while",
        Serving::NotServing => "not serving",
    }
}

fn crashed(crashes: &CrashesView) -> String {
    let CrashesView { count, last, until } = crashes;
    let until = until.as_deref().map(|until| format!("; it rests until {}", visible::line(until))).unwrap_or_default();
    format!("{count}, the last because {}{until}", visible::line(last))
}

fn digest(digest: &str) -> String {
    visible::line(&digest.chars().take(DIGITS).collect::<String>()).into_owned()
}

/// An operation, by whom it may be asked.
fn served(operation: &ServedView) -> String {
    let ServedView { operation: name, sockets, allow, require, unserved } = operation;
    let asked_by = match allow.as_deref() {
        None => "whoever knows a secret".to_owned(),
        Some([]) => "nobody".to_owned(),
        Some(rules) => visible::line(&rules.join(", ")).into_owned(),
    };
    let sockets = if sockets.is_empty() { "no socket".into() } else { visible::line(&sockets.join(", ")).into_owned() };
    let mut words = format!("{}: {asked_by}; on {sockets}", visible::line(name));
    for step in require {
        let _ = write!(words, "; needs {}", consent(step));
    }
    if let Some(why) = unserved {
        let _ = write!(words, "; not served: {}", visible::line(why));
    }
    words
}
