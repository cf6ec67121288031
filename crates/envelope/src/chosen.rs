//! What the key process chose for a signature.
//!
//! An order carries no time and no serial number: the key process chooses them, writes them into its journalled
//! intent in the layout below, and a re-run composes the same bytes from them.
//!
//! | kind | layout (integers big-endian) |
//! |---|---|
//! | nothing | version `01`, kind `00` |
//! | signing time | version `01`, kind `01`, seconds since 1970 in 8 bytes |
//! | stamp | version `01`, kind `02`, nanoseconds since 1970 in 8 bytes, serial number in 8 bytes |
//! | holder | version `01`, kind `03`, nanoseconds since 1970 in 8 bytes, serial number in 16 bytes |
//! | tree head | version `01`, kind `04`, nanoseconds since 1970 in 8 bytes |
//! | promise | version `01`, kind `05`, seconds since 1970 in 8 bytes |
//! | metadata | version `01`, kind `06`, version of the metadata in 8 bytes, seconds since 1970 in 8 bytes |
//! | OpenPGP | version `01`, kind `07`, seconds since 1970 in 8 bytes, number of the key's algorithm, fingerprint in 20 bytes |

use model::{Form, Instant, PublicKey};

use crate::openpgp::Issuer;

/// What the key process chose for a signature of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Chosen {
    /// Nothing: the form leaves no choice.
    Nothing,
    /// The signing time among the attributes of a `cms` signature; what is below a second is not used.
    SigningTime(Instant),
    /// The time and the serial number of a timestamp token.
    Stamp {
        /// Its genTime.
        time: Instant,
        /// Its serial number.
        serial: u64,
    },
    /// The beginning and the serial number of a certificate for the holder of a token.
    Holder {
        /// From when it is valid; the time of its certificate-transparency timestamp.
        time: Instant,
        /// Its serial number.
        serial: [u8; 16],
    },
    /// The time of the head of a certificate-transparency log.
    TreeHead(Instant),
    /// The time of a promise of Rekor v1; what is below a second is not used.
    Promise(Instant),
    /// The version and the end of TUF metadata that renews alone; what is below a second is not used.
    Metadata {
        /// Its version.
        version: u64,
        /// Until when it counts.
        expires: Instant,
    },
    /// The time of an OpenPGP signature, whose parts below a second are not used, and by whom it says that it is.
    OpenPgp {
        /// The time.
        time: Instant,
        /// The key that it names. Whoever verifies holds it to the key's record.
        issuer: Issuer,
    },
}

/// Why bytes are not a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChosenError {
    /// Another version of the layout.
    #[error(
        "choices of a signature in layout version {version}, where version 1 is known; a newer avouch wrote them"
    )]
    Version {
        /// What was read.
        version: u8,
    },
    /// Version 1, and not one of its layouts.
    #[error("{length} bytes that are no choices of a signature")]
    Malformed {
        /// How many there are.
        length: usize,
    },
}

const VERSION: u8 = 1;
const NOTHING: u8 = 0;
const SIGNING_TIME: u8 = 1;
const STAMP: u8 = 2;
const HOLDER: u8 = 3;
const TREE_HEAD: u8 = 4;
const PROMISE: u8 = 5;
const METADATA: u8 = 6;
const OPENPGP: u8 = 7;

impl Chosen {
    /// What is chosen for an item of a form: by the key process when it signs, and by whoever looks whether it could. The key
    /// may sign from `since` on.
    pub fn for_item(form: Form, key: &PublicKey, since: Instant, now: Instant) -> Self {
        let time = now.whole_second();
        match form {
            Form::Cms => Self::SigningTime(time),
            Form::OpenPgp => Self::OpenPgp { time, issuer: Issuer::of(key, since) },
            _ => Self::Nothing,
        }
    }

    /// Does what was chosen go with this key, which may sign from `since` on? Only an OpenPGP signature names its key.
    pub fn is_of(&self, key: &PublicKey, since: Instant) -> bool {
        match self {
            Self::OpenPgp { issuer, .. } => *issuer == Issuer::of(key, since),
            _ => true,
        }
    }

    /// The time that others read in the signature as that at which it was made, if one is in it.
    pub const fn signing_time(&self) -> Option<Instant> {
        match self {
            Self::SigningTime(time) | Self::OpenPgp { time, .. } => Some(*time),
            _ => None,
        }
    }

