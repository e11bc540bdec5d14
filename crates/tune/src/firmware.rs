//! What a firmware sees and says, in units: the place where tables stop and a machine begins.

use program::{Phase, Technique};

/// Length of a firmware's tick, s: that of the exported runtime.
pub const TICK_S: f64 = 0.010;

/// What a machine reports each tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sensed {
    /// Ticks since the last call.
    pub ticks: u16,
    /// Station of the carriage.
    pub u: f64,
    /// Depth from touch, m; [`crate::RETRACTED_M`] means all the way in, wherever touch is.
    pub depth_m: f64,
    /// Turns of the kneading shaft, free running.
    pub turns: u16,
}

/// What firmware asks of the machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Order {
    /// Where the programme is.
    pub state: State,
    /// Go to this station.
    pub u: f64,
    /// As fast as this, m/s.
    pub walk_m_s: f64,
    /// Protrude to this depth from touch, m; already limited in speed.
    pub depth_m: f64,
    /// The slide itself moves outward no faster than this, m/s.
    pub slide_m_s: f64,
    /// Whether the kneading shaft turns.
    pub knead: bool,
    /// How fast, rad/s.
    pub knead_rad_s: f64,
    /// Where it is turned to while it does not knead, rad; none: it stops where it is, since the nodes may still press.
    pub park_rad: Option<f64>,
    /// Technique whose touch the depth is counted from.
    pub technique: Technique,
    /// Intensity in use, 1 to 5.
    pub level: u8,
    /// Row of the programme.
    pub step: usize,
}

/// Where a programme is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// At work; [`Phase::Release`] is the way in.
    Running(Phase),
    /// Over.
    Done,
    /// It stopped, with this code of the runtime.
    Fault(u8),
}

/// A programme that runs tick by tick, such as the exported runtime over the exported tables.
pub trait Firmware {
    /// One tick.
    fn tick(&mut self, sensed: &Sensed) -> Order;
}
