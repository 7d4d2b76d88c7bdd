//! Which items each module uses: by its imports, and by the paths in its code.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use syn::ext::IdentExt as _;
use syn::visit::{self, Visit};
use syn::{Item, Meta, Path, Stmt};

use super::names::{Names, Space, Target};
use super::package::Tree;
use super::tokens;

/// A use of an item.
pub(super) struct Use {
    /// The item's module.
    pub(super) module: usize,
    pub(super) name: String,
    pub(super) line: usize,
}

/// The uses of items of the same tree in `module`. Re-exports are not uses.
pub(super) fn uses(tree: &Tree, names: &Names, module: usize) -> Vec<Use> {
    let mut visitor = Visitor { names, module, scopes: Vec::new(), found: Vec::new() };
    for import in names.imports(module).iter().filter(|import| !import.is_public) {
        match visitor.resolve(&import.path, Space::Type) {
            // The paths through the module are the uses. Of a glob, the names that it brings.
            Some(Target::Module(_)) => {}
            Some(target) => visitor.add(target, import.line),
            None if import.is_self || import.name.is_none() => {}
            None => visitor.add_first(&import.path, &[Space::Value, Space::Macro], import.line),
        }
    }
    for item in tree.modules.get(module).map_or(&[][..], |module| &module.items) {
        visitor.visit_item(item);
    }
    visitor.found
}

struct Visitor<'a> {
    names: &'a Names,
    module: usize,
    /// The variables and items of the functions and blocks around.
    scopes: Vec<HashSet<String>>,
    found: Vec<Use>,
}