    /// The fixed layout.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Nothing => vec![VERSION, NOTHING],
            Self::SigningTime(time) => [&[VERSION, SIGNING_TIME][..], &time.seconds().to_be_bytes()].concat(),
            Self::Stamp { time, serial } => {
                [&[VERSION, STAMP][..], &time.nanoseconds().to_be_bytes(), &serial.to_be_bytes()].concat()
            }
            Self::Holder { time, serial } => {
                [&[VERSION, HOLDER][..], &time.nanoseconds().to_be_bytes(), serial].concat()
            }
            Self::TreeHead(time) => [&[VERSION, TREE_HEAD][..], &time.nanoseconds().to_be_bytes()].concat(),
            Self::Promise(time) => [&[VERSION, PROMISE][..], &time.seconds().to_be_bytes()].concat(),
            Self::Metadata { version, expires } => {
                [&[VERSION, METADATA][..], &version.to_be_bytes(), &expires.seconds().to_be_bytes()].concat()
            }
            Self::OpenPgp { time, issuer } => {
                [&[VERSION, OPENPGP][..], &time.seconds().to_be_bytes(), &issuer.encode()].concat()
            }
        }
    }

    /// Reads the fixed layout; nothing may follow it.
    pub fn decode(bytes: &[u8]) -> Result<Self, ChosenError> {
        let malformed = ChosenError::Malformed { length: bytes.len() };
        let whole = |seconds: &[u8]| {
            let seconds = u64::from_be_bytes(seconds.try_into().map_err(|_| malformed)?);
            let time = Instant::from_seconds(seconds);
            // A time past the last instant would not encode to itself.
            if time.seconds() == seconds { Ok(time) } else { Err(malformed) }
        };
        match bytes {
            [] => Err(malformed),
            [VERSION, NOTHING] => Ok(Self::Nothing),
            [VERSION, SIGNING_TIME, seconds @ ..] => Ok(Self::SigningTime(whole(seconds)?)),
            [VERSION, PROMISE, seconds @ ..] => Ok(Self::Promise(whole(seconds)?)),
            [VERSION, STAMP, rest @ ..] => {
                let (time, serial) = rest.split_first_chunk::<8>().ok_or(malformed)?;
                let serial = serial.try_into().map_err(|_| malformed)?;
                let time = Instant::from_nanoseconds(u64::from_be_bytes(*time));
                Ok(Self::Stamp { time, serial: u64::from_be_bytes(serial) })
            }
            [VERSION, HOLDER, rest @ ..] => {
                let (time, serial) = rest.split_first_chunk::<8>().ok_or(malformed)?;
                let serial = serial.try_into().map_err(|_| malformed)?;
                Ok(Self::Holder { time: Instant::from_nanoseconds(u64::from_be_bytes(*time)), serial })
            }
            [VERSION, METADATA, rest @ ..] => {
                let (version, seconds) = rest.split_first_chunk::<8>().ok_or(malformed)?;
                Ok(Self::Metadata { version: u64::from_be_bytes(*version), expires: whole(seconds)? })
            }
            [VERSION, OPENPGP, rest @ ..] => {
                let (seconds, issuer) = rest.split_first_chunk::<8>().ok_or(malformed)?;
                let issuer = issuer.try_into().ok().and_then(Issuer::decode).ok_or(malformed)?;
                Ok(Self::OpenPgp { time: whole(seconds)?, issuer })
            }
            [VERSION, TREE_HEAD, time @ ..] => {
                let time = u64::from_be_bytes(time.try_into().map_err(|_| malformed)?);
                Ok(Self::TreeHead(Instant::from_nanoseconds(time)))
            }
            [VERSION, ..] => Err(malformed),
            [version, ..] => Err(ChosenError::Version { version: *version }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn choices_have_one_fixed_layout_each() {
        let time = Instant::from_nanoseconds(1_795_165_602_000_000_001);
        let cases = [
            (Chosen::Nothing, vec![1, 0]),
            (Chosen::SigningTime(time.whole_second()), vec![1, 1, 0, 0, 0, 0, 0x6b, 0x00, 0x0d, 0xa2]),
            (
                Chosen::Stamp { time, serial: 7 },
                [vec![1, 2], time.nanoseconds().to_be_bytes().to_vec(), vec![0, 0, 0, 0, 0, 0, 0, 7]]
                    .concat(),
            ),
            (
                Chosen::Holder { time, serial: [9; 16] },
                [vec![1, 3], time.nanoseconds().to_be_bytes().to_vec(), vec![9; 16]].concat(),
            ),
            (Chosen::TreeHead(time), [vec![1, 4], time.nanoseconds().to_be_bytes().to_vec()].concat()),
            (
                Chosen::Metadata { version: 9, expires: time.whole_second() },
                vec![1, 6, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0x6b, 0x00, 0x0d, 0xa2],
            ),
            (
                Chosen::OpenPgp {
                    time: time.whole_second(),
                    issuer: Issuer::of(&PublicKey::from_ed25519(&[7; 32]), time),
                },
                [
                    &[1, 7, 0, 0, 0, 0, 0x6b, 0x00, 0x0d, 0xa2, 22][..],
                    Issuer::of(&PublicKey::from_ed25519(&[7; 32]), time).fingerprint().as_bytes(),
                ]
                .concat(),
            ),
            (Chosen::Promise(time.whole_second()), vec![1, 5, 0, 0, 0, 0, 0x6b, 0x00, 0x0d, 0xa2]),
        ];
        for (chosen, layout) in cases {
            assert_eq!(chosen.encode(), layout);
            assert_eq!(Chosen::decode(&layout).unwrap(), chosen);
            assert!(Chosen::decode(&layout[..layout.len() - 1]).is_err());
            assert!(Chosen::decode(&[&layout[..], &[0]].concat()).is_err());
        }
        assert_eq!(Chosen::decode(&[2, 0]), Err(ChosenError::Version { version: 2 }));
        assert!(Chosen::decode(&[1, 8]).is_err());
        assert!(Chosen::decode(&[1, 1, 255, 255, 255, 255, 255, 255, 255, 255]).is_err());
    }
}
