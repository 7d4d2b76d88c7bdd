//! The authorisation steps that an operation may ask for, beyond those that the administrator asks for anyway.

use serde::Serialize;

/// One step. It is spelt as in a grants file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    step: &'static str,
    of: String,
    count: u32,
}

impl Step {
    /// Someone of this team, or this person, has to approve the plan. Both are names of the administrator's.
    #[must_use]
    pub fn approval(of: &str) -> Self {
        Self::approvals(of, 1)
    }

    /// So many different members of this team have to approve the plan.
    #[must_use]
    pub fn approvals(of: &str, count: u32) -> Self {
        Self { step: "approval", of: of.into(), count }
    }
}
