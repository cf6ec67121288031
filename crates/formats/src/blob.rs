//! The format of a file that is just bytes: its signature stands beside it.

use std::io::{ErrorKind, Read};

use model::{Base64, Content, FileClaim, Hasher, limits};

use crate::{Carried, Format, FormatError, Likeness, Prepared};

/// Any file, taken as it is. What must be signed is the whole of it.
#[derive(Debug, Clone, Copy)]
pub struct Blob;

/// Large enough that hashing, not the system call, sets the pace.
const CHUNK_BYTES: usize = 256 * 1024;

impl Format for Blob {
    fn name(&self) -> &'static str {
        "blob"
    }

    fn sniff(&self, _file_name: &str, _head: &[u8]) -> Likeness {
        Likeness::Fallback
    }

    fn prepare(&self, file: &mut dyn Read, carried: Carried) -> Result<Prepared, FormatError> {
        let mut hasher = Hasher::new();
        let mut kept = Vec::new();
        let mut size: u64 = 0;
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let read = match file.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => chunk.get(..read).expect("a reader returns at most the length of its buffer"),
                Err(cause) if cause.kind() == ErrorKind::Interrupted => continue,
                Err(cause) => return Err(FormatError::Read(cause)),
            };
            hasher.update(read);
            size += u64::try_from(read.len()).expect("a buffer's length fits into 64 bits");
            if carried == Carried::Inline {
                if kept.len() + read.len() > limits::INLINE_BYTES_MAX {
                    return Err(FormatError::TooLongInline);
                }
                kept.extend_from_slice(read);
            }
        }
        let sha256 = hasher.finish();
        let content = match carried {
            Carried::Digest => Content::Sha256 { digest: sha256, length: size },
            Carried::Inline => Content::Inline { bytes: Base64(kept) },
        };
        Ok(Prepared { content, file: FileClaim { sha256, size } })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]
    use std::io;

    use model::Digest;

    use super::*;

    /// Hands out a byte at a time, with an interruption before each.
    struct Drip<'a>(&'a [u8], bool);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(ErrorKind::Interrupted.into());
            }
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            buffer[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    #[test]
    fn a_blob_is_the_digest_and_the_length_of_all_its_bytes_however_they_arrive() {
        for bytes in [&b""[..], b"a", &[7; 1000], &vec![1; CHUNK_BYTES + 1]] {
            let whole = Blob.prepare(&mut &*bytes, Carried::Digest).unwrap();
            let length = u64::try_from(bytes.len()).unwrap();
            assert_eq!(whole.content, Content::Sha256 { digest: Digest::of(bytes), length });
            assert_eq!(whole.file, FileClaim { sha256: Digest::of(bytes), size: length });
            if bytes.len() <= 1000 {
                assert_eq!(Blob.prepare(&mut Drip(bytes, false), Carried::Digest).unwrap(), whole);
            }
        }
    }

    #[test]
    fn inline_content_is_the_bytes_themselves_up_to_its_limit() {
        let most = vec![3; limits::INLINE_BYTES_MAX];
        let Content::Inline { bytes } = Blob.prepare(&mut &*most, Carried::Inline).unwrap().content else {
            panic!()
        };
        assert_eq!(bytes.0, most);
        let more = vec![3; limits::INLINE_BYTES_MAX + 1];
        assert!(matches!(Blob.prepare(&mut &*more, Carried::Inline), Err(FormatError::TooLongInline)));
    }

    #[test]
    fn a_file_that_breaks_off_is_an_error_and_not_a_shorter_file() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(ErrorKind::UnexpectedEof.into())
            }
        }
        let mut file = b"first half".chain(Broken);
        assert!(matches!(Blob.prepare(&mut file, Carried::Digest), Err(FormatError::Read(_))));
    }
}
