//! Packets (RFC 9580 §4.2), in the present format and in that of before.

use super::OpenPgpError;

pub(super) const SIGNATURE: u8 = 2;
pub(super) const PUBLIC_KEY: u8 = 6;
pub(super) const TRUST: u8 = 12;
pub(super) const USER_ID: u8 = 13;
pub(super) const PUBLIC_SUBKEY: u8 = 14;
pub(super) const USER_ATTRIBUTE: u8 = 17;

/// One packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet<'a> {
    pub(super) tag: u8,
    pub(super) body: &'a [u8],
}

/// Packets in bytes that nobody vouches for, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Packets<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn header(&mut self) -> Result<(u8, usize), OpenPgpError> {
        const LENGTH: OpenPgpError = OpenPgpError::Malformed { what: "length of a packet" };
        let (first, rest) = self.rest.split_first().ok_or(LENGTH)?;
        let (tag, length, rest) = match *first {
            first @ 0xc0.. => {
                let (length, rest) = match *rest {
                    [one @ 0..=191, ref rest @ ..] => (u32::from(one), rest),
                    [one @ 192..=223, two, ref rest @ ..] => (two_bytes(one, two), rest),
                    [255, a, b, c, d, ref rest @ ..] => (u32::from_be_bytes([a, b, c, d]), rest),
                    [224..=254, ..] => return Err(OpenPgpError::PartialLength),
                    _ => return Err(LENGTH),
                };
                (first & 0x3f, length, rest)
            }
            first @ 0x80..=0xbf => {
                let (length, rest) = match (first & 3, rest) {
                    (0, [a, rest @ ..]) => (u32::from(*a), rest),
                    (1, [a, b, rest @ ..]) => (u32::from(u16::from_be_bytes([*a, *b])), rest),
                    (2, [a, b, c, d, rest @ ..]) => (u32::from_be_bytes([*a, *b, *c, *d]), rest),
                    (3, _) => return Err(OpenPgpError::PartialLength),
                    _ => return Err(LENGTH),
                };
                ((first >> 2) & 0x0f, length, rest)
            }
            _ => return Err(OpenPgpError::Malformed { what: "beginning of a packet" }),
        };
        self.rest = rest;
        Ok((tag, usize::try_from(length).unwrap_or(usize::MAX)))
    }

    fn take(&mut self) -> Result<Packet<'a>, OpenPgpError> {
        let (tag, length) = self.header()?;
        let (body, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(OpenPgpError::Malformed { what: "length of a packet" })?;
        self.rest = rest;
        Ok(Packet { tag, body })
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, OpenPgpError>;

    /// After an error there is nothing more: where the next packet would begin is not known.
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let packet = self.take();
        if packet.is_err() {
            self.rest = &[];
        }
        Some(packet)
    }
}

/// A length in two bytes, as packets and subpackets have it.
pub(super) fn two_bytes(one: u8, two: u8) -> u32 {
    ((u32::from(one) - 192) << 8) + u32::from(two) + 192
}

/// What a packet of this type is, for people.
pub(super) const fn name(tag: u8) -> &'static str {
    match tag {
        1 => "an encrypted session key",
        SIGNATURE => "a signature",
        4 => "a one-pass signature",
        5 | 7 => "a secret key",
        PUBLIC_KEY => "a public key",
        8 => "compressed data",
        9 | 18 | 20 => "encrypted data",
        10 => "a marker",
        11 => "literal data",
        TRUST => "trust",
        USER_ID => "a user id",
        PUBLIC_SUBKEY => "a subkey",
        USER_ATTRIBUTE => "a user attribute",
        _ => "unknown",
    }
}

/// That packet stands where it has no place.
pub(super) const fn misplaced(packet: &Packet<'_>, place: &'static str) -> OpenPgpError {
    OpenPgpError::OtherPacket { tag: packet.tag, name: name(packet.tag), place }
}

/// Writes a packet in the present format.
pub(super) fn write(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("what is put into a packet is far below 4 GiB");
    let mut packet = vec![0xc0 | tag];
    match length {
        0..=191 => packet.push(length.to_be_bytes()[3]),
        192..=8383 => {
            let [.., high, low] = (length - 192).to_be_bytes();
            packet.extend([high + 192, low]);
        }
        _ => {
            packet.push(255);
            packet.extend(length.to_be_bytes());
        }
    }
    packet.extend_from_slice(body);
    packet
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_packet_of_any_length_is_read_as_it_was_written_and_not_when_it_is_cut() {
        for length in [0, 1, 191, 192, 193, 447, 448, 8383, 8384, 70_000] {
            let body = vec![7; length];
            let bytes = write(USER_ID, &body);
            let read: Vec<Packet<'_>> = Packets::new(&bytes).collect::<Result<_, _>>().unwrap();
            assert_eq!((read.len(), read[0].tag, read[0].body), (1, USER_ID, body.as_slice()));
            assert!(Packets::new(&bytes[..bytes.len() - 1]).next().unwrap().is_err());
        }
    }

    #[test]
    fn lengths_of_the_old_format_are_read_and_partial_ones_are_refused() {
        for (bytes, tag, length) in [
            (vec![0x88, 2, 1, 2], SIGNATURE, 2),
            (vec![0x89, 0, 2, 1, 2], SIGNATURE, 2),
            (vec![0x8a, 0, 0, 0, 2, 1, 2], SIGNATURE, 2),
            (vec![0xb4, 1, 65], USER_ID, 1),
        ] {
            let packet = Packets::new(&bytes).next().unwrap().unwrap();
            assert_eq!((packet.tag, packet.body.len()), (tag, length));
        }
        for partial in [&[0xc2, 0xe1, 1, 2][..], &[0xcb, 0xe0], &[0x8b, 1, 2]] {
            assert!(matches!(Packets::new(partial).next().unwrap(), Err(OpenPgpError::PartialLength)));
        }
        for bad in [&[0x00][..], &[0x7f, 1], &[0xc2], &[0xc2, 192], &[0xc2, 255, 0, 0, 0], &[0x88]] {
            assert!(matches!(Packets::new(bad).next().unwrap(), Err(OpenPgpError::Malformed { .. })));
        }
    }
}
