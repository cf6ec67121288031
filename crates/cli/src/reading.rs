//! Reading what verbs are given: trust roots, receipts, and files to be signed or verified.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};

use envelope::openpgp::{CLEARTEXT, CLEARTEXT_BYTES_MAX, canonical_text};
use formats::{HEAD_BYTES, Prepared};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use model::receipt::Receipt;
use model::{Carried, Content, Digest, Digests, Form, Hash, HashState, Hashing, Item, limits};
use verify::{Artifact, TRUST_ROOT_BYTES_MAX, TrustRoot};

use crate::failure::Failure;
use crate::read_ahead::ReadAhead;

/// Reads a trust root file.
pub(crate) fn trust_root(path: &Path) -> Result<TrustRoot, Failure> {
    let bytes = crate::files::read_bounded(path, TRUST_ROOT_BYTES_MAX)?;
    // Whoever pasted it, or printed it with a shell, has a line break at its end.
    TrustRoot::parse(bytes.trim_ascii_end())
        .map_err(Failure::input(path.display().to_string(), "a trust root that can be used"))
}

/// Reads a receipt.
pub(crate) fn receipt(path: &Path) -> Result<Receipt, Failure> {
    let bytes = crate::files::read_bounded(path, limits::RECEIPT_BYTES_MAX)?;
    Receipt::parse(&bytes).map_err(|source| Failure::Refused {
        subject: format!("`{}` is not a receipt", path.display()),
        source: verify::Refused::Bad {
            part: verify::Part::Receipt,
            item: None,
            fault: verify::Fault::Unreadable(Box::new(source)),
        },
    })
}

/// A file that was read: its name, its format, and what must be signed of it.
#[derive(Debug, Clone)]
pub(crate) struct ReadFile {
    /// Beside what that is written which comes back: its own path; `None` for standard input.
    pub(crate) path: Option<PathBuf>,
    pub(crate) name: String,
    pub(crate) format: &'static str,
    pub(crate) prepared: Prepared,
    /// The file as a text, where it is to be signed as one.
    pub(crate) text: Option<Text>,
}

/// A file as a text whose lines end alike.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    /// What is signed of it.
    pub(crate) canonical: Vec<u8>,
    /// The same, as keys of OpenPGP need it.
    pub(crate) contents: Vec<Content>,
}

impl ReadFile {
    /// What a key of this form signs of it, carried in this way, and under the name of which format.
    pub(crate) fn content(&self, form: Form, carried: Carried) -> (&'static str, Option<&Content>) {
        match (&self.text, form) {
            (Some(text), Form::OpenPgp) => {
                (CLEARTEXT, text.contents.iter().find(|content| content.carried() == carried))
            }
            _ => (self.format, self.prepared.content(carried)),
        }
    }

    /// Is it what this item signs?
    pub(crate) fn is_of(&self, item: &Item) -> bool {
        let (format, content) = self.content(item.form, item.content.carried());
        item.format.as_str() == format && content == Some(&item.content)
    }
}

/// The name under which standard input is signed, unless another is given.
pub(crate) const STDIN_NAME: &str = "stdin";

/// Is it standard input that is named?
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// A file that is about to be read.
struct Source {
    reader: Box<dyn BufRead>,
    name: String,
    bar: ProgressBar,
}

impl Source {
    fn open(path: &Path, name: Option<&str>) -> Result<Self, Failure> {
        let own_name = if is_stdin(path) {
            Some(STDIN_NAME.into())
        } else {
            path.file_name().map(|name| name.to_string_lossy())
        };
        let name =
            name.map(str::to_owned).or_else(|| own_name.map(|name| name.into_owned())).unwrap_or_default();
        let (reader, size): (Box<dyn BufRead>, u64) = if is_stdin(path) {
            (Box::new(BufReader::with_capacity(CHUNK_BYTES, io::stdin().lock())), 0)
        } else {
            let file = File::open(path).map_err(Failure::file("open", path))?;
            let size = file.metadata().map_err(Failure::file("read", path))?.len();
            let reader: Box<dyn BufRead> = if size < AHEAD_BYTES_MIN {
                Box::new(BufReader::with_capacity(CHUNK_BYTES, file))
            } else {
                Box::new(ReadAhead::start(file).map_err(Failure::file("read", path))?)
            };
            (reader, size)
        };
        let bar = progress(&name, size);
        Ok(Self { reader: Box::new(bar.wrap_read(reader)), name, bar })
    }
}

