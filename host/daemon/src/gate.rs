//! Who is asking, and may it ask here at all. The first stage that looks into a line; it decides by the socket, the
//! kernel's word on the peer, and the secret, and by nothing that the line says of itself.

use std::rc::Rc;
use std::sync::Arc;

use regent_protocol::{Line, Refusal, Request};

use crate::policy::Socket;
use crate::record::denial::Because;
use crate::record::requester::Requester;
use crate::secrets::Secrets;

/// Who asks, and by which socket.
#[derive(Debug)]
pub struct Caller {
    pub socket: Arc<Socket>,
    pub requester: Rc<Requester>,
}

/// A request whose sender knew the socket's secret and whose every key has its type.
///
/// Having one tells nothing about whether the operation exists or whether this peer may see it.
#[derive(Debug)]
pub struct Admitted(Request);

impl Admitted {
    pub fn into_request(self) -> Request {
        self.0
    }
}

pub fn admit(secrets: &Secrets, line: &Line<'_>) -> Result<Admitted, Because> {
    if !line.secret().is_some_and(|given| secrets.admit(given)) {
        return Err(Because::wrong_secret());
    }
    Ok(Admitted(line.request().map_err(Refusal::from)?))
}
