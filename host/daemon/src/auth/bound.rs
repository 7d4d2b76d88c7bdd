//! What a consent is bound to. Each field is hashed when a request is held, and again, from what is true then, before it
//! runs; the first that differs voids the consent.

use regent_protocol::Data;

use crate::catalog::Found;
use crate::daemon::Daemon;
use crate::gate::Requester;
use crate::hold::{Bound, Hold, PlannedStep};
use crate::plan::{Plan, Unequal};
use crate::plugin::module::ModuleDigest;

/// The fields, as they are at one moment.
#[derive(Debug)]
pub struct Fields<'a> {
    /// The state folder's own name.
    pub instance: &'a str,
    /// Who asked.
    pub requester: &'a Requester,
    /// The operation, as callers name it.
    pub operation: &'a str,
    /// The request's data.
    pub data: &'a Data,
    /// The plugin's own bytes.
    pub state: &'a [u8],
    /// What runs.
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
    #[must_use]
    pub fn bound(&self) -> Bound {
        // What cannot be serialised would be the same each time; strings and numbers always can.
        let plan = serde_json::to_vec(self.plan).unwrap_or_default();
        Bound::of([
            ("instance", self.instance.as_bytes().to_vec()),
            ("socket", self.requester.socket.as_bytes().to_vec()),
            ("peer uid", self.requester.uid.to_le_bytes().to_vec()),
            ("operation", self.operation.as_bytes().to_vec()),
            ("data", self.data.as_str().as_bytes().to_vec()),
            ("state", self.state.to_vec()),
            ("plan", plan),
            ("module", self.module.to_vec()),
            ("grants", self.grants.as_bytes().to_vec()),
            ("expiry", self.expires.to_string().into_bytes()),
        ])
    }
}

/// The plan by today's grants on today's machine, if nothing has changed.
///
/// # Errors
/// [`Unequal`]: the field that has, or that nobody can say.
pub async fn compare(daemon: &Daemon, hold: &Hold, found: &Found, module: &ModuleDigest) -> Result<Plan, Unequal> {
    let fields = |plan: &[PlannedStep]| {
        let fields = Fields {
            instance: &daemon.instance,
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
        return Err(Unequal::Differs(field.to_owned()));
    }
    let plan = Plan::again(&daemon.spawner, found.grants(), &hold.plan).await.map_err(|why| match why {
        Unequal::Differs(why) => Unequal::Differs(format!("plan: {why}")),
        unanswered => unanswered,
    })?;
    match hold.bound.difference(&fields(&plan.planned())) {
        Some(field) => Err(Unequal::Differs(field.to_owned())),
        None => Ok(plan),
    }
}
