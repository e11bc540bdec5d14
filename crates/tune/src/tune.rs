//! The main job: draw bodies, feel, tune, judge, replay.

use crate::cast::{Player, Stage};
use crate::error::TuneError;
use crate::judge::{judge, sum};
use crate::progress::{Progress, in_pool};
use crate::replay::{Played, replay, replay_bodies};
use crate::response::{Curve, DEEPEST_M};
use crate::tuned::{CapCell, Cell, ClassInfo, Tuned};
use crate::tuner::{Column, cap_cell, count, grid, tune_cell, worst};
use back::{Body, NOTICE};
use program::Technique;
use rayon::prelude::*;
use scene::Study;

/// Tunes a study on `jobs` threads (0: all cores).
///
/// # Errors
/// See [`TuneError`]; [`TuneError::Stopped`] when `progress` asked for it.
pub fn tune(study: &Study, jobs: usize, progress: &dyn Progress) -> Result<Tuned, TuneError> {
    let stage = Stage::new(study)?;
    let tuning = stage.draw(study.tuning.seed, study.tuning.per_class);
    let held_out = stage.draw(study.held_out.seed, study.held_out.per_class);
    let cast = in_pool(jobs, || {
        feel_all(&stage, &tuning, "feel the tuning bodies", progress)
    })??;
    progress.begin("tune the maps", study.classes.len() as u64);
    let maps: Vec<ClassMaps> = in_pool(jobs, || {
        (0..study.classes.len())
            .into_par_iter()
            .map(|class| {
                let maps = tune_class(&stage, &cast, class);
                progress.tick();
                maps
            })
            .collect()
    })?;
    let constant_m = constant_depths(&stage, &cast);
    let tuning_share = tuning_share(&stage, &cast, &maps);
    let (cells, caps) = assemble(study, maps);
    let press_speed_m_s = press_speeds(study, &cast, &cells);
    drop(cast);

    let stations = study.stations.count;
    let index = |t: usize, c: usize, s: usize, l: usize| {
        ((t * study.classes.len() + c) * stations + s) * 5 + l
    };
    progress.begin("judge on held-out bodies", held_out.len() as u64);
    let verdicts = in_pool(jobs, || {
        held_out
            .par_iter()
            .map(|(class, body)| {
                if progress.stop_asked() {
                    return Err(TuneError::Stopped);
                }
                let felt = feel_one(&stage, *class, body)?;
                let cell = |t: usize, s: usize, l: usize| cells[index(t, *class, s, l)].clone();
                let verdict = judge(&stage, &felt.player, &felt.curves, &cell, &constant_m);
                progress.tick();
                Ok(verdict)
            })
            .collect::<Result<Vec<_>, TuneError>>()
    })??;

    let mut tuned = Tuned {
        version: env!("CARGO_PKG_VERSION").into(),
        study_hash: study.hash(),
        scene_hash: study.scene.hash(),
        seed: study.seed,
        notice: NOTICE.into(),
        name: study.name.clone(),
        techniques: study.techniques.clone(),
        classes: classes(study, &tuning, &held_out),
        stations: study.stations.all_u(),
        bands: study.bands,
        held_out: sum(&stage, &verdicts, &cells),
        cells,
        caps,
        constant_m,
        press_speed_m_s,
        tuning_share,
        replays: Vec::new(),
        before: None,
        after: None,
        estimates: ESTIMATES.iter().map(ToString::to_string).collect(),
    };
    let bodies = replay_bodies(study);
    let depth_m = |class: usize, technique, u, level| tuned.depth_m(class, technique, u, level);
    let band = |class: usize, technique, u, level| tuned.band(class, technique, u, level);
    let (depth_m, band) = (&depth_m, &band);
    let replays = replay(study, &bodies, Played { depth_m, band }, jobs, progress)?;
    let plain_m = |_: usize, _, _: f64, level: u8| constant_m[usize::from(level) - 1];
    let plain = Played {
        depth_m: &plain_m,
        band,
    };
    let first = &bodies[..bodies.len().min(1)];
    let before = replay(study, first, plain, jobs, progress)?;
    tuned.before = before.into_iter().next().map(|r| r.map);
    tuned.after = replays.first().map(|r| r.map.clone());
    tuned.replays = replays;
    Ok(tuned)
}

