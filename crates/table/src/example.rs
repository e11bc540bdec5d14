//! A made-up model: smooth depths, uneven caps, one infeasible column. No body was pressed for it.

use crate::model::{Axis, CapRow, ChannelModel, ClassInfo, End, Limits, Model, Source, StepRow};
use crate::tables::INFEASIBLE;

/// A model with the given counts, at least 1 class, 3 stations and 1 level.
pub fn model(classes: usize, stations: usize, levels: usize) -> Model {
    let techniques = vec!["press".to_owned(), "knead".to_owned(), "roll".to_owned()];
    let pitch = 1.0 / (stations - 1) as f64;
    let columns: Vec<f64> = (0..stations).map(|i| i as f64 * pitch).collect();
    let mut m = Model {
        name: "demo".into(),
        source: Source {
            version: "kneadlab 0.0.0".into(),
            scene_hash: "scene".into(),
            study_hash: "study".into(),
            seed: 7,
            notice: "Engineering envelope; needs clinical review; not medical advice.".into(),
        },
        techniques,
        classes: (0..classes)
            .map(|i| ClassInfo {
                name: format!("class {i}"),
                stature_min_m: if i == 0 { 0.0 } else { 1.5 + 0.05 * i as f64 },
                stature_max_m: if i + 1 == classes {
                    9.0
                } else {
                    1.55 + 0.05 * i as f64
                },
                bmi_min: 0.0,
                bmi_max: 90.0,
            })
            .collect(),
        stations: columns,
        levels,
        depth_m: Vec::new(),
        flags: Vec::new(),
        force_n: Vec::new(),
        current_a: Vec::new(),
        caps: Vec::new(),
        programme: programme(levels as u8),
        fallback: vec![StepRow {
            technique: None,
            end: End::Arrival,
            from_u: 0.0,
            to_u: 0.0,
            spacing_u: 0.0,
            level: 0,
            hold_s: 0.0,
            cycles: 0,
            knead_hz: 0.0,
            park_deg: 0.0,
            speed_m_s: 0.02,
            press_speed_m_s: 0.0333,
            timeout_s: 60.0,
        }],
        limits: Limits {
            session_max_s: 900.0,
            protrude_speed_max_m_s: 0.0333,
            protrude_accel_max_m_s2: 0.5,
            watchdog_s: 0.2,
            retracted_m: -0.002,
            station_tolerance_u: 0.005,
            depth_tolerance_m: 0.0005,
            requires: 0b0100,
            forbids: 0b1011,
        },
        channels: Vec::new(),
    };
    for class in 0..classes {
        for station in 0..stations {
            let wave = (3.1 * station as f64 + class as f64).sin();
            m.caps.push(CapRow {
                class,
                station,
                zone: if station % 2 == 0 { "TP" } else { "LP" }.into(),
                max_depth_m: 0.050123456 + 0.009 * wave,
                max_force_n: 60.0 + 7.0 * wave,
                max_dwell_s: 12.0 + 3.0 * wave,
                max_tap_hz: 8.0 + wave,
            });
        }
    }
    for technique in 0..3 {
        for class in 0..classes {
            for station in 0..stations {
                for level in 0..levels {
                    let cap = m.caps[class * stations + station].max_depth_m;
                    let shape = (0.37 * station as f64 + 0.2 * technique as f64).cos();
                    let wish = 0.02 + 0.01 * shape + 0.007654321 * level as f64;
                    let infeasible = station == 1 && class % 4 == 1;
                    let depth = if infeasible {
                        m.limits.retracted_m
                    } else {
                        wish.min(cap)
                    };
                    m.depth_m.push(depth);
                    m.force_n.push(if infeasible { 0.0 } else { depth * 900.0 });
                    m.current_a.push(0.2 + depth * 11.0);
                    m.flags.push(if infeasible {
                        INFEASIBLE
                    } else {
                        u8::from(wish > cap)
                    });
                }
            }
        }
    }
    m
}

/// Carriage and protrusion over three minutes: moves at exactly the limits of their motors, as steep as they can.
pub fn channels() -> Vec<ChannelModel> {
    channels_over(180)
}

/// The same over so many seconds, to the end of the move that is then on its way.
pub fn channels_over(seconds: usize) -> Vec<ChannelModel> {
    let ticks = 100 * seconds;
    let channel =
        |axis, speed_max: f64, accel_max: f64, places: [f64; 4], rest_s: f64| ChannelModel {
            axis,
            position: moves(speed_max, accel_max, &places, rest_s, ticks),
            speed_max,
            accel_max,
            jerk_max: None,
            tolerance: 2e-4,
        };
    vec![
        channel(Axis::Carriage, 0.04, 0.2, [0.1, 0.45, 0.3, 0.62], 6.0),
        channel(Axis::Protrusion, 0.03, 0.3, [0.0, 0.04, 0.012, 0.055], 2.5),
    ]
}

/// Positions at every tick of 10 ms, from place to place and around.
fn moves(speed: f64, accel: f64, places: &[f64; 4], rest_s: f64, ticks: usize) -> Vec<f64> {
    let mut out = Vec::new();
    let mut leg = 0;
    while out.len() < ticks {
        let (from, to) = (places[leg % 4], places[(leg + 1) % 4]);
        let way = (to - from).abs();
        // Up, along, down; without "along" where the way is short.
        let peak = speed.min((way * accel).sqrt());
        let (up, along) = (peak / accel, (way - peak * peak / accel) / peak);
        let whole = 2.0 * up + along;
        for k in 0..((whole + rest_s) * 100.0).ceil() as usize {
            let t = k as f64 * 0.01;
            let gone = if t < up {
                accel * t * t / 2.0
            } else if t < up + along {
                peak * (t - up / 2.0)
            } else if t < whole {
                way - accel * (whole - t).powi(2) / 2.0
            } else {
                way
            };
            out.push(from + (to - from).signum() * gone);
        }
        leg += 1;
    }
    out
}

fn programme(levels: u8) -> Vec<StepRow> {
    let row = StepRow {
        technique: Some(0),
        end: End::Time,
        from_u: 0.05,
        to_u: 0.9,
        spacing_u: 0.3,
        level: levels,
        hold_s: 2.0,
        cycles: 0,
        knead_hz: 0.0,
        park_deg: 90.0,
        speed_m_s: 0.03,
        press_speed_m_s: 0.01,
        timeout_s: 60.0,
    };
    vec![
        row.clone(),
        StepRow {
            technique: Some(1),
            end: End::Cycles,
            from_u: 0.8,
            to_u: 0.2,
            spacing_u: 0.25,
            level: 1,
            hold_s: 0.0,
            cycles: 4,
            knead_hz: 0.2,
            ..row.clone()
        },
        StepRow {
            technique: Some(2),
            end: End::Arrival,
            from_u: 0.1,
            to_u: 1.0,
            level: levels.div_ceil(2),
            cycles: 3,
            ..row.clone()
        },
        StepRow {
            technique: None,
            end: End::Arrival,
            from_u: 0.0,
            level: 0,
            ..row
        },
    ]
}
