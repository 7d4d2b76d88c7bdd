//! Too much: time, stack, memory, log, output, plan. Each is one over the limit, or without end.

use std::{hint::black_box, io::Write as _};

use regent_plugin::{Failure, Ignored, Level, Operation, Plan, Refusal, Results, log, random};
use serde::{Deserialize, Serialize};

use crate::operation;

/// More than any text, and less than any memory.
const MEGABYTE: usize = 1 << 20;

fn spin() {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns).wrapping_add(1);
    }
}

operation!(Loop, "Compute for ever in prepare", prepare: |_| {
    spin();
    Ok(())
});

operation!(LoopInFinish, "Compute for ever in finish", prepare: |plan| plan.run("true", &[]), finish: spin);

operation!(Recurse, "Exhaust the stack", prepare: |_| {
    log(Level::Debug, format_args!("{}", deeper(1)));
    Ok(())
});

/// Not a tail call, and with something of its own on the stack.
#[expect(unconditional_recursion, reason = "that it never ends is the point")]
fn deeper(depth: u64) -> u64 {
    let mut own = [depth; 64];
    black_box(&mut own);
    deeper(depth.wrapping_add(1)).wrapping_add(own.iter().fold(0, |sum, one| sum.wrapping_add(*one)))
}

operation!(Allocate, "Take memory without end", prepare: |_| {
    let mut taken = Vec::new();
    loop {
        taken.push(black_box(vec![1_u8; MEGABYTE]));
    }
});

operation!(Flood, "Log without end", prepare: |_| {
    let line = "flood ".repeat(100);
    loop {
        log(Level::Info, format_args!("{line}"));
    }
});

operation!(FloodStdout, "Print a megabyte, and end well", prepare: |_| {
    let line = [b'x'; 1023];
    let mut stdout = std::io::stdout();
    for _ in 0..1024 {
        let _ = stdout.write_all(&line).and_then(|()| stdout.write_all(b"\n"));
    }
    Ok(())
});

operation!(BigValue, "Plan a value of a megabyte", prepare: |plan| plan.run("say", &[("text", &"x".repeat(MEGABYTE))]));

operation!(BigRandom, "Ask for one random byte too many", prepare: |_| {
    black_box(random(64 * 1024 + 1));
    Ok(())
});

operation!(BigRefusal, "Refuse with a megabyte", prepare: |_| Err(Refusal::invalid("x".repeat(MEGABYTE))));

operation!(SixtyFour, "Plan as many steps as may be", prepare: |plan| steps(plan, 64));

operation!(SixtyFive, "Plan one step too many", prepare: |plan| steps(plan, 65));

fn steps(plan: &mut Plan, count: usize) -> Result<(), Refusal> {
    (0..count).try_for_each(|_| plan.run("true", &[]))
}

/// An operation that keeps text in its state.
macro_rules! keeps {
    ($name:ident, $summary:literal, state: $state:expr, text: $text:expr, reply: $reply:expr) => {
        #[derive(Serialize, Deserialize)]
        pub(crate) struct $name(String);

        impl Operation for $name {
            type Data = Ignored;
            const SUMMARY: &'static str = $summary;

            fn prepare(_: Ignored, _: &mut Plan) -> Result<Self, Refusal> {
                Ok(Self("x".repeat($state)))
            }

            fn summary(&self) -> String {
                "x".repeat($text)
            }

            fn finish(self, _: &Results) -> Result<impl Serialize, Failure> {
                Ok("x".repeat($reply))
            }
        }
    };
}

keeps!(BigReply, "Reply with more than a megabyte", state: 1, text: 1, reply: MEGABYTE);
keeps!(BigState, "Keep more than 64 KiB", state: 64 * 1024, text: 1, reply: 1);
keeps!(BigSummary, "Summarise in a megabyte", state: 1, text: MEGABYTE, reply: 1);
