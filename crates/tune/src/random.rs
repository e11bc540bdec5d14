//! Random numbers that depend on a key alone: any sample of a plan and any generation of a search can be drawn on its
//! own, in any order, on any machine, and a search is rebuilt by replay without a saved generator.
//!
//! SplitMix64 (Steele, Lea, Flood 2014) twice: its finaliser over a key's parts is a hash, and the generator seeded
//! with that hash gives the numbers of one generation. It passes BigCrush, has no state to save, and is four lines;
//! `rand_pcg` and `rand_chacha` are as stable by name but are streams, so that a shard would have to skip to its place.

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

fn finish(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// 64 mixed bits of a key.
pub(crate) fn hash(key: &[u64]) -> u64 {
    key.iter().fold(STEP, |state, &part| {
        finish(state.wrapping_add(part).wrapping_add(STEP))
    })
}

/// A number in the open interval 0..1 from 64 bits. 52 of them: with 53, the largest would round to 1.
pub(crate) fn open_unit(bits: u64) -> f64 {
    ((bits >> 12) as f64 + 0.5) / (1u64 << 52) as f64
}

/// The numbers of one key, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Draw {
    state: u64,
    spare: Option<f64>,
}

impl Draw {
    pub(crate) fn new(key: &[u64]) -> Draw {
        Draw {
            state: hash(key),
            spare: None,
        }
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        finish(self.state)
    }

    /// In the open interval 0..1.
    pub(crate) fn unit(&mut self) -> f64 {
        open_unit(self.bits())
    }

    /// One of `0..count`, by the upper half of a product (Lemire 2019 without the rejection: biased by `count / 2^64`).
    pub(crate) fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.bits()) * count as u128) >> 64) as usize
    }

    /// True this often.
    pub(crate) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// Standard normal: the polar method (Marsaglia and Bray 1964).
    pub(crate) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x, y) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let s = x * x + y * y;
            if s < 1.0 {
                let scale = (-2.0 * s.ln() / s).sqrt();
                self.spare = Some(y * scale);
                return x * scale;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs of SplitMix64 for seed 1234567, as every published implementation gives them (for one,
    /// Rosetta Code, "Pseudo-random numbers/Splitmix64").
    #[test]
    fn val_draw_is_splitmix64() {
        let mut draw = Draw {
            state: 1_234_567,
            spare: None,
        };
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(expected.map(|_| draw.bits()), expected);
    }

    /// Moments of 100 000 numbers within four standard errors: normal mean 0 +- 0.0032, variance 1 +- sqrt(2 / n) =
    /// 0.0045, fourth moment 3 +- sqrt(96 / n) = 0.031; thirds of `below` 1/3 +- 0.0015.
    #[test]
    fn val_moments() {
        let n = 100_000;
        let mut draw = Draw::new(&[3, 1]);
        let (mut m1, mut m2, mut m4) = (0.0, 0.0, 0.0);
        let mut thirds = [0usize; 3];
        for _ in 0..n {
            let z = draw.normal();
            m1 += z / n as f64;
            m2 += z * z / n as f64;
            m4 += z.powi(4) / n as f64;
            thirds[draw.below(3)] += 1;
        }
        assert!(m1.abs() < 4.0 * 0.0032, "{m1}");
        assert!((m2 - 1.0).abs() < 4.0 * 0.0045, "{m2}");
        assert!((m4 - 3.0).abs() < 4.0 * 0.031, "{m4}");
        for count in thirds {
            assert!((count as f64 / n as f64 - 1.0 / 3.0).abs() < 4.0 * 0.0015);
        }
        assert_ne!(hash(&[1, 2]), hash(&[2, 1]));
        assert!(open_unit(0) > 0.0 && open_unit(u64::MAX) < 1.0);
    }
}
