//! What a consent is bound to. Each field is hashed when a request is held, and again, from what is true then, before it
//! runs; the first that differs voids the consent.

use regent_protocol::Data;

use crate::catalog::Found;
use crate::plan::{Plan, Unequal};
use crate::plugin::module::ModuleDigest;
use crate::process::Spawner;
use crate::record::hold::{Bound, Hold, PlannedStep};
use crate::record::reason::{BoundField, VoidCause};
use crate::record::requester::Requester;

/// The fields, as they are at one moment.
#[derive(Debug)]
pub struct Fields<'a> {
    /// The state folder's own name.
    pub instance: &'a str,
    pub requester: &'a Requester,
    /// The operation, as callers name it.
    pub operation: &'a str,
    pub data: &'a Data,
    /// The plugin's own bytes.
    pub state: &'a [u8],
    pub plan: &'a [PlannedStep],
    /// SHA-256 of the module.
    pub module: &'a ModuleDigest,
    /// All of the grants that bears on the operation.
    pub grants: String,
    /// When consent comes too late.
    pub expires: jiff::Timestamp,
}

impl Fields<'_> {
    /// Hashed, each under the name that an administrator is told.
    pub fn bound(&self) -> Bound {
        // What cannot be serialised would be the same each time; strings and numbers always can.
        let plan = serde_json::to_vec(self.plan).unwrap_or_default();
        Bound::of([
            (BoundField::Instance, self.instance.as_bytes().to_vec()),
            (BoundField::Socket, self.requester.socket.as_bytes().to_vec()),
            (BoundField::PeerUid, self.requester.uid.to_le_bytes().to_vec()),
            (BoundField::Operation, self.operation.as_bytes().to_vec()),
            (BoundField::Data, self.data.as_str().as_bytes().to_vec()),
            (BoundField::State, self.state.to_vec()),
            (BoundField::Plan, plan),
            (BoundField::Module, self.module.to_vec()),
            (BoundField::Grants, self.grants.as_bytes().to_vec()),
            (BoundField::Expiry, self.expires.to_string().into_bytes()),
        ])
    }
}

/// Why what was approved does not run now.
#[derive(Debug)]
pub enum NotNow {
    /// This is not as it was approved.
    Differs(VoidCause),
    /// Nobody said in time whether all is as it was approved.
    Unanswered(String),
    /// Its plugin does not serve, so nothing can be said: it stays approved until its time is over.
    Unserved,
}

impl From<VoidCause> for NotNow {
    fn from(cause: VoidCause) -> Self {
        Self::Differs(cause)
    }
}

impl From<Unequal> for NotNow {
    fn from(unequal: Unequal) -> Self {
        match unequal {
            Unequal::Differs(why) => Self::Differs(VoidCause::Plan(why)),
            Unequal::Unanswered(why) => Self::Unanswered(why),
        }
    }
}

/// The plan by today's grants on today's machine, if nothing has changed.
///
/// # Errors
/// [`NotNow`]: the field that has, or that nobody can say.
pub async fn compare(
    spawner: &Spawner,
    instance: &str,
    hold: &Hold,
    found: &Found,
    module: &ModuleDigest,
) -> Result<Plan, NotNow> {
    let fields = |plan: &[PlannedStep]| {
        let fields = Fields {
            instance,
            requester: &hold.requester,
            operation: &hold.operation,
            data: &hold.data,
            state: &hold.plugin_state,
            plan,
            module,
            grants: found.grants().digest_text(found.operation()),
            expires: hold.expires,
        };
        fields.bound()
    };
    // First all but the plan, which changed grants may make impossible to make again: the grants are the better word then.
    if let Some(field) = hold.bound.difference(&fields(&hold.plan)) {
        return Err(VoidCause::Differs(field).into());
    }
    let plan = Plan::again(spawner, found.grants(), &hold.plan).await?;
    match hold.bound.difference(&fields(&plan.planned())) {
        Some(field) => Err(VoidCause::Differs(field).into()),
        None => Ok(plan),
    }
}
