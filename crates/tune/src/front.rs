//! Trade-off fronts: which results no other dominates, how much they dominate, and which one is chosen.

use crate::search::Score;
use std::cmp::Ordering;

/// Indices, ascending, of the feasible scores that no other dominates; of equal ones all. None where nothing is feasible.
///
/// Scores are walked through in the order of their objectives, so that each need only be compared with the front so far: fit
/// for a million scores while the front stays in the thousands.
pub fn non_dominated(scores: &[Score]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len())
        .filter(|&i| scores[i].feasible())
        .collect();
    let objectives = |i: usize| &scores[i].objectives;
    order.sort_by(|&a, &b| {
        let pairs = objectives(a).iter().zip(objectives(b));
        pairs
            .map(|(x, y)| x.total_cmp(y))
            .find(|o| *o != Ordering::Equal)
            .unwrap_or(a.cmp(&b))
    });
    let mut front: Vec<usize> = Vec::new();
    for i in order {
        if !front.iter().any(|&k| scores[k].dominates(&scores[i])) {
            front.push(i);
        }
    }
    front.sort_unstable();
    front
}

/// Volume that `points` dominate below `reference` (Zitzler and Thiele 1998), for any number of objectives, all minimised.
/// Points that do not lie below the reference add nothing.
///
/// Slices along the last objective, down to a staircase in two (the method of Knowles 2002, HSO): `n log n` for two
/// objectives, `n^2 log n` for three, and so on; meant for fronts of some hundred points.
pub fn hypervolume(points: &[Vec<f64>], reference: &[f64]) -> f64 {
    let below = |p: &&Vec<f64>| p.iter().zip(reference).all(|(x, r)| x < r);
    let inside: Vec<&[f64]> = points.iter().filter(below).map(|p| &p[..]).collect();
    volume(inside, reference)
}

fn volume(mut points: Vec<&[f64]>, reference: &[f64]) -> f64 {
    let last = reference.len() - 1;
    if points.is_empty() {
        return 0.0;
    }
    if last == 0 {
        let least = points.iter().map(|p| p[0]).fold(f64::INFINITY, f64::min);
        return reference[0] - least;
    }
    points.sort_by(|a, b| a[last].total_cmp(&b[last]));
    let mut sum = 0.0;
    if last == 1 {
        // From the lowest second objective up, each point adds the strip that it reaches further left.
        let mut left = reference[0];
        for p in points {
            if p[0] < left {
                sum += (left - p[0]) * (reference[1] - p[1]);
                left = p[0];
            }
        }
        return sum;
    }
    for k in 0..points.len() {
        let top = points.get(k + 1).map_or(reference[last], |p| p[last]);
        let thick = top - points[k][last];
        if thick > 0.0 {
            let slice = points[..=k].iter().map(|p| &p[..last]).collect();
            sum += thick * volume(slice, &reference[..last]);
        }
    }
    sum
}