/// Slowest way out per technique over bodies, stations and levels: a ramp takes its time wherever touch is, so the flattest
/// body was checked at the lowest speed, and no slower one passes a cap on the rate of force that a faster one keeps.
fn press_speeds(study: &Study, cast: &[Felt], cells: &[Cell]) -> Vec<f64> {
    let scene = &study.scene;
    let (stations, classes) = (study.stations.all_u(), study.classes.len());
    let stroke_m = scene.mechanism.protrude.stroke_m;
    let of = |t: usize, technique: Technique| {
        let mut least_m = stroke_m;
        for felt in cast {
            for (s, u) in stations.iter().enumerate() {
                let first = ((t * classes + felt.player.class) * stations.len() + s) * 5;
                let depths = cells[first..first + 5].iter().filter(|c| !c.infeasible);
                for cell in depths {
                    let touch = &felt.player.touch;
                    least_m = least_m.min(touch.command_m(technique, *u, cell.depth_m, stroke_m));
                }
            }
        }
        (least_m / scene.timing.press_ramp_s).min(scene.mechanism.protrude.speed_max_m_s)
    };
    let techniques = study.techniques.iter().enumerate();
    techniques.map(|(t, technique)| of(t, *technique)).collect()
}

/// What the result leans on that nobody has measured.
const ESTIMATES: [&str; 8] = [
    "tissue moduli and Prony series (relaxed muscle 6 kPa shear modulus, fat 1.5, skin 40) and their spread between people",
    "layer thicknesses by zone outside the cited ultrasound and MRI figures",
    "strain stiffening: beyond 40 % of the tissue's thickness, and near bone, force and peak pressure are estimates",
    "zone pain thresholds and their A^-0.5 scaling above 2 cm2",
    "pressure bands per level: no dose-response for chairs is published",
    "pad and cover foam, node and hip stiffness, friction",
    "mechanism dimensions: no maker publishes them",
    "body scan taken as ideal; breathing, arms and clothing ignored",
];

/// One body with its curves, `[technique][station]`, and for techniques that press between stations as well those half
/// way to the next (empty for kneading, whose turn covers more than half a step).
pub(crate) struct Felt {
    pub player: Player,
    pub curves: Vec<Vec<Curve>>,
    pub between: Vec<Vec<Curve>>,
}

fn feel_all(
    stage: &Stage<'_>,
    bodies: &[(usize, Body)],
    phase: &'static str,
    progress: &dyn Progress,
) -> Result<Vec<Felt>, TuneError> {
    progress.begin(phase, bodies.len() as u64);
    bodies
        .par_iter()
        .map(|(class, body)| {
            if progress.stop_asked() {
                return Err(TuneError::Stopped);
            }
            let felt = feel_one(stage, *class, body)?;
            progress.tick();
            Ok(felt)
        })
        .collect()
}

fn feel_one(stage: &Stage<'_>, class: usize, body: &Body) -> Result<Felt, TuneError> {
    let player = stage.seat(class, body)?;
    let curves = stage
        .study
        .techniques
        .iter()
        .map(|technique| {
            let at = |u: &f64| Curve::sample(stage, &player, *technique, *u);
            stage.study.stations.all_u().iter().map(at).collect()
        })
        .collect();
    let stations = stage.study.stations.all_u();
    let between = stage
        .study
        .techniques
        .iter()
        .map(|technique| {
            let half_way =
                |pair: &[f64]| Curve::sample(stage, &player, *technique, 0.5 * (pair[0] + pair[1]));
            if *technique == Technique::Knead {
                vec![]
            } else {
                stations.windows(2).map(half_way).collect()
            }
        })
        .collect();
    Ok(Felt {
        player,
        curves,
        between,
    })
}

/// Maps of one class: `[technique][station][level]`, and caps by station.
struct ClassMaps {
    cells: Vec<Vec<[Cell; 5]>>,
    caps: Vec<CapCell>,
}

fn tune_class(stage: &Stage<'_>, cast: &[Felt], class: usize) -> ClassMaps {
    let study = stage.study;
    let stations = study.stations.all_u();
    let cells = (0..study.techniques.len())
        .map(|t| {
            (0..stations.len())
                .map(|s| {
                    let column = column(cast, class, t, s);
                    let beside = beside(cast, class, t, s);
                    study
                        .bands
                        .map(|band| tune_cell(stage, study.techniques[t], &column, &beside, band))
                })
                .collect()
        })
        .collect();
    let caps = stations
        .iter()
        .enumerate()
        .map(|(s, u)| {
            let columns: Vec<Column<'_>> = (0..study.techniques.len())
                .map(|t| column(cast, class, t, s))
                .collect();
            // Where no node ever touches: the place beside the spine.
            let beside = members(cast, class)
                .map(|(_, felt)| felt.player.subject.back.zone(*u, 0.045).zone)
                .next();
            cap_cell(stage, &columns, beside)
        })
        .collect();
    ClassMaps { cells, caps }
}

