//! The admin socket: who connects is who the kernel says, and decides what names it. No secret, no plugin, no operation.

use std::rc::Rc;

use regent_peer::Peer;
use regent_protocol::{AdminReply, AdminRequest, Code, Data, Line, Refusal, Rejection, State};

use crate::auth::consent::No;
use crate::auth::people::Approver;
use crate::daemon::Daemon;
use crate::gate::Requester;
use crate::held::view;
use crate::hold::{Hold, HoldId};
use crate::kept::audit::Event;
use crate::refusals::{Because, refused};
use crate::{reload, resume, status, why};

/// What stands for a socket's name where somebody is refused here; no socket can be called so.
const SOCKET: &str = "admin socket";

/// An administrator, as whoever asks is recorded.
#[must_use]
pub fn requester(peer: Peer) -> Requester {
    let Peer { uid, gid, groups, pid, .. } = peer;
    Requester { socket: SOCKET.into(), uid, gid, groups, pid, trusted: true }
}

/// One line of one administrator.
pub async fn answer(daemon: &Rc<Daemon>, requester: &Requester, line: &[u8], reference: &str) -> Vec<u8> {
    let approver = daemon.held.people().approver(requester.uid);
    let line = match Line::read(line) {
        Ok(line) => line,
        Err(no) => return refused(daemon, requester, reference, Because::stranger(no.into())).to_line(None),
    };
    let reply = match line.admin() {
        Ok(request) => serve(daemon, &approver, &request).await.map_err(|no| because(no, &request)),
        Err(rejection) => Err(Because::stranger(rejection.into())),
    };
    match reply {
        Ok(reply) => reply.to_line(line.id()),
        Err(because) => refused(daemon, requester, reference, because).to_line(line.id()),
    }
}

/// What is said to nobody but who asks why.
fn because(refusal: Refusal, request: &AdminRequest) -> Because {
    let about = match request {
        AdminRequest::Why { reference } => Some(reference.as_str()),
        request => request.hold(),
    };
    let why = match (request, refusal.code) {
        (AdminRequest::Why { .. }, Code::UnknownUid) => {
            "nothing that is still remembered, nor any record of the audit log, has this reference"
        }
        (_, Code::UnknownUid) => {
            "no hold that this person may see has this ID: it is for others to decide, or is no longer kept \
             (keep_results), or never was"
        }
        (_, Code::NotAuthorised) => {
            "[people] and the steps of the hold say who may decide; all else is for root and persons with admin = true"
        }
        _ => "it was decided, or its time was over, before this came",
    };
    let data = about.map_or_else(Data::null, Data::string);
    Because::of(refusal, why.into()).asked(request.verb(), &data)
}

async fn serve(daemon: &Rc<Daemon>, approver: &Approver, request: &AdminRequest) -> Result<AdminReply, Refusal> {
    let hold = match request {
        AdminRequest::Pending => {
            let pending = daemon.held.pending(approver).await;
            return Ok(AdminReply::Pending(pending.iter().map(view).collect()));
        }
        AdminRequest::Show { hold } => {
            daemon.held.show(approver, &id(hold)?).await.ok_or_else(Refusal::unknown_hold)?
        }
        AdminRequest::Approve { hold } => approve(daemon, approver, &id(hold)?).await?,
        AdminRequest::Reload | AdminRequest::Status | AdminRequest::Plugins | AdminRequest::Why { .. } => {
            return administer(daemon, approver, request).await;
        }
        AdminRequest::Deny { hold } => daemon.held.deny(approver, &id(hold)?).await.map_err(refusal)?,
    };
    Ok(AdminReply::Hold(Box::new(view(&hold))))
}

/// What concerns everybody is for those who may see everything.
async fn administer(daemon: &Rc<Daemon>, approver: &Approver, request: &AdminRequest) -> Result<AdminReply, Refusal> {
    if !approver.all {
        return Err(Refusal::may_not("only root and persons with admin = true may ask this"));
    }
    match request {
        AdminRequest::Reload => {
            let by = approver.person.clone().unwrap_or_default();
            let event = Event { event: "reload", uid: Some(approver.uid), by: Some(&by), ..Event::default() };
            if let Err(why) = daemon.record(&event) {
                crate::error!("{why}");
            }
            Ok(AdminReply::Reloaded(reload::reload(daemon).await))
        }
        AdminRequest::Status => Ok(AdminReply::Status(Box::new(status::view(daemon)))),
        AdminRequest::Plugins => Ok(AdminReply::Plugins(daemon.installed.views(&daemon.policy()))),
        AdminRequest::Why { reference } => {
            let why = why::find(daemon, reference).await.ok_or_else(Refusal::unknown_reference)?;
            Ok(AdminReply::Why(Box::new(why)))
        }
        _ => Err(Rejection::UnknownVerb.into()),
    }
}

/// A yes. What is no longer what would run is voided before it is approved; what is approved runs at once, whether or not
/// anybody is still connected.
async fn approve(daemon: &Rc<Daemon>, approver: &Approver, id: &HoldId) -> Result<Hold, Refusal> {
    let hold = daemon.held.may_approve(approver, id).await.map_err(refusal)?;
    if let Some(field) = resume::difference(daemon, &hold).await {
        let voided = daemon.held.void(id, &field).await;
        return voided.map_err(refusal);
    }
    let hold = daemon.held.approve(approver, id).await.map_err(refusal)?;
    crate::info!("hold {id}: {} approved by {}", hold.operation, approver.person.as_deref().unwrap_or_default());
    if hold.state == State::Approved {
        resume::start(daemon, id.clone());
    }
    Ok(hold)
}

fn id(text: &str) -> Result<HoldId, Refusal> {
    HoldId::parse(text).ok_or_else(Refusal::unknown_hold)
}

fn refusal(no: No) -> Refusal {
    match no {
        No::Unknown => Refusal::unknown_hold(),
        No::NotHeld(state) => Refusal::no_longer_held(state),
        No::MayNot(why) => Refusal::may_not(why),
        No::NotWritten(why) => Refusal::failed_with(&why),
    }
}
