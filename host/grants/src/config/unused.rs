//! Persons and teams that no grants file needs: whoever put them in meant something by it.

use std::collections::BTreeSet;

use super::Config;
use crate::grants::Grants;
use crate::mistake::Mistake;

impl Config {
    /// Persons and teams that none of these grants files, which are all, needs: warnings. A plugin may ask for them
    /// still. The order is that of regent.toml.
    #[must_use]
    pub fn unused(&self, grants: &[Grants]) -> Vec<Mistake> {
        let operations = grants.iter().flat_map(|grants| &grants.operations);
        let asked: BTreeSet<&str> = operations.flat_map(|operation| &operation.require).map(|step| &*step.of).collect();
        let member = |person: &String| self.teams.values().any(|team| team.contains(person));
        let person = |person: &&String| {
            let admin = self.people.get(*person).is_some_and(|person| person.admin);
            !(admin || member(person) || asked.contains(person.as_str()))
        };
        let persons = self.people.keys().filter(person).map(|person| {
            (
                person,
                format!("person {person} is no admin, in no team and in no require: add them to one, or take it out"),
            )
        });
        let teams = self.teams.keys().filter(|team| !asked.contains(team.as_str())).map(|team| {
            (
                team,
                format!("team {team} is in no require: add {{ step = \"approval\", of = {team:?} }}, or take it out"),
            )
        });
        let line = |name: &str| self.lines.get(name).copied().unwrap_or(1);
        let said = |(name, text): (&String, String)| Mistake { file: self.file.clone(), line: line(name), text };
        let mut unused: Vec<_> = persons.chain(teams).map(said).collect();
        unused.sort_by_key(|mistake| mistake.line);
        unused
    }
}