impl Visitor<'_> {
    fn resolve(&self, path: &[String], space: Space) -> Option<Target> {
        self.names.resolve(self.module, path, space)
    }

    fn add(&mut self, target: Target, line: usize) {
        if let Target::Item { module, name } = target {
            self.found.push(Use { module, name, line });
        }
    }

    /// Adds what the path names in the first of these namespaces that has it.
    fn add_first(&mut self, path: &[String], spaces: &[Space], line: usize) {
        let item = |space: &Space| self.resolve(path, *space).filter(|target| matches!(target, Target::Item { .. }));
        if let Some(target) = spaces.iter().find_map(item) {
            self.add(target, line);
        }
    }

    fn add_path(&mut self, path: &Path, space: Space) {
        let Some(first) = path.segments.first() else { return };
        if path.leading_colon.is_some() || (path.segments.len() == 1 && self.is_local(&first.ident.to_string())) {
            return;
        }
        let line = first.ident.span().start().line;
        let path: Vec<_> = path.segments.iter().map(|segment| segment.ident.unraw().to_string()).collect();
        self.add_first(&path, &[space], line);
    }

    fn is_local(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.contains(name))
    }

    fn bind(&mut self, name: String) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name);
        }
    }

    fn inside(&mut self, visit: impl FnOnce(&mut Self)) {
        self.scopes.push(HashSet::new());
        visit(self);
        self.scopes.pop();
    }

    /// Adds the paths in tokens that have no tree. `words` tells whether names without `::` count.
    fn add_tokens(&mut self, tokens: &TokenStream, words: bool) {
        for found in tokens::paths(tokens.clone()) {
            if let [name] = found.path.as_slice() {
                let is_type = name.starts_with(|first: char| first.is_uppercase());
                if !words || self.is_local(name) || !(is_type || found.is_call || found.is_macro) {
                    continue;
                }
            }
            let spaces = if found.is_macro { &[Space::Macro][..] } else { &[Space::Value, Space::Type] };
            self.add_first(&found.path, spaces, found.line);
        }
    }

    /// Adds a path that an attribute names in a string, as serde's do.
    fn add_string(&mut self, key: &str, text: &syn::LitStr) {
        let Ok(path) = text.parse::<Path>() else { return };
        if key == "with" {
            for function in ["serialize", "deserialize"] {
                let mut path = path.clone();
                path.segments.push(syn::Ident::new(function, text.span()).into());
                self.add_path(&path, Space::Value);
            }
        } else if path.segments.len() > 1 {
            self.add_path(&path, Space::Value);
            self.add_path(&path, Space::Type);
        }
    }
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    // The imports are done.
    fn visit_item_use(&mut self, _: &'ast syn::ItemUse) {}

    // `pub(in path)` names modules only.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_path(&mut self, path: &'ast Path) {
        self.add_path(path, Space::Type);
        visit::visit_path(self, path);
    }

    // A path pattern is visited as this too.
    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        self.add_path(&path.path, Space::Value);
        path.qself.iter().for_each(|of| self.visit_qself(of));
        visit::visit_path(self, &path.path);
    }

    fn visit_pat_tuple_struct(&mut self, pattern: &'ast syn::PatTupleStruct) {
        self.add_path(&pattern.path, Space::Value);
        visit::visit_path(self, &pattern.path);
        pattern.elems.iter().for_each(|pattern| self.visit_pat(pattern));
    }

    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        let name = pattern.ident.unraw().to_string();
        // A constant or unit struct, as the compiler's own naming lints have it.
        if name.starts_with(char::is_uppercase) {
            let line = pattern.ident.span().start().line;
            self.add_first(&[name], &[Space::Value], line);
        } else {
            self.bind(name);
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.add_path(&call.path, Space::Macro);
        if !tokens::visit(self, &call.tokens) {
            self.add_tokens(&call.tokens, true);
        }
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        match item.ident {
            // Names without `::` belong to the place of the call.
            Some(_) => self.add_tokens(&item.mac.tokens, false),
            None => visit::visit_item_macro(self, item),
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        match &attribute.meta {
            Meta::Path(path) => self.add_path(path, Space::Macro),
            Meta::List(list) => {
                self.add_tokens(&list.tokens, true);
                for (key, text) in tokens::strings(list.tokens.clone()) {
                    self.add_string(&key, &text);
                }
            }
            Meta::NameValue(pair) => self.visit_expr(&pair.value),
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.inside(|visitor| visit::visit_item_fn(visitor, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.inside(|visitor| visit::visit_impl_item_fn(visitor, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.inside(|visitor| visit::visit_trait_item_fn(visitor, item));
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.inside(|visitor| {
            block.stmts.iter().filter_map(local_item).for_each(|name| visitor.bind(name));
            visit::visit_block(visitor, block);
        });
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        // The variable is not known yet in its own value.
        local.init.iter().for_each(|init| self.visit_local_init(init));
        local.attrs.iter().for_each(|attribute| self.visit_attribute(attribute));
        self.visit_pat(&local.pat);
    }

    fn visit_expr_let(&mut self, condition: &'ast syn::ExprLet) {
        self.visit_expr(&condition.expr);
        self.visit_pat(&condition.pat);
    }

    fn visit_expr_if(&mut self, expression: &'ast syn::ExprIf) {
        self.inside(|visitor| {
            visitor.visit_expr(&expression.cond);
            visitor.visit_block(&expression.then_branch);
        });
        expression.else_branch.iter().for_each(|(_, other)| self.visit_expr(other));
    }

    fn visit_expr_while(&mut self, expression: &'ast syn::ExprWhile) {
        self.inside(|visitor| visit::visit_expr_while(visitor, expression));
    }

    fn visit_expr_for_loop(&mut self, expression: &'ast syn::ExprForLoop) {
        self.visit_expr(&expression.expr);
        self.inside(|visitor| {
            visitor.visit_pat(&expression.pat);
            visitor.visit_block(&expression.body);
        });
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        self.inside(|visitor| visit::visit_expr_closure(visitor, closure));
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.inside(|visitor| visit::visit_arm(visitor, arm));
    }
}

/// The name of an item among statements.
fn local_item(statement: &Stmt) -> Option<String> {
    let ident = match statement {
        Stmt::Item(Item::Const(item)) => &item.ident,
        Stmt::Item(Item::Enum(item)) => &item.ident,
        Stmt::Item(Item::Fn(item)) => &item.sig.ident,
        Stmt::Item(Item::Static(item)) => &item.ident,
        Stmt::Item(Item::Struct(item)) => &item.ident,
        Stmt::Item(Item::Type(item)) => &item.ident,
        _ => return None,
    };
    Some(ident.unraw().to_string())
}
