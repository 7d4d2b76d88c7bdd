//! What a caller may ask for: what its socket shows and the grants allow this peer, with what plugin and administrator
//! say of it.

use regent_grants::Step;
use regent_protocol::{Data, OperationView, REPLY_LINE_MAX, Reply, StepView};

use crate::catalog::{Catalog, Found, Status};
use crate::gate::Caller;

/// A longer list is told without schemas: clients read no longer line than [`REPLY_LINE_MAX`], and with what stands
/// around it.
const LIST_MAX: usize = REPLY_LINE_MAX / 2;

pub fn list(catalog: &Catalog, caller: &Caller) -> Reply {
    let all = catalog.all_for(&caller.socket, &caller.requester);
    let mut views: Vec<OperationView> = all.iter().map(view).collect();
    let mut text = serde_json::to_string(&views).unwrap_or_default();
    if text.len() > LIST_MAX {
        views.iter_mut().for_each(|view| view.schema = empty());
        text = serde_json::to_string(&views).unwrap_or_default();
    }
    Reply::done(Data::parse(&text).unwrap_or_else(|_| Data::null()))
}

fn view(found: &Found) -> OperationView {
    let (grants, operation) = (found.grants(), found.operation());
    let described = match found.entry().status() {
        Status::Serving(plugin) => plugin.operation(&operation.name),
        Status::Preparing | Status::Unserved(_) => Default::default(),
    };
    let own = grants.schema(operation).map(|schema| schema.to_string());
    let schema = Data::parse(&own.unwrap_or(described.schema)).unwrap_or_else(|_| empty());
    OperationView {
        operation: operation.called.clone(),
        summary: operation.summary.clone().unwrap_or(described.summary),
        schema,
        steps: operation.require.iter().map(step).collect(),
    }
}

fn empty() -> Data {
    Data::parse("{}").unwrap_or_else(|_| Data::null())
}

pub fn step(step: &Step) -> StepView {
    StepView { step: "approval".into(), of: step.of.clone(), count: step.count, approved_by: Vec::new() }
}
