//! The figures of a checkout, each with the places that it counts.

use std::fmt::Write as _;
use std::path::Path;

use regent_build::Result;

use super::cycles::{self, Cycle};
use super::package::{self, Package};
use super::sizes::{self, Length};
use super::{comments, string_errors, type_names};

/// The crates that the rules for structure are for.
const HOST: &[&str] = &["host"];
const SDK: &[&str] = &["sdk"];
/// The other code that is not a test.
const OTHERS: &[&str] = &["xtask", "plugins"];
const DAEMON: &str = "host/daemon/src/";

/// What has a ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    FilesInCycles,
    LargestCycle,
    StringErrors,
    SharedNames,
    DaemonLines,
    MedianFunction,
    LongestFunction,
    LongestFile,
    WideComments,
}

impl Figure {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::FilesInCycles => "files in module cycles",
            Self::LargestCycle => "files in the largest module cycle",
            Self::StringErrors => "`Result<_, String>` in `host`",
            Self::SharedNames => "types that share a name inside one crate",
            Self::DaemonLines => "lines in `host/daemon/src` without tests",
            Self::MedianFunction => "median function",
            Self::LongestFunction => "longest function",
            Self::LongestFile => "longest file",
            Self::WideComments => "comment lines over 120 columns",
        }
    }

    /// Whether the figure should fall further. The others only have a limit.
    pub(super) fn is_debt(self) -> bool {
        !matches!(self, Self::MedianFunction | Self::LongestFunction | Self::LongestFile)
    }
}

/// The measured figures.
#[derive(Default)]
pub(super) struct Figures {
    pub(super) cycles: Vec<Cycle>,
    pub(super) string_errors: Vec<String>,
    pub(super) shared_names: Vec<String>,
    pub(super) files: Vec<Length>,
    pub(super) functions: Vec<Length>,
    pub(super) wide_comments: Vec<String>,
}

impl Figures {
    pub(super) fn measure(root: &Path) -> Result<Self> {
        let mut packages = package::packages(root, HOST)?;
        let string_errors = packages.iter().flat_map(string_errors::find).collect();
        packages.extend(package::packages(root, SDK)?);
        let mut cycles: Vec<_> = packages.iter().flat_map(|package| &package.trees).flat_map(cycles::find).collect();
        cycles.sort_by_key(|cycle| std::cmp::Reverse(cycle.len()));
        let shared_names = packages.iter().flat_map(type_names::shared).collect();
        packages.extend(package::packages(root, OTHERS)?);
        let wide_comments = comments::wide(root, &comments::files(root)?)?;
        let (files, functions) = lengths(&packages);
        Ok(Self { cycles, string_errors, shared_names, files, functions, wide_comments })
    }

    pub(super) fn value(&self, figure: Figure) -> usize {
        let longest = |lengths: &[Length]| lengths.first().map_or(0, |length| length.lines);
        match figure {
            Figure::FilesInCycles => self.cycles.iter().map(Cycle::len).sum(),
            Figure::LargestCycle => self.cycles.iter().map(Cycle::len).max().unwrap_or(0),
            Figure::StringErrors => self.string_errors.len(),
            Figure::SharedNames => self.shared_names.len(),
            Figure::DaemonLines => {
                self.files.iter().filter(|file| file.place.starts_with(DAEMON)).map(|file| file.lines).sum()
            }
            Figure::MedianFunction => sizes::median(&self.functions),
            Figure::LongestFunction => longest(&self.functions),
            Figure::LongestFile => longest(&self.files),
            Figure::WideComments => self.wide_comments.len(),
        }
    }

    /// The places that a figure counts, one a line. Of lengths, those above the ceiling.
    pub(super) fn places(&self, figure: Figure, ceiling: usize) -> Vec<String> {
        let longer = |lengths: &[Length]| {
            let above = lengths.iter().filter(|length| length.lines > ceiling);
            above.map(|length| format!("{}: {} lines", length.place, length.lines)).collect()
        };
        match figure {
            Figure::FilesInCycles => self.cycles.iter().map(Cycle::to_string).collect(),
            Figure::StringErrors => self.string_errors.clone(),
            Figure::SharedNames => self.shared_names.clone(),
            Figure::LongestFunction => longer(&self.functions),
            Figure::LongestFile => longer(&self.files),
            Figure::WideComments => self.wide_comments.clone(),
            Figure::LargestCycle => {
                self.cycles.iter().filter(|cycle| cycle.len() > ceiling).map(Cycle::summary).collect()
            }
            // These have no place.
            Figure::DaemonLines | Figure::MedianFunction => Vec::new(),
        }
    }

    /// The figures as a table in Markdown.
    pub(super) fn table(&self) -> String {
        let value = |figure| self.value(figure);
        let place =
            |lengths: &[Length]| lengths.first().map_or(String::new(), |length| format!(" (`{}`)", length.place));
        let rows = [
            (
                "module cycles; files in the largest; in all",
                format!("{}; {}; {}", self.cycles.len(), value(Figure::LargestCycle), value(Figure::FilesInCycles)),
            ),
            (Figure::StringErrors.name(), value(Figure::StringErrors).to_string()),
            (Figure::SharedNames.name(), value(Figure::SharedNames).to_string()),
            (Figure::DaemonLines.name(), value(Figure::DaemonLines).to_string()),
            (Figure::MedianFunction.name(), value(Figure::MedianFunction).to_string()),
            (Figure::LongestFunction.name(), format!("{}{}", value(Figure::LongestFunction), place(&self.functions))),
            ("longest file, without tests", format!("{}{}", value(Figure::LongestFile), place(&self.files))),
            (Figure::WideComments.name(), value(Figure::WideComments).to_string()),
        ];
        let mut table = String::from("| figure | value |\n| --- | --- |\n");
        for (name, value) in rows {
            // Writing to a string cannot fail.
            let _ = writeln!(table, "| {name} | {value} |");
        }
        table
    }
}

/// The files and the functions, the longest first.
fn lengths(packages: &[Package]) -> (Vec<Length>, Vec<Length>) {
    let mut files = sizes::files(packages);
    let mut functions = sizes::functions(packages);
    for lengths in [&mut files, &mut functions] {
        lengths.sort_by_key(|length| std::cmp::Reverse(length.lines));
    }
    (files, functions)
}
