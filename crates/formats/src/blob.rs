//! The format of a file that is just bytes: its signature stands beside it.

use std::io::{ErrorKind, Read};

use model::{Base64, Carried, Content, Hash, Hashing, limits};

use crate::{Format, FormatError, Likeness, Prepared};

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

    fn prepare(&self, file: &mut dyn Read, carried: &[Carried]) -> Result<Prepared, FormatError> {
        let is_asked = |one| carried.contains(&one);
        let mut hashing = Hashing::new(if is_asked(Carried::Sha384) { &[Hash::Sha384] } else { &[] });
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
            hashing.update(read);
            size += u64::try_from(read.len()).expect("a buffer's length fits into 64 bits");
            if is_asked(Carried::Inline) {
                if kept.len() + read.len() > limits::INLINE_BYTES_MAX {
                    return Err(FormatError::TooLongInline);
                }
                kept.extend_from_slice(read);
            }
        }
        let digests = hashing.finish();
        let contents = [
            is_asked(Carried::Sha256).then(|| Content::Sha256 { digest: digests.sha256(), length: size }),
            digests.sha384().map(|digest| Content::Sha384 { digest, length: size }),
            is_asked(Carried::Inline).then_some(Content::Inline { bytes: Base64(kept) }),
        ];
        let contents = contents.into_iter().flatten().collect();
        Ok(Prepared { contents, digests, size })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use std::io;

    use model::{Digest, Digest384, FileClaim};

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
    fn a_blob_is_the_digests_and_the_length_of_all_its_bytes_however_they_arrive() {
        const BOTH: &[Carried] = &[Carried::Sha256, Carried::Sha384];
        for bytes in [&b""[..], b"a", &[7; 1000], &vec![1; CHUNK_BYTES + 1]] {
            let whole = Blob.prepare(&mut &*bytes, BOTH).unwrap();
            let length = u64::try_from(bytes.len()).unwrap();
            let by = |carried| whole.content(carried).unwrap().clone();
            assert_eq!(by(Carried::Sha256), Content::Sha256 { digest: Digest::of(bytes), length });
            assert_eq!(by(Carried::Sha384), Content::Sha384 { digest: Digest384::of(bytes), length });
            assert_eq!(whole.content(Carried::Inline), None);
            assert_eq!(whole.file(), FileClaim { sha256: Digest::of(bytes), size: length });
            if bytes.len() <= 1000 {
                assert_eq!(Blob.prepare(&mut Drip(bytes, false), BOTH).unwrap(), whole);
            }
        }
    }

    #[test]
    fn inline_content_is_the_bytes_themselves_up_to_its_limit() {
        let most = vec![3; limits::INLINE_BYTES_MAX];
        let prepared = Blob.prepare(&mut &*most, &[Carried::Inline]).unwrap();
        assert_eq!(prepared.contents, [Content::Inline { bytes: Base64(most) }]);
        let more = vec![3; limits::INLINE_BYTES_MAX + 1];
        assert!(matches!(Blob.prepare(&mut &*more, &[Carried::Inline]), Err(FormatError::TooLongInline)));
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
        assert!(matches!(Blob.prepare(&mut file, &[Carried::Sha256]), Err(FormatError::Read(_))));
    }
}
