//! What `kneadlab run` and `kneadlab sweep` left in their folders, as something to look at: a run's scene, and a sweep's points, each
//! of which can be run again as it was measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use scene::AnyScene;
use serde_json::Value as Json;
use tune::Depth;
use tune::sweep::{Column, Plan};

/// What a path leads to.
pub enum Opened {
    /// A file of a scene or a rig.
    File(PathBuf),
    /// The points of a sweep.
    Sweep(Arc<Points>),
}

/// Points that are drawn at most; of more the first ones.
const POINTS_MAX: usize = 20_000;

/// Says what a file or folder holds.
///
/// # Errors
/// Where a folder holds neither a run nor a sweep, or its files cannot be read.
pub fn open(path: &Path) -> anyhow::Result<Opened> {
    if !path.is_dir() {
        return Ok(Opened::File(path.to_path_buf()));
    }
    let is_sweep = json(&path.join("manifest.json")).is_some_and(|m| m["command"] == "sweep");
    if is_sweep {
        return Ok(Opened::Sweep(Arc::new(Points::read(path)?)));
    }
    let scene = path.join("scene.toml");
    if path.join("summary.json").is_file() && scene.is_file() {
        return Ok(Opened::File(scene));
    }
    bail!(
        "{} holds neither a run's scene nor a sweep\n  hint: give the folder that `kneadlab run SCENE -o DIR` or \
         `kneadlab sweep STUDY -o DIR` wrote; a run of a sweep's point is shown from the sweep's folder, with --point N",
        path.display()
    )
}

fn json(path: &Path) -> Option<Json> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

/// The points of a sweep.
pub struct Points {
    /// The folder.
    pub root: PathBuf,
    /// The point that the sweep chose, or the nearest where nothing is feasible.
    pub chosen: Option<u64>,
    /// What is known of each point.
    pub columns: Vec<Axis>,
    /// The points, in their order.
    pub rows: Vec<Row>,
    plan: Plan,
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Its name in `points.parquet`.
    pub name: String,
    /// Its unit, empty for plain numbers and words.
    pub unit: String,
    /// What the numbers 0, 1, ... stand for, where values are words.
    pub words: Vec<String>,
}

/// A point.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its number.
    pub point: u64,
    /// Whether it keeps all limits; not known before the merge.
    pub feasible: Option<bool>,
    /// A number a column; not a number where there is none.
    pub values: Vec<f64>,
}

/// One case of one point: what is shown live.
#[derive(Clone)]
pub struct Pick {
    /// Of which sweep.
    pub points: Arc<Points>,
    /// The point.
    pub point: u64,
    /// Which body under which conditions, by number.
    pub case: u64,
}

impl Points {
    /// Reads a sweep's folder. Without `points.parquet`, which the merge writes, points have the values that the plan gives them.
    fn read(root: &Path) -> anyhow::Result<Points> {
        let study = scene::load_sweep(&root.join("resolved.toml"), &[])?;
        let plan = Plan::new(&study)?;
        let merged = root.join("points.parquet");
        let (columns, rows) = if merged.is_file() {
            let place = || format!("cannot read {}", merged.display());
            merged_rows(&merged, &plan).with_context(place)?
        } else {
            planned_rows(&plan)?
        };
        let summary = json(&root.join("summary.json"));
        let chosen = summary.and_then(|s| {
            let of = |key: &str| s[key]["point"].as_u64();
            of("chosen").or(of("nearest"))
        });
        Ok(Points {
            root: root.to_path_buf(),
            chosen,
            columns,
            rows,
            plan,
        })
    }

    /// Cases of a point: bodies times lists of conditions.
    pub fn cases(&self) -> u64 {
        self.plan.cases()
    }

    /// A point by its number.
    pub fn row(&self, point: u64) -> Option<&Row> {
        let at = self.rows.binary_search_by_key(&point, |row| row.point);
        self.rows.get(at.ok()?)
    }

    /// Columns that a scatter begins with: the first two objectives, or as many as there are, then what varies.
    pub fn first_axes(&self) -> [usize; 2] {
        let varies = self.plan.variables().len();
        let last = self.columns.len().saturating_sub(1);
        match self.columns.len() - varies {
            0 => [0, 1.min(last)],
            1 => [0, varies],
            _ => [varies, varies + 1],
        }
    }
}

/// Objectives' units are their metrics': `peak_pressure_pa_worst` is in the unit of `peak_pressure_pa`.
fn unit(plan: &Plan, name: &str) -> String {
    let metrics = plan.metrics().iter();
    let of = metrics.filter(|m| {
        name.strip_prefix(m.name.as_str())
            .is_some_and(|rest| rest.starts_with('_'))
    });
    let longest = of.max_by_key(|m| m.name.len());
    longest.map_or(String::new(), |m| m.unit.clone())
}

fn axis(column: &Column) -> Axis {
    Axis {
        name: column.name.clone(),
        unit: column.unit.clone(),
        words: column.words.clone(),
    }
}

