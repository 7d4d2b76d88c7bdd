//! The second table: each thing measured with few and with many plugins installed, and what is aimed at.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::figures::Times;

/// How many plugins there are, a column each.
pub(super) const PLUGINS: [usize; 3] = [1, 20, 200];

/// What was measured.
#[derive(Debug, Default)]
pub(super) struct Grid(Vec<Row>);

#[derive(Debug)]
struct Row {
    name: String,
    aim: &'static str,
    cells: [Option<Cell>; PLUGINS.len()],
}

/// One thing with so many plugins.
#[derive(Debug)]
pub(super) enum Cell {
    /// How long it took, each time.
    Took(Times),
    /// A number, and its unit.
    Number(f64, &'static str),
}

impl Grid {
    /// Notes one cell; rows stand in the order in which they were first noted.
    pub(super) fn put(&mut self, plugins: usize, name: &str, aim: &'static str, cell: Cell) {
        let Some(column) = PLUGINS.iter().position(|column| *column == plugins) else { return };
        let at = self.0.iter().position(|row| row.name == name).unwrap_or(self.0.len());
        if at == self.0.len() {
            self.0.push(Row { name: name.to_owned(), aim, cells: Default::default() });
        }
        if let Some(place) = self.0.get_mut(at).and_then(|row| row.cells.get_mut(column)) {
            *place = Some(cell);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For people, and for a README.
    pub(super) fn table(&self) -> String {
        let heads = PLUGINS.map(|plugins| format!(" {plugins} plugins |")).concat();
        let mut table = format!("| p50 / worst |{heads} aim |\n| --- |{} --- |\n", " --- |".repeat(PLUGINS.len()));
        for Row { name, aim, cells } in &self.0 {
            let cells: String = cells.iter().map(|cell| format!(" {} |", text(cell.as_ref()))).collect();
            let _infallible = writeln!(table, "| {name} |{cells} {aim} |");
        }
        table
    }

    pub(super) fn rows(&self) -> Vec<Value> {
        let row = |Row { name, aim, cells }: &Row| {
            let of = PLUGINS.iter().zip(cells).map(|(plugins, cell)| (plugins.to_string(), value(cell.as_ref())));
            json!({"name": name, "aim": aim, "plugins": of.collect::<serde_json::Map<_, _>>()})
        };
        self.0.iter().map(row).collect()
    }
}

fn text(cell: Option<&Cell>) -> String {
    match cell {
        None => String::new(),
        Some(Cell::Number(number, unit)) => format!("{number:.1} {unit}").trim_end().to_owned(),
        Some(Cell::Took(times)) => {
            let (p50, worst) = (times.middle() / 1e3, times.worst() / 1e3);
            if worst < 100.0 { format!("{p50:.1} / {worst:.1} ms") } else { format!("{p50:.0} / {worst:.0} ms") }
        }
    }
}

fn value(cell: Option<&Cell>) -> Value {
    match cell {
        None => Value::Null,
        Some(Cell::Number(number, unit)) => json!({"value": number, "unit": unit}),
        Some(Cell::Took(times)) => json!({"p50_us": times.middle(), "worst_us": times.worst(), "count": times.count()}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_cell_for_each_number_of_plugins_and_what_was_not_measured_is_empty() {
        let mut grid = Grid::default();
        grid.put(20, "start", "300 ms", Cell::Took(Times::micros(vec![1_500.0, 2_500.0, 1_000.0])));
        grid.put(200, "descriptors", "", Cell::Number(1_024.0, ""));
        let table = grid.table();
        assert!(table.contains("| start |  | 1.5 / 2.5 ms |  | 300 ms |\n"), "{table}");
        assert!(table.contains("| descriptors |  |  | 1024.0 |  |\n"), "{table}");
        assert_eq!(grid.rows()[0].pointer("/plugins/20/worst_us"), Some(&json!(2_500.0)));
    }
}
