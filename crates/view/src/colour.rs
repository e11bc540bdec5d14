//! From a number to a colour: what is shown on the skin, in which unit, over which scale.

use colorous::VIRIDIS;

/// What the skin's colours mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// Normal pressure of the nodes.
    #[default]
    Pressure,
    /// How far the skin stands in.
    Indentation,
    /// Shear traction, whatever its direction.
    Shear,
    /// Pressure over time since the start of the run.
    Dose,
    /// Local pressure over the median pain threshold of the zone for the node's contact area.
    PainFraction,
    /// Bare skin.
    Nothing,
}

impl Quantity {
    /// All, in the order of the menu.
    pub const ALL: [Quantity; 6] = [
        Quantity::Pressure,
        Quantity::Indentation,
        Quantity::Shear,
        Quantity::Dose,
        Quantity::PainFraction,
        Quantity::Nothing,
    ];

    /// As the command line writes it.
    pub fn name(self) -> &'static str {
        match self {
            Quantity::Pressure => "pressure",
            Quantity::Indentation => "indentation",
            Quantity::Shear => "shear",
            Quantity::Dose => "dose",
            Quantity::PainFraction => "pain-fraction",
            Quantity::Nothing => "nothing",
        }
    }

    /// In words.
    pub fn title(self) -> &'static str {
        match self {
            Quantity::PainFraction => "share of pain threshold",
            other => other.name(),
        }
    }

    /// The one of this name.
    pub fn from_name(name: &str) -> Option<Quantity> {
        Quantity::ALL.into_iter().find(|q| q.name() == name)
    }

    /// Symbol of its unit, and how many of it are one in SI.
    pub fn unit(self, pressure: PressureUnit) -> (String, f64) {
        let (symbol, per_pa) = pressure.per_pa();
        match self {
            Quantity::Pressure | Quantity::Shear => (symbol.to_string(), per_pa),
            Quantity::Dose => (format!("{symbol} s"), per_pa),
            Quantity::Indentation => ("mm".to_string(), 1e3),
            Quantity::PainFraction | Quantity::Nothing => (String::new(), 1.0),
        }
    }

    /// Top of the scale for a largest value: the next of 1, 2, 5, 10, ... in the unit shown, so that it seldom jumps.
    pub fn round_top(self, largest: f64, pressure: PressureUnit) -> f64 {
        let per_si = self.unit(pressure).1;
        let least = match self {
            Quantity::PainFraction => 1.0,
            Quantity::Indentation => 10.0,
            Quantity::Shear => 5e3 * per_si,
            _ => 2e4 * per_si,
        };
        nice_above((largest * per_si).max(least)) / per_si
    }
}

/// Units that people measure pressure in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum PressureUnit {
    /// Kilopascal.
    #[default]
    #[serde(rename = "kPa")]
    Kilopascal,
    /// Newton per square centimetre: algometers.
    #[serde(rename = "N/cm2")]
    NewtonPerCm2,
    /// Millimetres of mercury: mats for beds and seats.
    #[serde(rename = "mmHg")]
    MmHg,
}

impl PressureUnit {
    /// All.
    pub const ALL: [PressureUnit; 3] = [
        PressureUnit::Kilopascal,
        PressureUnit::NewtonPerCm2,
        PressureUnit::MmHg,
    ];

    /// Symbol, and how many are one pascal. 1 mmHg is 133.322 Pa.
    pub fn per_pa(self) -> (&'static str, f64) {
        match self {
            PressureUnit::Kilopascal => ("kPa", 1e-3),
            PressureUnit::NewtonPerCm2 => ("N/cm2", 1e-4),
            PressureUnit::MmHg => ("mmHg", 1.0 / 133.322),
        }
    }
}

/// Colour of a share of the scale, sRGB: viridis, even to the eye and to colour-blind eyes.
pub fn colour(share: f64) -> [u8; 3] {
    let c = VIRIDIS.eval_continuous(share.clamp(0.0, 1.0));
    [c.r, c.g, c.b]
}

/// How far the map covers the skin: nothing at 0, all from a twentieth of the scale on.
pub fn cover(share: f64) -> f64 {
    (20.0 * share).clamp(0.0, 1.0)
}

/// The next of 1, 2, 5, 10, ... at or above.
fn nice_above(value: f64) -> f64 {
    let decade = 10f64.powf(value.max(1e-12).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|n| n * decade)
        .find(|n| *n >= value * (1.0 - 1e-9))
        .unwrap_or(10.0 * decade)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ends and the middle of viridis as its authors publish it (Smith and van der Walt, 2015): #440154, #21918c, #fde725.
    #[test]
    fn val_colours_are_viridis() {
        assert_eq!(colour(0.0), [0x44, 0x01, 0x54]);
        assert_eq!(colour(1.0), [0xfd, 0xe7, 0x25]);
        let middle = colour(0.5);
        for (got, published) in middle.into_iter().zip([0x21, 0x91, 0x8c]) {
            // The table has 256 entries, and 0.5 lies between two.
            assert!(got.abs_diff(published) <= 2, "{middle:?}");
        }
    }

    #[test]
    fn scales_end_on_round_numbers() {
        let kpa = PressureUnit::Kilopascal;
        assert!((Quantity::Pressure.round_top(31e3, kpa) - 50e3).abs() < 1e-6);
        assert!((Quantity::Pressure.round_top(50e3, kpa) - 50e3).abs() < 1e-6);
        // 31 kPa are 3.1 N/cm2: the scale ends at 5 of them.
        assert!(
            (Quantity::Pressure.round_top(31e3, PressureUnit::NewtonPerCm2) - 5e4).abs() < 1e-6
        );
    }
}
