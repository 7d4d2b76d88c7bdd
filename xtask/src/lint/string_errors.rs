//! `Result<_, String>`: errors that are only text.

use syn::visit::{self, Visit};
use syn::{GenericArgument, PathArguments, PathSegment, Type};

use super::package::Package;
use super::tokens;

/// The places of each `Result<_, String>` in a package.
pub(super) fn find(package: &Package) -> Vec<String> {
    let mut places = Vec::new();
    for tree in &package.trees {
        for module in &tree.modules {
            let mut finder = Finder(Vec::new());
            module.items.iter().for_each(|item| finder.visit_item(item));
            places.extend(finder.0.into_iter().map(|line| format!("{}:{line}", tree.file(module.file))));
        }
    }
    places
}

/// The lines of the results.
struct Finder(Vec<usize>);

impl<'ast> Visit<'ast> for Finder {
    fn visit_path_segment(&mut self, segment: &'ast PathSegment) {
        if segment.ident == "Result" && has_string_error(&segment.arguments) {
            self.0.push(segment.ident.span().start().line);
        }
        visit::visit_path_segment(self, segment);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        tokens::visit(self, &call.tokens);
        visit::visit_macro(self, call);
    }
}

fn has_string_error(arguments: &PathArguments) -> bool {
    let PathArguments::AngleBracketed(arguments) = arguments else { return false };
    match arguments.args.iter().nth(1) {
        Some(GenericArgument::Type(Type::Path(error))) => {
            error.path.segments.last().is_some_and(|last| last.ident == "String")
        }
        _ => false,
    }
}
