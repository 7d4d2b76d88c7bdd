//! What each name means in each module, and which module defines the item that a path names.
//!
//! Imports and globs are followed to the definition. A path that leaves the crate resolves to nothing. Types are not
//! inferred: `value.method()` names no item.

use std::collections::{HashMap, HashSet};

use syn::ext::IdentExt as _;
use syn::visit::{self, Visit};
use syn::{ForeignItem, Item, ItemUse, UseTree, Visibility};

use super::package::Tree;

/// The root module of a tree.
const ROOT: usize = 0;

/// Rust's namespaces: one name can mean one thing in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Space {
    Type,
    Value,
    Macro,
}

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Module(usize),
    Item { module: usize, name: String },
}

/// One leaf of a `use` declaration.
pub(super) struct Import {
    /// The path from the module, `self` at its end left out.
    pub(super) path: Vec<String>,
    /// The name that it has here. `None` is a glob.
    pub(super) name: Option<String>,
    /// It ended in `self`, which imports modules and types only.
    pub(super) is_self: bool,
    /// It makes the name part of this module for others.
    pub(super) is_public: bool,
    pub(super) line: usize,
}

/// The names of all modules of a tree.
pub(super) struct Names {
    modules: Vec<Scope>,
}

#[derive(Default)]
struct Scope {
    parent: Option<usize>,
    defined: HashMap<(String, Space), Target>,
    imports: Vec<Import>,
    /// A macro adds items whose names cannot be known here.
    is_generated: bool,
}

impl Names {
    pub(super) fn of(tree: &Tree) -> Self {
        let mut names = Self { modules: Vec::new() };
        let mut exported = Vec::new();
        for (index, module) in tree.modules.iter().enumerate() {
            let mut scope = Scope { parent: module.parent, imports: imports(&module.items), ..Scope::default() };
            for (name, child) in &module.children {
                scope.defined.insert((name.clone(), Space::Type), Target::Module(*child));
            }
            for item in &module.items {
                scope.is_generated |= matches!(item, Item::Macro(item) if item.ident.is_none());
                for (name, space) in definitions(item) {
                    let target = Target::Item { module: index, name: name.clone() };
                    if is_exported_macro(item) {
                        exported.push(((name.clone(), space), target.clone()));
                    }
                    scope.defined.insert((name, space), target);
                }
            }
            names.modules.push(scope);
        }
        // `#[macro_export]` defines the macro in the root of the crate.
        if let Some(root) = names.modules.first_mut() {
            root.defined.extend(exported);
        }
        names
    }

    /// The `use` declarations of a module.
    pub(super) fn imports(&self, module: usize) -> &[Import] {
        self.modules.get(module).map_or(&[], |scope| &scope.imports)
    }

    /// What `path` names in `module`, if this crate defines it.
    pub(super) fn resolve(&self, module: usize, path: &[String], space: Space) -> Option<Target> {
        self.resolve_unseen(module, path, space, &mut HashSet::new())
    }

    /// `seen` are the lookups that are under way, so that imports of each other end.
    fn resolve_unseen(&self, from: usize, path: &[String], space: Space, seen: &mut Seen) -> Option<Target> {
        let mut module = from;
        let mut rest = path;
        let mut is_anchored = false;
        while let [first, others @ ..] = rest {
            match first.as_str() {
                "crate" => module = ROOT,
                "self" => {}
                "super" => module = self.modules.get(module)?.parent?,
                _ => break,
            }
            is_anchored = true;
            rest = others;
        }
        while let [first, others @ ..] = rest {
            let space = if others.is_empty() { space } else { Space::Type };
            let found = self.look_up(module, first, space, seen);
            match found.or_else(|| self.generated(module, first, is_anchored))? {
                Target::Module(inner) => module = inner,
                item @ Target::Item { .. } => return Some(item),
            }
            is_anchored = true;
            rest = others;
        }
        Some(Target::Module(module))
    }

    fn look_up(&self, module: usize, name: &str, space: Space, seen: &mut Seen) -> Option<Target> {
        let key = (module, name.to_owned(), space);
        if !seen.insert(key.clone()) {
            return None;
        }
        let found = self.look_up_unseen(module, name, space, seen);
        seen.remove(&key);
        found
    }

