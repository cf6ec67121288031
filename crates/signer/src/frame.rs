//! Frames: how messages travel over a stream.
//!
//! A frame is a length in 4 bytes (of all that follows, at most 64 MiB), a version byte (1), a kind byte and the
//! message in its fixed layout. One frame asks, one frame answers.

use std::io::{self, Read, Write};

use model::layout::{LayoutError, Reader, Writer};

use crate::wire;
use crate::{AdminAnswer, AdminMessage, Answers, Orders, Refusal, State, WitnessAnswer, WitnessMessage};

/// The longest frame. A batch of 256 orders of the largest items is well below; a registry of that size is not.
pub const FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The version of all layouts.
const VERSION: u8 = 1;

/// What a frame holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frame {
    /// A batch of orders.
    Orders(Orders),
    /// The answers to a batch.
    Answers(Answers),
    /// What are you?
    Ask,
    /// The answer to that.
    State(State),
    /// An administrative message.
    Admin(AdminMessage),
    /// The answer to one.
    AdminAnswer(AdminAnswer),
    /// What is said for witnessing.
    Witness(WitnessMessage),
    /// The answer to that.
    WitnessAnswer(WitnessAnswer),
    /// A frame that was not even looked into.
    Refused(Refusal),
}

/// Why bytes are not a frame, or why there are none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The stream could not be read or written.
    #[error("the connection broke within a frame")]
    Stream(#[source] io::Error),
    /// The other side closed the connection between two frames.
    #[error("the connection was closed")]
    Closed,
    /// A length beyond the limit.
    #[error("a frame of {length} bytes, where at most {FRAME_BYTES_MAX} are read")]
    TooLong {
        /// The length it names.
        length: usize,
    },
    /// A version or a kind that this avouch does not know.
    #[error("a frame of version {version} and kind {kind}; the two sides are not of one release of avouch")]
    Unknown {
        /// The version.
        version: u8,
        /// The kind.
        kind: u8,
    },
    /// A known kind, and not its layout.
    #[error("a malformed frame")]
    Layout(#[from] LayoutError),
}

impl Frame {
    /// The frame's bytes, without its length.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.byte(VERSION);
        match self {
            Self::Orders(orders) => wire::order::put_orders(writer.byte(1), orders),
            Self::Answers(answers) => wire::answer::put_answers(writer.byte(2), answers),
            Self::Ask => {
                writer.byte(3);
            }
            Self::State(state) => wire::answer::put_state(writer.byte(4), state),
            Self::Admin(message) => wire::admin::put_message(writer.byte(5), message),
            Self::AdminAnswer(answer) => wire::admin::put_answer(writer.byte(6), answer),
            Self::Refused(refusal) => wire::answer::put_refusal(writer.byte(7), refusal),
            Self::Witness(message) => wire::witnessing::put_message(writer.byte(8), message),
            Self::WitnessAnswer(answer) => wire::witnessing::put_answer(writer.byte(9), answer),
        }
        writer.finish()
    }

    /// Reads a frame's bytes, without its length; nothing may follow the message.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut reader = Reader::new(bytes);
        let (version, kind) = (reader.byte("version")?, reader.byte("kind")?);
        if version != VERSION {
            return Err(FrameError::Unknown { version, kind });
        }
        let frame = match kind {
            1 => Self::Orders(wire::order::take_orders(&mut reader)?),
            2 => Self::Answers(wire::answer::take_answers(&mut reader)?),
            3 => Self::Ask,
            4 => Self::State(wire::answer::take_state(&mut reader)?),
            5 => Self::Admin(wire::admin::take_message(&mut reader)?),
            6 => Self::AdminAnswer(wire::admin::take_answer(&mut reader)?),
            7 => Self::Refused(wire::answer::take_refusal(&mut reader)?),
            8 => Self::Witness(wire::witnessing::take_message(&mut reader)?),
            9 => Self::WitnessAnswer(wire::witnessing::take_answer(&mut reader)?),
            _ => return Err(FrameError::Unknown { version, kind }),
        };
        reader.finish()?;
        Ok(frame)
    }

    /// The frame's bytes behind their length, as they travel.
    pub fn encode_whole(&self) -> Result<Vec<u8>, FrameError> {
        let body = self.encode();
        if body.len() > FRAME_BYTES_MAX {
            return Err(FrameError::TooLong { length: body.len() });
        }
        let mut writer = Writer::new();
        writer.bytes(&body);
        Ok(writer.finish())
    }

    /// Writes the frame to a stream, in one piece.
    pub fn write(&self, stream: &mut impl Write) -> Result<(), FrameError> {
        let whole = self.encode_whole()?;
        stream.write_all(&whole).and_then(|()| stream.flush()).map_err(FrameError::Stream)
    }

    /// Reads the next frame of a stream.
    pub fn read(stream: &mut impl Read) -> Result<Self, FrameError> {
        Announced::read(stream)?.frame(stream)
    }
}

/// A frame of which only the length arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    length: usize,
}

impl Announced {
    /// Reads the length of the next frame of a stream.
    pub fn read(stream: &mut impl Read) -> Result<Self, FrameError> {
        let mut length = [0; 4];
        // The end of the stream is no accident where a frame would begin, and one anywhere else.
        match stream.read(&mut length).map_err(FrameError::Stream)? {
            0 => return Err(FrameError::Closed),
            read => {
                stream.read_exact(length.get_mut(read..).unwrap_or_default()).map_err(FrameError::Stream)?
            }
        }
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > FRAME_BYTES_MAX {
            return Err(FrameError::TooLong { length });
        }
        Ok(Self { length })
    }

    /// How long it is.
    pub const fn length(&self) -> usize {
        self.length
    }

    /// Reads the rest of it.
    pub fn frame(self, stream: &mut impl Read) -> Result<Frame, FrameError> {
        let Self { length } = self;
        let limit = u64::try_from(length).unwrap_or(u64::MAX);
        let mut body = Vec::new();
        // Memory grows with what arrives, not with what the length promises.
        let read = stream.take(limit).read_to_end(&mut body).map_err(FrameError::Stream)?;
        if read < length {
            return Err(FrameError::Stream(io::ErrorKind::UnexpectedEof.into()));
        }
        Frame::decode(&body)
    }
}
