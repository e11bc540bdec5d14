//! Intel HEX: the image as text that programmers and linkers take.

use std::fmt::Write as _;

/// Data bytes of a line.
const LINE_BYTES: usize = 16;

/// The bytes from address 0 on: data lines of 16 bytes, an extended linear address every 64 KiB, an end.
///
/// Where the image goes is the firmware's: `objcopy --change-addresses` moves it.
pub(crate) fn text(data: &[u8]) -> String {
    let mut out = String::new();
    for (i, line) in data.chunks(LINE_BYTES).enumerate() {
        let at = i * LINE_BYTES;
        let (high, low) = ((at >> 16) as u16, at as u16);
        if low == 0 && high > 0 {
            record(&mut out, 0, 4, &high.to_be_bytes());
        }
        record(&mut out, low, 0, line);
    }
    record(&mut out, 0, 1, &[]);
    out
}

/// `:` count, address, kind, data, and what makes all bytes sum up to 0 modulo 256.
fn record(out: &mut String, at: u16, kind: u8, data: &[u8]) {
    let [high, low] = at.to_be_bytes();
    let mut bytes = vec![data.len() as u8, high, low, kind];
    bytes.extend(data);
    let sum = bytes.iter().fold(0_u8, |sum, b| sum.wrapping_add(*b));
    bytes.push(sum.wrapping_neg());
    out.push(':');
    for byte in bytes {
        let _ = write!(out, "{byte:02X}");
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::text;

    /// The lines of the format's own specification (Intel, 1988): a data record of 16 bytes and the end.
    #[test]
    fn lines_are_those_of_the_format() {
        let mut data = vec![0; 0x1_0000];
        data.extend([0x12, 0x34]);
        let text = text(&data);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], ":1000000000000000000000000000000000000000F0");
        assert_eq!(lines[0xFFF], format!(":10FFF000{}01", "00".repeat(16)));
        assert_eq!(
            lines[0x1000..],
            [":020000040001F9", ":020000001234B8", ":00000001FF"]
        );
    }
}
