//! Fixed binary layouts: integers big-endian, everything of variable length behind its own length or count.
//!
//! Frames between processes and leaves of the journal are written so. Each layout has one encoding of each value:
//! a reader that is [`finish`](Reader::finish)ed has seen every byte.

use crate::Digest;

/// Puts values into bytes.
#[derive(Debug, Clone, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Starts with nothing.
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// One byte.
    pub fn byte(&mut self, value: u8) -> &mut Self {
        self.bytes.push(value);
        self
    }

    /// Four bytes.
    pub fn word(&mut self, value: u32) -> &mut Self {
        self.fixed(&value.to_be_bytes())
    }

    /// Eight bytes.
    pub fn long(&mut self, value: u64) -> &mut Self {
        self.fixed(&value.to_be_bytes())
    }

    /// Bytes whose number the layout fixes.
    pub fn fixed(&mut self, value: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(value);
        self
    }

    /// A digest.
    pub fn digest(&mut self, value: &Digest) -> &mut Self {
        self.fixed(value.as_bytes())
    }

    /// A count of what follows. Counts beyond four thousand million do not occur: each has a limit far below.
    pub fn count(&mut self, count: usize) -> &mut Self {
        self.word(u32::try_from(count).expect("every list that is written is bounded far below 2^32"))
    }

    /// Bytes behind their length.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.count(value.len()).fixed(value)
    }

    /// A list behind its count.
    pub fn list<T>(&mut self, values: &[T], mut put: impl FnMut(&mut Self, &T)) -> &mut Self {
        self.count(values.len());
        for value in values {
            put(self, value);
        }
        self
    }

    /// A value that may be absent: a byte, 0 or 1, and the value.
    pub fn option<T>(&mut self, value: Option<T>, put: impl FnOnce(&mut Self, T)) -> &mut Self {
        match value {
            None => self.byte(0),
            Some(value) => {
                put(self.byte(1), value);
                self
            }
        }
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Why bytes are not of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// They end too early.
    #[error("the bytes end where `{field}` should stand")]
    Short {
        /// What was to be read.
        field: &'static str,
    },
    /// A length or a count beyond its limit.
    #[error("`{field}` has the length {length}, where at most {limit} is allowed")]
    TooLong {
        /// What was to be read.
        field: &'static str,
        /// The length it names.
        length: usize,
        /// What is allowed.
        limit: usize,
    },
    /// A value that has no meaning there.
    #[error("`{field}` holds a value that is not known here")]
    Value {
        /// What was to be read.
        field: &'static str,
    },
    /// More bytes than the layout has.
    #[error("{length} bytes too many")]
    Trailing {
        /// How many.
        length: usize,
    },
}

/// Takes values out of bytes that nobody vouches for.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Bytes whose number the layout fixes.
    pub fn fixed(&mut self, field: &'static str, length: usize) -> Result<&'a [u8], LayoutError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(LayoutError::Short { field })?;
        self.rest = rest;
        Ok(taken)
    }

    /// An array.
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], LayoutError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(LayoutError::Short { field })?;
        self.rest = rest;
        Ok(*taken)
    }

    /// One byte.
    pub fn byte(&mut self, field: &'static str) -> Result<u8, LayoutError> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    /// Four bytes.
    pub fn word(&mut self, field: &'static str) -> Result<u32, LayoutError> {
        self.array(field).map(u32::from_be_bytes)
    }

    /// Eight bytes.
    pub fn long(&mut self, field: &'static str) -> Result<u64, LayoutError> {
        self.array(field).map(u64::from_be_bytes)
    }

    /// A digest.
    pub fn digest(&mut self, field: &'static str) -> Result<Digest, LayoutError> {
        self.array(field).map(Digest::from_bytes)
    }

    /// A count of at most `limit`.
    pub fn count(&mut self, field: &'static str, limit: usize) -> Result<usize, LayoutError> {
        let length = usize::try_from(self.word(field)?).unwrap_or(usize::MAX);
        if length > limit { Err(LayoutError::TooLong { field, length, limit }) } else { Ok(length) }
    }

    /// At most `limit` bytes behind their length.
    pub fn bytes(&mut self, field: &'static str, limit: usize) -> Result<&'a [u8], LayoutError> {
        let length = self.count(field, limit)?;
        self.fixed(field, length)
    }

    /// Text behind its length.
    pub fn text(&mut self, field: &'static str, limit: usize) -> Result<&'a str, LayoutError> {
        std::str::from_utf8(self.bytes(field, limit)?).map_err(|_| LayoutError::Value { field })
    }

    /// A list of at most `limit` values. Memory grows with what is there, never with what a count promises.
    pub fn list<T, E: From<LayoutError>>(
        &mut self,
        field: &'static str,
        limit: usize,
        mut take: impl FnMut(&mut Self) -> Result<T, E>,
    ) -> Result<Vec<T>, E> {
        let count = self.count(field, limit)?;
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(take(self)?);
        }
        Ok(values)
    }

    /// A value that may be absent.
    pub fn option<T, E: From<LayoutError>>(
        &mut self,
        field: &'static str,
        take: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        match self.byte(field)? {
            0 => Ok(None),
            1 => take(self).map(Some),
            _ => Err(LayoutError::Value { field }.into()),
        }
    }

    /// How many bytes are left.
    pub const fn left(&self) -> usize {
        self.rest.len()
    }

    /// Nothing may be left.
    pub const fn finish(self) -> Result<(), LayoutError> {
        match self.rest.len() {
            0 => Ok(()),
            length => Err(LayoutError::Trailing { length }),
        }
    }
}
