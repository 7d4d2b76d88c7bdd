//! The rules that decide whether a peer sees an operation, by file and line, and the lines that would have them decide
//! otherwise.

use std::path::Path;
use std::rc::Rc;

use regent_grants::{Command, Grants, Instead, Operation, Principal, Visible, is_name, nearest};
use regent_protocol::{AllowView, RuleView};

use super::apart;
use crate::catalog::{Catalog, Served, Unseen};
use crate::policy::{Policy, Socket};
use crate::record::denial::Rule;
use crate::record::requester::Requester;
use crate::record::why::Why;
use regent_resolve::users;

const EVERYBODY: &str =
    "whoever knows the socket's secret may then ask for it, unless you add allow = [{ user = \"NAME\" }]";

/// Who asked for what, and by which rules.
#[derive(Debug)]
pub struct Asked<'a> {
    pub policy: &'a Policy,
    pub socket: &'a Socket,
    pub requester: &'a Requester,
    /// The operation, as the peer names it.
    pub op: &'a str,
}

/// What a person is told of a name that served nothing.
pub fn unseen(why: &Unseen, asked: &Asked<'_>, catalog: &Catalog) -> (Why, Rule) {
    let Asked { policy, socket, requester, op: name } = *asked;
    match why {
        Unseen::Unknown => (Why::NobodyServes(name.to_owned()), unknown(policy, catalog, name)),
        Unseen::Twice(all) => twice(all, name),
        Unseen::NotShown => (Why::NotShown(socket.name.clone()), not_shown(policy, socket, name)),
        Unseen::NotAllowed(served) => {
            let why = Why::NotAllowed {
                operation: served.operation.called.clone(),
                requester: requester.trusted.then(|| requester.name()),
            };
            (why, not_allowed(served, policy, socket, requester))
        }
        Unseen::Unresolved(served, error) => {
            let (grants, operation) = (&served.entry.grants, &served.operation);
            let why = Why::AllowUnresolved { operation: operation.name.clone(), error: error.to_string() };
            let rule = at_allow(grants, operation, why.to_string());
            (why, Rule { rule, allow: None })
        }
    }
}

/// Every place but the first is in the text.
fn twice(all: &[Rc<Served>], name: &str) -> (Why, Rule) {
    let files: Vec<_> = all.iter().map(|served| format!("{}.toml", served.entry.grants.name)).collect();
    let place = |served: &Rc<Served>| format!("{}:{}", served.entry.grants.file, served.operation.line);
    let others: Vec<_> = all.iter().skip(1).map(place).collect();
    let text = format!(
        "[operations.{name}], as in {}: write another as = \"…\" in one of them, or take it out",
        others.join(" and ")
    );
    let (file, line) = all.first().map(|first| (first.entry.grants.file.clone(), first.operation.line)).unzip();
    (Why::ServedTwice(files), Rule { rule: rule(file.unwrap_or_default(), line, text), allow: None })
}

fn unknown(policy: &Policy, catalog: &Catalog, name: &str) -> Rule {
    if let Some(served) = catalog.called_otherwise(name) {
        let Operation { called, line, .. } = &served.operation;
        let text = format!("[operations.{name}] has as = {called:?}: callers call it {called}");
        return Rule { rule: rule(served.entry.grants.file.clone(), Some(*line), text), allow: None };
    }
    if let Some(grants) = catalog.offering(name).filter(|_| is_name(name)) {
        return offered(&grants, name);
    }
    let known: Vec<&str> = catalog.names().collect();
    let there_is =
        if known.is_empty() { "nothing is granted yet".into() } else { format!("there is {}", known.join(", ")) };
    let text = format!("an operation is served only if a grants file has a table for it; {there_is}");
    let allow = is_name(name).then(|| AllowView {
        file: format!("{}/{name}.toml", grants_folder(policy)),
        lines: vec![format!("[operations.{name}]"), "run = [\"/path/to/program\"]".into()],
        beware: Some(EVERYBODY.into()),
    });
    let nearest = nearest(name, known.iter().copied()).and_then(|near| catalog.served(near));
    let Some(near) = nearest else { return Rule { rule: rule(grants_folder(policy), None, text), allow } };
    let Operation { called, line, .. } = &near.operation;
    let text = format!("{text}; {called}, which is here, is the nearest");
    Rule { rule: rule(near.entry.grants.file.clone(), Some(*line), text), allow }
}

