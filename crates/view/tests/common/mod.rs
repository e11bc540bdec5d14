//! What tests of the program share.

/// Passes over a test visibly, or fails where `KNEADLAB_REQUIRE` asks for what is missing.
pub fn skip(word: &str, why: &str) {
    let list = std::env::var("KNEADLAB_REQUIRE").unwrap_or_default();
    assert!(
        !list.split(',').any(|w| w == word),
        "KNEADLAB_REQUIRE asks for {word}, but {why}"
    );
    println!("SKIPPED: {why}");
}
