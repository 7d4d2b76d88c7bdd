//! Numbers, and what is made of them: medians, 99th percentiles, ratios.

use std::time::Duration;

use serde_json::{Value, json};

/// Times of one thing, in microseconds.
#[derive(Debug, Default, Clone)]
pub(super) struct Times(Vec<f64>);

impl Times {
    pub(super) fn micros(times: Vec<f64>) -> Self {
        Self(times)
    }

    pub(super) fn add(&mut self, took: Duration) {
        self.0.push(took.as_secs_f64() * 1e6);
    }

    /// The value below which so many of a hundred are.
    fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(at).copied().unwrap_or(f64::NAN)
    }
}

/// Everything that was measured.
#[derive(Debug)]
pub(super) struct Report {
    rows: Vec<Value>,
    lines: Vec<String>,
}

impl Report {
    pub(super) fn new() -> Self {
        Self { rows: Vec::new(), lines: Vec::new() }
    }

    /// Two sides of one thing.
    pub(super) fn compare(&mut self, name: &str, with: &str, theirs: Times, ours: Times) {
        let row = |percent| (ours.percentile(percent), theirs.percentile(percent));
        let ((p50, their_p50), (p99, their_p99)) = (row(50), row(99));
        self.lines.push(format!(
            "| {name} | {with} | {:.2} | {:.2} | {p50:.0} / {p99:.0} µs | {their_p50:.0} / {their_p99:.0} µs |",
            p50 / their_p50,
            p99 / their_p99,
        ));
        self.rows.push(json!({
            "name": name, "against": with, "ratio_p50": p50 / their_p50, "ratio_p99": p99 / their_p99,
            "p50_us": p50, "p99_us": p99, "their_p50_us": their_p50, "their_p99_us": their_p99,
        }));
    }

    pub(super) fn alone(&mut self, name: &str, times: Times) {
        let (p50, p99) = (times.percentile(50), times.percentile(99));
        self.lines.push(format!("| {name} | | | | {p50:.0} / {p99:.0} µs | |"));
        self.rows.push(json!({"name": name, "p50_us": p50, "p99_us": p99}));
    }

    pub(super) fn number(&mut self, name: &str, number: f64, unit: &str) {
        self.lines.push(format!("| {name} | | | | {number:.1}{unit} | |"));
        self.rows.push(json!({"name": name, "value": number, "unit": unit.trim()}));
    }

    pub(super) fn left_out(&mut self, what: &str) {
        self.lines.push(format!("| left out: {what} | | | | | |"));
        self.rows.push(json!({"left_out": what}));
    }

    pub(super) fn print(&self) {
        println!("{}", super::machine());
        println!(
            "| what | against | p50 ratio | p99 ratio | p50 / p99 | theirs |\n| --- | --- | --- | --- | --- | --- |"
        );
        self.lines.iter().for_each(|line| println!("{line}"));
    }

    pub(super) fn json(&self) -> String {
        json!({"machine": super::machine(), "rows": self.rows}).to_string()
    }
}
