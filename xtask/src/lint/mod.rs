//! `cargo xtask lint`: rules for the structure of the code that no other tool checks.
//!
//! Each figure has a ceiling. It may fall, and then the ceiling is lowered; it may not rise.

// The sources, without test code.
mod package;
mod prune;
mod tokens;
// The checks.
mod comments;
mod cycles;
mod names;
mod sizes;
mod string_errors;
mod type_names;
mod uses;

mod figures;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests;

use std::path::{Path, PathBuf};

use clap::Args;
use regent_build::{Error, Result};

use crate::place;
use figures::{Figure, Figures};

/// The highest value that each figure may have. Lower it when the figure falls.
const CEILINGS: &[(Figure, usize)] = &[
    (Figure::FilesInCycles, 0),
    (Figure::LargestCycle, 0),
    (Figure::StringErrors, 5),
    (Figure::SharedNames, 0),
    (Figure::MedianFunction, 6),
    (Figure::LongestFunction, 60),
    (Figure::LongestFile, 400),
    (Figure::WideComments, 0),
];

/// The options of `cargo xtask lint`.
#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// Print all figures as a table, and check nothing
    #[arg(long, conflicts_with = "places")]
    figures: bool,
    /// Print every place that is counted, and check nothing
    #[arg(long)]
    places: bool,
    /// Check another checkout
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn lint(options: &Lint) -> Result<()> {
    let root = options.root.as_deref().unwrap_or(place::root());
    match options {
        Lint { figures: true, .. } => Figures::measure(root).map(|figures| print!("{}", figures.table())),
        Lint { places: true, .. } => print_places(root),
        _ => check(root),
    }
}

/// Prints all that the figures count, whatever the ceilings are.
fn print_places(root: &Path) -> Result<()> {
    let figures = Figures::measure(root)?;
    for (figure, _) in CEILINGS.iter().filter(|(figure, _)| figure.is_debt() && figures.value(*figure) > 0) {
        println!("{}: {}", figure.name(), figures.value(*figure));
        figures.places(*figure, 0).iter().for_each(|place| println!("{place}"));
        println!();
    }
    Ok(())
}

/// Checks the repository in `root` and prints the offences.
fn check(root: &Path) -> Result<()> {
    let report = compare(&Figures::measure(root)?, CEILINGS);
    report.notes.iter().for_each(|note| println!("{note}"));
    if report.errors.is_empty() {
        return Ok(());
    }
    report.errors.iter().for_each(|error| eprintln!("error: {error}\n"));
    Err(Error::new("a figure is above its ceiling (`CEILINGS` in xtask/src/lint/mod.rs); --places prints every place"))
}

struct Report {
    errors: Vec<String>,
    notes: Vec<String>,
}

/// Compares each figure with its ceiling.
fn compare(figures: &Figures, ceilings: &[(Figure, usize)]) -> Report {
    let mut report = Report { errors: Vec::new(), notes: Vec::new() };
    for (figure, ceiling) in ceilings {
        let value = figures.value(*figure);
        let name = figure.name();
        if value > *ceiling {
            let mut lines = vec![format!("{name}: {value}, and the ceiling is {ceiling}")];
            lines.extend(figures.places(*figure, *ceiling));
            report.errors.push(lines.join("\n"));
        } else if value < *ceiling && figure.is_debt() {
            report.notes.push(format!("note: {name}: {value}; the ceiling can be lowered from {ceiling}"));
        }
    }
    report
}