/// Reads a file that is to be verified, once, for its digests: SHA-256 and these.
pub(crate) fn artifact(path: &Path, others: &[Hash]) -> Result<Artifact, Failure> {
    let (hashing, name) = hashing(path, others)?;
    Ok(Artifact { digests: hashing.finish(), name: Some(name) })
}

/// The same with its digests as a text, where the receipt says that it was signed as one.
pub(crate) fn as_text(artifact: Artifact, path: &Path, receipt: &Receipt) -> Result<Artifact, Failure> {
    let items = receipt.items.iter().filter_map(|signed| Item::parse(signed.item.as_bytes()).ok());
    let mut texts = items.filter(|item| item.format.as_str() == CLEARTEXT);
    if texts.next().is_none() || is_stdin(path) || !path.is_file() {
        return Ok(artifact);
    }
    let bytes = crate::files::read_bounded(path, CLEARTEXT_BYTES_MAX)?;
    let Some(text) = canonical_text(&bytes) else { return Ok(artifact) };
    let digests = artifact.digests.with_text(Digests::of(&text, &Hash::ALL));
    Ok(Artifact { digests, ..artifact })
}

/// Reads a file once, into SHA-256 and these hashes, which can go on; with its name.
pub(crate) fn hashing(path: &Path, others: &[Hash]) -> Result<(Hashing, String), Failure> {
    let Source { mut reader, name, bar } = Source::open(path, None)?;
    let mut hashing = Hashing::new(others);
    loop {
        let length = match reader.fill_buf() {
            Ok([]) => break,
            Ok(read) => {
                hashing.update(read);
                read.len()
            }
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
            Err(cause) => return Err(Failure::file("read", path)(cause)),
        };
        reader.consume(length);
    }
    bar.finish_and_clear();
    Ok((hashing, name))
}

/// Large enough that hashing, not the system call, sets the pace.
const CHUNK_BYTES: usize = 256 * 1024;

/// Files from this on are read by a thread of their own.
const AHEAD_BYTES_MIN: u64 = 16 * 1024 * 1024;

/// Reads a file once, showing how far it is where somebody looks. `-` is standard input.
pub(crate) fn file(path: &Path, name: Option<&str>, carried: &[Carried]) -> Result<ReadFile, Failure> {
    let Source { mut reader, name, bar } = Source::open(path, name)?;
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let most = u64::try_from(HEAD_BYTES).unwrap_or(u64::MAX);
    reader.by_ref().take(most).read_to_end(&mut head).map_err(Failure::file("read", path))?;
    let format = formats::sniff(&name, &head);
    let mut whole = io::Cursor::new(head).chain(reader);
    let prepared = format
        .prepare(&mut whole, carried)
        .map_err(Failure::input(path.display().to_string(), "a file that can be signed"))?;
    bar.finish_and_clear();
    Ok(ReadFile {
        path: (!is_stdin(path)).then(|| path.to_owned()),
        name,
        format: format.name(),
        prepared,
        text: None,
    })
}

/// Reads a file that keys of OpenPGP sign as a text. It is held in memory, because the signature goes around it.
pub(crate) fn text(path: &Path, carried: &[Carried]) -> Result<ReadFile, Failure> {
    let mut read = file(path, None, carried)?;
    let bytes = crate::files::read_bounded(path, CLEARTEXT_BYTES_MAX)?;
    let canonical = canonical_text(&bytes).filter(|_| Digest::of(&bytes) == read.prepared.digests.sha256());
    let canonical = canonical.ok_or_else(|| Failure::Usage {
        what: format!("`{}` is no text: a CR stands in it without a LF behind it", path.display()),
        advice: "leave out `--clearsign`, and it is signed as the bytes that it is",
    })?;
    let states = carried.iter().filter_map(|carried| match carried {
        Carried::State(hash) => HashState::new(*hash),
        _ => None,
    });
    let contents = states.map(|mut state| {
        state.update(&canonical);
        Content::State(state)
    });
    let contents = contents.collect();
    read.prepared.digests = read.prepared.digests.with_text(Digests::of(&canonical, &Hash::ALL));
    read.text = Some(Text { canonical, contents });
    Ok(read)
}

/// Files below this are read before anybody could look.
const BAR_BYTES_MIN: u64 = 64 * 1024 * 1024;

fn progress(name: &str, size: u64) -> ProgressBar {
    if size < BAR_BYTES_MIN || !io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {binary_bytes_per_sec}")
        .expect("a constant template");
    ProgressBar::new(size).with_style(style).with_message(format!("hashing {name}"))
}
