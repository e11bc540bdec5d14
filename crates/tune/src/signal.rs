//! A quantity over time, and the shift between two clocks.

/// Samples of a quantity, in the order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signal {
    /// Times, s, rising.
    pub t_s: Vec<f64>,
    /// One value a time.
    pub values: Vec<f64>,
}

/// A shift at which two recordings agree better than at any near it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeMatch {
    /// What to add to the log's times, s.
    pub shift_s: f64,
    /// Pearson's correlation there, the mean of all pairs.
    pub correlation: f64,
}

/// Samples that the coarse search compares at most.
const COARSE_MAX: f64 = 2048.0;
/// Candidates that are refined.
const CANDIDATES: usize = 5;

impl Signal {
    /// First and last time, s.
    pub fn span_s(&self) -> [f64; 2] {
        [0, self.t_s.len().saturating_sub(1)].map(|i| self.t_s.get(i).copied().unwrap_or(0.0))
    }

    /// Value at a time: linear between samples, held before the first and after the last.
    pub fn at(&self, t_s: f64) -> f64 {
        let next = self.t_s.partition_point(|t| *t <= t_s);
        match (next.checked_sub(1), self.t_s.get(next)) {
            (None, _) => self.values.first().copied().unwrap_or(0.0),
            (Some(last), None) => self.values[last],
            (Some(i), Some(t1)) => {
                let w = (t_s - self.t_s[i]) / (t1 - self.t_s[i]);
                (1.0 - w) * self.values[i] + w * self.values[next]
            }
        }
    }

    /// Means over steps of `step_s`, where it has more samples than that; else itself. A fast log is so brought to the
    /// rate of a slow run without folding its ripple into it.
    pub fn averaged(&self, step_s: f64) -> Signal {
        let [from, to] = self.span_s();
        if self.t_s.len() < 2 || (to - from) / (self.t_s.len() - 1) as f64 > 0.75 * step_s {
            return self.clone();
        }
        let mut out = Signal::default();
        let (mut bin, mut sums) = (0, [0.0; 3]);
        for (t, v) in self.t_s.iter().zip(&self.values) {
            let here = ((t - from) / step_s) as u64;
            if here != bin && sums[0] > 0.0 {
                out.t_s.push(sums[1] / sums[0]);
                out.values.push(sums[2] / sums[0]);
                sums = [0.0; 3];
            }
            bin = here;
            sums = [sums[0] + 1.0, sums[1] + t, sums[2] + v];
        }
        out.t_s.push(sums[1] / sums[0]);
        out.values.push(sums[2] / sums[0]);
        out
    }

    /// Samples every `step_s` from `from_s` on.
    fn even(&self, from_s: f64, step_s: f64, count: usize) -> Vec<f64> {
        let smooth = self.averaged(step_s);
        (0..count)
            .map(|i| smooth.at(from_s + i as f64 * step_s))
            .collect()
    }
}

/// Pearson's correlation of two series of one length; `None` where one of them does not vary.
pub fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let n = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - mean_a, y - mean_b);
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    // What varies by rounding alone does not vary.
    let still = |squares: f64, mean: f64| squares <= 1e-20 * n * mean * mean;
    if still(aa, mean_a) || still(bb, mean_b) {
        return None;
    }
    Some(ab / (aa * bb).sqrt())
}

/// The shifts at which `log` follows `run` best, best first, over pairs of signals that share the shift.
///
/// Every sample of the log counts: outside its own time the run is held at its ends, where nodes are retracted. So a slip
/// by a whole cycle of a kneading costs what stands out at the ends, though the cycles themselves are alike. Shifts with
/// less than half of the shorter recording within the other are left out. Even samples first (means over a step where a
/// recording is finer), then by golden section on the samples themselves.
pub fn time_matches(pairs: &[(&Signal, &Signal)]) -> Vec<TimeMatch> {
    let spans = |of: fn(&(&Signal, &Signal)) -> [f64; 2]| {
        pairs
            .iter()
            .map(of)
            .fold([f64::INFINITY, f64::NEG_INFINITY], |a, b| {
                [a[0].min(b[0]), a[1].max(b[1])]
            })
    };
    let (run, log) = (spans(|p| p.0.span_s()), spans(|p| p.1.span_s()));
    let (run_s, log_s) = (run[1] - run[0], log[1] - log[0]);
    if !(run_s > 0.0 && log_s > 0.0) {
        return Vec::new();
    }
    let finest_s = pairs
        .iter()
        .flat_map(|p| [p.0, p.1])
        .map(|s| (s.span_s()[1] - s.span_s()[0]) / (s.t_s.len().max(2) - 1) as f64)
        .fold(f64::INFINITY, f64::min);
    let step_s = finest_s.max(run_s.max(log_s) / COARSE_MAX);
    let shared_s = 0.5 * run_s.min(log_s);
    // From the log's end on the run's first half to its start on the run's last half.
    let first_s = run[0] + shared_s - log[1];
    let count = ((run[1] - shared_s - log[0] - first_s) / step_s).floor() as usize + 1;
    let log_count = (log_s / step_s).floor() as usize + 1;
    let even: Vec<_> = pairs
        .iter()
        .map(|(run, over)| {
            let run = run.even(log[0] + first_s, step_s, count + log_count);
            (run, over.even(log[0], step_s, log_count))
        })
        .collect();
    let coarse: Vec<f64> = (0..count)
        .map(|i| {
            let sum: f64 = even
                .iter()
                .filter_map(|(run, log)| correlation(&run[i..i + log_count], log))
                .sum();
            sum / even.len() as f64
        })
        .collect();
    let mut tops: Vec<usize> = (0..count)
        .filter(|&i| {
            let near = [i.wrapping_sub(1), i + 1].map(|j| coarse.get(j).copied());
            coarse[i] > 0.0
                && near[0].is_none_or(|c| coarse[i] > c)
                && near[1].is_none_or(|c| coarse[i] >= c)
        })
        .collect();
    tops.sort_by(|a, b| coarse[*b].total_cmp(&coarse[*a]));
    tops.truncate(CANDIDATES);
    let score = |shift_s: f64| {
        let sum: f64 = pairs
            .iter()
            .map(|(run, log)| {
                let moved: Vec<f64> = log.t_s.iter().map(|t| run.at(t + shift_s)).collect();
                correlation(&moved, &log.values).unwrap_or(0.0)
            })
            .sum();
        sum / pairs.len() as f64
    };
    let mut out: Vec<TimeMatch> = tops
        .into_iter()
        .map(|i| {
            let at = first_s + i as f64 * step_s;
            let (shift_s, correlation) = golden(at - step_s, at + step_s, score);
            TimeMatch {
                shift_s,
                correlation,
            }
        })
        .collect();
    out.sort_by(|a, b| b.correlation.total_cmp(&a.correlation));
    out
}

