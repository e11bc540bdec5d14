//! What is wrong with a file, told at the key that is wrong.

use std::fmt;

/// Every problem of an input, in the order of its files and lines. Displays as one paragraph per problem.
#[derive(Clone, Debug, Default, PartialEq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

/// One problem.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The file that holds the key.
    pub file: String,
    /// Line of the key, from 1; 0 where the value came from `--set`.
    pub line: usize,
    /// Full path of the key, as `--set` takes it; empty for the file as a whole.
    pub key: String,
    /// The value as it was read; empty where there is none.
    pub value: String,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What is allowed, with unit; empty where nothing needs saying.
    pub allowed: String,
    /// How to mend it.
    pub hint: Option<String>,
    /// Whether it stops the run.
    pub severity: Severity,
}

/// Whether a problem stops the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The input cannot be used.
    Error,
    /// The input can be used; somebody should look.
    Warning,
}

impl Problems {
    /// Whether any of them is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|p| p.severity == Severity::Error)
    }

    /// The file `first`, then the others as they come, each by line; problems of `--set` stand before line 1.
    pub(crate) fn sort(&mut self, first: &str) {
        let mut files = vec![first.to_string()];
        for p in &self.0 {
            if !files.contains(&p.file) {
                files.push(p.file.clone());
            }
        }
        let rank = |p: &Problem| (files.iter().position(|f| *f == p.file), p.line);
        self.0.sort_by_key(rank);
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{} (from --set)", self.file)?,
            line => write!(f, "{}:{line}", self.file)?,
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, ": {severity}: ")?;
        match (self.key.is_empty(), self.value.is_empty()) {
            (true, _) => write!(f, "{}", self.message)?,
            (false, true) => write!(f, "{}: {}", self.key, self.message)?,
            (false, false) => write!(f, "{} = {}: {}", self.key, self.value, self.message)?,
        }
        if !self.allowed.is_empty() {
            write!(f, "\n  allowed: {}", self.allowed)?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}
