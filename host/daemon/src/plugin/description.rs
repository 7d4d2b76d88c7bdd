//! What a plugin says of itself, read leniently where it is for people (keys that a later version adds) and strictly
//! where the daemon acts on it. It is a stranger's word: it can offer and ask, it grants nothing.

use std::collections::BTreeMap;

use regent_lane::{DESCRIPTION_MAX, Export, TEXT_MAX};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Operations of one plugin: more are a mistake.
const OPERATIONS_MAX: usize = 256;

/// The largest schema of one operation that callers are shown: as large as the data that it is of may be. What is
/// larger is told as `{}`, for a list of all operations is one reply.
const SCHEMA_MAX: usize = 64 << 10;

#[derive(Debug, Clone, Default)]
pub struct Description {
    operations: BTreeMap<String, Operation>,
    /// Commands that it wants granted, with its reasons.
    pub wants: Vec<Want>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operation {
    pub summary: String,
    /// JSON Schema of its data, for people and forms; `{}` if it says nothing.
    pub schema: String,
    pub authorising: bool,
    pub finishing: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Want {
    pub command: String,
    #[serde(default)]
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with a list of operations")]
struct Wire {
    operations: Vec<WireOperation>,
    #[serde(default)]
    wants: Vec<Want>,
}

#[derive(Deserialize)]
struct WireOperation {
    name: String,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    schema: Option<Box<RawValue>>,
    #[serde(default)]
    uses: Vec<String>,
}

impl Description {
    /// Reads what `describe` said; `exports` is what the component was found to export.
    pub fn read(text: &str, exports: &[Export]) -> Result<Self, Vec<String>> {
        if text.len() > DESCRIPTION_MAX {
            let length = text.len();
            return Err(vec![format!(
                "its description has {length} bytes; the limit is {DESCRIPTION_MAX}. Its author can shorten it"
            )]);
        }
        let wire: Wire = serde_json::from_str(text).map_err(|why| {
            vec![format!(
                "what its describe returns is not as wit/operation.wit has it: {why}. Its author can repair it"
            )]
        })?;
        if wire.operations.len() > OPERATIONS_MAX {
            return Err(vec![format!(
                "it describes more than {OPERATIONS_MAX} operations: make several plugins of it"
            )]);
        }
        let mut description = Self { operations: BTreeMap::new(), wants: wire.wants };
        let mut reasons = Vec::new();
        for operation in wire.operations {
            let name = operation.name.clone();
            match read_operation(operation, exports) {
                Ok(read) => {
                    if description.operations.insert(name.clone(), read).is_some() {
                        reasons.push(format!("it describes the operation {name} twice: its author can leave one out"));
                    }
                }
                Err(why) => reasons.extend(why.into_iter().map(|why| format!("operation {name}: {why}"))),
            }
        }
        if reasons.is_empty() { Ok(description) } else { Err(reasons) }
    }

    /// One of its operations; one that it describes by no name of its own may be among `*`, which stands for all such.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.get(name).or_else(|| self.operations.get("*"))
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.operations.keys().map(String::as_str)
    }
}

fn read_operation(wire: WireOperation, exports: &[Export]) -> Result<Operation, Vec<String>> {
    let mut reasons = Vec::new();
    let mut operation =
        Operation { summary: summary(&wire.summary), schema: schema(wire.schema.as_deref()), ..Operation::default() };
    for used in wire.uses {
        let export = match used.as_str() {
            "authorising" => Export::Authorising,
            "finishing" => Export::Finishing,
            "performing" | "judging" => {
                reasons.push(format!("{used} is not served by this version of Regent: plan the steps in prepare"));
                continue;
            }
            other => {
                reasons.push(format!(
                    "uses {other}, which is no optional interface of regent:plugin@0.1: there is authorising, finishing"
                ));
                continue;
            }
        };
        if !exports.contains(&export) {
            reasons.push(format!(
                "uses {used}, but the component does not export regent:plugin/{used}: its author can export it, or \
                 leave it out of `uses`"
            ));
        }
        operation.authorising |= export == Export::Authorising;
        operation.finishing |= export == Export::Finishing;
    }
    if reasons.is_empty() { Ok(operation) } else { Err(reasons) }
}

/// As the plugin wrote it, if callers can be shown it: it goes into replies as it is, and within a list, where it
/// stands two levels deeper than by itself, it may not keep the whole list from being read.
fn schema(text: Option<&RawValue>) -> String {
    let shown = |text: &str| {
        let within_a_list = format!("[{{\"schema\":{text}}}]");
        text.len() <= SCHEMA_MAX && text.starts_with('{') && regent_protocol::Data::parse(&within_a_list).is_ok()
    };
    text.map(RawValue::get).filter(|text| shown(text)).map_or_else(|| "{}".into(), str::to_owned)
}

/// For people, on one line.
fn summary(text: &str) -> String {
    text.get(..text.floor_char_boundary(TEXT_MAX)).unwrap_or_default().to_owned()
}
