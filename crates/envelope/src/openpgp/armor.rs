//! Armor (RFC 9580 §6): base64 in lines between two markers.

use data_encoding::BASE64;

use super::OpenPgpError;

/// What is armored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    Signature,
    PublicKey,
}

impl Block {
    const fn marker(self) -> &'static str {
        match self {
            Self::Signature => "SIGNATURE",
            Self::PublicKey => "PUBLIC KEY BLOCK",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::PublicKey => "public key",
        }
    }

    const fn refused(self) -> OpenPgpError {
        OpenPgpError::Armor { expected: self.name(), marker: self.marker() }
    }
}

/// Lines before the body: `Version: …`, `Comment: …`. Nobody signed them, and nothing is read from them.
const HEADERS_MAX: usize = 16;

/// Armors bytes, with the checksum that older readers ask for.
pub(super) fn encode(block: Block, bytes: &[u8]) -> String {
    let base64 = BASE64.encode(bytes);
    let mut text = format!("-----BEGIN PGP {}-----\n\n", block.marker());
    for line in base64.as_bytes().chunks(64) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    let [_, checksum @ ..] = crc24(bytes).to_be_bytes();
    text += &format!("={}\n-----END PGP {}-----\n", BASE64.encode(&checksum), block.marker());
    text
}

/// Reads one block after another: nothing but empty lines may stand around them.
pub(super) fn decode(block: Block, text: &str) -> Result<Vec<u8>, OpenPgpError> {
    let mut lines = text.lines().map(str::trim_end);
    let mut bytes = Vec::new();
    let mut blocks = 0;
    while let Some(line) = lines.find(|line| !line.is_empty()) {
        if line != format!("-----BEGIN PGP {}-----", block.marker()) {
            return Err(block.refused());
        }
        bytes.extend(body(block, &mut lines)?);
        blocks += 1;
    }
    if blocks == 0 { Err(block.refused()) } else { Ok(bytes) }
}

fn body<'a>(block: Block, lines: &mut impl Iterator<Item = &'a str>) -> Result<Vec<u8>, OpenPgpError> {
    let mut headers = 0;
    // An empty line ends the headers.
    for line in lines.by_ref() {
        headers += 1;
        if line.is_empty() {
            break;
        }
        if headers > HEADERS_MAX || !line.contains(": ") && !line.ends_with(':') {
            return Err(block.refused());
        }
    }
    let end = format!("-----END PGP {}-----", block.marker());
    let (mut base64, mut checksum, mut ended) = (String::new(), None, false);
    for line in lines.by_ref() {
        if line == end {
            ended = true;
            break;
        }
        match (line.strip_prefix('='), &checksum) {
            (Some(sum), None) => checksum = Some(sum),
            (None, None) if !line.is_empty() => base64.push_str(line),
            _ => return Err(block.refused()),
        }
    }
    if !ended {
        return Err(block.refused());
    }
    let bytes = BASE64.decode(base64.as_bytes()).map_err(|_| block.refused())?;
    let [_, expected @ ..] = crc24(&bytes).to_be_bytes();
    match checksum {
        Some(sum) if sum != BASE64.encode(&expected) => Err(OpenPgpError::Checksum),
        _ => Ok(bytes),
    }
}

/// RFC 9580 §6.1. It finds slips, not forgeries.
fn crc24(bytes: &[u8]) -> u32 {
    let mut crc: u32 = 0xb7_04ce;
    for byte in bytes {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            crc <<= 1;
            if crc & 0x100_0000 != 0 {
                crc ^= 0x186_4cfb;
            }
        }
    }
    crc & 0xff_ffff
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn armor_is_read_as_it_was_written_with_headers_or_without_a_checksum() {
        for length in [0, 1, 2, 3, 47, 48, 49, 500] {
            let bytes = vec![0xa5; length];
            let text = encode(Block::Signature, &bytes);
            assert_eq!(decode(Block::Signature, &text).unwrap(), bytes);
            let with = text.replacen("\n\n", "\nVersion: 1\nComment: two: three\n\n", 1);
            assert_eq!(decode(Block::Signature, &with.replace('\n', "\r\n")).unwrap(), bytes);
            let without: Vec<&str> = text.lines().filter(|line| !line.starts_with('=')).collect();
            assert_eq!(decode(Block::Signature, &without.join("\n")).unwrap(), bytes);
            assert_eq!(decode(Block::Signature, &format!("\n{text}\n{text}")).unwrap(), bytes.repeat(2));
        }
        assert_eq!(crc24(b""), 0xb7_04ce);
        assert_eq!(crc24(b"123456789"), 0x21_cf02);
    }

    #[test]
    fn what_is_no_armor_is_refused() {
        let text = encode(Block::Signature, &[7; 100]);
        for bad in [
            String::new(),
            text.replace("SIGNATURE", "MESSAGE"),
            text.replacen("\n\n", "\nno header\n\n", 1),
            text.replace("-----END PGP SIGNATURE-----\n", ""),
            format!("signed by me\n{text}"),
            format!("{text}and more"),
            text.replacen("BwcH", "Bw*H", 1),
        ] {
            assert!(matches!(decode(Block::Signature, &bad), Err(OpenPgpError::Armor { .. })), "{bad}");
        }
        let other = text.replacen("BwcH", "BwcI", 1);
        assert!(matches!(decode(Block::Signature, &other), Err(OpenPgpError::Checksum)));
        assert!(decode(Block::PublicKey, &text).is_err());
    }
}