fn planned_rows(plan: &Plan) -> anyhow::Result<(Vec<Axis>, Vec<Row>)> {
    if plan.sweep.search.is_some() {
        bail!(
            "a search's points are known once it is merged, and points.parquet is not there yet\n  hint: `kneadlab sweep` writes it \
             when it is done, `kneadlab merge` puts parts together"
        );
    }
    let row = |point| Row {
        point,
        feasible: None,
        values: plan.values(point),
    };
    let rows = (0..plan.points().min(POINTS_MAX as u64)).map(row);
    Ok((plan.variables().iter().map(axis).collect(), rows.collect()))
}

fn merged_rows(path: &Path, plan: &Plan) -> anyhow::Result<(Vec<Axis>, Vec<Row>)> {
    let reader = SerializedFileReader::new(fs::File::open(path)?)?;
    let mut columns: Vec<Axis> = plan.variables().iter().map(axis).collect();
    let mut rows = Vec::new();
    for fields in reader.get_row_iter(None)?.take(POINTS_MAX) {
        let fields = fields?;
        let mut row = Row {
            point: 0,
            feasible: None,
            values: vec![f64::NAN; columns.len()],
        };
        for (name, field) in fields.get_column_iter() {
            match (name.as_str(), field) {
                ("point", field) => {
                    row.point = number(field, &[]).context("a point without a number")? as u64;
                }
                ("feasible", Field::Bool(is)) => row.feasible = Some(*is),
                // Counts of cases and the search's measure are not what a point is about.
                ("violation" | "done" | "infeasible" | "failed" | "missing", _) => {}
                (name, field) => {
                    let at = columns.iter().position(|c| c.name == name);
                    let at = at.unwrap_or_else(|| {
                        columns.push(Axis {
                            name: name.into(),
                            unit: unit(plan, name),
                            words: Vec::new(),
                        });
                        columns.len() - 1
                    });
                    row.values.resize(columns.len(), f64::NAN);
                    row.values[at] = number(field, &columns[at].words).unwrap_or(f64::NAN);
                }
            }
        }
        rows.push(row);
    }
    rows.sort_by_key(|row| row.point);
    Ok((columns, rows))
}

/// A cell as a number; a word as its place among the words.
fn number(field: &Field, words: &[String]) -> Option<f64> {
    match field {
        Field::Double(v) => Some(*v),
        Field::Long(v) => Some(*v as f64),
        Field::ULong(v) => Some(*v as f64),
        Field::Int(v) => Some(f64::from(*v)),
        Field::UInt(v) => Some(f64::from(*v)),
        Field::Str(word) => words.iter().position(|w| w == word).map(|i| i as f64),
        _ => None,
    }
}

impl Pick {
    /// A point of a sweep, the chosen one where none is said.
    ///
    /// # Errors
    /// Where there is no such point or case.
    pub fn new(points: Arc<Points>, point: Option<u64>, case: u64) -> anyhow::Result<Pick> {
        let first = points.rows.first().map(|row| row.point);
        let point = point.or(points.chosen).or(first);
        let point = point.context("this sweep has no point yet")?;
        points.plan.holds(point, case).map_err(|e| anyhow!(e))?;
        Ok(Pick {
            points,
            point,
            case,
        })
    }

    /// Its scene as the sweep measured it, and where depth comes from.
    ///
    /// # Errors
    /// Why it cannot be built.
    pub fn scene(&self) -> anyhow::Result<(AnyScene, Depth)> {
        let plan = &self.points.plan;
        let values = match self.points.row(self.point) {
            Some(row) => row.values[..plan.variables().len()].to_vec(),
            None if plan.sweep.search.is_none() => plan.values(self.point),
            None => bail!("the search took no point {}", self.point),
        };
        plan.scene(self.point, self.case, &values)
            .map_err(|e| anyhow!(e))
    }
}

/// Two picks are one if they show the same run.
impl PartialEq for Pick {
    fn eq(&self, other: &Pick) -> bool {
        Arc::ptr_eq(&self.points, &other.points)
            && (self.point, self.case) == (other.point, other.case)
    }
}

impl std::fmt::Debug for Pick {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (root, point, case) = (self.points.root.display(), self.point, self.case);
        write!(f, "{root}, point {point}, case {case}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::{Bench, Order};
    use parquet::data_type::{BoolType, ByteArrayType, DoubleType, Int64Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use tune::Workshop;

    /// A folder as `kneadlab sweep` lays it out, before the merge.
    fn sweep() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let study = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../scenes/studies/tilt_sweep.toml"
        );
        let text = scene::whole_study(Path::new(study), &[]).unwrap().text;
        fs::write(folder.path().join("resolved.toml"), text).unwrap();
        fs::write(
            folder.path().join("manifest.json"),
            r#"{"command": "sweep"}"#,
        )
        .unwrap();
        folder
    }

    fn points(folder: &Path) -> Arc<Points> {
        match open(folder).unwrap() {
            Opened::Sweep(points) => points,
            Opened::File(file) => panic!("{} is no sweep", file.display()),
        }
    }

