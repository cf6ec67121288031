//! `avouch checksums`: a list of files with their digests, to be signed in their stead.

use std::path::{Component, Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use formats::checksums::{Checksum, ChecksumList};
use model::Hash;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The flags of `avouch checksums`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch checksums dist/* --out dist/SHA256SUMS
  avouch sign dist/SHA256SUMS
  avouch verify dist/SHA256SUMS --files

The list is what `sha256sum` writes, and `sha256sum -c` reads it in the folder where it is. Every name is the file's path
from there; a file that is not below that folder is refused.")]
pub(crate) struct ChecksumsArgs {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where the list goes; otherwise to standard output, with names from the present folder
    #[arg(long, value_name = "LIST")]
    out: Option<PathBuf>,
    /// The hash by which the files are known
    #[arg(long, default_value = "sha256", value_parser = hashes())]
    hash: Hash,
}

/// Those that the list's readers tell by their lengths.
const HASHES: [Hash; 3] = [Hash::Sha256, Hash::Sha384, Hash::Sha512];

fn hashes() -> impl TypedValueParser<Value = Hash> {
    PossibleValuesParser::new(HASHES.map(|hash| PossibleValue::new(hash.word()))).map(|text| {
        HASHES.into_iter().find(|hash| hash.word() == text).expect("only these values are possible")
    })
}

pub(super) fn run(args: &ChecksumsArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let folder = args.out.as_ref().and_then(|out| out.parent()).unwrap_or(Path::new(""));
    let checksum = |path: &PathBuf| {
        let name = name_from(folder, path)?;
        let digests = crate::reading::artifact(path, &[args.hash])?.digests;
        let digest = digests.hashed(args.hash).expect("a digest that was asked for is there");
        Ok(Checksum { name, digest })
    };
    // The list of before is often among `dist/*`, and is not one of its own files.
    let files = args.files.iter().filter(|path| args.out.as_ref() != Some(path));
    let files = files.map(checksum).collect::<Result<_, Failure>>()?;
    let list = ChecksumList::new(files).map_err(Failure::input("what is named", "a list of files"))?;
    match &args.out {
        None => terminal.bytes(list.encode().as_bytes()),
        Some(out) => {
            crate::files::write(out, list.encode().as_bytes())?;
            terminal.line(format_args!("{}: {} files", out.display(), list.files().len()));
        }
    }
    Ok(Exit::Done)
}

/// The path of a file from a folder.
fn name_from(folder: &Path, path: &Path) -> Result<String, Failure> {
    let plain =
        |path: &Path| path.components().filter(|part| *part != Component::CurDir).collect::<PathBuf>();
    let name = plain(path).strip_prefix(plain(folder)).ok().and_then(|name| Some(name.to_str()?.to_owned()));
    name.ok_or_else(|| Failure::Usage {
        what: format!("`{}` is not below the folder of the list, or its name is not UTF-8", path.display()),
        advice: "write the list into the folder where the files are, and name them from the same place",
    })
}
