//! The admin socket: who connects is who the kernel says, and decides what names it. No secret, no plugin, no
//! operation.

use std::rc::Rc;

use regent_peer::Peer;
use regent_protocol::{AdminReply, AdminRequest, Data, Line, Refusal, Rejection, State, WhyView};

use crate::auth::consent::No;
use crate::auth::people::Approver;
use crate::held::{Held, view};
use crate::installed::Installed;
use crate::kept::audit::AuditLog;
use crate::kept::event::{Event, EventKind};
use crate::policy::CurrentPolicy;
use crate::record::denial::Because;
use crate::record::hold::{Hold, HoldId};
use crate::record::requester::Requester;
use crate::record::why::Why;
use crate::refusals::RefusalLog;
use crate::reload::Reload;
use crate::resume::Resumer;
use crate::status::StatusSource;
use crate::why::{log, unserved};

/// What stands for a socket's name where somebody is refused here; no socket can be called so.
const SOCKET: &str = "admin socket";

/// An administrator, as whoever asks is recorded.
pub fn requester(peer: Peer) -> Requester {
    let Peer { uid, gid, groups, pid, .. } = peer;
    Requester { socket: SOCKET.into(), uid, gid, groups, pid, trusted: true }
}

#[derive(Debug)]
pub struct Admin {
    pub policy: Rc<CurrentPolicy>,
    pub held: Rc<Held>,
    pub installed: Rc<Installed>,
    pub resumer: Rc<Resumer>,
    pub reload: Reload,
    pub refusals: Rc<RefusalLog>,
    pub audit: AuditLog,
    pub status: StatusSource,
}

impl Admin {
    pub async fn answer(&self, requester: &Requester, line: &[u8], reference: &str) -> Vec<u8> {
        let refused = |because| self.refusals.refuse(requester, reference, because);
        let line = match Line::read(line) {
            Ok(line) => line,
            Err(rejection) => return refused(Because::stranger(rejection.into())).to_line(None),
        };
        let reply = match line.admin() {
            Ok(request) => {
                let approver = self.policy.get().people.approver(requester.uid);
                self.serve(&approver, &request).await.map_err(|why| why.asked(request.verb(), &about(&request)))
            }
            Err(rejection) => Err(Because::stranger(rejection.into())),
        };
        match reply {
            Ok(reply) => reply.to_line(line.id()),
            Err(because) => refused(because).to_line(line.id()),
        }
    }

    async fn serve(&self, approver: &Approver, request: &AdminRequest) -> Result<AdminReply, Because> {
        let policy = self.policy.get();
        let (held, people) = (&self.held, &policy.people);
        let hold = match request {
            AdminRequest::Pending => {
                let pending = held.pending(people, approver).await;
                return Ok(AdminReply::Pending(pending.iter().map(view).collect()));
            }
            AdminRequest::Show { hold } => held.show(people, approver, &id(hold)?).await.ok_or_else(unknown_hold)?,
            AdminRequest::Approve { hold } => self.approve(approver, &id(hold)?).await?,
            AdminRequest::Deny { hold } => held.deny(people, approver, &id(hold)?).await?,
            AdminRequest::Reload | AdminRequest::Status | AdminRequest::Plugins | AdminRequest::Why { .. } => {
                return self.administer(approver, request).await;
            }
        };
        Ok(AdminReply::Hold(Box::new(view(&hold))))
    }

    /// What concerns everybody is for those who may see everything.
    async fn administer(&self, approver: &Approver, request: &AdminRequest) -> Result<AdminReply, Because> {
        if !approver.all {
            let refusal = Refusal::may_not("only root and persons with admin = true may ask this");
            return Err(Because::of(refusal, Why::MayNot));
        }
        match request {
            AdminRequest::Reload => {
                let decider = approver.decider();
                let event = Event { decider: Some(&decider), ..Event::of(EventKind::Reload) };
                self.audit.record_or_log(&event);
                Ok(AdminReply::Reloaded(self.reload.order().await.ok_or_else(Refusal::shutting_down)?))
            }
            AdminRequest::Status => Ok(AdminReply::Status(Box::new(self.status.view(&self.policy.get())))),
            AdminRequest::Plugins => Ok(AdminReply::Plugins(self.installed.views(&self.policy.get()))),
            AdminRequest::Why { reference } => {
                let why = self.why(reference).await;
                let why = why.ok_or_else(|| Because::of(Refusal::unknown_reference(), Why::UnknownReference))?;
                Ok(AdminReply::Why(Box::new(why)))
            }
            _ => Err(Refusal::from(Rejection::UnknownVerb).into()),
        }
    }

    /// A yes. What is no longer what would run is voided before it is approved; what is approved runs at once, whether
    /// or not anybody is still connected.
    async fn approve(&self, approver: &Approver, id: &HoldId) -> Result<Hold, Because> {
        let policy = self.policy.get();
        let hold = self.held.may_approve(&policy.people, approver, id).await?;
        if let Some(cause) = self.resumer.difference(&hold).await {
            return Ok(self.held.void(id, cause).await?);
        }
        // Whose consent counts may have changed while the plan was compared.
        let policy = self.policy.get();
        let hold = self.held.approve(&policy.people, approver, id).await?;
        crate::info!("hold {id}: {} approved by {}", hold.operation, approver.person.as_deref().unwrap_or_default());
        if hold.state == State::Approved {
            self.resumer.start(id.clone());
        }
        Ok(hold)
    }

    /// The refusal of this reference, from memory or from the audit log.
    async fn why(&self, reference: &str) -> Option<WhyView> {
        let policy = self.policy.get();
        let explained = match self.refusals.remembered.find(reference) {
            Some(explained) => (*explained).clone(),
            None => log::in_log(policy.config.audit.clone(), &self.held, reference).await?,
        };
        Some(unserved::look(explained, self.installed.views(&policy)).await)
    }
}

/// What the request is about, for who asks why it was refused.
fn about(request: &AdminRequest) -> Data {
    let about = match request {
        AdminRequest::Why { reference } => Some(reference.as_str()),
        request => request.hold(),
    };
    about.map_or_else(Data::null, Data::string)
}

fn unknown_hold() -> Because {
    Because::of(Refusal::unknown_hold(), Why::UnknownHold)
}

fn id(text: &str) -> Result<HoldId, Because> {
    HoldId::parse(text).ok_or_else(unknown_hold)
}

impl From<No> for Because {
    fn from(no: No) -> Self {
        match no {
            No::Unknown => unknown_hold(),
            No::NotHeld(state) => Self::of(Refusal::no_longer_held(state), Why::TooLate),
            No::MayNot(why) => Self::of(Refusal::may_not(why), Why::MayNot),
            No::NotWritten(why) => Self::of(Refusal::failed_with(&why), Why::NotStored(why)),
        }
    }
}