    /// A point that is shown live is the run that the sweep measured: its body, its values, its depth from touch.
    #[test]
    fn a_point_is_shown_as_it_was_measured() {
        let folder = sweep();
        let points = points(folder.path());
        assert_eq!((points.rows.len(), points.cases()), (64, 4));
        assert_eq!(points.columns.len(), 2);
        let pick = Pick::new(Arc::clone(&points), Some(7), 2).unwrap();
        let (scene, depth) = pick.scene().unwrap();
        assert!(matches!(depth, Depth::FromTouch(_)));
        let AnyScene::Carriage(scene) = scene else {
            panic!("a rig");
        };
        let scene: Arc<scene::Scene> = Arc::from(scene);
        let mut sim = Workshop::default()
            .seat(&scene, &scene.body, depth)
            .unwrap();

        let order = Order {
            path: folder.path().to_path_buf(),
            pick: Some(pick),
            ..Order::default()
        };
        let mut live = Bench::default().set_up(&order).unwrap();
        assert_eq!(live.run().title, scene.name);
        assert_eq!(live.run().duration_s, sim.timeline().duration_s());
        let mut pressed_n = 0.0_f64;
        while !sim.is_done() {
            live.step();
            let contacts = sim.step().unwrap().contacts;
            pressed_n = pressed_n.max(contacts.iter().map(|c| c.force_n).sum());
        }
        let shown = live.run().film(|film| film.moments.last().cloned());
        let shown = shown.unwrap();
        assert_eq!(shown.t_s, sim.frame().t_s);
        for (shown, contact) in shown.touches.iter().zip(&sim.frame().contacts) {
            assert_eq!(shown.force_n, contact.force_n);
        }
        assert!(pressed_n > 1.0, "nothing was pressed");

        let wrong = |point, case| Pick::new(Arc::clone(&points), point, case).unwrap_err();
        let told = wrong(Some(64), 0).to_string();
        assert!(told.contains("points 0 to 63"), "{told}");
        assert!(wrong(None, 4).to_string().contains("cases 0 to 3"));
    }

    /// Rows come from `points.parquet` with their objectives, in the order of points, units from the metrics.
    #[test]
    fn merged_points_are_read() {
        let folder = sweep();
        let schema = "message points { required int64 point (INTEGER(64,false)); required boolean feasible; \
            optional double violation; required double tilt_deg; required double node_radius_mm; \
            optional double band_share_mean; optional double peak_pressure_pa_worst; required int64 done; \
            required binary note (UTF8); }";
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let file = fs::File::create(folder.path().join("points.parquet")).unwrap();
        let properties = Arc::new(WriterProperties::builder().build());
        let mut writer = SerializedFileWriter::new(file, schema, properties).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut number = 0;
        while let Some(mut column) = group.next_column().unwrap() {
            match number {
                0 => drop(column.typed::<Int64Type>().write_batch(&[5, 2], None, None)),
                1 => drop(
                    column
                        .typed::<BoolType>()
                        .write_batch(&[true, false], None, None),
                ),
                7 => drop(column.typed::<Int64Type>().write_batch(&[4, 4], None, None)),
                8 => drop(column.typed::<ByteArrayType>().write_batch(
                    &["a".into(), "b".into()],
                    None,
                    None,
                )),
                // Of the second row the last objective is missing.
                6 => drop(
                    column
                        .typed::<DoubleType>()
                        .write_batch(&[9e4], Some(&[1, 0]), None),
                ),
                n => {
                    let values = [f64::from(n), 10.0 * f64::from(n)];
                    let levels = (n == 2 || n == 5).then_some([1, 1]);
                    let levels = levels.as_ref().map(|l| l.as_slice());
                    drop(
                        column
                            .typed::<DoubleType>()
                            .write_batch(&values, levels, None),
                    );
                }
            }
            number += 1;
            column.close().unwrap();
        }
        group.close().unwrap();
        writer.close().unwrap();
        fs::write(
            folder.path().join("summary.json"),
            r#"{"chosen": {"point": 5}}"#,
        )
        .unwrap();

        let points = points(folder.path());
        let names: Vec<&str> = points.columns.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(
            names[..4],
            [
                "tilt_deg",
                "node_radius_mm",
                "band_share_mean",
                "peak_pressure_pa_worst"
            ]
        );
        assert_eq!(points.columns[3].unit, "Pa");
        assert_eq!(points.first_axes(), [2, 3]);
        let [low, high] = [&points.rows[0], &points.rows[1]];
        assert_eq!((low.point, low.feasible), (2, Some(false)));
        assert_eq!((high.point, high.feasible), (5, Some(true)));
        assert_eq!(high.values[..4], [3.0, 4.0, 5.0, 9e4]);
        assert!(low.values[3].is_nan() && low.values[0] == 30.0);
        assert_eq!(Pick::new(points, None, 0).unwrap().point, 5);
    }

    #[test]
    fn a_folder_of_something_else_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let wrong = open(folder.path()).err().unwrap().to_string();
        assert!(
            wrong.contains("neither") && wrong.contains("kneadlab run"),
            "{wrong}"
        );
        for name in ["scene.toml", "summary.json"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let Opened::File(file) = open(folder.path()).unwrap() else {
            panic!("a run's folder");
        };
        assert_eq!(file, folder.path().join("scene.toml"));
    }
}
