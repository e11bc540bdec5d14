//! A damaged image as a short script: the sound image, edited. A fuzzer that writes scripts gets past the header, and its corpus
//! outlives a change of the layout. `tools/fuzz` uses this file too.

/// Applies a script. Its first byte: 1 every CRC fits again, 2 cut at the next two bytes (little-endian, modulo the length), 4
/// the image comes twice. Then three bytes an edit: place (little-endian, modulo the length), and what is added to the byte there.
pub fn mutant(sound: &[u8], script: &[u8]) -> Vec<u8> {
    let Some((flags, mut rest)) = script.split_first() else {
        return sound.to_vec();
    };
    let mut data = sound.to_vec();
    if flags & 4 != 0 {
        data.extend_from_slice(sound);
    }
    if flags & 2 != 0
        && let [a, b, more @ ..] = rest
    {
        data.truncate(usize::from(u16::from_le_bytes([*a, *b])) % sound.len());
        rest = more;
    }
    for edit in rest.chunks_exact(3) {
        if !data.is_empty() {
            let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % data.len();
            data[at] = data[at].wrapping_add(edit[2]);
        }
    }
    if flags & 1 != 0 {
        repair(&mut data);
    }
    data
}

/// Makes every CRC fit, as far as the directory makes sense.
pub fn repair(data: &mut [u8]) {
    let word = |data: &[u8], at: usize| {
        u32::from_le_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]) as usize
    };
    if data.len() < 64 {
        return;
    }
    let count = usize::from(data[32]).min((data.len() - 64) / 16);
    for entry in (0..count).map(|i| 64 + 16 * i) {
        let (offset, size) = (word(data, entry + 4), word(data, entry + 8));
        if let Some(content) = data.get(offset..offset.saturating_add(size)) {
            let crc = crc32(&[content]).to_le_bytes();
            data[entry + 12..entry + 16].copy_from_slice(&crc);
        }
    }
    let crc = crc32(&[&data[..12], &data[16..]]).to_le_bytes();
    data[12..16].copy_from_slice(&crc);
}

/// zlib's.
pub fn crc32(parts: &[&[u8]]) -> u32 {
    const ZLIB: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    let mut digest = ZLIB.digest();
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize()
}
