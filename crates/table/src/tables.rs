//! The quantised tables: integers only, in fixed units.

/// Tuned flag: the pressure band was moved down to the cap.
pub const CAP_LIMITED: u8 = 1;
/// Tuned flag: no safe depth; the cell is retracted.
pub const INFEASIBLE: u8 = 2;
/// Station units from one column to the next.
pub const STATION_ONE: u16 = 2048;
/// Length of a tick.
pub const TICK_MS: u16 = 10;
/// Technique of a row that only retracts and travels.
pub const NO_TECHNIQUE: u8 = 255;
/// Version of the runtime that these tables need.
pub const RT_VERSION: u32 = 5;
/// Format of an image: rises with each change of the layout.
pub const FORMAT_MAJOR: u8 = 3;
/// Most rows of a programme, a fallback or a list of vectors: two parts each, and a part's number has 12 bits.
pub const MAX_ROWS: usize = 2048;
/// First four bytes (little-endian) of the blake3 hash of the fenced blocks of LAYOUT.md.
pub const LAYOUT_HASH: u32 = 0x3CD2_D181;

/// Depth units per metre: 0.01 mm each.
pub const DEPTH_PER_M: f64 = 1e5;
/// Force units per newton: 0.01 N each.
pub const FORCE_PER_N: f64 = 100.0;
/// Current units per ampere: 1 mA each.
pub const CURRENT_PER_A: f64 = 1000.0;
/// Dwell units per second.
pub const DWELL_PER_S: f64 = 10.0;
/// Press speed units per m/s: 0.125 mm/s each.
pub const PRESS_PER_M_S: f64 = 8e3;
/// A unit of press speed, in 1/256 of 0.01 mm per tick.
pub const PRESS_Q8: i32 = 32;
/// Twice a mm/s2, in 1/256 of 0.01 mm per tick and tick: 2.5 instead of 2.56 each, on the safe side.
pub const ACCEL_Q8_X2: i32 = 5;
/// Kneading speed units per hertz: 0.01 turns a minute each.
pub const KNEAD_PER_HZ: f64 = 6e3;
/// Tap rate units per hertz.
pub const TAP_PER_HZ: f64 = 100.0;

/// What firmware gets. Maps are flat in the order technique, class, station, level; after the last
/// class each map has one more row, the strictest, for a body whose class is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    /// Name of the export.
    pub name: String,
    /// First four bytes of the blake3 hash of the scene's hash: which machine this was tuned on.
    pub scene_id: u32,
    /// First eight bytes of the blake3 hash of the model.
    pub content_hash: u64,
    /// Names of the techniques.
    pub techniques: Vec<String>,
    /// Names of the classes, without the strictest.
    pub class_names: Vec<String>,
    /// Names of the zones that caps refer to.
    pub zones: Vec<String>,
    /// u of the first column, Q14.
    pub from_q14: i16,
    /// u of the last column, Q14.
    pub to_q14: i16,
    /// Number of columns.
    pub stations: u8,
    /// Number of levels.
    pub levels: u8,
    /// Depth, 0.01 mm.
    pub depth: Vec<i16>,
    /// Tuned flags.
    pub flags: Vec<u8>,
    /// Expected node force, 0.01 N.
    pub force: Vec<u16>,
    /// Expected motor current, mA.
    pub current: Vec<u16>,
    /// Caps in the order class (with the strictest), station.
    pub caps: Vec<Cap>,
    /// Bounds of the classes.
    pub classes: Vec<Class>,
    /// Session limits.
    pub limits: Limits,
    /// The programme.
    pub steps: Vec<Step>,
    /// The fallback.
    pub fallback: Vec<Step>,
    /// Self-test vectors with their exact answers.
    pub vectors: Vec<Vector>,
    /// Axes over time; empty where firmware moves by the steps alone.
    pub channels: Vec<Channel>,
}

/// An axis over time: cubics between knots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// 0 carriage, 1 protrusion, 2 knead.
    pub axis: u8,
    /// A velocity counts 2^-shift units per tick; 3 to 15.
    pub shift: u8,
    /// 1e-9 m or rad of a unit.
    pub nano_per_unit: u32,
    /// The curve never lies below, units.
    pub low: i16,
    /// Nor above.
    pub high: i16,
    /// At least two.
    pub knots: Vec<Knot>,
}

/// A knot of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Knot {
    /// Ticks to the next knot; 0 at the last.
    pub dt: u16,
    /// Units.
    pub position: i16,
    /// 2^-shift units per tick.
    pub velocity: i16,
}

impl Tables {
    /// Rows per technique: the classes and the strictest.
    pub fn rows(&self) -> usize {
        self.class_names.len() + 1
    }