/// The chosen point of a front, by index: the one whose greatest loss is smallest. Its loss in an objective is how far it
/// stays behind the front's best there, in parts of the front's range; of equals the one with the smaller sum of losses,
/// then the first. `None` for an empty front.
///
/// For a convex front it lies at the knee or near it, for a concave one in the middle. The knee by the greatest distance
/// below the plane through the ends (Das 1999) was weighed: a front that bulges the other way has none, and the rule then
/// takes an end, which no engineer asks for.
pub fn chosen(front: &[Vec<f64>]) -> Option<usize> {
    let axes = front.first()?.len();
    let range = |m: usize| {
        let values = front.iter().map(|p| p[m]);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| {
            (a.min(x), b.max(x))
        })
    };
    let ranges: Vec<(f64, f64)> = (0..axes).map(range).collect();
    let losses = |p: &Vec<f64>| {
        let pairs = p.iter().zip(&ranges);
        let each = pairs.map(|(x, (a, b))| if b > a { (x - a) / (b - a) } else { 0.0 });
        each.fold((0.0f64, 0.0), |(most, sum), loss| {
            (most.max(loss), sum + loss)
        })
    };
    let all: Vec<(f64, f64)> = front.iter().map(losses).collect();
    (0..front.len()).min_by(|&a, &b| {
        let (x, y) = (all[a], all[b]);
        x.0.total_cmp(&y.0)
            .then(x.1.total_cmp(&y.1))
            .then(a.cmp(&b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Boxes by hand. Two objectives: (1, 2) and (2, 1) below (3, 3) cover 2 + 2 - 1 = 3. Three: one corner (1, 1, 1) below
    /// (2, 3, 4) covers 1 x 2 x 3 = 6; with (0, 2, 3), which covers 2 x 1 x 1 = 2 and shares 1 x 1 x 1, it is 7. Four: one
    /// box of 1 x 2 x 3 x 4.
    #[test]
    fn val_hypervolume_by_hand() {
        let two = [
            vec![1.0, 2.0],
            vec![2.0, 1.0],
            vec![2.5, 2.5],
            vec![0.0, 3.0],
        ];
        assert_eq!(hypervolume(&two, &[3.0, 3.0]), 3.0);
        let three = [vec![1.0, 1.0, 1.0], vec![0.0, 2.0, 3.0]];
        assert_eq!(hypervolume(&three[..1], &[2.0, 3.0, 4.0]), 6.0);
        assert_eq!(hypervolume(&three, &[2.0, 3.0, 4.0]), 7.0);
        assert_eq!(hypervolume(&[vec![0.0; 4]], &[1.0, 2.0, 3.0, 4.0]), 24.0);
        assert_eq!(hypervolume(&[], &[1.0, 1.0]), 0.0);
    }

    /// An eighth of a sphere of radius 1 leaves pi / 6 of the unit cube: below (1, 1, 1) its points dominate
    /// 1 - pi / 6 = 0.4764, in the limit of many; 2500 points reach it to a little less, and never more.
    #[test]
    fn val_hypervolume_of_a_sphere() {
        let n = 50;
        let mut points = Vec::new();
        for i in 0..n {
            for j in 0..n {
                let half = std::f64::consts::FRAC_PI_2;
                let (a, b) = (
                    (i as f64 + 0.5) / n as f64 * half,
                    (j as f64 + 0.5) / n as f64 * half,
                );
                points.push(vec![a.cos() * b.cos(), a.cos() * b.sin(), a.sin()]);
            }
        }
        let exact = 1.0 - std::f64::consts::PI / 6.0;
        let found = hypervolume(&points, &[1.0; 3]);
        assert!(found < exact && found > 0.95 * exact, "{found} {exact}");
    }

    #[test]
    fn val_non_dominated_is_what_no_pair_contradicts() {
        let scores: Vec<Score> = (0..500)
            .map(|i| Score {
                objectives: crate::Sampler::Random.point(3, i, 500, 3),
                violation: if i % 7 == 0 { 0.1 } else { 0.0 },
            })
            .collect();
        let front = non_dominated(&scores);
        for (i, s) in scores.iter().enumerate() {
            let free = s.feasible() && !scores.iter().any(|o| o.dominates(s));
            assert_eq!(front.contains(&i), free, "{i}");
        }
        assert!(front.len() > 10);
    }

    #[test]
    fn the_chosen_point_loses_least_where_it_loses_most() {
        // Ranges 10 and 100: losses (0.2, 0.1) beat (0.3, 0.05) and (0, 1), (1, 0).
        let front = [
            vec![0.0, 100.0],
            vec![3.0, 5.0],
            vec![2.0, 10.0],
            vec![10.0, 0.0],
        ];
        assert_eq!(chosen(&front), Some(2));
        assert_eq!(chosen(&[]), None);
        assert_eq!(chosen(&[vec![1.0, 1.0], vec![1.0, 1.0]]), Some(0));
    }
}
