//! Frames between the key process and a lane process: one call, one reply, over a socket pair.
//!
//! A frame is a length in 4 bytes (of all that follows, at most 2 MiB), a version byte (1), a kind byte, and the rest
//! in a fixed layout. The two sides are one executable, and still neither believes a length of the other: on one side
//! of it runs somebody else's library.

use std::io::{self, Read, Write};

use model::layout::{LayoutError, Reader, Writer};
use model::{Algorithm, KeyId, limits};

use super::fault::LaneFault;
use super::token::HardwareToken;

/// The longest frame.
const FRAME_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The longest input of a signature: whole messages are signed by Ed25519 alone, and are inline content.
pub(crate) const INPUT_BYTES_MAX: usize = 1024 * 1024;
/// The longest URI, and somewhat more.
const URI_BYTES_MAX: usize = 8 * 1024;
/// The most sessions, and so connections, of one lane: the system passes 253 descriptors at once.
pub(crate) const SESSIONS_MAX: usize = 64;

const VERSION: u8 = 1;

/// What the key process says to a lane process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    /// The first: load the module and find the token. As many connections follow as are named here.
    Open {
        /// The process that started the lane.
        parent: u32,
        /// The URI of the hardware token.
        uri: String,
        /// How many sessions there should be at most.
        sessions: usize,
        /// Is the PIN to be used?
        login: Login,
    },
    /// Make a key.
    Generate {
        /// What it is to be.
        algorithm: Algorithm,
    },
    /// Find a key, and check that it is as it was made.
    Find {
        /// The key.
        key: KeyId,
    },
    /// Sign.
    Sign {
        /// The key.
        key: KeyId,
        /// What the mechanism takes: a digest, a DigestInfo, a message.
        input: Vec<u8>,
    },
}

/// Is the PIN to be used?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    /// Log in, once.
    User,
    /// Only look at what the token shows to everybody.
    Nobody,
}

/// What a lane process says to the key process. Behind it runs a module that is somebody else's code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is open, with so many sessions.
    Open {
        /// What the module says of its token.
        token: HardwareToken,
        /// How many connections have a session behind them.
        sessions: usize,
    },
    /// The public half of a key, as a SubjectPublicKeyInfo.
    Public(Vec<u8>),
    /// A signature, in our encoding.
    Signature(Vec<u8>),
    /// It went wrong.
    Fault(LaneFault),
}

/// Why there is no frame.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    /// The other side is gone, or does not answer.
    #[error("the connection to the lane process broke")]
    Stream(#[from] io::Error),
    /// A length beyond the limit.
    #[error("a frame of {length} bytes, where at most {FRAME_BYTES_MAX} are read")]
    TooLong {
        /// The length it names.
        length: usize,
    },
    /// Not of this layout.
    #[error("a malformed frame")]
    Layout(#[from] LayoutError),
}

impl Call {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.byte(VERSION);
        match self {
            Self::Open { parent, uri, sessions, login } => {
                writer.byte(1).word(*parent).bytes(uri.as_bytes()).count(*sessions);
                writer.byte(u8::from(*login == Login::User));
            }
            Self::Generate { algorithm } => {
                writer.byte(2).bytes(algorithm.word().as_bytes());
            }
            Self::Find { key } => {
                writer.byte(3).digest(key.digest());
            }
            Self::Sign { key, input } => {
                writer.byte(4).digest(key.digest()).bytes(input);
            }
        }
        writer.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, LayoutError> {
        let (kind, mut reader) = open(bytes)?;
        let call = match kind {
            1 => Self::Open {
                parent: reader.word("parent")?,
                uri: reader.text("uri", URI_BYTES_MAX)?.to_owned(),
                sessions: reader.count("sessions", SESSIONS_MAX)?,
                login: match reader.byte("login")? {
                    0 => Login::Nobody,
                    1 => Login::User,
                    _ => return Err(LayoutError::Value { field: "login" }),
                },
            },
            2 => {
                let algorithm = reader.text("algorithm", 64)?.parse();
                Self::Generate {
                    algorithm: algorithm.map_err(|_| LayoutError::Value { field: "algorithm" })?,
                }
            }
            3 => Self::Find { key: KeyId::new(reader.digest("key")?) },
            4 => Self::Sign {
                key: KeyId::new(reader.digest("key")?),
                input: reader.bytes("input", INPUT_BYTES_MAX)?.to_vec(),
            },
            _ => return Err(LayoutError::Value { field: "kind" }),
        };
        reader.finish()?;
        Ok(call)
    }

    pub(crate) fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        write(stream, &self.encode())
    }

    pub(crate) fn read(stream: &mut impl Read) -> Result<Self, FrameError> {
        Ok(Self::decode(&read(stream)?)?)
    }
}