    /// Index of a cell; `row` may be the strictest, `level` counts from 0 here.
    pub fn cell(&self, technique: usize, row: usize, station: usize, level: usize) -> usize {
        ((technique * self.rows() + row) * usize::from(self.stations) + station)
            * usize::from(self.levels)
            + level
    }

    /// Index of a cap.
    pub fn cap_index(&self, row: usize, station: usize) -> usize {
        row * usize::from(self.stations) + station
    }

    /// u of a column, from the quantised axis.
    pub fn u(&self, station: usize) -> f64 {
        let from = f64::from(self.from_q14);
        let span = f64::from(self.to_q14) - from;
        (from + span * station as f64 / (f64::from(self.stations) - 1.0)) / 16384.0
    }

    /// Name of a row of the maps.
    pub fn row_name(&self, row: usize) -> &str {
        self.class_names.get(row).map_or("unknown", String::as_str)
    }

    /// Last station.
    pub fn last_station(&self) -> u16 {
        (u16::from(self.stations) - 1) * STATION_ONE
    }
}

/// Caps of one class in one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap {
    /// 0.01 mm.
    pub depth: i16,
    /// 0.01 N.
    pub force: u16,
    /// 0.1 s.
    pub dwell: u16,
    /// 0.01 Hz.
    pub tap: u16,
    /// Index of the zone.
    pub zone: u16,
}

impl Cap {
    /// The stricter of two, value by value. The zone is that of the smaller force.
    pub fn strictest(self, other: Cap) -> Cap {
        Cap {
            depth: self.depth.min(other.depth),
            force: self.force.min(other.force),
            dwell: self.dwell.min(other.dwell),
            tap: self.tap.min(other.tap),
            zone: if other.force < self.force {
                other.zone
            } else {
                self.zone
            },
        }
    }
}

/// Bounds of a class, lower included, upper not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// mm.
    pub stature_min: u16,
    /// mm.
    pub stature_max: u16,
    /// 0.01 kg/m2.
    pub bmi_min: u16,
    /// 0.01 kg/m2.
    pub bmi_max: u16,
}

/// Session limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// s.
    pub session: u16,
    /// Ticks.
    pub watchdog: u16,
    /// Protrusion speed, 1/256 of 0.01 mm per tick.
    pub speed_q8: u16,
    /// Protrusion acceleration, mm/s2.
    pub accel: u16,
    /// 0.01 mm.
    pub retracted: i16,
    /// Station units.
    pub station_tolerance: u16,
    /// 0.01 mm.
    pub depth_tolerance: u16,
    /// Condition bits that must be declared.
    pub requires: u32,
    /// Condition bits that forbid.
    pub forbids: u32,
}

/// One row of a programme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Index, or [`NO_TECHNIQUE`].
    pub technique: u8,
    /// What ends the work: 0 arrival, 1 time, 2 cycles.
    pub end: u8,
    /// 1 to levels; 0 without technique.
    pub level: u8,
    /// Fastest way out, 0.125 mm/s; never 0.
    pub press: u8,
    /// Station.
    pub from: u16,
    /// Station.
    pub to: u16,
    /// Station units.
    pub spacing: u16,
    /// Ticks; where cycles end the work, the kneading speed in 0.01 turns a minute.
    pub hold: u16,
    /// Turns or passes.
    pub cycles: u16,
    /// 0.01 degree.
    pub park: u16,
    /// 0.1 mm/s.
    pub speed: u16,
    /// s.
    pub timeout: u16,
}

impl Step {
    /// The point after one of this row: `spacing` on, but not past `to`; the same point where it is the last.
    pub fn next_point(&self, point: u16) -> u16 {
        let spacing = i32::from(self.spacing);
        let way = i32::from(self.to) - i32::from(point);
        (i32::from(point) + way.clamp(-spacing, spacing)) as u16
    }

    /// Kneading speed, 0.01 turns a minute; 0 where the shaft does not turn.
    pub fn knead(&self) -> u16 {
        if self.end == 2 { self.hold } else { 0 }
    }
}

/// A lookup and what it must answer, to the bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vector {
    /// Input.
    pub technique: u8,
    /// Input; may be no class.
    pub body: u8,
    /// Input; may be out of range.
    pub level: u8,
    /// Expected flags.
    pub flags: u8,
    /// Input; may be beyond the table.
    pub station: u16,
    /// Expected depth.
    pub depth: i16,
    /// Expected force.
    pub force: u16,
    /// Expected current.
    pub current: u16,
    /// Expected caps; the zone is not looked up and is 0.
    pub cap: Cap,
}
