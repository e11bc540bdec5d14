//! Why a study cannot be tuned.

use back::BodyProblem;

/// What stopped a tuning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TuneError {
    /// The user asked.
    #[error("stopped; nothing was lost but the unfinished phase")]
    Stopped,
    /// The body's conditions do not allow any massage.
    #[error("refused for {condition}: {note}")]
    Refused {
        /// Policy ids.
        condition: String,
        /// What the policy says.
        note: String,
    },
    /// A condition that is not known.
    #[error("{0}")]
    Condition(String),
    /// The mechanism cannot be built.
    #[error("mechanism: {0}")]
    Mechanism(String),
    /// A body that is not plausible.
    #[error("body: {0}")]
    Body(String),
    /// The programme cannot be compiled for a body.
    #[error("programme: {0}")]
    Program(String),
    /// The worker threads could not be started.
    #[error("threads: {0}")]
    Threads(String),
}

impl TuneError {
    pub(crate) fn body(problems: &[BodyProblem]) -> TuneError {
        let all: Vec<String> = problems
            .iter()
            .map(|p| format!("{} = {} is outside {}", p.key, p.value, p.allowed))
            .collect();
        TuneError::Body(all.join("; "))
    }
}
