//! What a lane process says went wrong, in words that travel.

use model::Algorithm;
use model::layout::{LayoutError, Reader, Writer};

use crate::Retry;

/// The longest text in one: a path or the name of a return value.
const TEXT_BYTES_MAX: usize = 4 * 1024;

/// What went wrong between a lane process and its module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LaneFault {
    /// The module is no shared library, or none of PKCS #11.
    #[error("the module `{path}` cannot be loaded: {why}; install it, or correct `module-path`")]
    Module {
        /// Its file.
        path: String,
        /// What the loader said.
        why: String,
    },
    /// No slot holds the token.
    #[error("the module has no hardware token with `{select}`; is it plugged in, and initialised?")]
    NoToken {
        /// What was looked for.
        select: String,
    },
    /// Several slots do.
    #[error("the module has {count} hardware tokens with `{select}`; add its serial to the URI")]
    SeveralTokens {
        /// What was looked for.
        select: String,
        /// How many there are.
        count: u32,
    },
    /// The file of the PIN cannot be used.
    #[error("the PIN cannot be read from `{path}`: {why}")]
    PinFile {
        /// The file.
        path: String,
        /// Why not.
        why: String,
    },
    /// The token does not take the PIN.
    #[error(
        "the hardware token refuses the PIN; it was tried once, and is not tried again before its file or the configuration changes"
    )]
    PinRefused,
    /// One wrong PIN more would lock the token.
    #[error(
        "the hardware token has one try left before it locks, and the PIN was not tried; log in with the vendor's tool, then write the PIN's file anew"
    )]
    PinFinalTry,
    /// The token is locked.
    #[error(
        "the hardware token's PIN is locked; have its security officer set a new one, then write the PIN's file anew"
    )]
    PinLocked,
    /// No such key, or only half of one.
    #[error("the hardware token holds no such key")]
    NoKey,
    /// A key that is not as avouch makes them.
    #[error("the hardware token's key has {attribute} {found}, where it must be {expected}; it is not used")]
    Attribute {
        /// The attribute.
        attribute: String,
        /// What the module says.
        found: String,
        /// What it must be.
        expected: String,
    },
    /// An algorithm that the module does not do.
    #[error("the module makes no keys for `{algorithm}`")]
    Unable {
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// The module refused for good.
    #[error("the module cannot {action}: {code}")]
    Refused {
        /// What it should do.
        action: String,
        /// The return value, by its name in PKCS #11.
        code: String,
    },
    /// The module, its token or its session is gone, or in a state that nobody knows.
    #[error("the module failed to {action}: {code}; its lane process is started again")]
    Gone {
        /// What it should do.
        action: String,
        /// The return value, by its name in PKCS #11.
        code: String,
    },
}

impl LaneFault {
    /// May the same call succeed later, without anybody doing anything?
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Module { .. } | Self::NoToken { .. } | Self::PinFile { .. } | Self::Gone { .. } => {
                Retry::MayHelp
            }
            _ => Retry::DoesNotHelp,
        }
    }

    /// Must the PIN not be tried again until somebody did something?
    pub(crate) const fn stops(&self) -> bool {
        matches!(self, Self::PinRefused | Self::PinFinalTry | Self::PinLocked)
    }

    pub(crate) fn put(&self, writer: &mut Writer) {
        let number = match self {
            Self::Module { .. } => 1,
            Self::NoToken { .. } => 2,
            Self::SeveralTokens { .. } => 3,
            Self::PinFile { .. } => 4,
            Self::PinRefused => 5,
            Self::PinFinalTry => 6,
            Self::PinLocked => 7,
            Self::NoKey => 8,
            Self::Attribute { .. } => 9,
            Self::Unable { .. } => 10,
            Self::Refused { .. } => 11,
            Self::Gone { .. } => 12,
        };
        writer.byte(number);
        match self {
            Self::Module { path, why } | Self::PinFile { path, why } => put_texts(writer, &[path, why]),
            Self::NoToken { select } => put_texts(writer, &[select]),
            Self::SeveralTokens { select, count } => {
                put_texts(writer, &[select]);
                writer.word(*count);
            }
            Self::Attribute { attribute, found, expected } => {
                put_texts(writer, &[attribute, found, expected]);
            }
            Self::Unable { algorithm } => put_texts(writer, &[algorithm.word()]),
            Self::Refused { action, code } | Self::Gone { action, code } => {
                put_texts(writer, &[action, code])
            }
            Self::PinRefused | Self::PinFinalTry | Self::PinLocked | Self::NoKey => {}
        }
    }

    pub(crate) fn take(reader: &mut Reader<'_>) -> Result<Self, LayoutError> {
        let number = reader.byte("fault")?;
        let mut text = || Ok(reader.text("text", TEXT_BYTES_MAX)?.to_owned());
        Ok(match number {
            1 => Self::Module { path: text()?, why: text()? },
            2 => Self::NoToken { select: text()? },
            3 => Self::SeveralTokens { select: text()?, count: reader.word("count")? },
            4 => Self::PinFile { path: text()?, why: text()? },
            5 => Self::PinRefused,
            6 => Self::PinFinalTry,
            7 => Self::PinLocked,
            8 => Self::NoKey,
            9 => Self::Attribute { attribute: text()?, found: text()?, expected: text()? },
            10 => Self::Unable {
                algorithm: text()?.parse().map_err(|_| LayoutError::Value { field: "algorithm" })?,
            },
            11 => Self::Refused { action: text()?, code: text()? },
            12 => Self::Gone { action: text()?, code: text()? },
            _ => return Err(LayoutError::Value { field: "fault" }),
        })
    }
}

/// Texts from a module or a loader may be of any length; here they end where a reader would refuse them.
fn put_texts(writer: &mut Writer, texts: &[&str]) {
    for text in texts {
        let end = text.floor_char_boundary(TEXT_BYTES_MAX.min(text.len()));
        writer.bytes(&text.as_bytes()[..end]);
    }
}