fn members(cast: &[Felt], class: usize) -> impl Iterator<Item = (usize, &Felt)> {
    cast.iter()
        .enumerate()
        .filter(move |(_, felt)| felt.player.class == class)
}

fn column(cast: &[Felt], class: usize, technique: usize, station: usize) -> Column<'_> {
    members(cast, class)
        .map(|(i, felt)| (i, &felt.curves[technique][station]))
        .collect()
}

/// The curves half a step above and below a station: its depth acts there too.
fn beside(cast: &[Felt], class: usize, technique: usize, station: usize) -> [Column<'_>; 2] {
    [station.checked_sub(1), Some(station)].map(|gap| {
        members(cast, class)
            .filter_map(|(i, felt)| {
                gap.and_then(|g| felt.between[technique].get(g))
                    .map(|c| (i, c))
            })
            .collect()
    })
}

/// Today's practice: for each level the one depth, over all stations, classes and techniques, that has the highest band
/// share on the tuning bodies and passes no cap on any of them.
fn constant_depths(stage: &Stage<'_>, cast: &[Felt]) -> [f64; 5] {
    let all: Column<'_> = cast
        .iter()
        .enumerate()
        .flat_map(|(i, f)| f.curves.iter().flatten().map(move |c| (i, c)))
        .collect();
    let safe: Vec<f64> = grid(DEEPEST_M)
        .take_while(|m| worst(&all, *m).0 <= 1.0)
        .collect();
    stage.study.bands.map(|band| {
        let share = |m: f64| {
            let (inside, all) = count(&all, m, band);
            if all > 0 {
                inside as f64 / all as f64
            } else {
                0.0
            }
        };
        safe.iter()
            .copied()
            .map(|m| (share(m), m))
            .fold((-1.0, 0.0), |a, b| if b.0 >= a.0 { b } else { a })
            .1
    })
}

fn tuning_share(stage: &Stage<'_>, cast: &[Felt], maps: &[ClassMaps]) -> f64 {
    let (mut inside, mut all) = (0, 0);
    for (class, maps) in maps.iter().enumerate() {
        for t in 0..stage.study.techniques.len() {
            for (s, levels) in maps.cells[t].iter().enumerate() {
                let column = column(cast, class, t, s);
                for cell in levels {
                    let (i, n) = count(&column, cell.depth_m, cell.band);
                    inside += i;
                    all += n;
                }
            }
        }
    }
    inside as f64 / all.max(1) as f64
}

/// Cells as `[technique][class][station][level]`, caps as `[class][station]`; no cell deeper than its cap.
fn assemble(study: &Study, maps: Vec<ClassMaps>) -> (Vec<Cell>, Vec<CapCell>) {
    let caps: Vec<CapCell> = maps.iter().flat_map(|m| m.caps.iter().copied()).collect();
    let mut cells = Vec::new();
    for t in 0..study.techniques.len() {
        for (class, maps) in maps.iter().enumerate() {
            for (s, levels) in maps.cells[t].iter().enumerate() {
                for cell in levels {
                    let mut cell = cell.clone();
                    let cap = &caps[class * study.stations.count + s];
                    cell.depth_m = cell.depth_m.min(cap.max_depth_m);
                    cells.push(cell);
                }
            }
        }
    }
    (cells, caps)
}

fn classes(study: &Study, tuning: &[(usize, Body)], held_out: &[(usize, Body)]) -> Vec<ClassInfo> {
    // Outermost bands are closed far out: JSON has no infinity.
    let bands = |edges: &[f64], i: usize| {
        let below = i
            .checked_sub(1)
            .and_then(|i| edges.get(i))
            .copied()
            .unwrap_or(0.0);
        let above = edges
            .get(i)
            .or(edges.last())
            .map_or(99.0, |e| if i < edges.len() { *e } else { 9.0 * e });
        [below, above]
    };
    let builds = study.classes.bmi_edges_kg_m2.len() + 1;
    let members =
        |bodies: &[(usize, Body)], c: usize| bodies.iter().filter(|(class, _)| *class == c).count();
    (0..study.classes.len())
        .map(|c| ClassInfo {
            name: study.classes.name(c),
            stature_m: bands(&study.classes.stature_edges_m, c / builds),
            bmi_kg_m2: bands(&study.classes.bmi_edges_kg_m2, c % builds),
            tuning_bodies: members(tuning, c),
            held_out_bodies: members(held_out, c),
        })
        .collect()
}
