//! Good clients of several users. Each asks for one thing after the other, under a token that is used once, and writes
//! down what it was told: one line of JSON an answer.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use regent_build::{At as _, Error, Result};
use regent_client::{Answer, Client, Code, Data, Error as Answered, Options};
use serde::{Deserialize, Serialize};

use super::stage::Stage;
use crate::attackers;
use crate::bench::regentd::SECRET;

/// The word by which this program becomes one of them.
pub(crate) const WORD: &str = "soak-client";
/// The uids of theirs; nobody's.
const UIDS: [u32; 4] = [63_000, 63_001, 63_002, 63_003];
/// Between two requests: good clients do not flood.
const PAUSE: Duration = Duration::from_millis(15);
/// How long it listens for an answer, beside what the daemon was asked to wait.
const PATIENCE: Duration = Duration::from_secs(20);
/// What the daemon is asked to wait for an approval, and how long it is asked again: who approves has others before it.
const WAIT: Duration = Duration::from_secs(10);
const WAITS: Duration = Duration::from_secs(60);

/// What a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    /// Nothing runs.
    Echo,
    /// A command that nobody has to approve.
    Now,
    /// The same under a key, and once more under it.
    Keyed,
    /// A command that is approved.
    Approved,
    /// One that its requester gives up.
    Cancelled,
}

const KINDS: [Kind; 5] = [Kind::Echo, Kind::Now, Kind::Keyed, Kind::Approved, Kind::Cancelled];

/// What it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum End {
    Done,
    /// Done when it was asked again under its key; the request of this reference had failed.
    DoneAfter(String),
    Cancelled,
    /// Somebody has killed its sandbox or its command: told as a failure, and on record as one.
    Failed,
    /// It did not begin.
    Refused,
    /// It is held, and this client waited no longer than a minute.
    Waits,
    /// What nobody should hear.
    Wrong(String),
}

/// One request, and what came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) token: String,
    pub(super) kind: Kind,
    pub(super) uid: u32,
    pub(super) end: End,
}

/// The words of such a process.
#[derive(Debug, clap::Args)]
pub(crate) struct ClientArgs {
    socket: PathBuf,
    secret: String,
    uid: u32,
    round: u64,
}

/// A process for each uid.
pub(super) struct Clients(Vec<Child>);

impl Clients {
    pub(super) fn begin(stage: &Stage) -> Result<Self> {
        let folder = stage.folder().join("told");
        fs::create_dir_all(&folder).at(&folder)?;
        let program = attackers::program(stage.folder())?;
        let mut begun = Self(Vec::new());
        for uid in UIDS {
            let path = folder.join(uid.to_string());
            let told = File::options().create(true).append(true).open(&path).at(&path)?;
            let round = fs::read_to_string(&path).at(&path)?.lines().count().to_string();
            let mut command = Command::new(&program);
            command.arg(WORD).arg(stage.socket()).args([SECRET, &uid.to_string(), &round]).uid(uid).gid(uid);
            begun.0.push(command.current_dir("/").stdin(Stdio::piped()).stdout(told).spawn().at(&program)?);
        }
        Ok(begun)
    }

    pub(super) fn end(mut self) -> Result<()> {
        self.0.iter_mut().for_each(|child| drop(child.stdin.take()));
        for child in &mut self.0 {
            let status = child.wait().map_err(|why| Error::new(why.to_string()))?;
            if !status.success() {
                return Err(Error::new(format!("a good client ended with {status}")));
            }
        }
        Ok(())
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _already_ended = child.kill();
            let _ended = child.wait();
        }
    }
}

/// One process: a thread a kind, until standard input ends.
pub(crate) fn client(args: ClientArgs) -> Result<()> {
    let ClientArgs { socket, secret, uid, round } = args;
    let ends = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = KINDS
        .into_iter()
        .map(|kind| {
            let (client, ends, name) =
                (Client::new(&socket, &secret), Arc::clone(&ends), format!("{uid}-{round}-{kind:?}"));
            thread::spawn(move || ask_on(client, kind, uid, &name, &ends))
        })
        .collect();
    let _until_it_ends = std::io::stdin().read_to_end(&mut Vec::new());
    ends.store(true, Ordering::Relaxed);
    threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| Error::new("a client panicked")))
}

