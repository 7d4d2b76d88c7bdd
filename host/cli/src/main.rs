//! `regent`: what people type to ask a daemon, and to decide about what others asked.
//!
//! It has no rights of its own and decides nothing. Its care is for the people before it: whatever a requester or a
//! plugin wrote is made harmless before a terminal shows it, the secret never stands on a process list, and every way
//! to end has its number, which scripts rely on.
#![forbid(unsafe_code)]

// What can be typed.
mod arguments;
// KEY=VALUE and --data as one JSON text.
mod data;
// Which socket, and which secret.
mod place;
// `call`, `read`, `cancel`.
mod ask;
// An exchange over the admin socket.
mod admin;
// `pending`, `show`, `approve`, `deny`.
mod decide;
// `reload`, `status`, `plugin list`, `why`.
mod serving;
// `ops`, and the help of one operation.
mod offered;
// The data of an operation, as its plugin describes it.
mod schema;
// What a module says of itself.
mod described;
// `plugin new`, `plugin build`.
mod author;
// `plugin inspect`, `plugin run`.
mod trial;
// `plugin enable`, `upgrade`, `rollback`, `disable`.
mod install;
// The administrator's files, as they stand.
mod files;
// `init`.
mod init;
// `secret new`, `secret rotate`.
mod secret;
// `socket add`.
mod socket;
// What was told, for people to read.
mod show;
// Regent's own programs, started.
mod door;
// Where words go.
mod output;
// How it ends.
mod ending;

use std::ffi::OsStr;
use std::process::ExitCode;

use arguments::{Arguments, PluginVerb, SecretVerb, SocketVerb, Verb};

fn main() -> ExitCode {
    let Arguments { place, verb } = arguments::parse();
    let ended = match verb {
        Verb::Call(call) if call.help => offered::help(&place, &call),
        Verb::Call(call) => ask::call(&place, &call),
        Verb::Read(read) => ask::read(&place, &read),
        Verb::Cancel(cancel) => ask::cancel(&place, &cancel.uid),
        Verb::Pending(pending) => decide::pending(&place, pending.json),
        Verb::Show(show) => decide::show(&place, &show.hold, show.json),
        Verb::Approve(approve) => decide::approve(&place, &approve.hold),
        Verb::Deny(deny) => decide::deny(&place, &deny.hold),

        Verb::Ops(ops) => offered::ops(&place, ops.json),
        Verb::Reload(reload) => serving::reload(&place, reload.json),
        Verb::Status(status) => serving::status(&place, status.json),
        Verb::Plugin(plugin) => match plugin.verb {
            PluginVerb::New(new) => author::new(&new),
            PluginVerb::Build(build) => author::build(&build),
            PluginVerb::Inspect(inspect) => trial::inspect(&inspect),
            PluginVerb::Run(run) => trial::run(&run),
            PluginVerb::Enable(enable) => install::enable(&enable),
            PluginVerb::Upgrade(upgrade) => install::upgrade(&place, &upgrade),
            PluginVerb::Rollback(pin) => install::rollback(&place, &pin),
            PluginVerb::Disable(pin) => install::disable(&pin),
            PluginVerb::List(list) => serving::plugins(&place, list.name.as_deref(), list.json),
        },
        Verb::Why(why) => serving::why(&place, &why.reference, why.json),
        Verb::Check(check) => door::regentd([OsStr::new("--config"), check.config.as_os_str(), OsStr::new("--check")]),

        Verb::Init(init) => init::init(&init),
        Verb::Secret(secret) => match secret.verb {
            SecretVerb::New(new) => secret::new(&new),
            SecretVerb::Rotate(rotate) => secret::rotate(&rotate),
        },
        Verb::Socket(socket) => match socket.verb {
            SocketVerb::Add(add) => socket::add(&add),
        },
    };
    let ending = ended.unwrap_or_else(|failure| {
        output::complain(&failure.words);
        failure.advice.iter().for_each(|advice| output::advise(advice));
        failure.ending
    });
    ExitCode::from(ending.number())
}
