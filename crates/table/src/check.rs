//! Check words of the 12-byte parts that sections are made of (LAYOUT.md, "Check words").

use crate::image::Kind;

/// Bytes of a part: five words and the check word.
pub(crate) const PART: usize = 12;
/// x^16 + x^5 + x^3 + x^2 + 1, which is primitive.
const MODULUS: u32 = 0x1_002D;

/// What the words of a part are worth: its section's kind and its number there.
pub(crate) fn seed(kind: Kind, index: usize) -> u16 {
    ((kind as u16) << 12).wrapping_add(index as u16)
}

/// The words as coefficients of x^5 to x^0, over GF(2), modulo the modulus.
fn remainder(words: impl Iterator<Item = u16>) -> u16 {
    let mut sum = words.fold(0, |sum, word| sum << 1 ^ u32::from(word));
    for bit in (16..32).rev() {
        if sum >> bit & 1 == 1 {
            sum ^= MODULUS << (bit - 16);
        }
    }
    sum as u16
}

fn words(part: &[u8]) -> impl Iterator<Item = u16> {
    part.chunks_exact(2)
        .map(|w| u16::from_le_bytes([w[0], w[1]]))
}

/// What makes ten bytes a part.
pub(crate) fn check_word(content: &[u8], seed: u16) -> u16 {
    remainder(words(content).chain([0])) ^ seed
}

/// Whether twelve bytes are that part.
pub(crate) fn is_sound(part: &[u8], seed: u16) -> bool {
    part.len() == PART && remainder(words(part)) == seed
}

#[cfg(test)]
mod tests {
    use super::{MODULUS, PART, check_word, is_sound, remainder, seed};
    use crate::image::Kind;

    fn part(random: &mut u32, seed: u16) -> Vec<u8> {
        let mut out: Vec<u8> = (0..PART - 2)
            .map(|_| {
                *random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (*random >> 24) as u8
            })
            .collect();
        out.extend(check_word(&out, seed).to_le_bytes());
        out
    }

    /// The powers of x modulo a primitive polynomial of degree 16 run through all 65535 residues.
    #[test]
    fn val_modulus_is_primitive() {
        let mut power = 1_u32;
        for exponent in 1..=65535 {
            power <<= 1;
            if power >> 16 == 1 {
                power ^= MODULUS;
            }
            assert_eq!(power == 1, exponent == 65535, "x^{exponent}");
        }
    }

    /// Worked by hand: x^5 times x^15 is x^20 = x^4 (x^5 + x^3 + x^2 + 1) = x^9 + x^7 + x^6 + x^4.
    #[test]
    fn val_remainder_by_hand() {
        let words = [0x8000, 0, 0, 0, 0, 0];
        assert_eq!(
            remainder(words.into_iter()),
            1 << 9 | 1 << 7 | 1 << 6 | 1 << 4
        );
    }

    /// Every promise of the page, on parts of random content: each other word, each exchange of two words or
    /// bytes, another place, another section.
    #[test]
    fn every_exchange_is_found() {
        let mut random = 5;
        for index in 0..40 {
            let own = seed(Kind::Caps, index);
            let good = part(&mut random, own);
            assert!(is_sound(&good, own));
            for i in 0..PART {
                for j in 0..PART {
                    let mut bad = good.clone();
                    bad.swap(i, j);
                    assert_eq!(is_sound(&bad, own), bad == good, "bytes {i}, {j}");
                }
            }
            for i in 0..PART / 2 {
                for j in 0..PART / 2 {
                    let mut bad = good.clone();
                    bad.swap(2 * i, 2 * j);
                    bad.swap(2 * i + 1, 2 * j + 1);
                    assert_eq!(is_sound(&bad, own), bad == good, "words {i}, {j}");
                }
            }
            if index < 4 {
                for at in 0..PART / 2 {
                    for flip in 1..=u16::MAX {
                        let mut bad = good.clone();
                        bad[2 * at] ^= flip as u8;
                        bad[2 * at + 1] ^= (flip >> 8) as u8;
                        assert!(!is_sound(&bad, own), "word {at} xor {flip}");
                    }
                }
            }
            for other in 0..4096 {
                let elsewhere = seed(Kind::Caps, other);
                assert_eq!(is_sound(&good, elsewhere), other == index);
            }
            assert!(!is_sound(&good, seed(Kind::Classes, index)));
            assert!(!is_sound(&[0; PART], own));
        }
    }
}
