//! Module cycles: files of one crate that use items of each other, directly or through others.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::names::Names;
use super::package::Tree;
use super::uses;

/// Files that use items of each other.
pub(super) struct Cycle {
    /// Each file, with the files of the cycle whose items it uses.
    pub(super) files: BTreeMap<String, BTreeMap<String, BTreeSet<Item>>>,
}

/// An item, and the line of its first use.
type Item = (String, usize);

impl Cycle {
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// The files alone, in one line.
    pub(super) fn summary(&self) -> String {
        self.files.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Cycle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "cycle of {} files", self.len())?;
        for (file, others) in &self.files {
            writeln!(formatter, "  {file}")?;
            for (other, items) in others {
                let items: Vec<_> = items.iter().map(|(name, line)| format!("{name} (line {line})")).collect();
                writeln!(formatter, "    uses {other}: {}", items.join(", "))?;
            }
        }
        Ok(())
    }
}

/// The cycles of a tree, the largest first.
pub(super) fn find(tree: &Tree) -> Vec<Cycle> {
    let edges = edges(tree);
    let mut cycles: Vec<_> = components(&edges)
        .into_iter()
        .filter(|files| files.len() > 1)
        .map(|files| cycle(tree, &edges, &files))
        .collect();
    cycles.sort_by_key(|cycle| std::cmp::Reverse(cycle.len()));
    cycles
}

/// For each file, the other files whose items it uses, and these items with the line of the first use.
type Edges = Vec<BTreeMap<usize, BTreeMap<String, usize>>>;

fn edges(tree: &Tree) -> Edges {
    let names = Names::of(tree);
    let mut edges: Edges = vec![BTreeMap::new(); tree.files.len()];
    for (index, module) in tree.modules.iter().enumerate() {
        let Some(from) = edges.get_mut(module.file) else { continue };
        for used in uses::uses(tree, &names, index) {
            let Some(target) = tree.modules.get(used.module) else { continue };
            if target.file != module.file {
                let line = from.entry(target.file).or_default().entry(used.name).or_insert(used.line);
                *line = used.line.min(*line);
            }
        }
    }
    edges
}

fn cycle(tree: &Tree, edges: &Edges, files: &[usize]) -> Cycle {
    let inside = |from: usize| {
        let others = edges.get(from).into_iter().flatten().filter(|(to, _)| files.contains(to));
        others.map(|(to, items)| (tree.file(*to).to_owned(), items.clone().into_iter().collect())).collect()
    };
    Cycle { files: files.iter().map(|file| (tree.file(*file).to_owned(), inside(*file))).collect() }
}

/// The strongly connected components, by Tarjan's algorithm.
fn components(edges: &Edges) -> Vec<Vec<usize>> {
    let mut search = Search { edges, visits: vec![None; edges.len()], stack: Vec::new(), count: 0, found: Vec::new() };
    for file in 0..edges.len() {
        search.visit(file);
    }
    search.found
}

struct Search<'a> {
    edges: &'a Edges,
    visits: Vec<Option<Visit>>,
    /// The files whose component is not complete.
    stack: Vec<usize>,
    count: usize,
    found: Vec<Vec<usize>>,
}

#[derive(Clone, Copy)]
struct Visit {
    order: usize,
    is_complete: bool,
}

impl Search<'_> {
    /// Returns the earliest file on the stack that `file` reaches, by its order.
    fn visit(&mut self, file: usize) -> usize {
        if let Some(Some(visit)) = self.visits.get(file) {
            return if visit.is_complete { usize::MAX } else { visit.order };
        }
        let order = self.count;
        self.count += 1;
        self.mark(file, Visit { order, is_complete: false });
        self.stack.push(file);
        let others = self.edges.get(file).into_iter().flat_map(BTreeMap::keys);
        let earliest = others.map(|other| self.visit(*other)).min().unwrap_or(order).min(order);
        if earliest == order
            && let Some(start) = self.stack.iter().position(|other| *other == file)
        {
            let component = self.stack.split_off(start);
            component.iter().for_each(|file| self.mark(*file, Visit { order, is_complete: true }));
            self.found.push(component);
        }
        earliest
    }

    fn mark(&mut self, file: usize, visit: Visit) {
        if let Some(slot) = self.visits.get_mut(file) {
            *slot = Some(visit);
        }
    }
}
