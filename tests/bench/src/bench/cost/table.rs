//! The table of costs: a row for each kind of request, with the median of all turns.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::usage::Growth;
use crate::bench::figures::Times;

/// The side that a figure belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bench) enum Side {
    Ours,
    Baseline,
    Original,
}

/// All that was measured.
#[derive(Debug, Default)]
pub(in crate::bench) struct CostTable {
    rows: Vec<Row>,
    ended: usize,
}

/// One kind of request.
#[derive(Debug, Default)]
struct Row {
    name: String,
    ours: Cost,
    baseline: Cost,
    original: Cost,
}

/// The figures of one side, a value a turn.
#[derive(Debug, Default)]
struct Cost {
    cpu: Times,
    /// In switches, not in microseconds.
    switches: Times,
}

impl CostTable {
    /// Notes one turn.
    pub(super) fn add(&mut self, name: &str, side: Side, used: Growth, requests: usize) {
        let cost = self.cost(name, side);
        cost.cpu.add_micros(micros(used.cpu, requests));
        cost.switches.add_micros(used.switches as f64 / requests as f64);
        self.ended += used.ended;
    }

    /// Notes the finished children once more, in a row of their own: a command costs the same whoever starts it.
    pub(super) fn add_children(&mut self, name: &str, side: Side, used: Growth, requests: usize) {
        let cost = self.cost(&format!("{name}: of that, finished children"), side);
        cost.cpu.add_micros(micros(used.children, requests));
    }

    fn cost(&mut self, name: &str, side: Side) -> &mut Cost {
        let at = self.rows.iter().position(|row| row.name == name).unwrap_or(self.rows.len());
        if at == self.rows.len() {
            self.rows.push(Row { name: name.to_owned(), ..Row::default() });
        }
        let Some(row) = self.rows.get_mut(at) else { unreachable!("it was pushed") };
        match side {
            Side::Ours => &mut row.ours,
            Side::Baseline => &mut row.baseline,
            Side::Original => &mut row.original,
        }
    }

    pub(in crate::bench) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// For people.
    pub(in crate::bench) fn table(&self) -> String {
        let mut table = String::from(
            "| what | CPU µs/request | baseline | original | ratio to baseline | ratio to original | switches/request | baseline | original |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        );
        for Row { name, ours, baseline, original } in &self.rows {
            let [cpu, switches] = [Cost::cpu, Cost::switches].map(|figure| {
                let [ours, baseline, original] = [ours, baseline, original].map(|side| number(figure(side)));
                format!("{ours} | {baseline} | {original}")
            });
            let [baseline, original] = [baseline, original].map(|other| number(ours.ratio_to(other)));
            let _infallible = writeln!(table, "| {name} | {cpu} | {baseline} | {original} | {switches} |");
        }
        if self.ended > 0 {
            let _infallible =
                writeln!(table, "\n{} threads ended meanwhile; their switches are not counted.", self.ended);
        }
        table
    }

    pub(in crate::bench) fn rows(&self) -> Vec<Value> {
        let row = |Row { name, ours, baseline, original }: &Row| {
            json!({
                "name": name, "ratio_to_baseline": ours.ratio_to(baseline), "ratio_to_original": ours.ratio_to(original),
                "cpu_us": ours.cpu(), "baseline_cpu_us": baseline.cpu(), "original_cpu_us": original.cpu(),
                "switches": ours.switches(), "baseline_switches": baseline.switches(),
                "original_switches": original.switches(), "turns": ours.cpu.count(),
            })
        };
        self.rows.iter().map(row).collect()
    }
}

impl Cost {
    /// The median; not a number if this side was not measured.
    fn cpu(&self) -> f64 {
        self.cpu.middle()
    }

    fn switches(&self) -> f64 {
        self.switches.middle()
    }

    /// Of CPU time.
    fn ratio_to(&self, other: &Self) -> f64 {
        self.cpu() / other.cpu()
    }
}

/// Of each request.
fn micros(cpu: Duration, requests: usize) -> f64 {
    cpu.as_secs_f64() * 1e6 / requests as f64
}

/// Empty if it was not measured.
fn number(number: f64) -> String {
    if number.is_nan() { String::new() } else { format!("{number:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(millis: u64) -> Growth {
        Growth { cpu: Duration::from_millis(millis), ..Growth::default() }
    }

    #[test]
    fn a_row_has_the_median_of_its_turns_and_ratios() {
        let mut table = CostTable::default();
        for (side, turns) in [(Side::Ours, [90, 1, 110]), (Side::Original, [45, 45, 45])] {
            turns.into_iter().for_each(|millis| table.add("no-op", side, used(millis), 1_000));
        }
        let text = table.table();
        assert!(text.ends_with("| no-op | 90.00 |  | 45.00 |  | 2.00 | 0.00 |  | 0.00 |\n"), "{text}");
        let command = Growth { children: Duration::from_millis(20), ..used(30) };
        table.add("whoami", Side::Ours, command, 1_000);
        table.add_children("whoami", Side::Ours, command, 1_000);
        let text = table.table();
        assert!(text.contains("| whoami | 30.00 |") && text.contains("finished children | 20.00 |"), "{text}");
        let rows = table.rows();
        assert_eq!((&rows[0]["ratio_to_original"], &rows[0]["ratio_to_baseline"]), (&json!(2.0), &Value::Null));
    }

    #[test]
    fn threads_that_ended_are_told() {
        let mut table = CostTable::default();
        table.add("no-op", Side::Ours, Growth { ended: 2, ..used(1) }, 1);
        assert!(table.table().ends_with("\n2 threads ended meanwhile; their switches are not counted.\n"));
    }
}
