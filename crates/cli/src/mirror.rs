//! The exported runtime as what drives the simulator: its Rust mirror over tables read back, which answers as the C does, to
//! the bit.

use ::tune::{Firmware, Order, RETRACTED_M, Sensed, State};
use program::{Phase, Technique};
use std::f64::consts::TAU;
use table::Tables;
use table::eval::{self, Command, Inputs, Programme};
use table::tables::{DEPTH_PER_M, KNEAD_PER_HZ, PRESS_PER_M_S};

/// A running programme, and the fallback once it fails.
pub struct Mirror<'a> {
    tables: &'a Tables,
    programme: Programme<'a>,
    level: u8,
    technique: Technique,
    step: u16,
    fault: Option<u8>,
}

impl<'a> Mirror<'a> {
    /// The programme for a body of a class, retracted, with every step at one level by way of the user's trim.
    pub fn start(tables: &'a Tables, class: usize, level: u8) -> Mirror<'a> {
        let body = u8::try_from(class).unwrap_or(u8::MAX);
        let limits = &tables.limits;
        Mirror {
            tables,
            programme: Programme::start(tables, body, limits.requires, limits.retracted),
            level,
            technique: Technique::Press,
            step: 0,
            fault: None,
        }
    }

    fn inputs(&self, sensed: &Sensed) -> Inputs {
        let row = self.tables.steps.get(usize::from(self.step));
        let trim = row.map_or(0, |row| i16::from(self.level) - i16::from(row.level));
        let retracted = self.tables.limits.retracted;
        Inputs {
            ticks: sensed.ticks,
            station: self.tables.station((sensed.u * 16384.0).round() as i16),
            depth: if sensed.depth_m <= RETRACTED_M {
                retracted
            } else {
                (sensed.depth_m * DEPTH_PER_M).round() as i16
            },
            cycles: sensed.turns,
            trim: trim as i8,
            stop: false,
        }
    }

    /// The speed that the row orders; the shaft is parked at the speed of the first row that kneads.
    fn knead_rad_s(&self, command: &Command) -> f64 {
        let mut speeds = self.tables.steps.iter().map(|row| row.knead());
        let parks = speeds.find(|knead| *knead > 0).unwrap_or(1200);
        let knead = if command.knead > 0 {
            command.knead
        } else {
            parks
        };
        f64::from(knead) / KNEAD_PER_HZ * TAU
    }

    fn state(&mut self, command: &Command, inputs: &Inputs) -> State {
        if self.fault.is_none()
            && let Some(fault) = self.programme.fault()
        {
            self.fault = Some(fault as u8);
            self.programme = Programme::start_fallback(self.tables, inputs.depth);
        }
        match (self.fault, command.phase) {
            (Some(code), _) => State::Fault(code),
            (None, eval::Phase::Retract) => State::Running(Phase::Release),
            (None, eval::Phase::Travel) => State::Running(Phase::Travel),
            (None, eval::Phase::Approach) => State::Running(Phase::Approach),
            (None, eval::Phase::Work) => State::Running(Phase::Contact),
            (None, eval::Phase::Done | eval::Phase::Fault) => State::Done,
        }
    }
}

impl Firmware for Mirror<'_> {
    fn tick(&mut self, sensed: &Sensed) -> Order {
        let inputs = self.inputs(sensed);
        let command = self.programme.step(&inputs);
        let state = self.state(&command, &inputs);
        self.step = command.step;
        let name = self.tables.techniques.get(usize::from(command.technique));
        if let Some(technique) = name.and_then(|name| technique(name)) {
            self.technique = technique;
        }
        Order {
            state,
            u: u(self.tables, command.station),
            walk_m_s: f64::from(command.speed) * 1e-4,
            depth_m: if command.depth <= self.tables.limits.retracted {
                RETRACTED_M
            } else {
                f64::from(command.depth) / DEPTH_PER_M
            },
            slide_m_s: match command.press {
                0 => f64::from(self.tables.limits.speed_q8) / 256.0 * 1e-3,
                press => f64::from(press) / PRESS_PER_M_S,
            },
            knead: command.knead > 0,
            knead_rad_s: self.knead_rad_s(&command),
            park_rad: (command.park != eval::SHAFT_STAYS)
                .then(|| (f64::from(command.park) * 0.01).to_radians()),
            technique: self.technique,
            level: self.level,
            step: usize::from(command.step),
        }
    }
}

/// Station u of a station in table units.
pub fn u(tables: &Tables, station: u16) -> f64 {
    let (from, to) = (f64::from(tables.from_q14), f64::from(tables.to_q14));
    (from + (to - from) * f64::from(station) / f64::from(tables.last_station())) / 16384.0
}

fn technique(name: &str) -> Option<Technique> {
    Technique::ALL.into_iter().find(|t| t.name() == name)
}
