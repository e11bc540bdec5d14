//! The root package owns the tests and benches and has no source.
