//! Lengths of files and functions, without tests.

use std::collections::BTreeMap;

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Block, Signature};

use super::package::Package;

/// A file or a function.
pub(super) struct Length {
    pub(super) lines: usize,
    /// `file` or `file:line: name`.
    pub(super) place: String,
}

/// The files of these packages. A file that a library and a program share counts once.
pub(super) fn files(packages: &[Package]) -> Vec<Length> {
    let files = packages.iter().flat_map(|package| &package.trees).flat_map(|tree| &tree.files);
    let unique: BTreeMap<_, _> = files.map(|file| (&file.path, file.lines)).collect();
    unique.into_iter().map(|(place, lines)| Length { lines, place: place.clone() }).collect()
}

/// The functions of these packages that have a body. The length is that of the signature and the body.
pub(super) fn functions(packages: &[Package]) -> Vec<Length> {
    let mut unique = BTreeMap::new();
    for tree in packages.iter().flat_map(|package| &package.trees) {
        for module in &tree.modules {
            let mut finder = Finder { file: tree.file(module.file), found: Vec::new() };
            module.items.iter().for_each(|item| finder.visit_item(item));
            unique.extend(finder.found.into_iter().map(|length| (length.place, length.lines)));
        }
    }
    unique.into_iter().map(|(place, lines)| Length { lines, place }).collect()
}

/// The median, the smaller one of the two in the middle.
pub(super) fn median(lengths: &[Length]) -> usize {
    let mut lines: Vec<_> = lengths.iter().map(|length| length.lines).collect();
    lines.sort_unstable();
    lines.get(lines.len().saturating_sub(1) / 2).copied().unwrap_or(0)
}

struct Finder<'a> {
    file: &'a str,
    found: Vec<Length>,
}

impl Finder<'_> {
    fn add(&mut self, signature: &Signature, block: &Block) {
        let first = signature.span().start().line;
        let lines = block.span().end().line - first + 1;
        self.found.push(Length { lines, place: format!("{}:{first}: {}", self.file, signature.ident) });
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.add(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}
