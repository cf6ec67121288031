//! The format of a file that is just bytes: its signature stands beside it.

use std::io::{BufRead, ErrorKind};

use model::{Base64, Carried, Content, Hash, Hashing, limits};

use crate::{Format, FormatError, Likeness, Prepared};

/// Any file, taken as it is. What must be signed is the whole of it.
#[derive(Debug, Clone, Copy)]
pub struct Blob;

impl Format for Blob {
    fn name(&self) -> &'static str {
        "blob"
    }

    fn sniff(&self, _file_name: &str, _head: &[u8]) -> Likeness {
        Likeness::Fallback
    }

    fn prepare(&self, file: &mut dyn BufRead, carried: &[Carried]) -> Result<Prepared, FormatError> {
        let is_inline = carried.contains(&Carried::Inline);
        let hashes: Vec<Hash> =
            Hash::ALL.into_iter().filter(|one| carried.contains(&Carried::Digest(*one))).collect();
        let states: Vec<Hash> =
            Hash::ALL.into_iter().filter(|one| carried.contains(&Carried::State(*one))).collect();
        let mut hashing = Hashing::with_states(&hashes, &states);
        let mut kept = Vec::new();
        let mut size: u64 = 0;
        loop {
            let read = match file.fill_buf() {
                Ok([]) => break,
                Ok(read) => read,
                Err(cause) if cause.kind() == ErrorKind::Interrupted => continue,
                Err(cause) => return Err(FormatError::Read(cause)),
            };
            hashing.update(read);
            size += u64::try_from(read.len()).expect("a buffer's length fits into 64 bits");
            if is_inline {
                if kept.len() + read.len() > limits::INLINE_BYTES_MAX {
                    return Err(FormatError::TooLongInline);
                }
                kept.extend_from_slice(read);
            }
            let length = read.len();
            file.consume(length);
        }
        let states = hashing.states().to_vec();
        let digests = hashing.finish();
        let hashed = hashes.iter().filter_map(|hash| digests.hashed(*hash));
        let inline = is_inline.then_some(Content::Inline { bytes: Base64(kept) });
        let contents = hashed.map(|hashed| Content::from((hashed, size))).chain(inline);
        let contents = contents.chain(states.into_iter().map(Content::State)).collect();
        Ok(Prepared { contents, digests, size })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use std::io::{self, BufReader, Read};

    use model::{Digest, FileClaim, Hashed};

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
        let all = Hash::ALL.map(Carried::Digest);
        for bytes in [&b""[..], b"a", &[7; 1000], &vec![1; 300_000]] {
            let whole = Blob.prepare(&mut &*bytes, &all).unwrap();
            let length = u64::try_from(bytes.len()).unwrap();
            for hash in Hash::ALL {
                let hashed = Hashed::from_slice(hash, &hash.digest(bytes)).unwrap();
                assert_eq!(whole.content(Carried::Digest(hash)), Some(&Content::from((hashed, length))));
            }
            assert_eq!(whole.content(Carried::Inline), None);
            assert_eq!(whole.file(), FileClaim { sha256: Digest::of(bytes), size: length });
            if bytes.len() <= 1000 {
                assert_eq!(Blob.prepare(&mut BufReader::new(Drip(bytes, false)), &all).unwrap(), whole);
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
        let mut file = BufReader::new(b"first half".chain(Broken));
        assert!(matches!(
            Blob.prepare(&mut file, &[Carried::Digest(Hash::Sha256)]),
            Err(FormatError::Read(_))
        ));
    }
}