fn ask_on(client: Client, kind: Kind, uid: u32, name: &str, ends: &AtomicBool) {
    let mut client = client.with_patience(PATIENCE);
    for number in 0_u64.. {
        if ends.load(Ordering::Relaxed) {
            return;
        }
        let token = format!("{name}-{number}");
        let end = match kind {
            Kind::Echo => echo(&mut client, &token),
            Kind::Now => end(&client.call("mark", data(&token), &Options::default())),
            Kind::Keyed => keyed(&mut client, &token),
            Kind::Approved => approved(&mut client, &token),
            Kind::Cancelled => cancelled(&mut client, &token),
        };
        let told = serde_json::to_string(&Told { token, kind, uid, end }).unwrap_or_default();
        let _nobody_reads_it_then = std::io::stdout().write_all(format!("{told}\n").as_bytes());
        // Keys are few: an eighth of what is free, for as long as results are kept.
        thread::sleep(if kind == Kind::Keyed { PAUSE * 40 } else { PAUSE });
    }
}

fn data(token: &str) -> Data {
    Data::parse(&format!("{{\"token\": \"{token}\"}}")).unwrap_or_else(|_| Data::null())
}

fn echo(client: &mut Client, token: &str) -> End {
    match client.call("echo", data(token), &Options::default()) {
        Ok(Answer::Done(said)) if said.as_str() != data(token).as_str() => {
            End::Wrong(format!("another's: {}", said.as_str()))
        }
        answer => end(&answer),
    }
}

fn end(answer: &std::result::Result<Answer, Answered>) -> End {
    match answer {
        Ok(Answer::Done(_)) => End::Done,
        Ok(Answer::Held(_)) => End::Waits,
        Err(Answered::Refused { code, text, .. }) => match code {
            Some(Code::Busy | Code::Rate) => End::Refused,
            Some(Code::Failed | Code::CommandFailed | Code::Timeout) => End::Failed,
            _ => End::Wrong(format!("{code:?}: {text}")),
        },
        Err(why) => End::Wrong(why.to_string()),
    }
}

/// Asked again it hears the same, unless it had not begun: then its plugin's process was killed while it planned.
fn keyed(client: &mut Client, token: &str) -> End {
    let options = Options { key: Some(token.to_owned()), ..Options::default() };
    let answer = client.call("mark", data(token), &options);
    let first = end(&answer);
    if first == End::Refused {
        return first;
    }
    match (end(&client.call("mark", data(token), &options)), answer) {
        (second, _) if second == first => first,
        (End::Done, Err(Answered::Refused { reference: Some(reference), .. })) => End::DoneAfter(reference),
        (second, _) => End::Wrong(format!("{first:?} at first, then {second:?}")),
    }
}

fn approved(client: &mut Client, token: &str) -> End {
    match client.call("held", data(token), &Options::default()) {
        Ok(Answer::Held(held)) => its_end(client, &held.uid),
        answer => end(&answer),
    }
}

fn its_end(client: &mut Client, handle: &str) -> End {
    let begin = Instant::now();
    loop {
        let asked = Instant::now();
        match client.wait(handle, WAIT) {
            Ok(Answer::Held(_)) if asked.elapsed() < WAIT => {
                return End::Wrong(format!("it waits on, after {:?}", asked.elapsed()));
            }
            Ok(Answer::Held(_)) if begin.elapsed() < WAITS => {}
            answer => return end(&answer),
        }
    }
}

fn cancelled(client: &mut Client, token: &str) -> End {
    match client.call("held", data(token), &Options::default()) {
        Ok(Answer::Held(held)) => match client.cancel(&held.uid) {
            Ok(regent_client::State::Cancelled) => End::Cancelled,
            other => End::Wrong(format!("not cancelled: {other:?}")),
        },
        answer => end(&answer),
    }
}
