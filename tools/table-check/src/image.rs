//! Header and directory.

use anyhow::{Result, ensure};

/// What the layout page's fenced blocks hash to.
const LAYOUT_HASH: u32 = 0x3CD2_D181;

/// A checked image: header values and the sections by kind.
pub struct Image<'a> {
    pub name: String,
    pub scene_id: u32,
    pub content_hash: u64,
    pub forbids: u32,
    pub classes: u16,
    pub zones: u16,
    pub sections: Vec<(u16, &'a [u8])>,
}

impl<'a> Image<'a> {
    pub fn parse(data: &'a [u8]) -> Result<Self> {
        ensure!(data.len() >= 64, "{} bytes hold no header", data.len());
        ensure!(data.starts_with(b"KNLB"), "the magic is not KNLB");
        ensure!(data[4] == 3, "format major {}", data[4]);
        ensure!(
            number(data, 6, 2) == 64,
            "header size {}",
            number(data, 6, 2)
        );
        ensure!(
            number(data, 8, 4) == data.len() as u64,
            "total size {}",
            number(data, 8, 4)
        );
        let crc = crc(data[..12].iter().chain(&data[16..]));
        ensure!(
            number(data, 12, 4) == u64::from(crc),
            "the image's CRC is wrong"
        );
        ensure!(
            number(data, 16, 4) == u64::from(LAYOUT_HASH),
            "another layout"
        );
        ensure!(number(data, 34, 2) == 1000, "tick {}", number(data, 34, 2));
        ensure!(
            number(data, 44, 4) <= 5,
            "needs runtime {}",
            number(data, 44, 4)
        );
        let count = number(data, 32, 2) as usize;
        let mut next = 64 + 16 * count;
        ensure!(next <= data.len(), "{count} sections do not fit");
        let mut sections: Vec<(u16, &[u8])> = Vec::new();
        for i in 0..count {
            let at = 64 + 16 * i;
            let kind = number(data, at, 2) as u16;
            let (offset, size) = (number(data, at + 4, 4), number(data, at + 8, 4) as usize);
            ensure!(number(data, at + 2, 2) == 0, "section {kind}: id");
            ensure!(
                sections.iter().all(|s| s.0 != kind),
                "section {kind} comes twice"
            );
            ensure!(
                offset == next as u64,
                "section {kind} starts at {offset}, not at {next}"
            );
            ensure!(
                size <= data.len() - next,
                "section {kind} ends beyond the image"
            );
            let content = &data[next..next + size];
            let right = number(data, at + 12, 4) == u64::from(self::crc(content));
            ensure!(right, "the CRC of section {kind} is wrong");
            next += size;
            while !next.is_multiple_of(8) {
                ensure!(data.get(next) == Some(&0), "padding after section {kind}");
                next += 1;
            }
            sections.push((kind, content));
        }
        ensure!(
            next == data.len(),
            "{} bytes after the last section",
            data.len() - next
        );
        let name = data[48..64].split(|&b| b == 0).next().unwrap_or_default();
        Ok(Image {
            name: String::from_utf8(name.to_vec())?,
            scene_id: number(data, 20, 4) as u32,
            content_hash: number(data, 24, 8),
            forbids: number(data, 36, 4) as u32,
            classes: number(data, 40, 2) as u16,
            zones: number(data, 42, 2) as u16,
            sections,
        })
    }

    pub fn section(&self, kind: u16) -> Result<&'a [u8]> {
        let found = self.sections.iter().find(|s| s.0 == kind);
        ensure!(found.is_some(), "no section {kind}");
        Ok(found.map_or(&[], |s| s.1))
    }
}

/// Little-endian number of `width` bytes.
pub fn number(data: &[u8], at: usize, width: usize) -> u64 {
    data[at..at + width]
        .iter()
        .rev()
        .fold(0, |n, &b| n << 8 | u64::from(b))
}

/// zlib's CRC-32 by a table of 256 entries.
fn crc<'b>(data: impl IntoIterator<Item = &'b u8>) -> u32 {
    let entry = |byte: u32| {
        (0..8).fold(byte, |c, _| {
            if c % 2 == 1 {
                0xEDB8_8320 ^ (c / 2)
            } else {
                c / 2
            }
        })
    };
    let table: Vec<u32> = (0..256).map(entry).collect();
    !data
        .into_iter()
        .fold(!0, |c: u32, &b| table[usize::from(c as u8 ^ b)] ^ (c >> 8))
}

/// For tests: makes the CRCs fit a changed content.
#[cfg(test)]
pub fn repair(data: &mut [u8]) {
    let count = number(data, 32, 2) as usize;
    for at in (0..count).map(|i| 64 + 16 * i) {
        let (offset, size) = (
            number(data, at + 4, 4) as usize,
            number(data, at + 8, 4) as usize,
        );
        if let Some(content) = data.get(offset..offset + size) {
            let value = crc(content).to_le_bytes();
            data[at + 12..at + 16].copy_from_slice(&value);
        }
    }
    let value = crc(data[..12].iter().chain(&data[16..])).to_le_bytes();
    data[12..16].copy_from_slice(&value);
}

#[cfg(test)]
mod tests {
    /// The check value of CRC-32/ISO-HDLC in the public catalogue of CRC algorithms.
    #[test]
    fn val_crc_of_123456789() {
        assert_eq!(super::crc(b"123456789"), 0xCBF4_3926);
    }
}
