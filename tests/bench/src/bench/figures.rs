//! Numbers, and what is made of them: medians, 99th percentiles, ratios.

use std::fmt::Write as _;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::cost::CostTable;
use super::grid::Grid;

/// The histogram counts tens of nanoseconds; so many are a microsecond.
const UNITS: f64 = 100.0;
/// Digits of a time that the histogram keeps.
const DIGITS: u8 = 4;

/// Times of one thing, in microseconds.
#[derive(Debug, Clone)]
pub(super) struct Times(Histogram<u64>);

impl Default for Times {
    #[allow(clippy::expect_used, reason = "every test of this file makes one with so many digits")]
    fn default() -> Self {
        Self(Histogram::new(DIGITS).expect("a histogram can have so many digits"))
    }
}

impl Times {
    pub(super) fn micros(times: Vec<f64>) -> Self {
        let mut all = Self::default();
        times.into_iter().for_each(|micros| all.add_micros(micros));
        all
    }

    pub(super) fn add(&mut self, took: Duration) {
        self.add_micros(took.as_secs_f64() * 1e6);
    }

    pub(super) fn add_micros(&mut self, micros: f64) {
        // The histogram grows to any time.
        let _ = self.0.record((micros * UNITS).round() as u64);
    }

    /// The least time that so many of a hundred do not exceed.
    fn percentile(&self, percent: f64) -> f64 {
        if self.0.is_empty() {
            return f64::NAN;
        }
        self.0.lowest_equivalent(self.0.value_at_percentile(percent)) as f64 / UNITS
    }

    fn middle_and_tail(&self) -> (f64, f64) {
        (self.middle(), self.tail())
    }

    pub(super) fn middle(&self) -> f64 {
        self.percentile(50.0)
    }

    pub(super) fn tail(&self) -> f64 {
        self.percentile(99.0)
    }

    pub(super) fn worst(&self) -> f64 {
        self.percentile(100.0)
    }

    pub(super) fn count(&self) -> u64 {
        self.0.len()
    }
}

/// Everything that was measured.
#[derive(Debug)]
pub(super) struct Report {
    machine: Value,
    rows: Vec<Value>,
    lines: Vec<String>,
    grid: Grid,
    cost: CostTable,
}

impl Report {
    pub(super) fn new(machine: Value) -> Self {
        Self { machine, rows: Vec::new(), lines: Vec::new(), grid: Grid::default(), cost: CostTable::default() }
    }

    /// The second table.
    pub(super) fn many(&mut self, grid: Grid) {
        self.grid = grid;
    }

    /// The table of CPU time and switches.
    pub(super) fn cost(&mut self, cost: CostTable) {
        self.cost = cost;
    }

    /// Two sides of one thing, and the ratio that is wished for, if there is one.
    pub(super) fn compare(&mut self, name: &str, with: &str, towards: Option<f64>, theirs: &Times, ours: &Times) {
        let ((p50, p99), (their_p50, their_p99)) = (ours.middle_and_tail(), theirs.middle_and_tail());
        let wished = towards.map(|ratio| format!("≤ {ratio:.2}")).unwrap_or_default();
        self.lines.push(format!(
            "| {name} | {with} | {:.2} | {:.2} | {wished} | {p50:.0} / {p99:.0} µs | {their_p50:.0} / {their_p99:.0} µs |",
            p50 / their_p50,
            p99 / their_p99,
        ));
        self.rows.push(json!({
            "name": name, "against": with, "ratio_p50": p50 / their_p50, "ratio_p99": p99 / their_p99, "towards": towards,
            "p50_us": p50, "p99_us": p99, "their_p50_us": their_p50, "their_p99_us": their_p99, "count": ours.count(),
        }));
    }

    pub(super) fn alone(&mut self, name: &str, times: &Times) {
        let (p50, p99) = times.middle_and_tail();
        self.lines.push(format!("| {name} | | | | | {p50:.0} / {p99:.0} µs | |"));
        self.rows.push(json!({"name": name, "p50_us": p50, "p99_us": p99, "count": times.count()}));
    }

    pub(super) fn number(&mut self, name: &str, number: f64, unit: &str) {
        self.lines.push(format!("| {name} | | | | | {number:.1} {unit} | |"));
        self.rows.push(json!({"name": name, "value": number, "unit": unit}));
    }

    pub(super) fn left_out(&mut self, what: &str) {
        self.lines.push(format!("| left out: {what} | | | | | | |"));
        self.rows.push(json!({"left_out": what}));
    }

    /// For people, and for a README.
    pub(super) fn table(&self) -> String {
        let mut table = format!("{}\n\n", self.machine);
        if !self.lines.is_empty() {
            self.ratios(&mut table);
        }
        if !self.grid.is_empty() {
            table.push_str(&self.grid.table());
        }
        if !self.cost.is_empty() {
            table.push_str(&self.cost.table());
        }
        table
    }

    fn ratios(&self, table: &mut String) {
        table.push_str("| what | against | p50 ratio | p99 ratio | towards | p50 / p99 | theirs |\n");
        table.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
        for line in &self.lines {
            let _infallible = writeln!(table, "{line}");
        }
        table.push('\n');
    }

    pub(super) fn json(&self) -> String {
        format!(
            "{:#}\n",
            json!({"machine": self.machine, "rows": self.rows, "plugins": self.grid.rows(), "cost": self.cost.rows()})
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let times = Times::micros((1..=200).rev().map(f64::from).collect());
        assert_eq!(times.middle_and_tail(), (100.0, 198.0));
        assert_eq!(Times::micros(vec![7.0]).middle_and_tail(), (7.0, 7.0));
    }

    #[test]
    fn a_ratio_below_one_says_that_ours_is_faster() {
        let mut report = Report::new(json!({}));
        report.compare("x", "y", Some(1.0), &Times::micros(vec![100.0]), &Times::micros(vec![50.0]));
        assert!(report.table().contains("| x | y | 0.50 | 0.50 | ≤ 1.00 | 50 / 50 µs | 100 / 100 µs |"));
        let read: Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(read.pointer("/rows/0/ratio_p50"), Some(&json!(0.5)));
    }
}
