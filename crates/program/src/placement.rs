//! Where the stations of this user are on this track.

use serde::{Deserialize, Serialize};

/// What the body scan tells the machine: carriage positions by station, linear in between. Both columns rise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    /// Rows of (station u, carriage position m).
    pub walk_at: Vec<(f64, f64)>,
}

impl Placement {
    /// Carriage position for a station, m; beyond the table its nearest end.
    pub fn walk_m(&self, u: f64) -> f64 {
        lookup(&self.walk_at, u, |row| row.0, |row| row.1)
    }

    /// The station the carriage stands at; beyond the table its nearest end.
    pub fn station(&self, walk_m: f64) -> f64 {
        lookup(&self.walk_at, walk_m, |row| row.1, |row| row.0)
    }

    /// Stations it covers, or none where it is no table: less than two rows, or a column that does not rise.
    pub fn range_u(&self) -> Option<(f64, f64)> {
        let rises = self
            .walk_at
            .windows(2)
            .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1);
        match (self.walk_at.first(), self.walk_at.last()) {
            (Some(first), Some(last)) if rises && self.walk_at.len() > 1 => Some((first.0, last.0)),
            _ => None,
        }
    }
}

fn lookup<T: Copy>(rows: &[T], at: f64, key: impl Fn(T) -> f64, value: impl Fn(T) -> f64) -> f64 {
    let after = rows.partition_point(|row| key(*row) < at);
    match (after.checked_sub(1).map(|i| rows[i]), rows.get(after)) {
        (Some(a), Some(&b)) => {
            let t = (at - key(a)) / (key(b) - key(a));
            value(a) + t * (value(b) - value(a))
        }
        (Some(a), None) => value(a),
        (None, Some(&b)) => value(b),
        (None, None) => f64::NAN,
    }
}
