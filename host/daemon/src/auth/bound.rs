//! What a consent is bound to. Each field is hashed when a request is held, and again, from what is true then, before
//! it runs; the first that differs voids the consent.

use crate::catalog::Found;
use crate::plan::{Plan, Unequal};
use crate::plugin::module::ModuleDigest;
use crate::process::Spawner;
use crate::record::hold::{Bound, Hold, PlannedStep};
use crate::record::reason::{BoundField, VoidCause};
use crate::record::text::{TEXT_MAX, cut};

/// The fields of this record by these grants, with what would run and its module. What the record says of the latter is
/// not used.
pub fn fields(instance: &str, hold: &Hold, plan: &[PlannedStep], module: &ModuleDigest, found: &Found) -> Bound {
    // What cannot be serialised would be the same each time; strings and numbers always can.
    let plan = serde_json::to_vec(plan).unwrap_or_default();
    Bound::of([
        (BoundField::Instance, instance.as_bytes().to_vec()),
        (BoundField::Socket, hold.requester.socket.as_bytes().to_vec()),
        (BoundField::PeerUid, hold.requester.uid.to_le_bytes().to_vec()),
        (BoundField::Operation, hold.operation.as_bytes().to_vec()),
        (BoundField::Data, hold.data.as_str().as_bytes().to_vec()),
        (BoundField::State, hold.plugin_state.to_vec()),
        (BoundField::Plan, plan),
        (BoundField::Module, module.to_vec()),
        (BoundField::Grants, found.grants().digest_text(found.operation()).into_bytes()),
        (BoundField::Expiry, hold.expires.to_string().into_bytes()),
    ])
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
            Unequal::Differs(why) => Self::Differs(VoidCause::Plan(cut(&why, TEXT_MAX))),
            Unequal::Unanswered(why) => Self::Unanswered(why),
        }
    }
}

/// The plan by today's grants on today's machine, if nothing has changed.
pub async fn compare(
    spawner: &Spawner,
    instance: &str,
    hold: &Hold,
    found: &Found,
    module: &ModuleDigest,
) -> Result<Plan, NotNow> {
    let fields = |plan: &[PlannedStep]| fields(instance, hold, plan, module, found);
    // First all but the plan, which changed grants may make impossible to make again: the grants are the better word
    // then.
    if let Some(field) = hold.bound.difference(&fields(&hold.plan)) {
        return Err(VoidCause::Differs(field).into());
    }
    let plan = Plan::again(spawner, found.grants(), &hold.plan).await?;
    match hold.bound.difference(&fields(&plan.planned())) {
        Some(field) => Err(VoidCause::Differs(field).into()),
        None => Ok(plan),
    }
}
