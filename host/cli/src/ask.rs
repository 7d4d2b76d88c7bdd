//! `call`, `read`, `cancel`: a requester's side.

use std::path::{Path, PathBuf};

use regent_client::{Answer, Client, Error, Held, Options, State};
use regent_protocol::visible;

use crate::arguments::{Call, Place, Read};
use crate::ending::{Ending, Failure};
use crate::{data, output};

pub(crate) fn call(place: &Place, call: &Call) -> Result<Ending, Failure> {
    let op = call.op.as_deref().ok_or_else(|| Failure::usage("which operation? `regent ops` lists them"))?;
    let (mut client, path) = client(place)?;
    let data = data::of_words(&call.pairs, call.data.as_deref())?;
    let options = Options { dry_run: call.dry_run, wait: call.patience.wait, id: None, key: call.key.clone() };
    tell(client.call(op, data, &options), &path)
}

pub(crate) fn read(place: &Place, read: &Read) -> Result<Ending, Failure> {
    let (mut client, path) = client(place)?;
    let answer = match read.patience.wait {
        Some(wait) => client.wait(&read.uid, wait),
        None => client.read(&read.uid),
    };
    tell(answer, &path)
}

pub(crate) fn cancel(place: &Place, uid: &str) -> Result<Ending, Failure> {
    let (mut client, path) = client(place)?;
    match client.cancel(uid).map_err(|error| Failure::of_request(&error, &path))? {
        State::Cancelled => output::print("cancelled").map(|()| Ending::Done),
        state => Err(Failure::other(format!("not cancelled: it is {state}"))),
    }
}

/// Whom to ask, and where that is.
pub(crate) fn client(place: &Place) -> Result<(Client, PathBuf), Failure> {
    let (path, secret) = place.request_socket()?;
    Ok((Client::new(&path, secret.as_str()), path))
}

fn tell(answer: Result<Answer, Error>, path: &Path) -> Result<Ending, Failure> {
    match answer.map_err(|error| Failure::of_request(&error, path))? {
        Answer::Done(data) => output::result(&data).map(|()| Ending::Done),
        Answer::Held(held) => {
            output::complain(&how_to_go_on(&held));
            // The uid is the daemon's, but whatever listens at the socket could say anything.
            output::print(&visible::line(&held.uid)).map(|()| Ending::Held)
        }
    }
}

/// What a person is told of a hold.
fn how_to_go_on(held: &Held) -> String {
    let mut words = held.state.unwrap_or(State::Held).to_string();
    let more = [("until", &held.expires), ("waiting for", &held.step), ("phrase", &held.phrase)];
    for (what, value) in more {
        if let Some(value) = value {
            words.push_str(&format!(", {what} {value}"));
        }
    }
    let uid = visible::argument(&held.uid);
    format!("{words}: {} (go on with: regent read {uid} --wait, or: regent cancel {uid})", held.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_held_is_told_the_state_the_end_and_how_to_go_on() {
        let held = Held {
            uid: "u-1".into(),
            state: Some(State::Held),
            text: "Waiting for ops".into(),
            step: Some("approval".into()),
            expires: Some("2026-01-01T00:00:00Z".into()),
            phrase: None,
        };
        assert_eq!(
            how_to_go_on(&held),
            "held, until 2026-01-01T00:00:00Z, waiting for approval: Waiting for ops \
             (go on with: regent read u-1 --wait, or: regent cancel u-1)"
        );
    }
}
