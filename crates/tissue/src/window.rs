//! How many cells of skin a node may touch.

use crate::indenter::Indenter;
use nalgebra::Vector3;

/// Cells along the edge of a contact's window: the usual one, and what large nodes or fine cells take. Each has a basis of its own, whose cost goes
/// with the cube: 1.4 s for 64.
pub const WINDOWS: [usize; 7] = [32, 48, 64, 80, 96, 112, 128];
/// Room beside a node's shadow: skin that falls away under it is longer than the shadow.
const ROOM: f64 = 1.1;

/// Which of [`WINDOWS`] holds all cells that a node may touch; `None` where none does, and cells must be coarser.
pub fn window_of(shape: &Indenter, cell_m: f64) -> Option<usize> {
    let needed_m = needed_m(shape);
    WINDOWS
        .iter()
        .position(|side| (side / 2) as f64 * cell_m >= needed_m)
}

/// The finest cells on which one of [`WINDOWS`] holds a node, m.
pub fn finest_cell_m(shape: &Indenter) -> f64 {
    needed_m(shape) / (WINDOWS[WINDOWS.len() - 1] / 2) as f64
}

/// Half of the edge that it needs, m. However it is turned; a paraboloid, which has no end, is for shallow contacts.
fn needed_m(shape: &Indenter) -> f64 {
    let axes = [Vector3::x(), Vector3::y(), Vector3::z()];
    let far_m = |axis: &Vector3<f64>| shape.extent_m(axis).max(shape.extent_m(&-axis));
    match shape {
        Indenter::Paraboloid { .. } => 0.0,
        _ => ROOM * axes.iter().map(far_m).fold(0.0, f64::max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1.1 times half of the widest part in half a window: 25 mm on cells of 2 mm are 13.75 of 16, of 1 mm 27.5 of 32; a forearm of
    /// 120 mm is 33 of 40 cells of 2 mm, and cells of 0.5 mm are too fine for it.
    #[test]
    fn val_windows_hold_their_nodes() {
        let ball = Indenter::Sphere { radius_m: 0.025 };
        let forearm = Indenter::Roller {
            radius_m: 0.040,
            length_m: 0.120,
            fillet_m: 0.030,
        };
        assert_eq!(window_of(&ball, 0.002), Some(0));
        assert_eq!(window_of(&ball, 0.001), Some(2));
        assert_eq!(window_of(&forearm, 0.002), Some(3));
        assert_eq!(window_of(&forearm, 0.0005), None);
        assert!((finest_cell_m(&forearm) - 0.066 / 64.0).abs() < 1e-15);
    }
}
