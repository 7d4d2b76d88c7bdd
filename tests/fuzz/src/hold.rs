//! What the store keeps of a held operation: read again it is the same, and whatever it says, what is made of it can be
//! said.

use jiff::Timestamp;
use regent_protocol::State;
use regentd::kept::ending::Ending;
use regentd::record::hold::{Consent, Hold};

use crate::cost;

/// As views: small records of fields that take 24 bytes where nothing is written of them.
const TIMES: usize = 200;
const BESIDE: usize = 4 << 10;

/// The target.
pub fn read(bytes: &[u8]) {
    if let Ok(ending) = cost::within(bytes, TIMES, BESIDE, || Ending::parse(bytes)) {
        assert_eq!(Ending::parse(&ending.record().expect("an ending can be written")).ok(), Some(ending));
    }
    let Ok(hold) = cost::within(bytes, TIMES, BESIDE, || Hold::parse(bytes)) else { return };
    same(&hold);
    lives(hold);
}

fn same(hold: &Hold) {
    let record = hold.record().expect("a hold can be written");
    let again = Hold::parse(&record).expect("a hold that was written can be read");
    assert_eq!(again.record().expect("as before"), record);
    assert_eq!(again.bound.difference(&hold.bound), None);
}

/// On to each end, whatever is missing in it.
fn lives(hold: Hold) {
    assert_eq!(hold.is_live(), !hold.state.is_over());
    assert!(hold.deadline().is_none() || hold.is_live());
    let open = hold.steps.iter().filter(|step| !step.is_complete()).count();
    assert_eq!(hold.open_step().is_some(), open > 0);
    let consent = Consent { person: "anna".into(), uid: 1000, at: Timestamp::UNIX_EPOCH };
    let consented = hold.clone().consented(consent);
    match hold.open_step() {
        Some(step) => {
            let last = open == 1 && step.consents.len() + 1 >= step.count as usize;
            assert_eq!(consented.open_step().is_none(), last);
            assert!(consented.state == if last { State::Approved } else { hold.state });
        }
        None => assert_eq!(consented.state, State::Approved),
    }
    let ended = hold.ended(State::Void, None, Timestamp::UNIX_EPOCH);
    assert!(!ended.is_live() && ended.deadline().is_none());
    same(&ended);
}
