//! Every function of every interface in `wit/`, imported and exported, and what becomes of it without a grant, with a
//! slot that is none, at the wrong time, off the plan, twice, and after the reply. Each cell is run against the real
//! daemon: it shows the refusal, or that what needs no grant gains nothing by it; where a cell cannot exist it says
//! why.
//!
//! A function without a row fails, and so does a row without a function.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics"
)]

#[path = "attacks/mod.rs"]
mod attacks;
mod handmade;

// A daemon for one cell, and what is to be seen of it.
#[path = "every_function/stage.rs"]
mod stage;
// What a plugin may call.
#[path = "every_function/commands.rs"]
mod commands;
#[path = "every_function/without_grants.rs"]
mod without_grants;
// What a plugin is called by.
#[path = "every_function/operation.rs"]
mod operation;
#[path = "every_function/optional.rs"]
mod optional;

use std::collections::BTreeSet;
use std::path::Path;

use wit_parser::Resolve;

/// The questions, in the order of a row's cells.
const QUESTIONS: [&str; 6] =
    ["without a grant", "with a wrong slot", "at the wrong time", "off the plan", "twice", "after the reply"];

/// The answer to one of them.
enum Cell {
    /// A run that shows it.
    Shown(Box<dyn Fn()>),
    /// There is nothing to run, for this reason.
    Nothing(&'static str),
}

fn shown(run: impl Fn() + 'static) -> Cell {
    Cell::Shown(Box::new(run))
}

/// A function, as `interface.function`, and its cells.
struct Row {
    function: &'static str,
    cells: [Cell; QUESTIONS.len()],
}

impl Row {
    fn show(&self) {
        for (question, cell) in QUESTIONS.iter().zip(&self.cells) {
            println!("{} {question}", self.function);
            match cell {
                Cell::Shown(run) => run(),
                Cell::Nothing(why) => assert!(why.len() > 20, "{} {question}: a reason", self.function),
            }
        }
    }
}

/// A test for each interface, so that none is forgotten that is in the table.
macro_rules! table {
    ($(#[test] fn $test:ident() = $rows:path;)*) => {
        /// All rows.
        fn rows() -> Vec<Row> {
            [$($rows()),*].into_iter().flatten().collect()
        }
        $(#[test]
        fn $test() {
            $rows().iter().for_each(Row::show);
        })*
    };
}

table! {
    #[test]
    fn a_step_is_planned_by_its_grant_in_its_time_and_no_other() = commands::rows;
    #[test]
    fn a_log_gains_nothing_and_ends_at_its_limit() = without_grants::log;
    #[test]
    fn settings_are_read_and_gain_nothing() = without_grants::settings;
    #[test]
    fn clocks_are_read_and_gain_nothing() = without_grants::clocks;
    #[test]
    fn random_numbers_are_read_and_gain_nothing() = without_grants::random;
    #[test]
    fn what_a_plugin_describes_and_prepares_counts_once_in_its_time() = operation::rows;
    #[test]
    fn what_a_plugin_authorises_only_adds_steps() = optional::authorising;
    #[test]
    fn what_a_plugin_finishes_only_words_what_ran() = optional::finishing;
    #[test]
    fn what_is_not_served_yet_is_never_called() = optional::not_served;
}

/// Every function of every interface, as the WIT has it.
fn functions() -> BTreeSet<String> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")).unwrap();
    let interfaces = resolve.packages[package].interfaces.iter();
    interfaces
        .flat_map(|(name, id)| {
            resolve.interfaces[*id].functions.keys().map(move |function| format!("{name}.{function}"))
        })
        .collect()
}

#[test]
fn each_function_of_the_wit_has_its_row_and_each_row_its_function() {
    let (functions, rows) = (functions(), rows());
    let named: BTreeSet<String> = rows.iter().map(|row| row.function.to_owned()).collect();
    assert_eq!(named.len(), rows.len(), "a function has two rows");
    assert_eq!(functions, named, "left what the WIT has, right what this table has");
    assert!(functions.len() >= 12, "the WIT was read: {functions:?}");
}
