//! Every verb takes the options that say which daemon, so that a variable or a script's prefix fits all of them. Its
//! help shows those that it uses.

use clap::{Command, CommandFactory as _, FromArgMatches as _};

use super::Arguments;

const REQUEST: [&str; 2] = ["socket", "secret_file"];
const ADMIN: [&str; 1] = ["admin"];

/// What was typed; whoever typed it wrong is told, and this does not return.
pub(crate) fn parse() -> Arguments {
    Arguments::from_arg_matches(&command().get_matches()).unwrap_or_else(|error| error.exit())
}

/// The command line as people see it.
pub(crate) fn command() -> Command {
    let whole = Arguments::command();
    let places: Vec<_> = whole.get_arguments().filter(|option| option.is_global_set()).cloned().collect();
    whole.mut_subcommands(|verb| {
        let (name, nested) = (verb.get_name().to_owned(), verb.has_subcommands());
        let with = |verb: Command, used: &[&str]| {
            let hidden = |place: &clap::Arg| place.clone().hide(!used.contains(&place.get_id().as_str()));
            verb.args(places.iter().map(hidden))
        };
        // Of a group of verbs each has its own.
        let verb = if nested {
            verb.mut_subcommands(|inner| {
                let used = used(inner.get_name());
                with(inner, used)
            })
        } else {
            verb
        };
        with(verb, used(&name))
    })
}

/// The options that this verb does not ignore.
fn used(verb: &str) -> &'static [&'static str] {
    match verb {
        "call" | "read" | "cancel" | "ops" => &REQUEST,
        "pending" | "show" | "approve" | "deny" | "reload" | "status" | "why" | "list" | "upgrade" | "rollback" => {
            &ADMIN
        }
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_takes_every_place_and_shows_the_ones_that_it_uses() {
        command().debug_assert();
        let help = |words: &[&str]| {
            let error = command().try_get_matches_from([&["regent"], words, &["--help"]].concat()).unwrap_err();
            ["--socket", "--secret-file", "--admin"].map(|option| error.to_string().contains(option))
        };
        assert_eq!(help(&["read"]), [true, true, false]);
        assert_eq!(help(&["pending"]), [false, false, true]);
        assert_eq!(help(&["plugin", "list"]), [false, false, true]);
        assert_eq!(help(&["plugin", "build"]), [false; 3]);
        assert_eq!(help(&["init"]), [false; 3]);
        assert_eq!(help(&[]), [true; 3]);
        for words in [["--admin", "/a", "check"], ["check", "--admin", "/a"]] {
            let matches = command().try_get_matches_from([&["regent"][..], &words].concat()).unwrap();
            assert_eq!(Arguments::from_arg_matches(&matches).unwrap().place.admin, Some("/a".into()));
        }
    }
}
