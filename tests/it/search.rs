//! Promise: the searches find what is known to be there, in as few evaluations as the best peers need, and a search is a
//! function of its setup and the scores it was told.
//!
//! Anchors were measured with pycma, `cmaes` 0.2.2, pymoo 0.6.2 on the same problems with the same budgets; they stand beside
//! each test. All seeds run here, in some seconds.

use tune::front::hypervolume;
use tune::problem::{self, Problem};
use tune::search::{
    Axis, Breeding, CmaEs, CmaSettings, Entry, Found, Ledger, Nsga2, Nsga2Settings, Nsga3,
    Nsga3Settings, Pattern, PatternSettings, Reason, Score, Search, Setup, Space,
    StochasticRanking, StochasticRankingSettings,
};

/// Runs a search until it is done, has spent its evaluations, or has a feasible objective under `until`; how many it spent.
fn run(problem: &Problem, search: &mut dyn Search, evaluations: usize, until: f64) -> usize {
    let mut spent = 0;
    while spent < evaluations && search.done().is_none() {
        let scores: Vec<Score> = search.ask().iter().map(|x| problem.score(x)).collect();
        let hit = scores
            .iter()
            .position(|s| s.feasible() && s.objectives.len() == 1 && s.objectives[0] < until);
        search.tell(&scores);
        spent += hit.map_or(scores.len(), |k| k + 1);
        if hit.is_some() {
            break;
        }
    }
    spent
}

