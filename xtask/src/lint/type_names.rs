//! Types of one package that share a name.

use std::collections::BTreeMap;

use proc_macro2::Ident;
use syn::Item;

use super::package::Package;

/// The places of each type whose name another type of the package has too.
///
/// Two in one module are alternatives of one type, because they can only be there for different machines.
pub(super) fn shared(package: &Package) -> Vec<String> {
    let mut types: BTreeMap<String, BTreeMap<(String, usize), String>> = BTreeMap::new();
    for tree in &package.trees {
        for (index, module) in tree.modules.iter().enumerate() {
            let file = tree.file(module.file);
            for ident in module.items.iter().filter_map(type_name) {
                let place = format!("{file}:{}: {ident}", ident.span().start().line);
                types.entry(ident.to_string()).or_default().insert((file.to_owned(), index), place);
            }
        }
    }
    types.into_values().filter(|places| places.len() > 1).flat_map(BTreeMap::into_values).collect()
}

fn type_name(item: &Item) -> Option<&Ident> {
    match item {
        Item::Enum(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::TraitAlias(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Union(item) => Some(&item.ident),
        _ => None,
    }
}
