//! Asking for operations over a request socket.

use std::path::PathBuf;
use std::time::Duration;

use regent_protocol::{AnswerLine, Ask, Code, Data, OperationView, Request, State};
use zeroize::Zeroizing;

use crate::connection::Line;
use crate::error::Error;

/// How long to wait for a reply beyond what was asked to `wait`: an administrator may give an operation more than the
/// default of 4.5 s, and what is approved at the last moment still has to run.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client of one request socket.
pub struct Client {
    line: Line,
    secret: Zeroizing<String>,
    patience: Duration,
}

/// What may be said with a call.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only say what would run.
    pub dry_run: bool,
    /// If it is held, wait for the decision for so long, 1 s to an hour.
    pub wait: Option<Duration>,
    /// A name for the exchange, at most 128 bytes; the reply must carry it.
    pub id: Option<String>,
    /// A name for the deed, 1 to 128 bytes: asked again under it, it is answered again and never done again, for as
    /// long as the daemon keeps results.
    pub key: Option<String>,
}

/// What the daemon said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Performed; the operation's result.
    Done(Data),
    /// Not over yet.
    Held(Held),
}

/// An operation that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What to read, wait for, answer or cancel it by.
    pub uid: String,
    /// Where it stands; `None` if the service says none, or one that this client does not know.
    pub state: Option<State>,
    /// For people.
    pub text: String,
    /// What it waits for.
    pub step: Option<String>,
    /// Until when (RFC 3339).
    pub expires: Option<String>,
    /// Words by which people can tell this hold from another.
    pub phrase: Option<String>,
}

impl Client {
    /// A client of the socket at this path. Nothing is connected before the first call, or [`Client::connect`].
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, secret: impl Into<String>) -> Self {
        Self { line: Line::to(path.into()), secret: Zeroizing::new(secret.into()), patience: PATIENCE }
    }

    /// The same client, waiting for so long for each reply, and for so much longer than a call's `wait`.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Connects now.
    ///
    /// # Errors
    /// [`Error::NoDaemon`], [`Error::Timeout`], [`Error::Io`].
    pub fn connect(&mut self) -> Result<(), Error> {
        self.line.connect()
    }

    /// Asks for an operation.
    ///
    /// # Errors
    /// Any [`Error`]; the daemon's own "no" is [`Error::Refused`].
    pub fn call(&mut self, op: &str, data: Data, options: &Options) -> Result<Answer, Error> {
        let ask = Ask::Operation {
            op: op.to_owned(),
            data,
            dry_run: options.dry_run,
            wait: options.wait,
            key: options.key.clone(),
        };
        self.ask(Request { id: options.id.clone(), ask })
    }

    /// What may be asked for here.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn list(&mut self) -> Result<Vec<OperationView>, Error> {
        match self.ask(Request { id: None, ask: Ask::List })? {
            Answer::Done(data) => {
                serde_json::from_str(data.as_str()).map_err(|_| Error::Protocol("the reply is no list"))
            }
            Answer::Held(_) => Err(Error::Protocol("the reply is no list")),
        }
    }

    /// How a held operation stands; once it is done, its result.
    ///
    /// # Errors
    /// As [`Client::call`]; one that ended otherwise is [`Error::Refused`] with its state.
    pub fn read(&mut self, uid: &str) -> Result<Answer, Error> {
        self.hold(uid, None, None, false)
    }

    /// The same, once it is decided, at the latest after `wait`, 1 s to an hour.
    ///
    /// # Errors
    /// As [`Client::read`].
    pub fn wait(&mut self, uid: &str, wait: Duration) -> Result<Answer, Error> {
        self.hold(uid, None, Some(wait), false)
    }

    /// Answers the step that a held operation waits for. `null` only reads.
    ///
    /// # Errors
    /// As [`Client::read`].
    pub fn answer(&mut self, uid: &str, data: Data) -> Result<Answer, Error> {
        self.hold(uid, Some(data), None, false)
    }

    /// Gives up a held operation, and says the state that it then has.
    ///
    /// # Errors
    /// As [`Client::call`], but not for one that ended, however it ended.
    pub fn cancel(&mut self, uid: &str) -> Result<State, Error> {
        match self.hold(uid, None, None, true) {
            Ok(Answer::Done(_)) => Ok(State::Done),
            Ok(Answer::Held(Held { state: Some(state), .. })) | Err(Error::Refused { state: Some(state), .. }) => {
                Ok(state)
            }
            Ok(Answer::Held(_)) => Err(Error::Protocol("the reply does not say what became of it")),
            Err(error) => Err(error),
        }
    }

    fn hold(&mut self, uid: &str, data: Option<Data>, wait: Option<Duration>, cancel: bool) -> Result<Answer, Error> {
        self.ask(Request { id: None, ask: Ask::Hold { uid: uid.to_owned(), data, wait, cancel } })
    }

    fn ask(&mut self, request: Request) -> Result<Answer, Error> {
        let wait = match &request.ask {
            Ask::Operation { wait, .. } | Ask::Hold { wait, .. } => wait.unwrap_or_default(),
            Ask::List => Duration::ZERO,
        };
        let line = Zeroizing::new(request.to_line(&self.secret).ok_or(Error::TooLong)?);
        let answer = self.line.exchange(&line, wait.saturating_add(self.patience))?;
        let id = match &answer {
            AnswerLine::Success { id, .. } | AnswerLine::Error { id, .. } => id,
        };
        // Services that know no `id` say none.
        if id.is_some() && *id != request.id {
            return Err(Error::Protocol("a reply to another request came back"));
        }
        read(answer)
    }
}

/// Blind about the secret.
impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("line", &self.line).finish_non_exhaustive()
    }
}

fn read(answer: AnswerLine) -> Result<Answer, Error> {
    match answer {
        AnswerLine::Success { uid: None, data, .. } => Ok(Answer::Done(data)),
        AnswerLine::Success { uid: Some(uid), data, state, step, expires, phrase, .. } => {
            let text = data.to_text().unwrap_or_else(|| data.as_str().to_owned());
            let state = state.as_deref().and_then(State::of_word);
            Ok(Answer::Held(Held { uid, state, text, step, expires, phrase }))
        }
        error @ AnswerLine::Error { .. } => Err(refused(error)),
    }
}

/// A reply that is an error, as an error.
pub(crate) fn refused(answer: AnswerLine) -> Error {
    match answer {
        AnswerLine::Error { text, code, reference, state, .. } => Error::Refused {
            text,
            code: code.as_deref().and_then(Code::of_word),
            code_word: code,
            reference,
            state: state.as_deref().and_then(State::of_word),
        },
        AnswerLine::Success { .. } => Error::Protocol("what came back is no refusal"),
    }
}
