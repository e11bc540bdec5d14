//! "Did you mean": the closest of the names that would have been right.

/// The candidate nearest to `word`, if it is near enough to be a slip.
pub fn closest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .iter()
        .map(|c| {
            (
                strsim::normalized_damerau_levenshtein(&word, &c.to_lowercase()),
                *c,
            )
        })
        .chain(
            candidates
                .iter()
                .filter(|c| word.len() > 3 && c.starts_with(&word))
                .map(|c| (0.75, *c)),
        )
        .filter(|(score, _)| *score >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, c)| c)
}