    fn look_up_unseen(&self, module: usize, name: &str, space: Space, seen: &mut Seen) -> Option<Target> {
        let scope = self.modules.get(module)?;
        if let Some(target) = scope.defined.get(&(name.to_owned(), space)) {
            return Some(target.clone());
        }
        let mut is_imported = false;
        for import in scope.imports.iter().filter(|import| import.name.as_deref() == Some(name)) {
            is_imported = true;
            let found = self.resolve_unseen(module, &import.path, space, seen);
            if found.is_some() && (space == Space::Type || !import.is_self) {
                return found;
            }
        }
        // A named import from another crate hides what a glob brings.
        if is_imported {
            return None;
        }
        scope.imports.iter().filter(|import| import.name.is_none()).find_map(|glob| {
            match self.resolve_unseen(module, &glob.path, Space::Type, seen)? {
                Target::Module(source) => self.look_up(source, name, space, seen),
                // A variant, which `use Enum::*` itself accounts for.
                Target::Item { .. } => None,
            }
        })
    }

    /// An unknown name that a path looks for inside `module` comes from a macro there, if there is one.
    fn generated(&self, module: usize, name: &str, is_anchored: bool) -> Option<Target> {
        let scope = self.modules.get(module)?;
        (is_anchored && scope.is_generated).then(|| Target::Item { module, name: name.to_owned() })
    }
}

type Seen = HashSet<(usize, String, Space)>;

/// The names that an item defines in its module, in each namespace.
fn definitions(item: &Item) -> Vec<(String, Space)> {
    let both = [Space::Type, Space::Value].as_slice();
    let (ident, spaces) = match item {
        Item::Const(item) => (&item.ident, &[Space::Value][..]),
        Item::Static(item) => (&item.ident, &[Space::Value][..]),
        Item::Fn(item) => (&item.sig.ident, &[Space::Value][..]),
        Item::Struct(item) => {
            (&item.ident, if item.fields.iter().any(|field| field.ident.is_some()) { &[Space::Type][..] } else { both })
        }
        Item::Enum(item) => (&item.ident, &[Space::Type][..]),
        Item::Trait(item) => (&item.ident, &[Space::Type][..]),
        Item::TraitAlias(item) => (&item.ident, &[Space::Type][..]),
        Item::Type(item) => (&item.ident, &[Space::Type][..]),
        Item::Union(item) => (&item.ident, &[Space::Type][..]),
        Item::Macro(syn::ItemMacro { ident: Some(ident), .. }) => (ident, &[Space::Macro][..]),
        Item::ForeignMod(block) => return block.items.iter().filter_map(foreign).collect(),
        _ => return Vec::new(),
    };
    spaces.iter().map(|space| (ident.unraw().to_string(), *space)).collect()
}

fn foreign(item: &ForeignItem) -> Option<(String, Space)> {
    match item {
        ForeignItem::Fn(item) => Some((item.sig.ident.unraw().to_string(), Space::Value)),
        ForeignItem::Static(item) => Some((item.ident.unraw().to_string(), Space::Value)),
        ForeignItem::Type(item) => Some((item.ident.unraw().to_string(), Space::Type)),
        _ => None,
    }
}

fn is_exported_macro(item: &Item) -> bool {
    matches!(item, Item::Macro(item) if item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export")))
}

/// The imports of a module, with those inside its functions.
fn imports(items: &[Item]) -> Vec<Import> {
    let mut collector = Collector(Vec::new());
    items.iter().for_each(|item| collector.visit_item(item));
    collector.0
}

struct Collector(Vec<Import>);

impl<'ast> Visit<'ast> for Collector {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let is_public = match &item.vis {
            Visibility::Inherited => false,
            Visibility::Restricted(restricted) => !restricted.path.is_ident("self"),
            Visibility::Public(_) => true,
        };
        // `use ::name` names another crate.
        if item.leading_colon.is_none() {
            self.add(&item.tree, &mut Vec::new(), is_public);
        }
        visit::visit_item_use(self, item);
    }
}

impl Collector {
    fn add(&mut self, tree: &UseTree, path: &mut Vec<String>, is_public: bool) {
        let (ident, name) = match tree {
            UseTree::Path(tree) => {
                path.push(tree.ident.unraw().to_string());
                self.add(&tree.tree, path, is_public);
                path.pop();
                return;
            }
            UseTree::Group(group) => return group.items.iter().for_each(|tree| self.add(tree, path, is_public)),
            UseTree::Name(tree) => (&tree.ident, Some(&tree.ident)),
            UseTree::Rename(tree) => (&tree.ident, Some(&tree.rename)),
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans.first().map_or(0, |span| span.start().line);
                self.0.push(Import { path: path.clone(), name: None, is_self: false, is_public, line });
                return;
            }
        };
        let is_self = ident == "self" && !path.is_empty();
        let mut full = path.clone();
        if !is_self {
            full.push(ident.unraw().to_string());
        }
        let name = match name {
            Some(name) if name != "self" => Some(name.unraw().to_string()),
            _ => full.last().cloned(),
        };
        self.0.push(Import { path: full, name, is_self, is_public, line: ident.span().start().line });
    }
}