fn setup(problem: &Problem, seed: u64) -> Setup {
    Setup::new(Space::real(problem.bounds.len()), seed)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn cma(problem: &Problem, seed: u64, settings: CmaSettings) -> CmaEs {
    CmaEs::try_new(setup(problem, seed), settings).unwrap()
}

/// To 1e-8 from 0 with sigma 0.5 (an eighth of the box): pycma 4570 to 5620 evaluations in five seeds, `cmaes` 4610 to 5700.
#[test]
fn val_cma_es_on_rosenbrock() {
    let rosenbrock = problem::rosenbrock(10);
    let spent: Vec<f64> = (0..21)
        .map(|seed| {
            let settings = CmaSettings {
                sigma: 0.125,
                ..CmaSettings::default()
            };
            let mut search = cma(&rosenbrock, seed, settings);
            let spent = run(&rosenbrock, &mut search, 20_000, 1e-8);
            match search.best()[0].score.objectives[0] < 1e-8 {
                true => spent as f64,
                false => f64::INFINITY,
            }
        })
        .collect();
    assert!(
        spent.iter().filter(|s| s.is_finite()).count() >= 19,
        "{spent:?}"
    );
    assert!(median(spent.clone()) <= 6500.0, "{spent:?}");
}

/// The optimum in a corner of the cube, on ten bounds at once, is reached to 1e-8; in the middle a sphere takes pycma's
/// kind some 1800 evaluations, and bounds should not double that.
#[test]
fn val_cma_es_reaches_bounds() {
    let corner = problem::corner(10);
    for seed in 0..5 {
        let spent = run(
            &corner,
            &mut cma(&corner, seed, CmaSettings::default()),
            20_000,
            1e-8,
        );
        assert!(spent < 3600, "{seed}: {spent}");
    }
}

/// A sphere cut by a plane through its optimum (n at (1, ..., 1)): constraint ranking alone carries the search along the
/// limit to 1e-6.
#[test]
fn val_cma_es_walks_along_a_limit() {
    for axes in [2, 5, 10] {
        let tangent = problem::tangent(axes);
        for seed in 0..5 {
            let mut search = cma(&tangent, seed, CmaSettings::default());
            run(&tangent, &mut search, 20_000, f64::NEG_INFINITY);
            let best = &search.best()[0].score;
            assert!(best.feasible(), "{seed}: {best:?}");
            let gap = best.objectives[0] - axes as f64;
            assert!(gap < 1e-6, "{axes} axes, seed {seed}: {gap}");
        }
    }
}

/// G06, a sickle 9 long and 0.1 wide at most in a box of 87 by 100: gap at most 0.05 after 50 000 evaluations; ISRES of pymoo has 0.0000 in three
/// seeds, differential evolution 0.00 to 0.02, a genetic algorithm 35 to 77. G09: at most 680.70; ISRES 680.6301 to 680.6304,
/// differential evolution 680.84 to 681.12.
#[test]
fn val_constrained_optima() {
    for (problem, at_most) in [
        (problem::g06(), -6_961.813_88 + 0.05),
        (problem::g09(), 680.70),
    ] {
        let best = |search: &mut dyn Search| {
            run(&problem, search, 50_000, f64::NEG_INFINITY);
            let best = &search.best()[0].score;
            assert!(best.feasible(), "{}: {best:?}", problem.name);
            best.objectives[0]
        };
        let name = problem.name;
        for seed in 0..5 {
            let settings = StochasticRankingSettings::default();
            let ranking = StochasticRanking::try_new(setup(&problem, seed), settings);
            let found = best(&mut ranking.unwrap());
            assert!(
                found < at_most,
                "stochastic ranking, {name}, seed {seed}: {found}"
            );
            let settings = CmaSettings {
                restarts: 4,
                ..CmaSettings::default()
            };
            let found = best(&mut cma(&problem, seed, settings));
            assert!(found < at_most, "CMA-ES, {name}, seed {seed}: {found}");
        }
    }
}

/// From 0 to under 1e-3 in 20 000 evaluations (pymoo's pattern search 0.0000, its differential evolution 5.67), and it ends by
/// itself at a point with no better neighbour.
#[test]
fn val_pattern_search_on_rosenbrock() {
    let rosenbrock = problem::rosenbrock(10);
    let mut search = Pattern::try_new(setup(&rosenbrock, 0), PatternSettings::default()).unwrap();
    let spent = run(&rosenbrock, &mut search, 20_000, f64::NEG_INFINITY);
    let best = &search.best()[0];
    assert_eq!(search.done(), Some(Reason::LocalOptimum), "{spent}");
    assert!(best.score.objectives[0] < 1e-3, "{best:?}");
    for axis in 0..10 {
        for step in [-1e-6, 1e-6] {
            let mut near = best.point.clone();
            near[axis] += step;
            assert!(rosenbrock.score(&near).objectives[0] >= best.score.objectives[0] - 1e-15);
        }
    }
}

/// Hypervolume under (1.1, 1.1), the front's range being 1, after 100 points by 250 (BNH 100) generations, median of 11 seeds
/// over what 100 points evenly on the front have. pymoo's NSGA-II, three seeds: 99.8 %, 99.6 %, 99.9 %, 99.87 %.
#[test]
fn val_nsga2_fronts() {
    for (problem, generations, full, least, ideal, nadir) in [
        (problem::zdt1(), 250, 0.8714, 0.995, [0.0, 0.0], [1.0, 1.0]),
        (problem::zdt2(), 250, 0.5383, 0.993, [0.0, 0.0], [1.0, 1.0]),
        (
            problem::zdt3(),
            250,
            0.7257,
            0.996,
            [0.0, -0.773_369],
            [0.851_833, 1.0],
        ),
        (
            problem::bnh(),
            100,
            1.0214,
            0.997,
            [0.0, 4.0],
            [136.0, 50.0],
        ),
    ] {
        let volume = |points: &mut dyn Iterator<Item = [f64; 2]>| {
            let part = |f: [f64; 2], k: usize| (f[k] - ideal[k]) / (nadir[k] - ideal[k]);
            let points: Vec<Vec<f64>> = points.map(|f| vec![part(f, 0), part(f, 1)]).collect();
            hypervolume(&points, &[1.1, 1.1])
        };
        // The anchor's own reference, from the closed form: BNH's was taken from a front spaced otherwise.
        let exact = volume(&mut problem.front(100).into_iter());
        assert!(
            (exact / full - 1.0).abs() < 0.002,
            "{}: {exact}",
            problem.name
        );
        let shares: Vec<f64> = (0..11)
            .map(|seed| {
                let settings = Nsga2Settings::default();
                let mut search = Nsga2::try_new(setup(&problem, seed), settings).unwrap();
                run(&problem, &mut search, 100 * generations, f64::NEG_INFINITY);
                let best = search.best();
                assert!(best.iter().all(|b| b.score.feasible()), "{}", problem.name);
                volume(
                    &mut best
                        .iter()
                        .map(|b| [b.score.objectives[0], b.score.objectives[1]]),
                ) / full
            })
            .collect();
        assert!(
            median(shares.clone()) >= least,
            "{}: {shares:?}",
            problem.name
        );
    }
}

/// DTLZ2, three objectives, 92 points by 400 generations: hypervolume under (1.1, 1.1, 1.1) at least 0.735 (pymoo 0.7445), and
/// the front lies on the unit sphere, on average within 0.5 % and everywhere within 5 %.
#[test]
fn val_nsga3_front() {
    let dtlz2 = problem::dtlz2();
    for seed in 0..3 {
        let mut search = Nsga3::try_new(setup(&dtlz2, seed), Nsga3Settings::default()).unwrap();
        run(&dtlz2, &mut search, 92 * 400, f64::NEG_INFINITY);
        let front: Vec<Vec<f64>> = search
            .best()
            .iter()
            .map(|b| b.score.objectives.clone())
            .collect();
        let volume = hypervolume(&front, &[1.1; 3]);
        assert!(volume >= 0.735, "{seed}: {volume}");
        let off = |f: &Vec<f64>| (f.iter().map(|f| f * f).sum::<f64>().sqrt() - 1.0).abs();
        let mean = front.iter().map(off).sum::<f64>() / front.len() as f64;
        assert!(mean < 0.005, "{seed}: {mean}");
        assert!(front.iter().all(|f| off(f) < 0.05), "{seed}");
    }
}

/// A space of real axes, a quantised axis and words; more than a search over points would need to know.
fn mixed() -> (Space, impl Fn(&[f64]) -> Score) {
    let axes = vec![Axis::Real, Axis::levels(11), Axis::Words(3), Axis::Real];
    let space = Space::try_new(axes).unwrap();
    let words = space.axes()[2].clone();
    let score = move |x: &[f64]| {
        let word = words.index(x[2]).unwrap();
        let base = (x[0] - 0.2).powi(2) + (x[1] - 0.7).powi(2) + (x[3] - x[0]).powi(2);
        Score {
            objectives: vec![base + [0.3, 0.0, 0.1][word], (1.0 - x[0]).powi(2) + x[3]],
            violation: (0.1 - x[3]).max(0.0),
        }
    };
    (space, score)
}

/// Each algorithm, its budget in generations.
fn all(setup: &Setup) -> Vec<(Box<dyn Search>, usize)> {
    let (setup, small) = (|| setup.clone(), 20);
    let cma = CmaSettings {
        restarts: 2,
        ..CmaSettings::default()
    };
    let nsga2 = Nsga2Settings {
        population: small,
        ..Nsga2Settings::default()
    };
    let nsga3 = Nsga3Settings {
        objectives: 2,
        population: small,
        breeding: Breeding::default(),
    };
    let ranking = StochasticRankingSettings {
        population: 70,
        ..StochasticRankingSettings::default()
    };
    vec![
        (Box::new(CmaEs::try_new(setup(), cma).unwrap()), 150),
        (Box::new(Nsga2::try_new(setup(), nsga2).unwrap()), 60),
        (Box::new(Nsga3::try_new(setup(), nsga3).unwrap()), 60),
        (
            Box::new(StochasticRanking::try_new(setup(), ranking).unwrap()),
            60,
        ),
        (
            Box::new(Pattern::try_new(setup(), PatternSettings::default()).unwrap()),
            200,
        ),
    ]
}

/// Half of a run's scores told to a new search, and both ask for the same bits from there on; asked twice, they say the same
/// twice; another seed says something else. What is asked lies in the space, and the known design comes first.
#[test]
fn a_search_is_rebuilt_from_its_scores() {
    let (space, score) = mixed();
    let mut start = Setup::new(space.clone(), 5);
    start.starts = vec![vec![0.9, 0.1, 0.1, 0.4]];
    let other = Setup {
        seed: 6,
        ..start.clone()
    };
    for (k, (mut search, generations)) in all(&start).into_iter().enumerate() {
        let mut log = Vec::new();
        for _ in 0..generations {
            let points = search.ask();
            assert_eq!(points, search.ask());
            for p in &points {
                assert_eq!(&space.snapped(p), p, "algorithm {k}");
            }
            let scores: Vec<Score> = points.iter().map(|p| score(p)).collect();
            log.push((points, scores.clone()));
            search.tell(&scores);
            if search.done().is_some() {
                break;
            }
        }
        let known = space.snapped(&start.starts[0]);
        let near = |p: &[f64]| p.iter().zip(&known).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near(&log[0].0[0]), "algorithm {k}: {:?}", log[0].0[0]);
        let (mut again, _) = all(&start).swap_remove(k);
        for (points, scores) in &log {
            assert_eq!(&again.ask(), points, "algorithm {k}");
            again.tell(scores);
        }
        assert_eq!(again.ask(), search.ask());
        assert_eq!(again.best(), search.best());
        if k < 4 {
            let (mut other, _) = all(&other).swap_remove(k);
            assert_ne!(other.ask(), log[0].0, "algorithm {k}");
        }
    }
}

