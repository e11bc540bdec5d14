//! Who dominates whom: the ranking that both multi-objective searches share.

use super::Score;
use std::cmp::Ordering;

/// Fronts of non-dominated points by constrained domination (Deb and others 2002): of each front the indices, ascending.
/// Points with a violation come one front for each amount of it.
pub(super) fn fronts(scores: &[Score]) -> Vec<Vec<usize>> {
    let violations: Vec<f64> = scores.iter().map(Score::violation_or_failure).collect();
    let feasible: Vec<usize> = (0..scores.len())
        .filter(|&i| violations[i] == 0.0)
        .collect();
    let mut fronts = layers(scores, &feasible);
    let mut rest: Vec<usize> = (0..scores.len()).filter(|&i| violations[i] > 0.0).collect();
    rest.sort_by(|&a, &b| violations[a].total_cmp(&violations[b]));
    for equal in rest.chunk_by(|&a, &b| violations[a] == violations[b]) {
        fronts.push(equal.to_vec());
    }
    fronts
}

/// Fast non-dominated sort: each point counts who dominates it, and a front takes its count off those it dominates.
fn layers(scores: &[Score], who: &[usize]) -> Vec<Vec<usize>> {
    let mut dominated: Vec<Vec<usize>> = vec![Vec::new(); who.len()];
    let mut by = vec![0u32; who.len()];
    for a in 0..who.len() {
        for b in 0..a {
            match domination(&scores[who[a]].objectives, &scores[who[b]].objectives) {
                Ordering::Less => {
                    dominated[a].push(b);
                    by[b] += 1;
                }
                Ordering::Greater => {
                    dominated[b].push(a);
                    by[a] += 1;
                }
                Ordering::Equal => {}
            }
        }
    }
    let mut fronts = Vec::new();
    let mut front: Vec<usize> = (0..who.len()).filter(|&i| by[i] == 0).collect();
    while !front.is_empty() {
        let mut next = Vec::new();
        for &a in &front {
            for &b in &dominated[a] {
                by[b] -= 1;
                if by[b] == 0 {
                    next.push(b);
                }
            }
        }
        next.sort_unstable();
        fronts.push(front.iter().map(|&i| who[i]).collect());
        front = next;
    }
    fronts
}

/// `Less` where `a` dominates `b`, `Greater` the other way, `Equal` where neither does.
pub(crate) fn domination(a: &[f64], b: &[f64]) -> Ordering {
    let (mut less, mut more) = (false, false);
    for (x, y) in a.iter().zip(b) {
        less |= x < y;
        more |= x > y;
    }
    match (less, more) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}

/// Crowding distance of each point of a front (Deb and others 2002): the size of the box that its neighbours leave it, in
/// parts of the front's extent; infinite at the ends.
pub(super) fn crowding(scores: &[Score], front: &[usize]) -> Vec<f64> {
    let mut distance = vec![0.0; front.len()];
    let Some(&first) = front.first() else {
        return distance;
    };
    if !scores[first].feasible() {
        return distance;
    }
    let mut order: Vec<usize> = (0..front.len()).collect();
    for m in 0..scores[first].objectives.len() {
        let value = |i: usize| scores[front[i]].objectives[m];
        order.sort_by(|&a, &b| value(a).total_cmp(&value(b)).then(a.cmp(&b)));
        let (least, most) = (order[0], order[order.len() - 1]);
        let extent = value(most) - value(least);
        distance[least] = f64::INFINITY;
        distance[most] = f64::INFINITY;
        if extent > 0.0 {
            for w in order.windows(3) {
                distance[w[1]] += (value(w[2]) - value(w[0])) / extent;
            }
        }
    }
    distance
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(rows: &[(f64, [f64; 2])]) -> Vec<Score> {
        let one = |(violation, f): &(f64, [f64; 2])| Score {
            objectives: f.to_vec(),
            violation: *violation,
        };
        rows.iter().map(one).collect()
    }

    /// By hand: (0, 3), (1, 1) and (3, 0) are free, (2, 2) lies behind (1, 1), then what has a violation.
    #[test]
    fn val_fronts_by_hand() {
        let s = scores(&[
            (0.0, [2.0, 2.0]),
            (0.5, [0.0, 0.0]),
            (0.0, [0.0, 3.0]),
            (0.0, [1.0, 1.0]),
            (0.1, [9.0, 9.0]),
            (0.0, [3.0, 0.0]),
            (0.5, [9.0, 9.0]),
        ]);
        assert_eq!(fronts(&s), [vec![2, 3, 5], vec![0], vec![4], vec![1, 6]]);
        // The box of (1, 1): 3 of 3 wide, 3 of 3 high.
        assert_eq!(
            crowding(&s, &[2, 3, 5]),
            [f64::INFINITY, 2.0, f64::INFINITY]
        );
    }
}