/// The module has it, and its grants do not name it.
fn offered(grants: &Grants, name: &str) -> Rule {
    let file = format!("{}.toml", grants.name);
    let text = format!("the module {} has it: write [operations.{name}] into {file}", grants.module);
    let lines = vec![format!("[operations.{name}]")];
    let allow = AllowView { file: grants.file.clone(), lines, beware: Some(EVERYBODY.into()) };
    Rule { rule: rule(grants.file.clone(), None, text), allow: Some(allow) }
}

fn not_shown(policy: &Policy, socket: &Socket, name: &str) -> Rule {
    let Visible::Only(shown) = &socket.operations else {
        return Rule { rule: rule(file(policy), Some(socket.operations_line), String::new()), allow: None };
    };
    let quoted =
        |names: &mut dyn Iterator<Item = &str>| names.map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    let text = format!("operations = [{}]", quoted(&mut shown.iter().map(String::as_str)));
    let wider = quoted(&mut shown.iter().map(String::as_str).chain([name]));
    let allow = AllowView {
        file: file(policy),
        lines: vec![format!("operations = [{wider}]")],
        beware: Some(format!("in the [[sockets]] of {}: every peer of that socket whom its grants allow", socket.name)),
    };
    Rule { rule: rule(file(policy), Some(socket.operations_line), text), allow: Some(allow) }
}

fn not_allowed(served: &Served, policy: &Policy, socket: &Socket, requester: &Requester) -> Rule {
    let (grants, operation) = (&served.entry.grants, &served.operation);
    if !requester.trusted {
        let text = "trust_peer_uid = false: rules of allow match nobody on this socket".into();
        let allow = apart::file(grants, operation, socket);
        return Rule { rule: rule(file(policy), Some(socket.line), text), allow: Some(allow) };
    }
    let rules: Vec<String> = operation.allow.iter().flatten().map(principal).collect();
    let one_more = match users::user(&requester.uid.to_string()) {
        Ok(user) => format!("{{ user = {:?} }}", user.name),
        Err(_) => format!("{{ uid = {} }}", requester.uid),
    };
    let wider: Vec<String> = rules.iter().cloned().chain([one_more]).collect();
    let allow = AllowView {
        file: grants.file.clone(),
        lines: vec![format!("allow = [{}]", wider.join(", "))],
        beware: Some(format!("in [operations.{}], in place of the one there", operation.name)),
    };
    Rule { rule: at_allow(grants, operation, format!("allow = [{}]", rules.join(", "))), allow: Some(allow) }
}

/// A rule of `allow` as it is written.
pub fn principal(principal: &Principal) -> String {
    match principal {
        Principal::User(name) => format!("{{ user = {name:?} }}"),
        Principal::Uid(uid) => format!("{{ uid = {uid} }}"),
        Principal::Group(name) => format!("{{ group = {name:?} }}"),
        Principal::Gid(gid) => format!("{{ gid = {gid} }}"),
    }
}

fn at_allow(grants: &Grants, operation: &Operation, text: String) -> RuleView {
    rule(grants.file.clone(), Some(operation.allow_line.unwrap_or(operation.line)), text)
}

fn rule(file: impl Into<String>, line: Option<usize>, rule: String) -> RuleView {
    RuleView { file: file.into(), line, rule }
}

fn file(policy: &Policy) -> String {
    policy.path.display().to_string()
}

fn grants_folder(policy: &Policy) -> String {
    let folder = policy.config.grants.as_deref().or(policy.config.plugins.first().map(std::path::PathBuf::as_path));
    folder.unwrap_or(Path::new("/")).display().to_string()
}

/// A slot did not take a value.
pub fn slot(
    grants: &Grants,
    command: &str,
    slot: &str,
    takes: &str,
    line: Option<usize>,
    allow: Option<Instead>,
) -> Rule {
    let line = allow.as_ref().map(|instead| instead.line).or(line);
    let line = line.or_else(|| grants.command(command).map(|command| command.line));
    let text = match &allow {
        Some(Instead { is_setting: true, .. }) => format!("this list of [settings]: params.{slot} takes {takes}"),
        _ => format!("params.{slot} takes {takes}"),
    };
    let allow = allow.map(|instead| AllowView {
        file: grants.file.clone(),
        lines: vec![instead.text],
        beware: Some(beware(command, instead.line, instead.is_setting)),
    });
    Rule { rule: rule(grants.file.clone(), line, text), allow }
}

