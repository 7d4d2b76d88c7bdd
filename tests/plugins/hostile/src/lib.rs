//! A plugin that breaks every rule, an operation a rule: what the tests of the sandbox and of the daemon send.
//!
//! It is no example. `environment` alone is well-behaved: it tells what of the world it can see.

// Too much of something.
mod excess;
// Something at the wrong time, or that was not granted.
mod forbidden;
// What can be seen from inside.
mod environment;
// The host's functions, past the SDK.
mod rogue;

use regent_plugin::prelude::*;

/// An operation that plans nothing, keeps nothing and replies `null`, but for what it does in between.
macro_rules! operation {
    ($name:ident, $summary:literal $(, prepare: $prepare:expr)? $(, finish: $finish:expr)?) => {
        #[derive(serde::Serialize, serde::Deserialize)]
        pub(crate) struct $name;

        impl regent_plugin::Operation for $name {
            type Data = regent_plugin::Ignored;
            const SUMMARY: &'static str = $summary;

            fn prepare(_: Self::Data, plan: &mut regent_plugin::Plan) -> Result<Self, regent_plugin::Refusal> {
                let _ = &plan;
                $({
                    let prepare: fn(&mut regent_plugin::Plan) -> Result<(), regent_plugin::Refusal> = $prepare;
                    prepare(plan)?;
                })?
                Ok(Self)
            }

            fn finish(self, _: &regent_plugin::Results) -> Result<impl serde::Serialize, regent_plugin::Failure> {
                $(($finish)();)?
                Ok(())
            }
        }
    };
}
pub(crate) use operation;

/// Does nothing wrong, so that a test sees that the plugin serves on after whatever it did.
#[derive(Serialize, Deserialize)]
struct Well;

impl Operation for Well {
    type Data = Ignored;
    const SUMMARY: &'static str = "Do nothing wrong";

    fn prepare(_: Ignored, _: &mut Plan) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn finish(self, _: &Results) -> Result<impl Serialize, Failure> {
        Ok("well")
    }
}

plugin! {
    "well" => Well,
    "loop" => excess::Loop,
    "loop-in-finish" => excess::LoopInFinish,
    "recurse" => excess::Recurse,
    "allocate" => excess::Allocate,
    "flood" => excess::Flood,
    "flood-stdout" => excess::FloodStdout,
    "big-reply" => excess::BigReply,
    "big-state" => excess::BigState,
    "big-summary" => excess::BigSummary,
    "big-refusal" => excess::BigRefusal,
    "big-value" => excess::BigValue,
    "big-random" => excess::BigRandom,
    "sixty-four" => excess::SixtyFour,
    "sixty-five" => excess::SixtyFive,
    "trap" => forbidden::Trap,
    "trap-in-finish" => forbidden::TrapInFinish,
    "exit" => forbidden::Exit,
    "sleep" => forbidden::Sleep,
    "undeclared" => forbidden::Undeclared,
    "bad-slot" => forbidden::BadSlot,
    "missing-slot" => forbidden::MissingSlot,
    "plan-in-finish" => forbidden::PlanInFinish,
    "not-json" => forbidden::NotJson,
    "control-text" => forbidden::ControlText,
    "failed-step" => forbidden::FailedStep,
    "authorise-deny" => forbidden::AuthoriseDeny,
    "authorise-steps" => forbidden::AuthoriseSteps,
    "environment" => environment::Environment;
    wants "true"(): "to have something to plan",
    wants "say"("text"): "to have a slot to fill",
    wants "false"(): "to have something that fails"
}
