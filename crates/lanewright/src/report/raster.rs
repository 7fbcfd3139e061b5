//! A small picture within a drawing: one byte to a point, colours by a table, as a PNG in a `data:` address.

/// Colours from rare to common, with opacity: they show on light and on dark paper.
const STOPS: [(f64, [f64; 4]); 6] = [
    (0.0, [84.0, 60.0, 150.0, 0.0]),
    (0.04, [84.0, 60.0, 150.0, 90.0]),
    (0.35, [52.0, 96.0, 160.0, 190.0]),
    (0.6, [28.0, 140.0, 140.0, 235.0]),
    (0.82, [96.0, 185.0, 80.0, 255.0]),
    (1.0, [240.0, 200.0, 40.0, 255.0]),
];

/// A picture of `width` by `height` points, rows from the top, as an address. Point 0 is clear.
pub fn picture(width: usize, height: usize, points: &[u8]) -> String {
    let mut png = vec![0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];
    let mut head = Vec::new();
    head.extend((width as u32).to_be_bytes());
    head.extend((height as u32).to_be_bytes());
    head.extend([8, 3, 0, 0, 0]);
    chunk(&mut png, b"IHDR", &head);
    let colours: Vec<[u8; 4]> = (0..256).map(|i| colour(f64::from(i) / 255.0)).collect();
    chunk(&mut png, b"PLTE", &colours.iter().flat_map(|c| [c[0], c[1], c[2]]).collect::<Vec<u8>>());
    chunk(&mut png, b"tRNS", &colours.iter().map(|c| c[3]).collect::<Vec<u8>>());
    let mut rows = Vec::with_capacity(height * (width + 1));
    for row in points.chunks(width).take(height) {
        rows.push(0);
        rows.extend_from_slice(row);
    }
    chunk(&mut png, b"IDAT", &stored(&rows));
    chunk(&mut png, b"IEND", &[]);
    format!("data:image/png;base64,{}", base64(&png))
}

fn colour(share: f64) -> [u8; 4] {
    let above = STOPS.iter().position(|(at, _)| *at >= share).unwrap_or(STOPS.len() - 1).max(1);
    let ((a, low), (b, high)) = (STOPS[above - 1], STOPS[above]);
    let t = ((share - a) / (b - a)).clamp(0.0, 1.0);
    let mix = |i: usize| (low[i] + t * (high[i] - low[i])).round() as u8;
    [mix(0), mix(1), mix(2), mix(3)]
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    png.extend((data.len() as u32).to_be_bytes());
    let start = png.len();
    png.extend_from_slice(kind);
    png.extend_from_slice(data);
    let sum = crc(&png[start..]);
    png.extend(sum.to_be_bytes());
}

/// zlib stream of blocks that are not compressed.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = data.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        out.push(u8::from(blocks.peek().is_none()));
        out.extend((block.len() as u16).to_le_bytes());
        out.extend((!(block.len() as u16)).to_le_bytes());
        out.extend_from_slice(block);
    }
    let (mut a, mut b) = (1u32, 0u32);
    for byte in data {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    out.extend((b << 16 | a).to_be_bytes());
    out
}

fn crc(data: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in data {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

fn base64(data: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(data.len().div_ceil(3) * 4);
    for three in data.chunks(3) {
        let word = three.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for i in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * i) & 63) as usize] as char;
            out.push(if i <= three.len() { letter } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_letters_are_the_standard_ones() {
        // Check value of CRC-32 (ISO 3309), and the test vectors of RFC 4648.
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
        assert_eq!(base64(b"foobar"), "Zm9vYmFy");
        assert_eq!(base64(b"foob"), "Zm9vYg==");
        assert_eq!(base64(b"fo"), "Zm8=");
        // Adler-32 of "Wikipedia".
        assert_eq!(stored(b"Wikipedia")[stored(b"Wikipedia").len() - 4..], 0x11e6_0398u32.to_be_bytes());
    }

    #[test]
    fn common_is_opaque_and_nothing_is_clear() {
        assert_eq!(colour(0.0)[3], 0);
        assert_eq!(colour(1.0), [240, 200, 40, 255]);
    }
}
