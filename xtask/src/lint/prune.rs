//! Removes test code from a parsed file and counts the lines that remain.

use std::ops::RangeInclusive;

use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Block, Expr, File, ImplItem, Item, Meta, Stmt, Token, TraitItem};

/// Removes test code from `file`. Returns the lines that it occupied.
pub(super) fn prune(file: &mut File) -> Vec<RangeInclusive<usize>> {
    let mut pruner = Pruner { cut: Vec::new() };
    pruner.visit_file_mut(file);
    pruner.cut
}

/// Counts the lines of `text` without those in `cut` and without the blank lines above each.
pub(super) fn count_lines(text: &str, cut: &[RangeInclusive<usize>]) -> usize {
    let mut kept = 0;
    let mut blank = 0;
    for (index, line) in text.lines().enumerate() {
        if cut.iter().any(|lines| lines.contains(&(index + 1))) {
            blank = 0;
        } else if line.trim().is_empty() {
            blank += 1;
        } else {
            kept += blank + 1;
            blank = 0;
        }
    }
    kept + blank
}

struct Pruner {
    cut: Vec<RangeInclusive<usize>>,
}

impl Pruner {
    /// Whether to keep a node with these attributes. Notes its lines if not.
    fn keep(&mut self, attributes: &[Attribute], node: &impl Spanned) -> bool {
        let keep = !attributes.iter().any(is_test);
        if !keep {
            let span = node.span();
            self.cut.push(span.start().line..=span.end().line);
        }
        keep
    }

    fn retain<T: Spanned + Clone, P: Default>(
        &mut self,
        list: &mut Punctuated<T, P>,
        attributes: fn(&T) -> &[Attribute],
    ) {
        if list.iter().any(|node| attributes(node).iter().any(is_test)) {
            *list = std::mem::take(list).into_iter().filter(|node| self.keep(attributes(node), node)).collect();
        }
    }
}

impl VisitMut for Pruner {
    fn visit_file_mut(&mut self, file: &mut File) {
        if file.attrs.iter().any(is_test) {
            let last = file.span().end().line;
            self.cut.push(1..=last);
            file.items.clear();
        }
        file.items.retain(|item| self.keep(item_attributes(item), item));
        visit_mut::visit_file_mut(self, file);
    }

    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        if let Some((_, items)) = &mut module.content {
            items.retain(|item| self.keep(item_attributes(item), item));
        }
        visit_mut::visit_item_mod_mut(self, module);
    }

    fn visit_item_impl_mut(&mut self, item: &mut syn::ItemImpl) {
        item.items.retain(|item| self.keep(impl_item_attributes(item), item));
        visit_mut::visit_item_impl_mut(self, item);
    }

    fn visit_item_trait_mut(&mut self, item: &mut syn::ItemTrait) {
        item.items.retain(|item| self.keep(trait_item_attributes(item), item));
        visit_mut::visit_item_trait_mut(self, item);
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        block.stmts.retain(|statement| self.keep(statement_attributes(statement), statement));
        visit_mut::visit_block_mut(self, block);
    }

    fn visit_expr_match_mut(&mut self, expression: &mut syn::ExprMatch) {
        expression.arms.retain(|arm| self.keep(&arm.attrs, arm));
        visit_mut::visit_expr_match_mut(self, expression);
    }

    fn visit_fields_named_mut(&mut self, fields: &mut syn::FieldsNamed) {
        self.retain(&mut fields.named, |field| &field.attrs);
        visit_mut::visit_fields_named_mut(self, fields);
    }

    fn visit_item_enum_mut(&mut self, item: &mut syn::ItemEnum) {
        self.retain(&mut item.variants, |variant| &variant.attrs);
        visit_mut::visit_item_enum_mut(self, item);
    }

    fn visit_expr_struct_mut(&mut self, expression: &mut syn::ExprStruct) {
        self.retain(&mut expression.fields, |field| &field.attrs);
        visit_mut::visit_expr_struct_mut(self, expression);
    }
}

/// Whether the attribute leaves its node out of every build without tests.
fn is_test(attribute: &Attribute) -> bool {
    let path = attribute.path();
    if path.is_ident("cfg") {
        return attribute.parse_args::<Meta>().is_ok_and(|predicate| without_tests(&predicate) == Some(false));
    }
    path.segments.last().is_some_and(|last| last.ident == "test" || last.ident == "bench")
}

/// The value of a `cfg` predicate in a build without tests, if tests alone decide it.
fn without_tests(predicate: &Meta) -> Option<bool> {
    let list = match predicate {
        Meta::Path(path) => return path.is_ident("test").then_some(false),
        Meta::NameValue(_) => return None,
        Meta::List(list) => list,
    };
    let inner = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok()?;
    let values: Vec<_> = inner.iter().map(without_tests).collect();
    let decided = |by: bool| {
        if values.contains(&Some(by)) {
            return Some(by);
        }
        values.iter().all(|value| *value == Some(!by)).then_some(!by)
    };
    match list.path.get_ident()?.to_string().as_str() {
        "not" => values.first().copied().flatten().map(|value| !value),
        "all" => decided(false),
        "any" => decided(true),
        _ => None,
    }
}

fn item_attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn impl_item_attributes(item: &ImplItem) -> &[Attribute] {
    match item {
        ImplItem::Const(item) => &item.attrs,
        ImplItem::Fn(item) => &item.attrs,
        ImplItem::Type(item) => &item.attrs,
        ImplItem::Macro(item) => &item.attrs,
        _ => &[],
    }
}

fn trait_item_attributes(item: &TraitItem) -> &[Attribute] {
    match item {
        TraitItem::Const(item) => &item.attrs,
        TraitItem::Fn(item) => &item.attrs,
        TraitItem::Type(item) => &item.attrs,
        TraitItem::Macro(item) => &item.attrs,
        _ => &[],
    }
}

fn statement_attributes(statement: &Stmt) -> &[Attribute] {
    match statement {
        Stmt::Local(local) => &local.attrs,
        Stmt::Item(item) => item_attributes(item),
        Stmt::Macro(statement) => &statement.attrs,
        Stmt::Expr(expression, _) => expression_attributes(expression),
    }
}

/// Those of the expressions that people put under a `cfg` as statements.
fn expression_attributes(expression: &Expr) -> &[Attribute] {
    match expression {
        Expr::Assign(expression) => &expression.attrs,
        Expr::Block(expression) => &expression.attrs,
        Expr::Call(expression) => &expression.attrs,
        Expr::If(expression) => &expression.attrs,
        Expr::Macro(expression) => &expression.attrs,
        Expr::MethodCall(expression) => &expression.attrs,
        _ => &[],
    }
}
