//! Pins: a sweep's records do not hang on threads or on what was known before; a panic is a failure; points are judged as
//! worked out by hand.

use scene::{AnyScene, SweepStudy, load_sweep};
use std::sync::Mutex;
use tune::sweep::{
    Case, Column, Crew, Judge, Known, Manner, Model, Plan, Record, Row, Sink, State, SweepError,
    Trouble, Verdicts,
};

const MANNER: Manner = Manner {
    batch: 3,
    fail_fast: false,
};

/// Keeps records in memory; stops when it has enough.
#[derive(Default)]
struct Memory {
    records: Mutex<Vec<Record>>,
    enough: Option<usize>,
}

impl Sink for Memory {
    fn put(&self, records: &[Record]) -> Result<(), String> {
        self.records.lock().unwrap().extend_from_slice(records);
        Ok(())
    }

    fn stop_asked(&self) -> bool {
        let count = self.records.lock().unwrap().len();
        self.enough.is_some_and(|n| count >= n)
    }
}

fn study(sweep: &str) -> SweepStudy {
    let file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    let text = format!("name = \"s\"\nscene = \"builtin:chair\"\nseed = 9\n[sweep]\n{sweep}");
    std::fs::write(file.path(), text).unwrap();
    load_sweep(file.path(), &[]).unwrap_or_else(|p| panic!("{p}"))
}

fn plan(sweep: &str) -> Plan {
    Plan::new(&study(sweep)).unwrap_or_else(|p| panic!("{p}"))
}

fn compute(plan: &Plan, jobs: usize, known: Known) -> Vec<Row> {
    let crew = Crew::new(jobs).unwrap();
    let lots = plan.lots(plan.shard(0, 1));
    assert_eq!(lots.len(), 1);
    crew.compute(plan, lots[0].clone(), known, MANNER, &Memory::default())
        .unwrap()
}

fn same(a: &[Row], b: &[Row]) -> bool {
    let values = |r: &Row| r.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| a.record.same(&b.record) && values(a) == values(b))
}

const CHEAP: &str = r#"
    model = "expression"
    samples = 200
    vary = [{ path = "x", from = -1, to = 1 }, { path = "y", from = 1, to = 100, scale = "log" }]
    objective = [{ metric = "x^2 + ln(y) + bmi_kg_m2 / 100", name = "f" }]
    population = { bodies = 3, seed = 4 }
"#;

const SEARCH: &str = r#"
    model = "expression"
    vary = [{ path = "x", from = -1, to = 1 }, { path = "y", from = -3, to = 3, step = 0.5 }]
    objective = [{ metric = "(x - 0.3)^2 + (y - 1.4)^2", name = "f" }]
    search = { population = 8, generations = 20, islands = 1 }
"#;

#[test]
fn threads_and_what_was_known_change_nothing() {
    for text in [CHEAP, SEARCH] {
        let plan = plan(text);
        let whole = compute(&plan, 1, Known::default());
        assert!(same(&whole, &compute(&plan, 3, Known::default())));
        // Any part of the records, as a kill leaves them.
        for keep in [1, 2, 5, 97] {
            let mut known = Known::default();
            for row in whole.iter().filter(|r| r.record.sample % keep == 0) {
                known.add(row.record.clone()).unwrap();
            }
            assert!(same(&whole, &compute(&plan, 2, known)), "{keep}");
        }
    }
}

#[test]
fn a_search_finds_the_best_place_of_its_grid() {
    let plan = plan(SEARCH);
    let rows = compute(&plan, 1, Known::default());
    assert!(rows.len() <= 160);
    let mut verdicts = Verdicts::new(&plan);
    for row in &rows {
        verdicts.add(plan.place(row.record.sample).0, &row.values, &[&row.record]);
    }
    let best = verdicts.summary(&plan).chosen.unwrap();
    // x is free, y moves in halves: 1.5 is nearest to 1.4, and 0.01 is left.
    assert!(
        (best.values[0] - 0.3).abs() < 0.02 && best.values[1] == 1.5,
        "{best:?}"
    );
    assert!((best.objectives[0] - 0.01).abs() < 1e-3);
}

