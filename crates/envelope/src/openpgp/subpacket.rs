//! Subpackets of a signature (RFC 9580 §5.2.3.7): when it was made, by whom, for what.

use model::Fingerprint;

use super::OpenPgpError;
use super::packet::two_bytes;

pub(super) const CREATED: u8 = 2;
pub(super) const EXPIRES: u8 = 3;
pub(super) const KEY_EXPIRES: u8 = 9;
pub(super) const ISSUER: u8 = 16;
const NOTATION: u8 = 20;
pub(super) const KEY_FLAGS: u8 = 27;
const EMBEDDED: u8 = 32;
pub(super) const FINGERPRINT: u8 = 33;

/// Subpackets that change nothing of whether a signature of a file is good, and may be critical: preferences of
/// whoever has the key, which user id is the first, why something was revoked.
const HARMLESS: [u8; 14] = [4, 7, 11, 21, 22, 23, 24, 25, 26, 28, 29, 30, 34, 35];

/// In one area: more than anybody writes.
const SUBPACKETS_MAX: usize = 64;

/// What the subpackets say that is read here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Subpackets {
    pub(super) created: Option<u32>,
    pub(super) expires: Option<u32>,
    pub(super) key_expires: Option<u32>,
    pub(super) key_flags: Option<u8>,
    pub(super) issuer: Option<[u8; 8]>,
    pub(super) fingerprint: Option<Fingerprint>,
    /// A signature inside, unread.
    pub(super) embedded: Option<Vec<u8>>,
}

impl Subpackets {
    /// Reads what is signed: all of it counts, and whatever is critical must be known.
    pub(super) fn signed(bytes: &[u8]) -> Result<Self, OpenPgpError> {
        let mut read = Self::default();
        each(bytes, |kind, weight, body| match read.take(kind, body)? {
            Taken::Read => Ok(()),
            Taken::Unknown if weight == Weight::Plain || HARMLESS.contains(&kind) => Ok(()),
            Taken::Unknown if kind == NOTATION => {
                Err(OpenPgpError::CriticalNotation { name: notation(body) })
            }
            Taken::Unknown => Err(OpenPgpError::UnknownCritical { kind }),
        })?;
        Ok(read)
    }

    /// Reads what nobody signed: only by which key to try, and the signature of a subkey over its owner, which stands by
    /// itself.
    pub(super) fn unsigned(bytes: &[u8]) -> Result<Self, OpenPgpError> {
        let mut read = Self::default();
        each(bytes, |kind, _, body| match kind {
            ISSUER | FINGERPRINT | EMBEDDED => read.take(kind, body).map(drop),
            _ => Ok(()),
        })?;
        Ok(read)
    }

    fn take(&mut self, kind: u8, body: &[u8]) -> Result<Taken, OpenPgpError> {
        fn once<T>(place: &mut Option<T>, value: T, what: &'static str) -> Result<Taken, OpenPgpError> {
            match place.replace(value) {
                None => Ok(Taken::Read),
                Some(_) => Err(OpenPgpError::Twice { what }),
            }
        }
        let time = || body.try_into().map(u32::from_be_bytes).map_err(|_| MALFORMED);
        match kind {
            CREATED => once(&mut self.created, time()?, "time of the signature"),
            EXPIRES => once(&mut self.expires, time()?, "end of the signature"),
            KEY_EXPIRES => once(&mut self.key_expires, time()?, "end of the key"),
            ISSUER => once(&mut self.issuer, body.try_into().map_err(|_| MALFORMED)?, "key id"),
            KEY_FLAGS => once(&mut self.key_flags, body.first().copied().unwrap_or(0), "use of the key"),
            EMBEDDED => once(&mut self.embedded, body.to_vec(), "signature inside"),
            FINGERPRINT => match body {
                [4, rest @ ..] => {
                    let fingerprint = rest.try_into().map_err(|_| MALFORMED)?;
                    once(
                        &mut self.fingerprint,
                        Fingerprint::from_bytes(fingerprint),
                        "fingerprint of the key",
                    )
                }
                [version, ..] => Err(OpenPgpError::Version { what: "fingerprint", version: *version }),
                [] => Err(MALFORMED),
            },
            _ => Ok(Taken::Unknown),
        }
    }
}

/// Must a subpacket be understood?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Plain,
    Critical,
}

/// Was a subpacket one that is read?
enum Taken {
    Read,
    Unknown,
}

const MALFORMED: OpenPgpError = OpenPgpError::Malformed { what: "subpacket of a signature" };

fn each(
    bytes: &[u8],
    mut take: impl FnMut(u8, Weight, &[u8]) -> Result<(), OpenPgpError>,
) -> Result<(), OpenPgpError> {
    let mut rest = bytes;
    let mut count = 0;
    while !rest.is_empty() {
        count += 1;
        if count > SUBPACKETS_MAX {
            return Err(OpenPgpError::TooMany { what: "subpackets", limit: SUBPACKETS_MAX });
        }
        let (length, after) = match *rest {
            [one @ 0..=191, ref after @ ..] => (u32::from(one), after),
            [one @ 192..=254, two, ref after @ ..] => (two_bytes(one, two), after),
            [255, a, b, c, d, ref after @ ..] => (u32::from_be_bytes([a, b, c, d]), after),
            _ => return Err(MALFORMED),
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let (subpacket, after) = after.split_at_checked(length).ok_or(MALFORMED)?;
        let (kind, body) = subpacket.split_first().ok_or(MALFORMED)?;
        let weight = if kind & 0x80 == 0 { Weight::Plain } else { Weight::Critical };
        take(kind & 0x7f, weight, body)?;
        rest = after;
    }
    Ok(())
}

/// The name of a notation, as far as it can be shown.
fn notation(body: &[u8]) -> String {
    let name = match body {
        [_, _, _, _, high, low, _, _, rest @ ..] => {
            rest.get(..usize::from(u16::from_be_bytes([*high, *low]))).unwrap_or_default()
        }
        _ => &[],
    };
    String::from_utf8_lossy(name).chars().filter(|c| !c.is_control()).take(64).collect()
}

/// Writes a subpacket.
pub(super) fn put(out: &mut Vec<u8>, kind: u8, body: &[u8]) {
    let length = u8::try_from(body.len() + 1).ok().filter(|length| *length < 192);
    out.push(length.expect("what is written into a subpacket here is a few bytes long"));
    out.push(kind);
    out.extend_from_slice(body);
}
