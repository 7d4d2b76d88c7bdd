//! A grants file for one socket alone: what allows a peer that no rule of `allow` can name, and leaves as it is what
//! those rules protect. The operation has another name in it, for one that two files serve is served by neither.

use std::path::Path;

use regent_grants::{Grants, Operation, Step, Visible};
use regent_protocol::AllowView;

use crate::policy::Socket;

/// The file, as far as it can be written from here.
pub(super) fn file(grants: &Grants, operation: &Operation, socket: &Socket) -> AllowView {
    let called = format!("{}-{}", operation.called, socket.name);
    let path = Path::new(&grants.file).with_file_name(format!("{}-{}.toml", grants.name, socket.name));
    let mut lines = Vec::new();
    if operation.run.is_some() {
        lines.push(format!("[operations.{called}]"));
        lines.push(format!("# run, and all that stands beside it, as in {}:{}", grants.file, operation.line));
    } else {
        lines.push(format!("module = {:?}", grants.module));
        lines.extend(pins(grants));
        lines.push(format!("[operations.{}]", operation.name));
        lines.push(format!("as = {called:?}"));
    }
    lines.extend(require(&operation.require));
    if operation.run.is_none() && !grants.commands.is_empty() {
        lines.push(format!("# [settings] and [commands] as in {}", grants.file));
    }
    let named = match &socket.operations {
        Visible::Only(shown) if !shown.contains(&called) => {
            format!(", once operations of [[sockets]] {} name it too", socket.name)
        }
        _ => String::new(),
    };
    let beware = format!("every process behind that socket's secret may then ask for it as {called}{named}");
    AllowView { file: path.display().to_string(), lines, beware: Some(beware) }
}

fn pins(grants: &Grants) -> Option<String> {
    let quoted: Vec<_> = grants.sha256.iter().map(|digest| format!("{:?}", hex::encode(digest))).collect();
    (!quoted.is_empty()).then(|| format!("sha256 = [{}]", quoted.join(", ")))
}

/// Whose consent it needs it needs there too.
fn require(steps: &[Step]) -> Option<String> {
    let step = |step: &Step| format!("{{ step = \"approval\", of = {:?}, count = {} }}", step.of, step.count);
    let steps: Vec<_> = steps.iter().map(step).collect();
    (!steps.is_empty()).then(|| format!("require = [{}]", steps.join(", ")))
}
