//! The daemon at one moment.

use regent_protocol::{SocketView, StatusView, visible};

use super::fields::Fields;

/// The engine that nobody has to be told of.
const NATIVE: &str = "native";

/// A screen of it: what there is, and below it what is missing or wrong.
pub(crate) fn status(status: &StatusView) -> String {
    let StatusView { version, pid, user, since, config, engine, sockets, serving, troubled, held, running, .. } =
        status;
    let mut fields = Fields::new();
    let user = user.as_deref().map(|user| format!(" as {}", visible::line(user))).unwrap_or_default();
    fields.line("regentd", &format!("{}, pid {pid}{user}, since {}", visible::line(version), visible::line(since)));
    fields.line("config", &visible::line(config));
    fields.line("plugins", &plugins(*serving, *troubled));
    if let Some(engine) = engine.as_deref().filter(|engine| *engine != NATIVE) {
        fields.line("engine", &visible::line(engine));
    }
    fields.line("held", &if *held == 0 { "0".to_owned() } else { format!("{held} (regent pending)") });
    fields.line("running", &running.to_string());
    for socket in aligned(sockets) {
        fields.line("socket", &socket);
    }
    for (name, findings) in [("lacks", &status.lacks), ("mistake", &status.mistakes), ("warning", &status.warnings)] {
        for finding in findings {
            fields.paragraph(name, "                ", finding);
        }
    }
    fields.text()
}

fn plugins(serving: usize, troubled: usize) -> String {
    let troubled = if troubled == 0 { String::new() } else { format!(", {troubled} in trouble (regent plugin list)") };
    format!("{serving} serving{troubled}")
}

/// A line for each socket, in columns.
fn aligned(sockets: &[SocketView]) -> Vec<String> {
    let cells: Vec<[String; 3]> = sockets
        .iter()
        .map(|socket| {
            let SocketView { name, path, connections, .. } = socket;
            let plural = if *connections == 1 { "" } else { "s" };
            [
                visible::line(name).into_owned(),
                visible::line(path).into_owned(),
                format!("{connections} connection{plural}"),
            ]
        })
        .collect();
    let width =
        |pick: fn(&[String; 3]) -> &String| cells.iter().map(|row| pick(row).chars().count()).max().unwrap_or(0);
    let (name, path, connections) = (width(|[name, ..]| name), width(|[_, path, _]| path), width(|[.., last]| last));
    cells
        .iter()
        .zip(sockets)
        .map(|([a, b, c], socket)| format!("{a:<name$}  {b:<path$}  {c:<connections$}  {}", asked(socket)))
        .collect()
}

/// What may be asked on it, and what its peers' uids are worth.
fn asked(socket: &SocketView) -> String {
    let operations = match socket.operations.as_slice() {
        [] => "nothing".to_owned(),
        [all] if all == "*" => "all that is granted".to_owned(),
        several => visible::line(&several.join(", ")).into_owned(),
    };
    if socket.trust_peer_uid { operations } else { format!("{operations}; uids not trusted") }
}
