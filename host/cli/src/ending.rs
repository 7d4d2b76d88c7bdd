//! How `regent` ends: numbers that scripts rely on.

use regent_client::{Code, Error};
use regent_protocol::visible;

/// The same as the numbers below, for people; part of every help text. A macro, for `concat!` takes nothing else.
macro_rules! table {
    () => {
        "\
Exit status:
   0  done, or decided
   1  any other error: the operation failed, bad data, unknown hold, no answer in time, ...
   2  wrong usage
  69  no daemon at the socket
  75  held: not over yet, also when --wait ends before it is decided
  77  refused: the codes denied, unknown-operation and not-authorised
  78  mistakes in the configuration or the grants"
    };
}
pub(crate) use table;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Done,
    Failed,
    Usage,
    /// `EX_UNAVAILABLE` of sysexits(3).
    NoDaemon,
    /// `EX_TEMPFAIL` of sysexits(3).
    Held,
    /// `EX_NOPERM` of sysexits(3).
    Refused,
    /// `EX_CONFIG` of sysexits(3).
    Mistakes,
    /// As the program that was started for it ended.
    As(u8),
}

impl Ending {
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NoDaemon => 69,
            Self::Held => 75,
            Self::Refused => 77,
            Self::Mistakes => 78,
            Self::As(number) => number,
        }
    }
}

/// Why it ended badly: the words for standard error, not yet harmless.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) words: String,
    pub(crate) ending: Ending,
    /// What to do next, as a line of its own; not yet harmless either.
    pub(crate) advice: Option<String>,
}

impl Failure {
    pub(crate) fn usage(words: impl Into<String>) -> Self {
        Self { words: words.into(), ending: Ending::Usage, advice: None }
    }

    pub(crate) fn other(words: impl Into<String>) -> Self {
        Self { words: words.into(), ending: Ending::Failed, advice: None }
    }

    /// What a client of the socket at `path` said.
    pub(crate) fn of_client(error: &Error, path: &std::path::Path) -> Self {
        let ending = match error {
            Error::NoDaemon(_) => Ending::NoDaemon,
            Error::Refused { code: Some(Code::Denied | Code::UnknownOperation | Code::NotAuthorised), .. } => {
                Ending::Refused
            }
            _ => Ending::Failed,
        };
        let words = match error {
            Error::Refused { .. } => error.to_string(),
            _ => format!("{}: {error}", path.display()),
        };
        // Before any request: the socket's own permissions, which the administrator chose.
        let closed = matches!(error, Error::Io(why) if why.kind() == std::io::ErrorKind::PermissionDenied);
        let advice = closed.then(|| {
            let socket = visible::argument(&path.display().to_string());
            format!("you are not in the group that may connect: ls -l {socket} shows it, and group in regent.toml says which")
        });
        Self { words, ending, advice }
    }

    /// The same of a request socket, whose callers are told little: an administrator can say more about the reference.
    /// Who sent what is no request was told all that there is to know.
    pub(crate) fn of_request(error: &Error, path: &std::path::Path) -> Self {
        let advice = match error {
            Error::Refused { code: Some(Code::InvalidMessage | Code::TooLong), .. } => None,
            Error::Refused { reference: Some(reference), .. } => {
                Some(format!("ask the administrator: regent why {}", visible::argument(reference)))
            }
            _ => return Self::of_client(error, path),
        };
        Self { advice, ..Self::of_client(error, path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: Option<Code>) -> u8 {
        let error = Error::Refused { text: "No".into(), code, code_word: None, reference: None, state: None };
        Failure::of_client(&error, "/s".as_ref()).ending.number()
    }

    #[test]
    fn three_codes_are_refusals_and_every_other_is_a_failure() {
        for code in Code::ALL {
            let expected = match code {
                Code::Denied | Code::UnknownOperation | Code::NotAuthorised => 77,
                _ => 1,
            };
            assert_eq!(refused(Some(code)), expected, "{code}");
        }
        assert_eq!(refused(None), 1);
    }

    #[test]
    fn whose_line_was_no_request_is_not_sent_to_the_administrator() {
        let advice = |code| {
            let reference = Some("a b".to_owned());
            let error = Error::Refused { text: "No".into(), code, code_word: None, reference, state: None };
            Failure::of_request(&error, "/s".as_ref()).advice
        };
        let expected = Some("ask the administrator: regent why 'a b'".to_owned());
        for code in Code::ALL {
            let told_all = matches!(code, Code::InvalidMessage | Code::TooLong);
            assert_eq!(advice(Some(code)), expected.clone().filter(|_| !told_all), "{code}");
        }
        assert_eq!(advice(None), expected);
        assert_eq!(Failure::of_request(&Error::Timeout, "/s".as_ref()).advice, None);
    }

    #[test]
    fn no_daemon_is_told_with_its_path() {
        let failure = Failure::of_client(&Error::NoDaemon(std::io::ErrorKind::NotFound.into()), "/s".as_ref());
        assert_eq!(failure.ending.number(), 69);
        assert!(failure.words.starts_with("/s: no daemon: "), "{}", failure.words);
    }

    #[test]
    fn the_table_for_people_has_every_number() {
        use Ending::*;
        for ending in [Done, Failed, Usage, NoDaemon, Held, Refused, Mistakes] {
            let number = format!("{:>4}  ", ending.number());
            assert!(table!().lines().any(|line| line.starts_with(&number)), "{number}");
        }
    }
}
