//! `ops`, and `call OP --help`: what this caller may ask for, and how.

use regent_client::Data;
use regent_protocol::OperationView;

use crate::arguments::{self, Call, Place};
use crate::ending::{Ending, Failure};
use crate::{ask, output, show as view};

pub(crate) fn ops(place: &Place, json: bool) -> Result<Ending, Failure> {
    let operations = list(place)?;
    if json {
        let text = serde_json::to_string(&operations).map_err(|error| Failure::other(error.to_string()))?;
        output::json(&Data::parse(&text).map_err(|rejection| Failure::other(rejection.to_string()))?)?;
    } else if operations.is_empty() {
        output::complain("there is nothing that you may ask for here");
    } else {
        output::print(&operations.iter().map(view::operation).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(Ending::Done)
}

/// The help of one operation, or of the verb where no operation is named or no daemon tells of it.
pub(crate) fn help(place: &Place, call: &Call) -> Result<Ending, Failure> {
    let Some(op) = call.op.as_deref() else {
        return general_help().map(|()| Ending::Done);
    };
    let operations = match list(place) {
        Ok(operations) => operations,
        Err(why) => {
            general_help()?;
            output::complain(&format!("this is the help of `call`, for nobody tells what {op} takes: {}", why.words));
            return Ok(Ending::Done);
        }
    };
    let operation = operations.iter().find(|operation| operation.operation == op).ok_or_else(|| Failure {
        advice: Some("what you may ask for is listed by: regent ops".to_owned()),
        ending: Ending::Refused,
        ..Failure::other(format!("there is no {op} that you may ask for"))
    })?;
    output::print(&view::operation_help(operation)).map(|()| Ending::Done)
}

fn list(place: &Place) -> Result<Vec<OperationView>, Failure> {
    let (mut client, path) = ask::client(place)?;
    client.list().map_err(|error| Failure::of_request(&error, &path))
}

/// What clap would have printed.
fn general_help() -> Result<(), Failure> {
    let mut command = arguments::command();
    command.build();
    let call = command.find_subcommand_mut("call").ok_or_else(|| Failure::other("`call` has no help"))?;
    output::print(&call.render_help().to_string())
}
