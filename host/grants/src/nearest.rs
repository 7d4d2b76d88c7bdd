//! "Did you mean": the known word that is most like the one that was written.

/// Below this likeness (0 to 1) a guess would only mislead.
const LIKE: f64 = 0.65;

/// So many words are listed where none is near.
const LISTED: usize = 16;

/// The nearest of the known words, if any is near.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    most(known, |known| likeness(&word.to_lowercase(), &known.to_lowercase()))
}

/// The same among words that all begin with this: that much alike is any of them to any other, so only what follows
/// counts.
pub(crate) fn nearest_after<'a>(prefix: &str, word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let rest = |word: &str| word.strip_prefix(prefix).unwrap_or(word).to_owned();
    most(known, |known| strsim::normalized_damerau_levenshtein(&rest(word), &rest(known)))
}

fn most<'a>(known: impl IntoIterator<Item = &'a str>, like: impl Fn(&str) -> f64) -> Option<&'a str> {
    let near = known.into_iter().map(|known| (like(known), known)).filter(|(like, _)| *like >= LIKE);
    near.max_by(|one, two| one.0.total_cmp(&two.0)).map(|(_, known)| known)
}

/// The first finds words with the same beginning, the second short ones with two letters exchanged.
fn likeness(one: &str, other: &str) -> f64 {
    strsim::jaro_winkler(one, other).max(strsim::normalized_damerau_levenshtein(one, other))
}

/// What to say after naming an unknown word: the nearest, or all.
pub(crate) fn advice<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None if known.is_empty() => "there is none: add it".to_owned(),
        None if known.len() > LISTED => format!("there are {} others", known.len()),
        None => format!("there is {}", known.join(", ")),
    }
}
