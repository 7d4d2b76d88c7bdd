//! `regent`: what people type to ask a daemon, and to decide about what others asked.
//!
//! It has no rights of its own and decides nothing. Its care is for the people before it: whatever a requester or a plugin
//! wrote is made harmless before a terminal shows it, the secret never stands on a process list, and every way to end has
//! its number, which scripts rely on.
#![forbid(unsafe_code)]

// What can be typed.
mod arguments;
// KEY=VALUE and --data as one JSON text.
mod data;
// Which socket, and which secret.
mod place;
// `call`, `read`, `cancel`.
mod ask;
// `pending`, `show`, `approve`, `deny`.
mod decide;
// `plugin inspect`, `plugin run`.
mod trial;
// Regent's own programs, started.
mod door;
// A hold for people to read.
mod show;
// Where words go.
mod output;
// How it ends.
mod ending;

use std::process::ExitCode;

use clap::Parser as _;

use arguments::{Arguments, PluginVerb, Verb};

fn main() -> ExitCode {
    let Arguments { place, verb } = Arguments::parse();
    let ended = match verb {
        Verb::Call(call) => ask::call(&place, &call),
        Verb::Read(read) => ask::read(&place, &read),
        Verb::Cancel(cancel) => ask::cancel(&place, &cancel.uid),
        Verb::Pending(pending) => decide::pending(&place, pending.json),
        Verb::Show(show) => decide::show(&place, &show.hold, show.json),
        Verb::Approve(approve) => decide::approve(&place, &approve.hold),
        Verb::Deny(deny) => decide::deny(&place, &deny.hold),
        Verb::Plugin(plugin) => match plugin.verb {
            PluginVerb::Inspect(inspect) => trial::inspect(&inspect),
            PluginVerb::Run(run) => trial::run(&run),
        },
    };
    let ending = ended.unwrap_or_else(|failure| {
        output::complain(&failure.words);
        failure.ending
    });
    ExitCode::from(ending.number())
}
