//! What is judged of operations and commands beside each other, and not in either alone.

use std::collections::BTreeMap;
use std::time::Duration;

use super::commands::ParsedCommand;
use super::operations::ParsedOperation;
use crate::duration;
use crate::sheet::Sheet;

/// Each under a name of its own.
pub(super) fn named(sheet: &Sheet<'_>, operations: &[ParsedOperation]) {
    let mut called = BTreeMap::new();
    for ParsedOperation { operation, called_line, .. } in operations {
        let Some(line) = called_line else { continue };
        if let Some(other) = called.insert(&operation.called, &operation.name) {
            let (name, called) = (&operation.name, &operation.called);
            let text = format!("{other} and {name} are both called {called}: write another as = \"…\"");
            sheet.mistake(*line, text);
        }
    }
}

/// Where `allow` is left out, the secret is all that is asked for.
pub(super) fn open(sheet: &Sheet<'_>, operations: &[ParsedOperation], granted: &[ParsedCommand]) {
    for ParsedOperation { operation, command, .. } in
        operations.iter().filter(|read| read.operation.allow_line.is_none())
    {
        let (name, line) = (&operation.name, operation.line);
        let add = "add allow = [{ user = \"NAME\" }]";
        let mut runs = granted.iter().filter(|_| operation.run.is_none()).chain(command);
        let text = match operation.require_line {
            None if runs.any(ParsedCommand::is_root) => format!(
                "may ask, and a command runs at once with the rights of whoever started the daemon: {add}, require or run_as"
            ),
            None => format!("may ask: {add} or require"),
            Some(_) => format!("may ask: {add}, unless it is only for a socket with trust_peer_uid = false"),
        };
        sheet.warning(line, format!("operation {name}: whoever knows the secret {text}"));
    }
}

/// A file is served by one module: with `run` by the shipped one, which knows nothing else.
pub(super) fn unmixed(sheet: &Sheet<'_>, operations: &[ParsedOperation], granted: &[ParsedCommand]) {
    let Some(with) = operations.iter().find(|read| read.operation.run.is_some()) else { return };
    for ParsedOperation { operation, .. } in operations.iter().filter(|read| read.operation.run.is_none()) {
        let (name, with) = (&operation.name, &with.operation.name);
        let text = format!("operation {name} has no run and {with} has: put one of them into a file of its own");
        sheet.mistake(operation.line, text);
    }
    for ParsedCommand { name, line, .. } in granted {
        if operations.iter().any(|read| read.operation.run.is_some() && read.operation.name == *name) {
            let text = format!("[operations.{name}] has run, and so is the command {name} too: name one otherwise");
            sheet.mistake(*line, text);
        } else {
            let text =
                format!("command {name}: nothing runs it, since operations with run have their own: take it out");
            sheet.warning(*line, text);
        }
    }
}

/// A command must fit into each operation that could plan it and runs at once: its own, or the shortest.
pub(super) fn fitting(sheet: &Sheet<'_>, operations: &[ParsedOperation], granted: &[ParsedCommand]) {
    let immediate = || operations.iter().filter(|read| read.operation.require_line.is_none());
    for read in immediate() {
        if let (Some(command), Some(whole)) = (&read.command, read.deadline) {
            fits(sheet, command, &read.operation.name, whole);
        }
    }
    let planning = immediate().filter(|read| read.command.is_none());
    let shortest = planning.filter_map(|read| Some((read.deadline?, &read.operation.name)));
    if let Some((whole, shortest)) = shortest.min_by_key(|(whole, _)| *whole) {
        granted.iter().for_each(|command| fits(sheet, command, shortest, whole));
    }
}

fn fits(sheet: &Sheet<'_>, command: &ParsedCommand, operation: &str, whole: Duration) {
    if let Some((timeout, line)) = command.timeout
        && timeout > whole
    {
        let (name, timeout, whole) = (&command.name, duration::shown(timeout), duration::shown(whole));
        let text = format!(
            "command {name}: its timeout of {timeout} does not fit into the {whole} of operation {operation}: \
             write a shorter timeout, or deadline = \"{timeout}\" or more in [operations.{operation}]"
        );
        sheet.mistake(line, text);
    }
}
