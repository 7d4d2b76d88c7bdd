//! What a client reads of a daemon, of this version or a later one: a reply, each view that may be its data, and what
//! of it is shown to people.

use regent_protocol::{
    AdminReply, AnswerLine, Data, DryRun, HoldView, OperationView, PluginView, Reloaded, StatusView, WhyView, visible,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cost;

/// The largest views are lists of small records, whose fields are 24 bytes where nothing is written of them.
const TIMES: usize = 200;
const BESIDE: usize = 4 << 10;

/// The target.
pub fn read(bytes: &[u8]) {
    let Ok(answer) = cost::within(bytes, TIMES, BESIDE, || AnswerLine::read(bytes)) else { return };
    match &answer {
        AnswerLine::Success { data, .. } => {
            views(bytes, data);
            shown(data.as_str());
        }
        AnswerLine::Error { text, .. } => shown(text),
    }
}

fn views(bytes: &[u8], data: &Data) {
    same::<DryRun>(bytes, data);
    same::<HoldView>(bytes, data);
    same::<Vec<HoldView>>(bytes, data);
    same::<Vec<OperationView>>(bytes, data);
    same::<Vec<PluginView>>(bytes, data);
    same::<Reloaded>(bytes, data);
    same::<StatusView>(bytes, data);
    same::<WhyView>(bytes, data);
}

/// What was read is written as what is read again.
fn same<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(bytes: &[u8], data: &Data) {
    let read = || AdminReply::read::<T>(data);
    let Some(view) = cost::within(bytes, TIMES, BESIDE, read) else { return };
    let written = serde_json::to_string(&view).expect("a view can be written");
    let again: T = serde_json::from_str(&written).expect("a view that was written can be read");
    assert_eq!(serde_json::to_string(&again).expect("as before"), written);
}

/// Nothing that a person sees moves a terminal, and a word of a command line is one line.
fn shown(text: &str) {
    let moves = |character: char| character.is_control() || ('\u{202a}'..='\u{202e}').contains(&character);
    assert!(!visible::line(text).chars().any(moves));
    assert!(!visible::argument(text).chars().any(moves));
    assert!(!visible::text(text).chars().any(|character| moves(character) && !matches!(character, '\n' | '\t')));
    assert_eq!(visible::line(&visible::line(text)), visible::line(text));
}
