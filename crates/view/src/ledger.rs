//! A film as rows of numbers: what the plots show, in SI, under the names that a run's `trace.csv` has for it.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::run::{Moment, Run, Touching};

/// What a row has of each node, beside its force.
type Channel = (&'static str, fn(&Touching) -> f64);
const CHANNELS: [Channel; 7] = [
    ("force_n", |t| t.force_n),
    ("peak_pa", |t| t.peak_pa),
    ("pain_pa", |t| limit(t, t.pain_pa)),
    ("cap_pa", |t| limit(t, t.cap_pa)),
    ("depth_m", |t| t.depth_m),
    ("u", |t| t.place[0]),
    ("x_m", |t| t.place[1]),
];

/// A limit belongs to a place, and a node in the air has none.
fn limit(touch: &Touching, value: f64) -> f64 {
    if touch.zone.is_some() {
        value
    } else {
        f64::NAN
    }
}

/// Writes the moments of a span, both ends included, to a file: one row each, the unit last in each name; what is no number is
/// left empty. Returns how many rows there are.
///
/// # Errors
/// Where the file cannot be written.
pub fn save(run: &Run, span_s: [f64; 2], path: &Path) -> anyhow::Result<usize> {
    let place = || format!("cannot write {}", path.display());
    let file = std::fs::File::create(path).with_context(place)?;
    write(run, span_s, file).with_context(place)
}

/// The file for the run that stands beside: `film.csv` makes `film.beside.csv`.
pub fn beside(path: &Path) -> PathBuf {
    path.with_extension("beside.csv")
}

fn write(run: &Run, [from_s, to_s]: [f64; 2], out: impl Write) -> anyhow::Result<usize> {
    let mut sheet = csv::Writer::from_writer(out);
    sheet.write_record(head(run))?;
    // A row at a time that is written 12.5 is a millionth of a step off.
    let inside = |m: &Moment| (from_s - 1e-9..=to_s + 1e-9).contains(&m.t_s);
    let moments = run.moments(0, usize::MAX - 1);
    let mut rows = 0;
    for moment in moments.iter().filter(|m| inside(m)) {
        sheet.write_record(row(run, moment))?;
        rows += 1;
    }
    sheet.flush()?;
    Ok(rows)
}

fn head(run: &Run) -> Vec<String> {
    let names = ["t_s", "doing", "station_u", "pad_n", "lean_y_m"];
    let mut all = names.map(String::from).to_vec();
    all.extend(run.motors.iter().map(|motor| format!("{motor}_current_a")));
    for node in 0..run.machine.nodes.len() {
        let name = run.node_name(node);
        let name = name
            .strip_suffix(" node")
            .unwrap_or(&name)
            .replace(' ', "_");
        all.extend(CHANNELS.map(|(channel, _)| format!("{name}_{channel}")));
        all.push(format!("{name}_zone"));
    }
    all
}

fn row(run: &Run, moment: &Moment) -> Vec<String> {
    // The shortest text that is read as the same number.
    let number = |value: f64| match value.is_finite() {
        true => value.to_string(),
        false => String::new(),
    };
    let mut cells = vec![number(moment.t_s), moment.doing.clone()];
    cells.extend([moment.station, moment.pad_n, moment.lift_m].map(number));
    let current_a = |motor| moment.current_a.get(motor).copied();
    cells.extend((0..run.motors.len()).map(|i| number(current_a(i).unwrap_or(f64::NAN))));
    let nothing = Touching::default();
    for node in 0..run.machine.nodes.len() {
        let touch = moment.touches.get(node).unwrap_or(&nothing);
        cells.extend(CHANNELS.map(|(_, of)| number(of(touch))));
        cells.push(touch.zone.map_or(String::new(), |z| z.name().to_string()));
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::{Bench, Order};
    use std::collections::HashMap;
    use std::sync::Arc;
    use tune::seat;

    fn scene(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../scenes")
            .join(name)
    }

    /// The columns of a sheet by name, and how many rows it has.
    fn read(text: &[u8]) -> (HashMap<String, Vec<String>>, usize) {
        let mut reader = csv::Reader::from_reader(text);
        let head = reader.headers().unwrap().clone();
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let column = |i: usize| rows.iter().map(|row| row[i].to_string()).collect();
        let columns = head
            .iter()
            .enumerate()
            .map(|(i, name)| (name.to_string(), column(i)));
        (columns.collect(), rows.len())
    }

    /// A span of the film has the rows that `kneadlab run` records of the scene in that time, bit by bit, under the same names.
    #[test]
    fn rows_are_the_traces() {
        let path = scene("checks/knead_turns.toml");
        let order = Order {
            path: path.clone(),
            ..Order::default()
        };
        let mut live = Bench::default().set_up(&order).unwrap();
        let run = Arc::clone(live.run());
        while run.recorded().0 < 8.5 {
            assert!(live.step());
        }
        let mut text = Vec::new();
        assert_eq!(write(&run, [7.0, 8.0], &mut text).unwrap(), 51);
        let (film, rows) = read(&text);
        assert_eq!(rows, 51);

        let scene = Arc::new(scene::load(&path, &[]).unwrap().scene);
        let mut sim = seat::seat(&scene, seat::allow(&scene.conditions).unwrap()).unwrap();
        let trace = sim::record(&mut sim, 50.0, &mut |t_s, _| t_s < 8.5);
        let number = |name: &str, row: usize| -> f64 {
            let cell = &film.get(name).unwrap_or_else(|| panic!("no {name}"))[row];
            cell.parse().unwrap_or_else(|_| panic!("{name}: {cell}"))
        };
        let first = trace.rows.iter().position(|r| r.t_s > 6.999).unwrap();
        let mut pressed = 0;
        for (i, r) in trace.rows[first..first + rows].iter().enumerate() {
            assert_eq!(number("t_s", i), r.t_s);
            assert_eq!(number("station_u", i), r.station);
            assert_eq!(number("pad_n", i), r.pad_n);
            assert_eq!(number("lean_y_m", i), r.lean_y_m);
            assert_eq!(number("knead_current_a", i), r.current_a[1]);
            for (node, name) in ["left_upper", "left_lower", "right_upper", "right_lower"]
                .iter()
                .enumerate()
            {
                assert_eq!(number(&format!("{name}_force_n"), i), r.force_n[node]);
                assert_eq!(number(&format!("{name}_peak_pa"), i), r.peak_pa[node]);
                assert_eq!(number(&format!("{name}_depth_m"), i), r.depth_m[node]);
                assert_eq!(number(&format!("{name}_u"), i), r.u[node]);
                assert_eq!(number(&format!("{name}_x_m"), i), r.x_m[node]);
                let zone = &film[&format!("{name}_zone")][i];
                let in_air = r.force_n[node] <= 0.0;
                assert!(in_air == zone.is_empty(), "{zone} {}", r.force_n[node]);
                assert!(in_air || zone == r.zone[node].name());
                let cap = &film[&format!("{name}_cap_pa")][i];
                assert_eq!(in_air, cap.is_empty(), "{cap}");
                pressed += usize::from(!in_air);
            }
        }
        assert!(pressed > 50, "{pressed}: too little was pressed to tell");
    }

    /// A rig's columns too are those of its trace.
    #[test]
    fn a_rigs_columns_are_its_traces() {
        let order = Order {
            path: scene("pillow.toml"),
            sets: vec![("solver.cell_mm".into(), "4.0".into())],
            ..Order::default()
        };
        let mut live = Bench::default().set_up(&order).unwrap();
        assert!(live.step());
        let mut text = Vec::new();
        write(live.run(), [0.0, 1.0], &mut text).unwrap();
        let (film, rows) = read(&text);
        assert_eq!(rows, 1);

        let scene = Arc::new(
            scene::load_rig_scene(&order.path, &order.sets)
                .unwrap()
                .scene,
        );
        let groundwork = sim::Bed::groundwork(scene.solver.cell_m);
        let envelope = seat::allow_rig(&scene).unwrap();
        let mut sim = seat::seat_at_rig(&scene, envelope, &groundwork).unwrap();
        let recording = sim::Recording::rows(50.0);
        let trace = sim::record_rig(&mut sim, &recording, &mut |_, _| false);
        let own = ["doing", "station_u"];
        let extra = ["_pain_pa", "_cap_pa", "_zone"];
        for name in film.keys() {
            let known = trace.column(name).is_some();
            let ours = own.contains(&name.as_str()) || extra.iter().any(|e| name.ends_with(e));
            assert!(known || ours, "{name} is called otherwise in the trace");
            if known {
                let value: f64 = film[name][0].parse().unwrap();
                assert_eq!(value, trace.column(name).unwrap()[0], "{name}");
            }
        }
    }
}
