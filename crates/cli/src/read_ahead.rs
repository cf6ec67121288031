//! A large file, read by one thread while another hashes what was read before: hashing alone sets the pace.

use std::io::{self, BufRead, ErrorKind, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Large enough that neither the system call nor the hand-over is felt, small enough to stay in a cache.
const CHUNK_BYTES: usize = 256 * 1024;
/// One is hashed, one is read into, and one waits between them.
const CHUNKS: usize = 3;

/// A piece of the file. Its buffer goes back to be filled again.
struct Chunk {
    bytes: Box<[u8]>,
    length: usize,
}

/// A file that is read ahead.
pub(crate) struct ReadAhead {
    filled: Receiver<io::Result<Chunk>>,
    emptied: SyncSender<Chunk>,
    /// What is being looked at, and how far; none at the beginning, and after the end.
    now: Option<(Chunk, usize)>,
}

impl ReadAhead {
    /// Begins to read.
    pub(crate) fn start(file: impl Read + Send + 'static) -> io::Result<Self> {
        let (fill, filled) = sync_channel(CHUNKS);
        let (emptied, empty) = sync_channel(CHUNKS);
        for _ in 0..CHUNKS {
            let chunk = Chunk { bytes: vec![0; CHUNK_BYTES].into(), length: 0 };
            emptied.send(chunk).map_err(io::Error::other)?;
        }
        thread::Builder::new().name("read ahead".to_owned()).spawn(move || ahead(file, &empty, &fill))?;
        Ok(Self { filled, emptied, now: None })
    }

    /// Gives back what was looked at, and takes what comes next.
    fn turn(&mut self) -> io::Result<()> {
        if let Some((chunk, _)) = self.now.take() {
            // Who reads may have come to the end, and needs it no more.
            let _ended = self.emptied.send(chunk);
        }
        self.now = match self.filled.recv() {
            Ok(chunk) => Some((chunk?, 0)),
            // It said the end, or why there is none, and is gone.
            Err(_) => None,
        };
        Ok(())
    }
}

/// Reads until the end, an error, or nobody wants more. The end is a channel that is closed.
fn ahead(mut file: impl Read, empty: &Receiver<Chunk>, fill: &SyncSender<io::Result<Chunk>>) {
    while let Ok(mut chunk) = empty.recv() {
        let read = loop {
            match file.read(&mut chunk.bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let filled = match read {
            Ok(0) => return,
            Ok(length) => Ok(Chunk { length, ..chunk }),
            Err(error) => Err(error),
        };
        if fill.send(filled).is_err() {
            return;
        }
    }
}

impl BufRead for ReadAhead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.now.as_ref().is_none_or(|(chunk, at)| *at >= chunk.length) {
            self.turn()?;
        }
        Ok(self.now.as_ref().and_then(|(chunk, at)| chunk.bytes.get(*at..chunk.length)).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        if let Some((_, at)) = &mut self.now {
            *at += count;
        }
    }
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn what_is_read_ahead_is_the_file_and_then_its_end() {
        for length in [0, 1, CHUNK_BYTES, 5 * CHUNK_BYTES + 7] {
            let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
            let mut reader = ReadAhead::start(io::Cursor::new(bytes.clone())).unwrap();
            let mut read = Vec::new();
            reader.read_to_end(&mut read).unwrap();
            assert!(read == bytes && reader.fill_buf().unwrap().is_empty());
        }
    }

    #[test]
    fn a_file_that_breaks_off_is_an_error_after_what_came_before_it() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(ErrorKind::UnexpectedEof.into())
            }
        }
        let mut reader = ReadAhead::start((&b"first half"[..]).chain(Broken)).unwrap();
        let mut read = Vec::new();
        assert_eq!(reader.read_to_end(&mut read).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert_eq!(read, b"first half");
    }
}
