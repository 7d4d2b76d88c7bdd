//! A grants file, judged whole beside a regent.toml that has what it may name: taken or refused by line, and what was
//! taken means the same each time it is read.

use std::sync::LazyLock;

use regent_grants::{Checked, Command, Config, Grants, Mistakes, Principal, RenderError, Unpinned};
use serde_json::{Map, Value};

use crate::config::lines;

/// Who may be named: anna and ben, the team ops.
static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let text = "plugins = [\"/p\"]\nstate = \"/s\"\n[[sockets]]\nname = \"web\"\npath = \"/run/w/s\"\nsecret_file = \"/e\"\n\
                operations = [\"*\"]\n[people.anna]\nuser = \"anna\"\n[people.ben]\nuser = \"1001\"\n[teams]\n\
                ops = [\"anna\", \"ben\"]\n";
    Config::parse("regent.toml", text).expect("it has no mistake").value
});

/// The target.
pub fn read(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match parse(text) {
        Ok(checked) => {
            lines(text, &checked.warnings);
            let again = parse(text).expect("it was taken before").value;
            whole(text, &checked.value, &again);
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            lines(text, &mistakes.iter().cloned().collect::<Vec<_>>());
        }
    }
}

pub(crate) fn parse(text: &str) -> Result<Checked<Grants>, Mistakes> {
    Grants::parse("fuzz", "fuzz.toml", text, &CONFIG)
}

fn whole(text: &str, grants: &Grants, again: &Grants) {
    assert!(!grants.operations.is_empty() && !grants.module.is_empty() && !grants.module.contains('/'));
    serde_json::from_str::<Map<String, Value>>(&grants.settings).expect("settings are an object");
    if let Some(Unpinned::Mistake(said) | Unpinned::Warning(said)) = grants.unpinned() {
        lines(text, &[said]);
    }
    let held = grants.operations.iter().any(|operation| !operation.require.is_empty());
    assert!(!held || !grants.sha256.is_empty() || matches!(grants.unpinned(), Some(Unpinned::Mistake(_))));
    for (operation, same) in grants.operations.iter().zip(&again.operations) {
        let digest = grants.digest_text(operation);
        assert_eq!(digest, again.digest_text(same));
        serde_json::from_str::<Value>(&digest).expect("a digest's text is JSON");
        assert_eq!(grants.schema(operation).is_some(), operation.run.is_some());
        assert!(operation.allow.as_ref().is_none_or(|allow| !allow.is_empty()), "a list of nobody means everybody");
        for principal in operation.allow.iter().flatten() {
            assert!(!matches!(principal, Principal::User(name) | Principal::Group(name) if name.is_empty()));
        }
        for step in &operation.require {
            let members = CONFIG.members(&step.of).expect("only who is known is asked");
            assert!((1..=members.len()).contains(&(step.count as usize)), "nobody could consent to {step:?}");
        }
    }
    grants.commands.values().for_each(command);
}

/// What it runs is its own program with its own arguments, and nothing is filled in that nobody gave.
fn command(command: &Command) {
    assert!(command.program.is_absolute() && command.umask <= 0o777 && !command.ok.is_empty());
    assert!(command.env.iter().all(|(name, value)| !name.is_empty() && !name.contains('=') && !value.contains('\0')));
    let params: Vec<_> = command.params().collect();
    for (_, param) in &params {
        assert!(!param.rule().is_empty() && param.schema().is_object());
    }
    match command.render(&[]) {
        Ok(rendered) => {
            assert!(params.iter().all(|(_, param)| param.optional()));
            assert_eq!(rendered.argv().first().map(String::as_str), command.program.to_str());
            assert!(rendered.argv().iter().all(|argument| !argument.contains('\0')));
            assert!(rendered.values().is_empty());
        }
        Err(RenderError::MissingSlot(slot) | RenderError::NotAccepted { slot, .. }) => {
            assert!(params.iter().any(|(name, param)| *name == slot && !param.optional()));
        }
        Err(other) => panic!("{other:?} of nothing"),
    }
}
