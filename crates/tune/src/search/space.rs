//! What a search may choose from: the unit cube, some of its axes with places only.

use serde::{Deserialize, Serialize};

/// One axis of the unit cube.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Axis {
    /// Any number in 0..=1.
    Real,
    /// These places only, ascending: integers, quantised axes, lists of numbers. They need not be evenly spread, so a
    /// quantised axis may have a logarithmic scale.
    Places(Vec<f64>),
    /// Words without an order; word `k` of `count` stands at `(k + 0.5) / count`. No step, crossover or mutation takes
    /// two words for neighbours.
    Words(u32),
}

impl Axis {
    /// Evenly spread places, ends included: `k / (count - 1)`; a single one in the middle.
    pub fn levels(count: u32) -> Axis {
        Axis::Places(match count {
            1 => vec![0.5],
            n => (0..n).map(|k| f64::from(k) / f64::from(n - 1)).collect(),
        })
    }

    /// How many values it has; `None` for [`Axis::Real`].
    pub fn count(&self) -> Option<usize> {
        match self {
            Axis::Real => None,
            Axis::Places(places) => Some(places.len()),
            Axis::Words(count) => Some(*count as usize),
        }
    }

    /// Which of its values is nearest, the lower of two; `None` for [`Axis::Real`].
    pub fn index(&self, x: f64) -> Option<usize> {
        match self {
            Axis::Real => None,
            Axis::Places(places) => {
                let above = places.partition_point(|&p| p < x);
                let lower = above.saturating_sub(1);
                let nearer = above < places.len() && places[above] - x < x - places[lower];
                Some(if above == 0 || nearer { above } else { lower })
            }
            Axis::Words(count) => Some(((x * f64::from(*count)) as usize).min(*count as usize - 1)),
        }
    }

    /// Where value `index` stands; `index` itself has no meaning on [`Axis::Real`], which answers with the middle.
    pub fn place(&self, index: usize) -> f64 {
        match self {
            Axis::Real => 0.5,
            Axis::Places(places) => places[index],
            Axis::Words(count) => (index as f64 + 0.5) / f64::from(*count),
        }
    }

    /// The nearest place, and inside 0..=1.
    pub fn snap(&self, x: f64) -> f64 {
        let x = x.clamp(0.0, 1.0);
        self.index(x).map_or(x, |index| self.place(index))
    }

    /// Typical distance between two places; 0 for [`Axis::Real`].
    pub(crate) fn spacing(&self) -> f64 {
        match self {
            Axis::Real => 0.0,
            Axis::Places(p) if p.len() < 2 => 1.0,
            Axis::Places(p) => (p[p.len() - 1] - p[0]) / (p.len() - 1) as f64,
            Axis::Words(count) => 1.0 / f64::from(*count),
        }
    }
}

/// The axes of a search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Space {
    axes: Vec<Axis>,
}

/// What is wrong with a space.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpaceError {
    /// Nothing to vary.
    #[error("there is no axis to search along")]
    Empty,
    /// An axis without a value, or with places that do not ascend within 0..=1.
    #[error("axis {axis} (from 0) needs at least one place, and places that ascend within 0..=1")]
    Places {
        /// Which axis.
        axis: usize,
    },
}

impl Space {
    /// Checks and keeps the axes.
    ///
    /// # Errors
    ///
    /// No axis, or one whose places do not ascend within 0..=1.
    pub fn try_new(axes: Vec<Axis>) -> Result<Space, SpaceError> {
        if axes.is_empty() {
            return Err(SpaceError::Empty);
        }
        let sound = |axis: &Axis| match axis {
            Axis::Real => true,
            Axis::Places(p) => {
                !p.is_empty()
                    && p.iter().all(|x| (0.0..=1.0).contains(x))
                    && p.windows(2).all(|w| w[0] < w[1])
            }
            Axis::Words(count) => *count > 0,
        };
        match axes.iter().position(|axis| !sound(axis)) {
            Some(axis) => Err(SpaceError::Places { axis }),
            None => Ok(Space { axes }),
        }
    }

    /// This many real axes.
    ///
    /// # Panics
    ///
    /// With no axis.
    pub fn real(axes: usize) -> Space {
        Space::try_new(vec![Axis::Real; axes]).expect("at least one axis")
    }

    /// The axes in order.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.axes.len()
    }

    /// Never: a space has an axis.
    pub fn is_empty(&self) -> bool {
        self.axes.is_empty()
    }

    /// Moves a point to the nearest one of the space.
    pub fn snap(&self, point: &mut [f64]) {
        for (x, axis) in point.iter_mut().zip(&self.axes) {
            *x = axis.snap(*x);
        }
    }

    /// The same as a new point.
    pub fn snapped(&self, point: &[f64]) -> Vec<f64> {
        let mut point = point.to_vec();
        self.snap(&mut point);
        point
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_snap_to_the_nearest_place() {
        let space = Space::try_new(vec![
            Axis::Real,
            Axis::levels(5),
            Axis::Places(vec![0.0, 0.1, 1.0]),
            Axis::Words(4),
        ])
        .unwrap();
        assert_eq!(
            space.snapped(&[1.2, 0.6, 0.5, 0.74]),
            [1.0, 0.5, 0.1, 0.625]
        );
        assert_eq!(
            space.snapped(&[0.3, 0.64, 0.56, 1.0]),
            [0.3, 0.75, 1.0, 0.875]
        );
        assert_eq!(
            space.snapped(&[0.3, -1.0, 2.0, 0.0]),
            [0.3, 0.0, 1.0, 0.125]
        );
        // What is snapped stays, so a grid plan's `k / (n - 1)` too names each word once.
        for k in 0..7 {
            assert_eq!(Axis::Words(7).index(k as f64 / 6.0), Some(k));
            assert_eq!(Axis::levels(7).index(Axis::levels(7).place(k)), Some(k));
        }
    }

    #[test]
    fn a_space_that_is_none_is_refused() {
        for bad in [
            Axis::Places(vec![]),
            Axis::Places(vec![0.2, 0.2]),
            Axis::Places(vec![0.2, f64::NAN]),
            Axis::Words(0),
        ] {
            let told = Space::try_new(vec![Axis::Real, bad]).unwrap_err();
            assert_eq!(told, SpaceError::Places { axis: 1 });
        }
        assert_eq!(Space::try_new(vec![]).unwrap_err(), SpaceError::Empty);
    }
}
