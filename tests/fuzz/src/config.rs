//! regent.toml: taken whole or refused by line, and the secrets in it told nowhere.

use std::fmt::Debug;

use regent_grants::{Config, Mistake, SecretSource};

/// The target.
pub fn read(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Config::parse("regent.toml", text) {
        Ok(checked) => {
            lines(text, &checked.warnings);
            let config = &checked.value;
            assert!(!config.plugins.is_empty() && !config.sockets.is_empty() && config.sandbox.count > 0);
            assert!(config.plugins.iter().chain([&config.state, &config.audit]).all(|path| path.is_absolute()));
            members(config);
            for socket in &config.sockets {
                assert!(socket.path.is_absolute() && socket.mode <= 0o777);
                if let SecretSource::Text(secret) = &socket.secret {
                    untold(text, secret.reveal(), &checked);
                }
            }
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            lines(text, &mistakes.iter().cloned().collect::<Vec<_>>());
        }
    }
}

/// Everybody who is named is somebody.
fn members(config: &Config) {
    for (team, persons) in &config.teams {
        assert!(!persons.is_empty() && !config.people.contains_key(team));
        assert!(persons.iter().all(|person| config.people.contains_key(person)));
    }
    for name in config.people.keys().chain(config.teams.keys()) {
        assert!(config.members(name).is_some_and(|members| !members.is_empty()));
    }
}

/// Each has a line of the file and says something.
pub(crate) fn lines(text: &str, said: &[Mistake]) {
    let lines = text.matches('\n').count() + 1;
    for mistake in said {
        assert!((1..=lines).contains(&mistake.line) && !mistake.text.is_empty(), "{mistake}");
    }
}

/// A secret that stands in the file once, as it is, and is none that could stand elsewhere by chance.
fn untold(text: &str, secret: &str, told: &impl Debug) {
    let odd = secret.len() >= 16 && secret.chars().all(|letter| letter.is_ascii_digit());
    if odd && text.matches(secret).count() == 1 {
        assert!(!format!("{told:?}").contains(secret), "a secret is told: {secret}");
    }
}
