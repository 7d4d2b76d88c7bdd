//! A grants file, read without the regent.toml that it belongs to: whomever its steps name, there are such people in a
//! trial.

use std::fmt::{self, Display, Write as _};

use regent_grants::{Config, Grants, Mistake, Mistakes, Step};

use crate::files::{FileError, Text, read_config};

/// The members of each team of a trial: no `count` that somebody means is higher.
const PERSONS: usize = 100;

/// Why the steps that a plugin asks for are not taken.
#[derive(Debug)]
pub(crate) struct StepsError(String);

impl Display for StepsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StepsError {
    fn of(why: impl Display) -> Self {
        Self(why.to_string())
    }
}

/// What is granted in a trial.
#[derive(Debug)]
pub(crate) struct Permits {
    pub(crate) grants: Grants,
    pub(crate) warnings: Vec<String>,
    /// The regent.toml that was named, or what stands for it.
    config: Option<Config>,
}

impl Permits {
    /// Of a grants file, by the regent.toml that was named.
    pub(crate) fn of(grants: &Text, config: Option<&Text>) -> Result<Self, FileError> {
        let Text { path, text } = grants;
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let config = config.map(|config| read_config(&config.path, &config.text)).transpose()?;
        let (grants, warnings) = parse(name, &path.display().to_string(), text, config.as_ref())?;
        Ok(Self { grants, warnings, config })
    }

    /// What stands for a file that is not there: the operation is served, and no command is granted.
    pub(crate) fn none(name: &str, operation: &str) -> Result<Self, FileError> {
        let (grants, _) = parse(name, "no grants file", &format!("[operations.{operation}]\n"), None)?;
        Ok(Self { grants, warnings: Vec::new(), config: None })
    }

    /// What the plugin's `authorise` asks for.
    pub(crate) fn steps(&self, asked: &str) -> Result<Vec<Step>, StepsError> {
        let stand_in;
        let config = match &self.config {
            Some(config) => config,
            None => {
                stand_in = standing_in(asked).map_err(StepsError::of)?;
                &stand_in
            }
        };
        Step::read_json(asked, config).map_err(StepsError::of)
    }
}

/// The grants and their warnings; or every mistake, a line each.
fn parse(name: &str, file: &str, text: &str, config: Option<&Config>) -> Result<(Grants, Vec<String>), FileError> {
    let stand_in;
    let config = match config {
        Some(config) => config,
        None => {
            stand_in = standing_in(text)?;
            &stand_in
        }
    };
    // A module that is still worked on has no pin yet, and none is judged here. What stands for it takes a line of its
    // own.
    let pin = if is_pinned(text) { String::new() } else { format!("sha256 = \"{}\"\n", "0".repeat(64)) };
    let more = pin.lines().count();
    let moved = |one: &Mistake| Mistake { line: one.line.saturating_sub(more).max(1), ..one.clone() };
    let checked = Grants::parse(name, file, &(pin + text), config);
    let checked = checked.map_err(|mistakes| FileError::Mistakes(mistakes.iter().map(moved).collect()))?;
    let warnings = checked.warnings.iter().map(|one| moved(one).to_string()).collect();
    Ok((checked.value.moved_up(more), warnings))
}

fn is_pinned(text: &str) -> bool {
    let key =
        |line: &str| line.trim_start().strip_prefix("sha256").is_some_and(|rest| rest.trim_start().starts_with('='));
    text.lines().any(key)
}

/// A regent.toml with a team of everybody for each name that `of` gives in this text.
fn standing_in(text: &str) -> Result<Config, Mistakes> {
    let mut config = String::from(
        "plugins = [\"/trial\"]\nstate = \"/trial/state\"\n[[sockets]]\nname = \"trial\"\n\
         path = \"/trial/socket/regent.sock\"\nsecret_file = \"/trial/secret\"\noperations = [\"*\"]\n",
    );
    let persons: Vec<String> = (1..=PERSONS).map(|number| format!("person-{number}")).collect();
    for (number, person) in persons.iter().enumerate() {
        // Writing to a string does not fail.
        let _ = writeln!(config, "[people.{person}]\nuser = \"{}\"", 3_000_000_000_u32 + number as u32);
    }
    let _ = writeln!(config, "[teams]");
    for team in named_by_of(text).iter().filter(|team| !persons.contains(team)) {
        let _ = writeln!(config, "{team} = {persons:?}");
    }
    Config::parse("the trial's regent.toml", &config).map(|checked| checked.value)
}

/// Each NAME of `of = "NAME"` or `"of": "NAME"`, once. One too many would only be a team that nobody asks.
fn named_by_of(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for after in text.split("of").skip(1) {
        let after = after.trim_start_matches('"').trim_start();
        let Some(value) = after.strip_prefix(['=', ':']) else { continue };
        let Some(value) = value.trim_start().strip_prefix(['"', '\'']) else { continue };
        let name = value.split(['"', '\'']).next().unwrap_or_default();
        if regent_grants::is_name(name) && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_unknown_teams_are_read_in_a_trial() {
        let text = "[operations.open]\nrequire = [{ step = \"approval\", of = \"ops\", count = 2 }, \
                    { step = \"approval\", of=\"person-3\" }]\n";
        let grants = parse("firewall", "firewall.toml", text, None).unwrap().0;
        let steps: Vec<_> = grants.operations[0].require.iter().map(|step| (step.of.as_str(), step.count)).collect();
        assert_eq!(steps, [("ops", 2), ("person-3", 1)]);
    }

    #[test]
    fn what_a_plugin_asks_for_is_read_likewise_and_what_is_no_step_is_none() {
        let permits = Permits::none("x", "open").unwrap();
        let steps = permits.steps(r#"[{"step":"approval","of" : "sec-ops","count":3}]"#).unwrap();
        assert_eq!((steps[0].of.as_str(), steps[0].count), ("sec-ops", 3));
        assert!(permits.steps(r#"[{"step":"prayer","of":"ops"}]"#).is_err());
    }

    #[test]
    fn every_other_mistake_of_a_grants_file_is_one_in_a_trial_too() {
        let text = "[operations.open]\nrequire = [{ step = \"approval\", of = \"ops\", count = 0 }]\n";
        let mistakes = parse("x", "x.toml", text, None).unwrap_err().to_string();
        assert!(mistakes.contains("x.toml:2: count = 0 would ask nobody"), "{mistakes}");
    }

    #[test]
    fn without_a_pin_every_line_is_told_as_it_stands_in_the_file() {
        let text = "[operations.open]\n[commands.open]\nrun = [\"/usr/bin/true\", \"{port}\"]\n\
                    params.port = { type = \"integer\", max = 9 }\n";
        let (grants, warnings) = parse("x", "x.toml", text, None).unwrap();
        let command = grants.command("open").unwrap();
        let slot = command.params().next().unwrap().1.line();
        assert_eq!((grants.operations[0].line, command.line, slot), (1, 2, 4));
        assert!(warnings.iter().all(|warning| warning.starts_with("x.toml:1: operation open")), "{warnings:?}");
        let pinned = format!("sha256 = \"{}\"\n{text}", "a".repeat(64));
        assert_eq!(parse("x", "x.toml", &pinned, None).unwrap().0.operations[0].line, 2);
    }
}
