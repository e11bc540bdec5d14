//! Which points have been asked before: on a grid a search comes back to the same one, and it need not be evaluated twice.

use std::collections::BTreeMap;

/// Numbers distinct points in the order of their first coming. Points are compared by their bits, which is right for
/// points of a space: they are snapped.
///
/// A driver keeps one for a whole search: what is [`Entry::New`] is evaluated and logged under its number, what is
/// [`Entry::Again`] is told the score of that number. Replay gives the same numbers.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    numbers: BTreeMap<Vec<u64>, usize>,
}

/// What a ledger knows of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It came for the first time and has this number.
    New(usize),
    /// It came before, under this number.
    Again(usize),
}

impl Ledger {
    /// Looks a point up and enters it.
    pub fn admit(&mut self, point: &[f64]) -> Entry {
        let next = self.numbers.len();
        match self.numbers.entry(key(point)) {
            std::collections::btree_map::Entry::Vacant(entry) => Entry::New(*entry.insert(next)),
            std::collections::btree_map::Entry::Occupied(entry) => Entry::Again(*entry.get()),
        }
    }

    /// The number of a point that was entered.
    pub fn number(&self, point: &[f64]) -> Option<usize> {
        self.numbers.get(&key(point)).copied()
    }

    /// Distinct points so far.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether none was entered.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }
}

/// Bits of each number; minus zero is zero.
fn key(point: &[f64]) -> Vec<u64> {
    point.iter().map(|x| (x + 0.0).to_bits()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_has_the_number_of_its_first_coming() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.admit(&[0.5, 0.0]), Entry::New(0));
        assert_eq!(ledger.admit(&[0.5, 0.1]), Entry::New(1));
        assert_eq!(ledger.admit(&[0.5, -0.0]), Entry::Again(0));
        assert_eq!(ledger.number(&[0.5, 0.1]), Some(1));
        assert_eq!((ledger.number(&[0.1, 0.5]), ledger.len()), (None, 2));
    }
}
