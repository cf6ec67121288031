//! The data types of SSH (RFC 4251 §5).

use super::SshSigError;

/// Reads fields one after the other.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn u8(&mut self, what: &'static str) -> Result<u8, SshSigError> {
        let (byte, rest) = self.0.split_first().ok_or(SshSigError::Malformed { what })?;
        self.0 = rest;
        Ok(*byte)
    }

    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, SshSigError> {
        let (bytes, rest) = self.0.split_first_chunk::<4>().ok_or(SshSigError::Malformed { what })?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*bytes))
    }

    /// `string`: a length, then that many bytes.
    pub(super) fn string(&mut self, what: &'static str) -> Result<&'a [u8], SshSigError> {
        let malformed = SshSigError::Malformed { what };
        let Ok(length) = usize::try_from(self.u32(what)?) else { return Err(malformed) };
        let (string, rest) = self.0.split_at_checked(length).ok_or(malformed)?;
        self.0 = rest;
        Ok(string)
    }

    /// A `string` that is text.
    pub(super) fn text(&mut self, what: &'static str) -> Result<&'a str, SshSigError> {
        std::str::from_utf8(self.string(what)?).map_err(|_| SshSigError::Malformed { what })
    }

    /// `mpint`, positive and in its one encoding: without its sign byte.
    pub(super) fn positive(&mut self, what: &'static str) -> Result<&'a [u8], SshSigError> {
        match self.string(what)? {
            [0, rest @ ..] if rest.first() >= Some(&0x80) => Ok(rest),
            number @ [0x01..=0x7f, ..] => Ok(number),
            _ => Err(SshSigError::Malformed { what }),
        }
    }

    /// Nothing may follow.
    pub(super) fn finish(self, what: &'static str) -> Result<(), SshSigError> {
        if self.0.is_empty() { Ok(()) } else { Err(SshSigError::Malformed { what }) }
    }
}

/// Writes a `string`.
pub(super) fn put(out: &mut Vec<u8>, string: &[u8]) {
    let length = u32::try_from(string.len()).expect("what is put into a signature is far below 4 GiB");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(string);
}

/// Writes a positive `mpint`, given without its sign byte.
pub(super) fn put_positive(out: &mut Vec<u8>, number: &[u8]) {
    match number.first() {
        Some(0x80..=0xff) => put(out, &[&[0], number].concat()),
        _ => put(out, number),
    }
}