/// Every method goes on from its log to the same bits, ends within its budget and comes near the best; so do a race, which
/// spends fewer samples, and a polish.
#[test]
fn every_search_goes_on_from_its_log() {
    let text = |search: &str, more: &str| {
        format!(
            r#"
            model = "expression"
            vary = [{{ path = "x", from = -1, to = 1 }}, {{ path = "y", from = -3, to = 3, step = 0.5 }}]
            objective = [{{ metric = "(x - 0.3)^2 + (y - 1.4)^2 + bmi_kg_m2 / 1e", name = "f" }}{more}]
            population = {{ bodies = 16 }}
            search = {{ {search}, population = 14, generations = 16 }}
            "#
        )
        .replace("1e", "1000000")
    };
    let second = ", { metric = \"(x + 0.3)^2 + y^2\", name = \"g\" }";
    let mut spent = Vec::new();
    for (search, more) in [
        ("algorithm = \"cma_es\"", ""),
        ("algorithm = \"cma_es\", racing = true", ""),
        ("algorithm = \"cma_es\", polish = true", ""),
        ("algorithm = \"stochastic_ranking\"", ""),
        ("algorithm = \"pattern\"", ""),
        ("algorithm = \"nsga2\"", second),
        ("algorithm = \"nsga3\"", second),
    ] {
        let plan = plan(&text(search, more));
        let rows = compute(&plan, 2, Known::default());
        assert!((rows.len() as u64) <= plan.samples(), "{search}");
        assert!(
            rows.windows(2)
                .all(|w| w[0].record.sample < w[1].record.sample)
        );
        let mut known = Known::default();
        for row in rows.iter().take(rows.len() / 3) {
            known.add(row.record.clone()).unwrap();
        }
        assert!(same(&rows, &compute(&plan, 1, known)), "{search}");
        spent.push(rows.len());
        if more.is_empty() {
            let best = rows
                .iter()
                .map(|r| (r.values[0] - 0.3).hypot(r.values[1] - 1.4));
            let best = best.fold(f64::INFINITY, f64::min);
            // 0.1 is the nearest place on the grid of y.
            assert!(best < 0.15, "{search}: {best}");
        }
    }
    assert!(spent[1] < spent[0], "{spent:?}");
}

#[test]
fn what_is_stopped_is_kept() {
    let plan = plan(CHEAP);
    let memory = Memory {
        enough: Some(50),
        ..Memory::default()
    };
    let crew = Crew::new(2).unwrap();
    let lot = plan.shard(0, 1);
    let stopped = crew.compute(&plan, lot, Known::default(), MANNER, &memory);
    assert!(matches!(stopped, Err(SweepError::Stopped)));
    let records = memory.records.into_inner().unwrap();
    // Fifty, and what the two threads had in hand.
    assert!((50..=56).contains(&records.len()), "{}", records.len());
    let mut known = Known::default();
    records.into_iter().for_each(|r| known.add(r).unwrap());
    assert!(same(
        &compute(&plan, 1, known),
        &compute(&plan, 1, Known::default())
    ));
}

/// Breaks down in every way.
struct Frail;

impl Model for Frail {
    fn columns(&self) -> Vec<Column> {
        let column = |name: &str| Column {
            name: name.into(),
            unit: String::new(),
            meaning: String::new(),
            words: Vec::new(),
        };
        vec![column("f"), column("other")]
    }

    fn measure(&self, values: &[f64], _: Case<'_>) -> Result<Vec<f64>, Trouble> {
        match values[0] as u32 {
            0 => Ok(vec![1.0, f64::NAN]),
            1 => Ok(vec![f64::INFINITY, 0.0]),
            2 => Err(Trouble::Infeasible("the rod does not close".into())),
            3 => Err(Trouble::failed("fault at 0.4 s")),
            _ => panic!("index {} of 3", values[0]),
        }
    }
}

fn frail() -> Plan {
    let study = study(
        r#"
        model = "expression"
        sampler = "list"
        vary = [{ path = "x", values = [0, 1, 2, 3, 4] }]
        objective = [{ metric = "x", name = "f" }]
        "#,
    );
    Plan::with_model(&study, study.sweep.as_ref().unwrap(), Box::new(Frail)).unwrap()
}

#[test]
fn every_way_to_fail_has_its_state_and_reason() {
    let rows = compute(&frail(), 2, Known::default());
    let told: Vec<(State, &str)> = rows
        .iter()
        .map(|r| (r.record.state, r.record.message.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            // Nothing is asked of the other metric.
            (State::Done, ""),
            (State::Failed, "f is inf"),
            (State::Infeasible, "the rod does not close"),
            (State::Failed, "fault at 0.4 s"),
            (State::Failed, "panic: index 4 of 3"),
        ]
    );
    assert!(rows[4].record.backtrace.contains("tests/sweep.rs"));
    let crew = Crew::new(1).unwrap();
    let manner = Manner {
        fail_fast: true,
        ..MANNER
    };
    let memory = Memory::default();
    let end = crew.compute(&frail(), 0..5, Known::default(), manner, &memory);
    assert!(matches!(end, Err(SweepError::Failed(r)) if r.sample == 1));
    // What ended before it is kept, with the failure.
    assert_eq!(memory.records.into_inner().unwrap().len(), 2);
}

