//! Units as suffixes of keys: `thickness_mm` is read in millimetres and kept in metres.

/// A unit that a key may end in. The set is wider than what files use, so that a wrong unit can be told from a typo.
#[derive(Debug)]
pub struct Unit {
    /// How the key ends, without the underscore.
    pub suffix: &'static str,
    /// How people write it.
    pub symbol: &'static str,
    /// What it measures; units of one quantity convert into each other.
    pub quantity: &'static str,
    /// One of these, in SI, is `multiply / divide`. Two factors, so that 55 mm is exactly the number 0.055.
    multiply: f64,
    divide: f64,
}

const fn unit(
    suffix: &'static str,
    symbol: &'static str,
    quantity: &'static str,
    multiply: f64,
    divide: f64,
) -> Unit {
    Unit {
        suffix,
        symbol,
        quantity,
        multiply,
        divide,
    }
}

use std::f64::consts::{PI, TAU};

/// Longest suffix first, so that `_n_mm` is not taken for `_mm`.
static UNITS: &[Unit] = &[
    unit("nm_s_rad", "N m s/rad", "rotary damping", 1.0, 1.0),
    unit("nm_deg", "N m/deg", "rotary rate", 180.0, PI),
    unit("nm_rad", "N m/rad", "rotary rate", 1.0, 1.0),
    unit("inertia_kg_m2", "kg m^2", "rotary inertia", 1.0, 1.0),
    unit("inertia_g_cm2", "g cm^2", "rotary inertia", 1.0, 1e7),
    unit("kg_m2", "kg/m^2", "body mass index", 1.0, 1.0),
    unit("m_per_rad", "m/rad", "travel per turn", 1.0, 1.0),
    unit("mm_per_rev", "mm/rev", "travel per turn", 1.0, 1000.0 * TAU),
    unit("cm2", "cm^2", "area", 1.0, 1e4),
    unit("mm2", "mm^2", "area", 1.0, 1e6),
    unit("mm_s2", "mm/s^2", "acceleration", 1.0, 1000.0),
    unit("m_s2", "m/s^2", "acceleration", 1.0, 1.0),
    unit("rad_s2", "rad/s^2", "angular acceleration", 1.0, 1.0),
    unit("deg_s2", "deg/s^2", "angular acceleration", PI, 180.0),
    unit("mm_s", "mm/s", "speed", 1.0, 1000.0),
    unit("m_s", "m/s", "speed", 1.0, 1.0),
    unit("deg_s", "deg/s", "angular speed", PI, 180.0),
    unit("rad_s", "rad/s", "angular speed", 1.0, 1.0),
    unit("n_s_m", "N s/m", "damping", 1.0, 1.0),
    unit("n_mm", "N/mm", "stiffness", 1000.0, 1.0),
    unit("n_m", "N/m", "stiffness", 1.0, 1.0),
    unit("n_s", "N/s", "force rate", 1.0, 1.0),
    unit("nm_a", "N m/A", "torque constant", 1.0, 1.0),
    unit("nm_s", "N m s", "rotary damping", 1.0, 1.0),
    unit("rpm", "rpm", "angular speed", TAU, 60.0),
    unit("mnm", "mN m", "torque", 1.0, 1000.0),
    unit("nmm", "N mm", "torque", 1.0, 1000.0),
    unit("nm", "N m", "torque", 1.0, 1.0),
    unit("deg", "deg", "angle", PI, 180.0),
    unit("rad", "rad", "angle", 1.0, 1.0),
    unit("rev", "rev", "angle", TAU, 1.0),
    unit("kpa", "kPa", "pressure", 1000.0, 1.0),
    unit("mpa", "MPa", "pressure", 1e6, 1.0),
    unit("pa", "Pa", "pressure", 1.0, 1.0),
    unit("psi", "psi", "pressure", 6894.757, 1.0),
    unit("um", "um", "length", 1.0, 1e6),
    unit("mm", "mm", "length", 1.0, 1000.0),
    unit("cm", "cm", "length", 1.0, 100.0),
    unit("inch", "in", "length", 254.0, 10000.0),
    unit("in", "in", "length", 254.0, 10000.0),
    unit("ft", "ft", "length", 3048.0, 10000.0),
    unit("m", "m", "length", 1.0, 1.0),
    unit("hz", "Hz", "frequency", 1.0, 1.0),
    unit("ms", "ms", "time", 1.0, 1000.0),
    unit("us", "us", "time", 1.0, 1e6),
    unit("min", "min", "time", 60.0, 1.0),
    unit("s", "s", "time", 1.0, 1.0),
    unit("yr", "yr", "age", 1.0, 1.0),
    unit("kg", "kg", "mass", 1.0, 1.0),
    unit("lb", "lb", "mass", 0.453_592_37, 1.0),
    unit("g", "g", "mass", 1.0, 1000.0),
    unit("kgf", "kgf", "force", 9.806_65, 1.0),
    unit("n", "N", "force", 1.0, 1.0),
    unit("v", "V", "voltage", 1.0, 1.0),
    unit("a", "A", "current", 1.0, 1.0),
    unit("pct", "%", "share", 1.0, 100.0),
];

impl Unit {
    /// The unit that ends a key, and what stands before it: `thickness_mm` is `("thickness", mm)`.
    pub fn split(key: &str) -> (&str, Option<&'static Unit>) {
        let found = UNITS
            .iter()
            .filter_map(|u| Some((key.strip_suffix(u.suffix)?.strip_suffix('_')?, u)))
            .filter(|(stem, _)| !stem.is_empty())
            .min_by_key(|(stem, _)| stem.len());
        match found {
            Some((stem, unit)) => (stem, Some(unit)),
            None => (key, None),
        }
    }

    /// The unit with this suffix.
    pub fn named(suffix: &str) -> Option<&'static Unit> {
        UNITS.iter().find(|u| u.suffix == suffix)
    }

    /// A number in this unit, in SI.
    pub fn to_si(&self, value: f64) -> f64 {
        value * self.multiply / self.divide
    }

    /// An SI number in this unit.
    pub fn of_si(&self, value_si: f64) -> f64 {
        value_si * self.divide / self.multiply
    }
}

/// A number as people write it: shortest digits that read back the same.
pub(crate) fn show(value: f64) -> String {
    let size = value.abs();
    if value != 0.0 && !(1e-4..1e9).contains(&size) {
        format!("{value:e}")
    } else {
        format!("{value}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn millimetres_are_exact() {
        let (stem, unit) = Unit::split("thickness_mm");
        assert_eq!(stem, "thickness");
        assert_eq!(unit.unwrap().to_si(55.0), 0.055);
    }

    #[test]
    fn the_longest_suffix_wins() {
        assert_eq!(Unit::split("stiffness_n_mm").1.unwrap().symbol, "N/mm");
        assert_eq!(Unit::split("rate_nm_deg").1.unwrap().symbol, "N m/deg");
        assert!(Unit::split("mm").1.is_none());
        assert!(Unit::split("techniques").1.is_none());
    }

    #[test]
    fn val_rpm_and_degrees() {
        // 60 rpm is one turn a second; 180 degrees are pi.
        assert!((Unit::named("rpm").unwrap().to_si(60.0) - std::f64::consts::TAU).abs() < 1e-15);
        assert_eq!(
            Unit::named("deg").unwrap().to_si(180.0),
            std::f64::consts::PI
        );
        assert!((Unit::named("nm_deg").unwrap().to_si(0.03) - 1.718_873).abs() < 1e-6);
    }
}
