//! What changed between two exports, in units, for whom.

use crate::tables::{Step, Tables};

/// One line for each change: `press, tall/heavy, u 0.43, level 4: +1.3 mm, +4.0 N`.
///
/// Techniques and classes are matched by name, columns and levels by number; where the axis or a
/// count changed, that is said first, and what cannot be matched is left out.
pub fn diff(old: &Tables, new: &Tables) -> Vec<String> {
    let mut out = Vec::new();
    let mut changed = |what: &str, a: String, b: String| {
        if a != b {
            out.push(format!("{what}: {a} -> {b}"));
        }
    };
    changed(
        "techniques",
        old.techniques.join(", "),
        new.techniques.join(", "),
    );
    changed(
        "classes",
        old.class_names.join(", "),
        new.class_names.join(", "),
    );
    changed("columns", axis(old), axis(new));
    changed("levels", old.levels.to_string(), new.levels.to_string());
    changed(
        "limits",
        format!("{:?}", old.limits),
        format!("{:?}", new.limits),
    );
    changed(
        "class bounds",
        format!("{:?}", old.classes),
        format!("{:?}", new.classes),
    );
    steps("programme", &old.steps, &new.steps, &mut out);
    steps("fallback", &old.fallback, &new.fallback, &mut out);
    if axis(old) == axis(new) {
        caps(old, new, &mut out);
        maps(old, new, &mut out);
    }
    out
}

fn axis(t: &Tables) -> String {
    format!(
        "{} from u {:.4} to {:.4}",
        t.stations,
        t.u(0),
        t.u(usize::from(t.stations) - 1)
    )
}

fn steps(list: &str, old: &[Step], new: &[Step], out: &mut Vec<String>) {
    if old.len() != new.len() {
        out.push(format!("{list}: {} rows -> {}", old.len(), new.len()));
    }
    for (i, (a, b)) in old.iter().zip(new).enumerate() {
        if a != b {
            out.push(format!("{list} row {i}: {a:?} -> {b:?}"));
        }
    }
}

/// Rows of both that serve the same class.
fn shared_rows(old: &Tables, new: &Tables) -> Vec<(usize, usize, String)> {
    (0..old.rows())
        .filter_map(|row| {
            let name = old.row_name(row);
            let other = (0..new.rows()).find(|&r| new.row_name(r) == name)?;
            Some((row, other, name.to_owned()))
        })
        .collect()
}

/// `+1.3 mm` for each quantity that changed.
fn changes(values: &[(&str, i32, i32, f64)]) -> Option<String> {
    let parts: Vec<String> = values
        .iter()
        .filter(|(_, old, new, _)| old != new)
        .map(|(unit, old, new, per)| format!("{:+.2} {unit}", f64::from(new - old) / per))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn caps(old: &Tables, new: &Tables, out: &mut Vec<String>) {
    for (row, other, name) in shared_rows(old, new) {
        for station in 0..usize::from(old.stations) {
            let a = &old.caps[old.cap_index(row, station)];
            let b = &new.caps[new.cap_index(other, station)];
            let change = changes(&[
                ("mm", a.depth.into(), b.depth.into(), 100.0),
                ("N", a.force.into(), b.force.into(), 100.0),
                ("s", a.dwell.into(), b.dwell.into(), 10.0),
                ("Hz", a.tap.into(), b.tap.into(), 100.0),
            ]);
            out.extend(change.map(|c| format!("cap, {name}, u {:.2}: {c}", old.u(station))));
        }
    }
}

fn maps(old: &Tables, new: &Tables, out: &mut Vec<String>) {
    for (technique, name) in old.techniques.iter().enumerate() {
        let Some(twin) = new.techniques.iter().position(|n| n == name) else {
            continue;
        };
        for (row, other, class) in shared_rows(old, new) {
            for station in 0..usize::from(old.stations) {
                for level in 0..usize::from(old.levels.min(new.levels)) {
                    let i = old.cell(technique, row, station, level);
                    let j = new.cell(twin, other, station, level);
                    let mut change = changes(&[
                        ("mm", old.depth[i].into(), new.depth[j].into(), 100.0),
                        ("N", old.force[i].into(), new.force[j].into(), 100.0),
                        ("A", old.current[i].into(), new.current[j].into(), 1000.0),
                    ])
                    .unwrap_or_default();
                    if old.flags[i] != new.flags[j] {
                        let comma = if change.is_empty() { "" } else { ", " };
                        change += &format!("{comma}flags {} -> {}", old.flags[i], new.flags[j]);
                    }
                    if !change.is_empty() {
                        let u = old.u(station);
                        out.push(format!(
                            "{name}, {class}, u {u:.2}, level {}: {change}",
                            level + 1
                        ));
                    }
                }
            }
        }
    }
}