#[test]
fn records_that_contradict_each_other_are_an_error() {
    let record = |metric: f64| Record {
        sample: 3,
        state: State::Done,
        metrics: vec![metric],
        message: String::new(),
        backtrace: String::new(),
    };
    let failed = |why: &str| Record {
        state: State::Failed,
        metrics: Vec::new(),
        message: why.into(),
        ..record(0.0)
    };
    let mut known = Known::default();
    known.add(failed("b")).unwrap();
    known.add(failed("a")).unwrap();
    assert_eq!(known.get(3).unwrap().message, "a");
    known.add(record(1.0)).unwrap();
    known.add(record(1.0)).unwrap();
    known.add(failed("a")).unwrap();
    assert_eq!(known.get(3).unwrap().metrics, [1.0]);
    let told = known.add(record(1.5)).unwrap_err().to_string();
    assert_eq!(told, "sample 3 has two results: done [1.0], and done [1.5]");
}

/// Grid: the last axis runs fastest, entries with one word move together, what is derived follows.
#[test]
fn points_of_a_grid_stand_in_order() {
    let plan = plan(
        r#"
        sampler = "grid"
        vary = [
            { path = "body.age_yr", from = 20, to = 40, steps = 3 },
            { path = "session.step.0.level", from = 2, to = 3, zip = "a" },
            { path = "session.step.1.level", name = "second", values = [5, 4], zip = "a" },
        ]
        derive = [{ path = "chair.recline_deg", expression = "age_yr + second" }]
        "#,
    );
    assert_eq!((plan.points(), plan.samples()), (6, 6));
    let all: Vec<Vec<f64>> = (0..6).map(|p| plan.values(p)).collect();
    assert_eq!(all[0], [20.0, 2.0, 5.0, 25.0]);
    assert_eq!(all[1], [20.0, 3.0, 4.0, 24.0]);
    assert_eq!(all[5], [40.0, 3.0, 4.0, 44.0]);
    let AnyScene::Carriage(scene) = plan.sweep.scene(&all[5]).unwrap() else {
        panic!("the chair is a carriage's");
    };
    assert_eq!(scene.body.age_yr, 40.0);
    assert_eq!(
        (scene.session.steps[0].level, scene.session.steps[1].level),
        (3, 4)
    );
    assert!((scene.chair.recline_rad.to_degrees() - 44.0).abs() < 1e-12);
    // What the scene refuses is told as it tells it, without a file's name.
    let refused = plan.sweep.scene(&[40.0, 3.0, 4.0, 99.0]).unwrap_err();
    assert_eq!(
        refused,
        "chair.recline_deg = 99.0: out of range (allowed: 0 to 90 deg)"
    );
}

/// Bodies 1 to 20 score 1 to 20. Mean 10.5; worst tenth 20 and 19; SD of 1..n is sqrt((n^2 - 1) / 12) = 5.766.
#[test]
fn val_bodies_are_put_together_as_by_hand() {
    let text = |over: &str, goal: &str| {
        format!(
            r#"
            model = "expression"
            sampler = "list"
            vary = [{{ path = "x", values = [0] }}]
            objective = [{{ metric = "x", name = "f", over = "{over}", goal = "{goal}" }}]
            limit = [{{ metric = "x", name = "f", at_most = 16, at_least = 2 }}]
            population = {{ bodies = 20 }}
            "#
        )
    };
    let records: Vec<Record> = (1..=20)
        .map(|i| Record {
            sample: i - 1,
            state: State::Done,
            metrics: vec![i as f64],
            message: String::new(),
            backtrace: String::new(),
        })
        .collect();
    let all: Vec<&Record> = records.iter().collect();
    let sd = (399.0_f64 / 12.0).sqrt();
    for (over, goal, expected) in [
        ("mean", "min", 10.5),
        ("worst", "min", 20.0),
        ("worst", "max", 1.0),
        ("cvar90", "min", 19.5),
        ("cvar90", "max", 1.5),
        ("mean_plus_sd", "min", 10.5 + sd),
        ("mean_plus_sd", "max", 10.5 - sd),
    ] {
        let judge = Judge::new(&plan(&text(over, goal)));
        let score = judge.score(&all);
        assert!(
            (score.objectives[0] - expected).abs() < 1e-12,
            "{over} {goal}: {score:?}"
        );
        // 17 to 20 pass 16 by 1 to 4, body 1 passes 2 by 1: 10 / 16 + 1 / 2.
        assert!((score.violation - 1.125).abs() < 1e-12);
        assert_eq!(judge.over(&all), 5);
        let sign = if goal == "max" { -1.0 } else { 1.0 };
        assert_eq!(
            judge.search_score(&score).objectives,
            [sign * score.objectives[0]]
        );
        // One body short: no score, and the search takes it for failed.
        let short = judge.score(&all[1..]);
        assert!(short.violation.is_nan() && short.counts.missing == 1);
        assert_eq!(judge.search_score(&short).violation, f64::INFINITY);
    }
}
