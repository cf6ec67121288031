//! Reading what verbs are given: trust roots, receipts, and files to be signed or verified.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use formats::{HEAD_BYTES, Prepared};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use model::receipt::Receipt;
use model::{Carried, Hash, Hashing, limits};
use verify::{Artifact, TRUST_ROOT_BYTES_MAX, TrustRoot};

use crate::failure::Failure;

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
    /// Where it is; `None` for standard input.
    pub(crate) path: Option<PathBuf>,
    pub(crate) name: String,
    pub(crate) format: &'static str,
    pub(crate) prepared: Prepared,
}

/// The name under which standard input is signed, unless another is given.
pub(crate) const STDIN_NAME: &str = "stdin";

/// Is it standard input that is named?
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// A file that is about to be read.
struct Source {
    reader: Box<dyn Read>,
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
        let (reader, size): (Box<dyn Read>, u64) = if is_stdin(path) {
            (Box::new(io::stdin().lock()), 0)
        } else {
            let file = File::open(path).map_err(Failure::file("open", path))?;
            let size = file.metadata().map_err(Failure::file("read", path))?.len();
            (Box::new(file), size)
        };
        let bar = progress(&name, size);
        Ok(Self { reader: Box::new(bar.wrap_read(reader)), name, bar })
    }
}

/// Reads a file that is to be verified, once, for its digests: SHA-256 and these.
pub(crate) fn artifact(path: &Path, others: &[Hash]) -> Result<Artifact, Failure> {
    let Source { mut reader, name, bar } = Source::open(path, None)?;
    let mut hashing = Hashing::new(others);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => hashing.update(&chunk[..read]),
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(Failure::file("read", path)(cause)),
        }
    }
    bar.finish_and_clear();
    Ok(Artifact { digests: hashing.finish(), name: Some(name) })
}

/// Large enough that hashing, not the system call, sets the pace.
const CHUNK_BYTES: usize = 256 * 1024;

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
    Ok(ReadFile { path: (!is_stdin(path)).then(|| path.to_owned()), name, format: format.name(), prepared })
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
