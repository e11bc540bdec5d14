//! What a search and a plan cost beside the simulation: microseconds a candidate at ten axes, objective included (some
//! 0.1 microseconds).
//!
//! `cargo bench -p kneadlab-workspace --bench search`; the time of a line is that of the candidates that its name tells.

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use tune::Sampler;
use tune::problem::{self, Problem};
use tune::search::{
    CmaEs, CmaSettings, Nsga2, Nsga2Settings, Nsga3, Nsga3Settings, Pattern, PatternSettings,
    Score, Search, Setup, Space, StochasticRanking, StochasticRankingSettings,
};

fn bench(c: &mut Criterion) {
    for (name, sampler) in [
        ("random", Sampler::Random),
        ("latin hypercube", Sampler::LatinHypercube),
        ("sobol", Sampler::Sobol),
    ] {
        let mut index = 0;
        let mut point = [0.0; 10];
        c.bench_function(&format!("search/{name}, one point of 10 axes"), |b| {
            b.iter(|| {
                index = (index + 1) % 1_000_000;
                sampler.fill(1, black_box(index), 1_000_000, &mut point);
                point[9]
            })
        });
    }
    let (one, two, three) = (problem::rosenbrock(10), pair(10), triple(10));
    let setup = || Setup::new(Space::real(10), 1);
    generations(c, "search/CMA-ES, 1000 candidates", 1000, &one, || {
        CmaEs::try_new(setup(), CmaSettings::default()).unwrap()
    });
    generations(c, "search/NSGA-II, 1000 candidates", 1000, &two, || {
        Nsga2::try_new(setup(), Nsga2Settings::default()).unwrap()
    });
    generations(c, "search/NSGA-III, 920 candidates", 920, &three, || {
        Nsga3::try_new(setup(), Nsga3Settings::default()).unwrap()
    });
    generations(
        c,
        "search/stochastic ranking, 1000 candidates",
        1000,
        &one,
        || StochasticRanking::try_new(setup(), StochasticRankingSettings::default()).unwrap(),
    );
    generations(c, "search/pattern, 1000 candidates", 1000, &one, || {
        Pattern::try_new(setup(), PatternSettings::default()).unwrap()
    });
}

/// ZDT1 and DTLZ2 with ten axes.
fn pair(axes: usize) -> Problem {
    let mut problem = problem::zdt1();
    problem.bounds.truncate(axes);
    problem
}

fn triple(axes: usize) -> Problem {
    let mut problem = problem::dtlz2();
    problem.bounds.truncate(axes);
    problem
}

fn generations<S: Search>(
    c: &mut Criterion,
    name: &str,
    candidates: usize,
    problem: &Problem,
    new: impl Fn() -> S,
) {
    c.bench_function(name, |b| {
        b.iter(|| {
            let mut search = new();
            let mut spent = 0;
            while spent < candidates {
                let scores: Vec<Score> = search.ask().iter().map(|x| problem.score(x)).collect();
                spent += scores.len();
                search.tell(&scores);
            }
            search.best().len()
        })
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
