//! Texts of others, cut to the length that is kept of them.

/// Bytes that are kept of each of the daemon's own texts about a refusal.
pub const TEXT_MAX: usize = 4 << 10;

/// At most this many bytes of a text, with an ellipsis where it was cut.
pub fn cut(text: &str, most: usize) -> String {
    match text.get(..text.floor_char_boundary(most)) {
        Some(kept) if kept.len() < text.len() => format!("{kept}…"),
        _ => text.to_owned(),
    }
}