impl Reply {
    /// Its frame, without the length.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.byte(VERSION);
        match self {
            Self::Open { token, sessions } => {
                token.put(writer.byte(1));
                writer.count(*sessions);
            }
            Self::Public(spki) => {
                writer.byte(2).bytes(spki);
            }
            Self::Signature(signature) => {
                writer.byte(3).bytes(signature);
            }
            Self::Fault(fault) => fault.put(writer.byte(4)),
        }
        writer.finish()
    }

    /// Reads a frame without its length; nothing may follow.
    pub fn decode(bytes: &[u8]) -> Result<Self, LayoutError> {
        let (kind, mut reader) = open(bytes)?;
        let reply = match kind {
            1 => Self::Open {
                token: HardwareToken::take(&mut reader)?,
                sessions: reader.count("sessions", SESSIONS_MAX)?,
            },
            2 => Self::Public(reader.bytes("public key", limits::SPKI_BYTES_MAX)?.to_vec()),
            3 => Self::Signature(reader.bytes("signature", limits::SIGNATURE_BYTES_MAX)?.to_vec()),
            4 => Self::Fault(LaneFault::take(&mut reader)?),
            _ => return Err(LayoutError::Value { field: "kind" }),
        };
        reader.finish()?;
        Ok(reply)
    }

    pub(crate) fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        write(stream, &self.encode())
    }

    pub(crate) fn read(stream: &mut impl Read) -> Result<Self, FrameError> {
        Ok(Self::decode(&read(stream)?)?)
    }
}

fn open(bytes: &[u8]) -> Result<(u8, Reader<'_>), LayoutError> {
    let mut reader = Reader::new(bytes);
    if reader.byte("version")? != VERSION {
        return Err(LayoutError::Value { field: "version" });
    }
    Ok((reader.byte("kind")?, reader))
}

fn write(stream: &mut impl Write, frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // In one piece, because each write wakes the other side.
    stream.write_all(&[&length.to_be_bytes(), frame].concat())
}

fn read(stream: &mut impl Read) -> Result<Vec<u8>, FrameError> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > FRAME_BYTES_MAX {
        return Err(FrameError::TooLong { length });
    }
    let mut frame = vec![0; length];
    stream.read_exact(&mut frame)?;
    Ok(frame)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use model::Digest;

    use super::*;

    fn calls() -> Vec<Call> {
        let key = KeyId::new(Digest::of(b"key"));
        vec![
            Call::Open { parent: 7, uri: "pkcs11:".to_owned(), sessions: 2, login: Login::User },
            Call::Generate { algorithm: Algorithm::Rsa3072 },
            Call::Find { key },
            Call::Sign { key, input: vec![7; 32] },
        ]
    }

    fn replies() -> Vec<Reply> {
        let text = || "text".to_owned();
        let token = HardwareToken {
            label: text(),
            manufacturer: text(),
            model: text(),
            serial: text(),
            module: text(),
            algorithms: vec![Algorithm::EcdsaP256, Algorithm::Ed25519],
            sessions_open: Some(1),
            sessions_max: None,
        };
        let faults = [
            LaneFault::Module { path: text(), why: text() },
            LaneFault::NoToken { select: text() },
            LaneFault::SeveralTokens { select: text(), count: 2 },
            LaneFault::PinFile { path: text(), why: text() },
            LaneFault::PinRefused,
            LaneFault::PinFinalTry,
            LaneFault::PinLocked,
            LaneFault::NoKey,
            LaneFault::Attribute { attribute: text(), found: text(), expected: text() },
            LaneFault::Unable { algorithm: Algorithm::Ed25519 },
            LaneFault::Refused { action: text(), code: text() },
            LaneFault::Gone { action: text(), code: text() },
        ];
        let mut replies =
            vec![Reply::Open { token, sessions: 2 }, Reply::Public(vec![1]), Reply::Signature(vec![2])];
        replies.extend(faults.map(Reply::Fault));
        replies
    }

    #[test]
    fn what_is_written_is_read_and_nothing_shorter_or_longer() {
        for call in calls() {
            let bytes = call.encode();
            assert_eq!(Call::decode(&bytes).unwrap(), call);
            assert!((0..bytes.len()).all(|end| Call::decode(&bytes[..end]).is_err()), "{call:?}");
            assert!(Call::decode(&[&bytes[..], b"x"].concat()).is_err(), "{call:?}");
        }
        for reply in replies() {
            let bytes = reply.encode();
            assert_eq!(Reply::decode(&bytes).unwrap(), reply);
            assert!((0..bytes.len()).all(|end| Reply::decode(&bytes[..end]).is_err()), "{reply:?}");
            assert!(Reply::decode(&[&bytes[..], b"x"].concat()).is_err(), "{reply:?}");
        }
    }

    #[test]
    fn a_frame_that_promises_too_much_is_not_waited_for() {
        let error = Reply::read(&mut &u32::MAX.to_be_bytes()[..]).unwrap_err();
        assert!(matches!(error, FrameError::TooLong { .. }), "{error}");
    }

    #[test]
    fn a_text_of_any_length_travels_cut() {
        let fault = LaneFault::NoToken { select: "ä".repeat(10_000) };
        let Reply::Fault(LaneFault::NoToken { select }) =
            Reply::decode(&Reply::Fault(fault).encode()).unwrap()
        else {
            return assert_eq!("another", "the same");
        };
        assert_eq!(select.chars().count(), 2_048);
    }
}
