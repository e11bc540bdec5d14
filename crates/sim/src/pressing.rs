//! All nodes on the skin at a moment: what maps of pressure are made of.

use crate::touch::{Contact, Touch};

/// Nodes on a bed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pressing<'a> {
    /// The nodes.
    pub touches: &'a [Touch],
    /// What each of them does now.
    pub contacts: &'a [Contact],
    /// Time, s.
    pub t_s: f64,
}
