//! The contents of macro calls and attributes, which are tokens without a tree.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::visit::Visit;
use syn::{Block, Expr, Token};

/// A path in a stream of tokens.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
    /// `path!` calls a macro.
    pub(super) is_macro: bool,
    /// `path(` calls a function.
    pub(super) is_call: bool,
}

/// Visits the tokens as expressions or statements. Returns false if they are neither.
pub(super) fn visit<V: for<'ast> Visit<'ast>>(visitor: &mut V, tokens: &TokenStream) -> bool {
    if let Ok(expressions) = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(tokens.clone()) {
        expressions.iter().for_each(|expression| visitor.visit_expr(expression));
        return true;
    }
    let statements = Block::parse_within.parse2(tokens.clone());
    statements.iter().flatten().for_each(|statement| visitor.visit_stmt(statement));
    statements.is_ok()
}

/// The paths in `tokens`, `$crate` read as `crate`. Paths to other crates by `::name` are left out.
pub(super) fn paths(tokens: TokenStream) -> Vec<Found> {
    let mut found = Vec::new();
    scan(tokens, &mut found);
    found
}

/// The string literals in `tokens`, each with the word before its `=`.
pub(super) fn strings(tokens: TokenStream) -> Vec<(String, syn::LitStr)> {
    let mut found = Vec::new();
    let mut word = String::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => found.extend(strings(group.stream())),
            TokenTree::Ident(ident) => word = ident.to_string(),
            TokenTree::Literal(literal) => {
                if let syn::Lit::Str(text) = syn::Lit::new(literal) {
                    found.push((word.clone(), text));
                }
            }
            TokenTree::Punct(_) => {}
        }
    }
    found
}

fn scan(tokens: TokenStream, found: &mut Vec<Found>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut rest = tokens.as_slice();
    let mut before = Before::Nothing;
    while let [first, others @ ..] = rest {
        rest = others;
        let was = std::mem::replace(&mut before, Before::Nothing);
        match first {
            TokenTree::Group(group) => scan(group.stream(), found),
            TokenTree::Literal(_) => {}
            TokenTree::Punct(punct) => match (punct.as_char(), separator(std::slice::from_ref(first), rest)) {
                (_, Some(others)) => (before, rest) = (Before::Other, others),
                ('$', None) => before = Before::Dollar,
                ('.' | '\'', None) => before = Before::Other,
                _ => {}
            },
            TokenTree::Ident(first) => {
                let mut path = vec![first.unraw().to_string()];
                while let Some((segment, others)) = segment(rest) {
                    path.push(segment);
                    rest = others;
                }
                let is_path = match was {
                    Before::Nothing => true,
                    Before::Dollar => first == "crate",
                    Before::Other => false,
                };
                if is_path {
                    let line = first.span().start().line;
                    found.push(Found { path, line, is_macro: is_macro(rest), is_call: is_call(rest) });
                }
            }
        }
    }
}

/// What stands before an identifier.
enum Before {
    Nothing,
    /// `$`: a macro's own variable, or `$crate`.
    Dollar,
    /// `.` of a field, `'` of a lifetime, `::` of another crate or of a type in angle brackets.
    Other,
}

/// The tokens after `::`, whose first colon is `first`.
fn separator<'a>(first: &[TokenTree], rest: &'a [TokenTree]) -> Option<&'a [TokenTree]> {
    match (first, rest) {
        ([TokenTree::Punct(first)], [TokenTree::Punct(second), others @ ..])
            if first.as_char() == ':' && first.spacing() == Spacing::Joint && second.as_char() == ':' =>
        {
            Some(others)
        }
        _ => None,
    }
}

/// The segment in `::segment`, and the tokens after it.
fn segment(tokens: &[TokenTree]) -> Option<(String, &[TokenTree])> {
    let (first, rest) = tokens.split_at_checked(1)?;
    match separator(first, rest)? {
        [TokenTree::Ident(ident), others @ ..] => Some((ident.unraw().to_string(), others)),
        _ => None,
    }
}

fn is_macro(rest: &[TokenTree]) -> bool {
    match rest {
        [TokenTree::Punct(bang), TokenTree::Group(_), ..] => bang.as_char() == '!',
        _ => false,
    }
}

fn is_call(rest: &[TokenTree]) -> bool {
    matches!(rest, [TokenTree::Group(group), ..] if group.delimiter() == Delimiter::Parenthesis)
}