/// Highest value of `f` between two arguments, by golden section to a thousandth of their distance.
fn golden(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> (f64, f64) {
    const SHARE: f64 = 0.618_033_988_749_894_9;
    let mut inner = [high - SHARE * (high - low), low + SHARE * (high - low)];
    let mut values = inner.map(&f);
    for _ in 0..16 {
        if values[0] >= values[1] {
            high = inner[1];
            inner = [high - SHARE * (high - low), inner[0]];
            values = [f(inner[0]), values[0]];
        } else {
            low = inner[0];
            inner = [inner[1], low + SHARE * (high - low)];
            values = [values[1], f(inner[1])];
        }
    }
    let best = usize::from(values[1] > values[0]);
    (inner[best], values[best])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(from_s: f64, step_s: f64, count: usize, f: impl Fn(f64) -> f64) -> Signal {
        let t_s: Vec<f64> = (0..count).map(|i| from_s + i as f64 * step_s).collect();
        let values = t_s.iter().map(|t| f(*t)).collect();
        Signal { t_s, values }
    }

    /// Six turns of a kneading between rests: cycles are alike, ends are not.
    fn turns(t: f64) -> f64 {
        if (2.0..8.0).contains(&t) {
            (std::f64::consts::PI * t).sin().powi(2)
        } else {
            0.0
        }
    }

    /// The log's clock starts 1.237 s late and it samples at another rate, with a gain and an offset. Between samples of
    /// 20 ms the wave (1 Hz) is straight within 0.2 %, so the shift is found to a tenth of a sample; a whole cycle off is
    /// the rival, and less good by one cycle in six.
    #[test]
    fn val_a_shift_is_found_and_a_slip_is_the_rival() {
        let run = wave(0.0, 0.02, 501, turns);
        let log = wave(0.0, 0.033, 260, |t| 3.0 + 2.0 * turns(t + 1.237));
        let found = time_matches(&[(&run, &log)]);
        assert!((found[0].shift_s - 1.237).abs() < 0.002, "{found:?}");
        assert!(found[0].correlation > 0.9999);
        let slip = (found[1].shift_s - found[0].shift_s).abs();
        assert!((slip - 1.0).abs() < 0.1, "{found:?}");
        assert!(found[1].correlation < 0.9, "{found:?}");
    }

    /// 1 kHz with a strong ripple at 400 Hz, brought to 50 Hz: the ripple (8 periods in a step) averages out.
    #[test]
    fn averages_do_not_fold_ripple() {
        let ripple = |t: f64| (800.0 * std::f64::consts::PI * t).sin();
        let fast = wave(0.0, 0.001, 2000, |t| t + ripple(t));
        let slow = fast.averaged(0.02);
        assert_eq!(slow.t_s.len(), 100);
        let worst = slow
            .t_s
            .iter()
            .zip(&slow.values)
            .map(|(t, v)| (t - v).abs())
            .fold(0.0, f64::max);
        assert!(worst < 0.06, "{worst}");
    }

    #[test]
    fn what_does_not_vary_has_no_match() {
        let run = wave(0.0, 0.02, 100, turns);
        assert!(time_matches(&[(&run, &wave(0.0, 0.1, 20, |_| 1.0))]).is_empty());
        assert!(time_matches(&[(&run, &wave(0.0, 0.1, 1, |_| 1.0))]).is_empty());
    }
}