/// On the mixed space each single-objective search finds the best word and level and comes within 1e-3 of the optimum (pattern
/// search within its grid), and a front search has that end on its front; a tenth of all points fails, and no failure is best.
#[test]
fn mixed_spaces_and_failures_are_borne() {
    let (space, score) = mixed();
    for (k, (mut search, generations)) in all(&Setup::new(space.clone(), 2)).into_iter().enumerate()
    {
        let mut count = 0;
        for _ in 0..generations {
            let points = search.ask();
            let scores: Vec<Score> = points
                .iter()
                .map(|p| {
                    count += 1;
                    if count % 10 == 9 {
                        Score::failed(2)
                    } else {
                        score(p)
                    }
                })
                .collect();
            search.tell(&scores);
            if search.done().is_some() {
                break;
            }
        }
        let ends = search.best().iter();
        let least =
            |a: &&Found, b: &&Found| a.score.objectives[0].total_cmp(&b.score.objectives[0]);
        let best = ends.min_by(least).unwrap();
        assert!(
            search.best().iter().all(|b| b.score.feasible()),
            "algorithm {k}"
        );
        // At (0.2, 0.7, second word, 0.2) it is 0.
        let within = if k == 1 || k == 2 { 0.02 } else { 1e-3 };
        assert!(best.score.objectives[0] < within, "algorithm {k}: {best:?}");
        assert_eq!(
            space.axes()[2].index(best.point[2]),
            Some(1),
            "algorithm {k}"
        );
        assert!((best.point[1] - 0.7).abs() < 1e-12, "algorithm {k}");
    }
}

/// A ledger spares what a search asks again: on a coarse grid CMA-ES comes back to known points often.
#[test]
fn known_points_need_not_be_evaluated_twice() {
    let space = Space::try_new(vec![Axis::levels(6); 4]).unwrap();
    let mut search = CmaEs::try_new(Setup::new(space, 1), CmaSettings::default()).unwrap();
    let (mut ledger, mut known, mut asked) = (Ledger::default(), Vec::new(), 0);
    for _ in 0..60 {
        let points = search.ask();
        asked += points.len();
        let scores: Vec<Score> = points
            .iter()
            .map(|p| match ledger.admit(p) {
                Entry::New(number) => {
                    assert_eq!(number, known.len());
                    let sum = p.iter().map(|x| (x - 0.4).powi(2)).sum();
                    known.push(Score {
                        objectives: vec![sum],
                        violation: 0.0,
                    });
                    known[number].clone()
                }
                Entry::Again(number) => known[number].clone(),
            })
            .collect();
        search.tell(&scores);
    }
    assert!(search.best()[0].score.objectives[0] < 1e-12);
    assert!(2 * known.len() < asked, "{} of {asked}", known.len());
}