fn beware(command: &str, line: usize, is_setting: bool) -> String {
    if is_setting {
        return format!(
            "in [settings], in place of the list at line {line}: for every command that takes it, and the plugin reads it too"
        );
    }
    format!("in command {command}, in place of line {line}: for every caller of every operation that plans it")
}
pub fn ungranted(grants: &Grants, line: Option<usize>, command: &str, lines: Vec<String>) -> Rule {
    let text = format!("there is no [commands.{command}]");
    let beware = Some("the program and the types of the slots are yours to say".to_owned());
    let allow = AllowView { file: grants.file.clone(), lines, beware };
    Rule { rule: rule(grants.file.clone(), line, text), allow: Some(allow) }
}

/// The grant of a command, by which it could not be planned.
pub fn command(grants: &Grants, name: &str) -> Option<Rule> {
    let command = grants.command(name)?;
    Some(Rule { rule: ran(&grants.file, command, None), allow: None })
}

/// The grant of a command, by which it ran as this user; `None`: it did not come so far.
pub fn ran(file: &str, command: &Command, uid: Option<u32>) -> RuleView {
    let Command { name, program, ok, timeout, line, .. } = command;
    let (who, rights) = (whom(command, uid), rights(command, uid));
    let via = command.via.map(|via| format!("via = {:?}, ", via.word())).unwrap_or_default();
    let text = format!(
        "command {name} runs {} as {who} with {via}{rights}, ok = {ok:?} and timeout = {timeout:?}",
        program.display()
    );
    rule(file, Some(*line), text)
}

fn whom(command: &Command, uid: Option<u32>) -> String {
    match (uid, &command.run_as) {
        (Some(uid), _) => users::name_of(uid),
        (None, Some(run_as)) => run_as.clone(),
        (None, None) => "whoever started the daemon".into(),
    }
}

/// What it has of root's rights, and whether what it executes may gain some.
fn rights(command: &Command, uid: Option<u32>) -> String {
    let capabilities = match (&command.capabilities, uid) {
        (Some(some), _) => format!("capabilities = {:?}", some.names()),
        (None, Some(0)) => "all of root's capabilities".into(),
        (None, Some(_)) => "no capabilities".into(),
        (None, None) => "capabilities left out".into(),
    };
    let setuid = if command.setuid { "setuid = true" } else { "setuid left out" };
    format!("{capabilities} ({setuid})")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use regent_grants::Config;

    use super::*;

    #[track_caller]
    fn said(grant: &str, uid: Option<u32>) -> String {
        let config = "plugins = [\"/p\"]\nstate = \"/s\"\n[[sockets]]\nname = \"a\"\npath = \"/a/b\"\nsecret_file = \"/c\"\noperations = [\"*\"]\n";
        let config = Config::parse("regent.toml", config).unwrap().value;
        let text = format!("[operations.o]\n[commands.c]\nrun = [\"/bin/x\"]\n{grant}\n");
        let grants = Grants::parse("x", "x.toml", &text, &config).unwrap().value;
        ran("x.toml", grants.command("c").unwrap(), uid).rule
    }

    #[test]
    fn a_command_is_told_with_whom_it_runs_as_and_what_rights_it_has() {
        assert_eq!(
            said("capabilities = []", Some(0)),
            "command c runs /bin/x as root with capabilities = [] (setuid left out), ok = [0] and timeout = 3s"
        );
        let lists = said("capabilities = [\"cap_chown\"]\nsetuid = true\nvia = \"systemd\"", Some(0));
        assert!(
            lists.contains("as root with via = \"systemd\", capabilities = [\"cap_chown\"] (setuid = true)"),
            "{lists}"
        );
    }

    #[test]
    fn capabilities_that_are_left_out_are_roots_or_none() {
        assert!(said("", Some(0)).contains("as root with all of root's capabilities (setuid left out)"));
        assert!(said("run_as = 4711", Some(4711)).contains("as uid 4711 with no capabilities"));
        assert!(said("run_as = \"games\"", None).contains("as games with capabilities left out"));
        assert!(said("", None).contains("as whoever started the daemon"));
    }
}
