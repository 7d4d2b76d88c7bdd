//! What the connection does next.

use std::time::Duration;

use regent_protocol::Reply;

use crate::record::hold::HoldId;

#[derive(Debug)]
pub enum Answered {
    Now(Reply),
    /// Replies, but not before this is over.
    Late(Reply, Duration),
    /// Replies when this hold has ended, or the time is over.
    Waits {
        id: HoldId,
        uid: String,
        wait: Duration,
    },
}
