//! What may not be done at all, or not now; and the ends that a request can come to by a plugin's word.

use std::time::Duration;

use regent_plugin::{Failure, Ignored, Operation, Plan, Refusal, Results, Step};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};

use crate::{operation, rogue};

operation!(Trap, "Panic with a text", prepare: |_| panic!("a panic's text reaches the log"));

operation!(
    TrapInFinish,
    "Panic after the plan has run",
    prepare: |plan| plan.run("true", &[]),
    finish: || panic!("a panic's text reaches the log")
);

operation!(Exit, "Exit as a program does", prepare: |_| std::process::exit(0));

operation!(Sleep, "Wait for an hour", prepare: |_| {
    std::thread::sleep(Duration::from_hours(1));
    Ok(())
});

operation!(Undeclared, "Plan a command that nobody granted", prepare: |plan| plan.run("undeclared", &[]));

operation!(BadSlot, "Fill a slot that there is not", prepare: |plan| {
    plan.run("say", &[("text", &"x"), ("undeclared", &"x")])
});

operation!(MissingSlot, "Leave a slot empty", prepare: |plan| plan.run("say", &[]));

operation!(ControlText, "Refuse with characters that people do not see", prepare: |_| {
    Err(Refusal::invalid("one\ntwo\u{1b}[31m red \u{202e}backwards\u{200b}"))
});

operation!(PlanInFinish, "Plan after the plan has run", prepare: |plan| plan.run("true", &[]), finish: || {
    std::hint::black_box(rogue::plan("true"));
});

/// Replies with text that is no JSON, past a serialiser that writes nothing else: by the name under which serde_json
/// knows its own raw values.
#[derive(Serialize, Deserialize)]
pub(crate) struct NotJson;

/// serde_json's private name for text to be written as it is.
const RAW: &str = "$serde_json::private::RawValue";

struct Raw(&'static str);

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut raw = serializer.serialize_struct(RAW, 1)?;
        raw.serialize_field(RAW, self.0)?;
        raw.end()
    }
}

impl Operation for NotJson {
    type Data = Ignored;
    const SUMMARY: &'static str = "Reply with what is not JSON";

    fn prepare(_: Ignored, _: &mut Plan) -> Result<Self, Refusal> {
        Ok(Self)
    }

    fn finish(self, _: &Results) -> Result<impl Serialize, Failure> {
        Ok(Raw("{\"not\": json, \"error\": "))
    }
}

/// Fails, with a step's result that only the plugin can word.
#[derive(Serialize, Deserialize)]
pub(crate) struct FailedStep(bool);

impl Operation for FailedStep {
    /// Whether to word the failure.
    type Data = bool;
    const SUMMARY: &'static str = "Plan what fails, between two steps that do not";

    fn prepare(worded: bool, plan: &mut Plan) -> Result<Self, Refusal> {
        ["true", "false", "true"].iter().try_for_each(|command| plan.run(command, &[]))?;
        Ok(Self(worded))
    }

    fn finish(self, results: &Results) -> Result<impl Serialize, Failure> {
        let words = format!("Step {} of 3 failed", results.len());
        if self.0 { results.or_fail(&words).map(|_| ()) } else { results.text().map(|_| ()) }
    }
}

/// An operation whose `authorise` says this.
macro_rules! authorises {
    ($name:ident, $summary:literal, $answer:expr) => {
        #[derive(Serialize, Deserialize)]
        pub(crate) struct $name;

        impl Operation for $name {
            type Data = Ignored;
            const SUMMARY: &'static str = $summary;
            const AUTHORISE: Option<regent_plugin::Authorise<Self>> = Some(|_| $answer);

            fn prepare(_: Ignored, plan: &mut Plan) -> Result<Self, Refusal> {
                plan.run("true", &[])?;
                Ok(Self)
            }

            fn finish(self, _: &Results) -> Result<impl Serialize, Failure> {
                Ok("done")
            }
        }
    };
}

authorises!(AuthoriseDeny, "Deny every request", Err(Refusal::denied("not today")));
authorises!(AuthoriseSteps, "Ask for an approval by ops", Ok(vec![Step::approval("ops")]));
