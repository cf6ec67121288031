//! `cargo xtask gen`: files that are made from others and checked in, so that they can be read without building.

use std::fs;

use crate::failure::Failure;
use crate::{interop, metadata};

const INTEROP_HEAD: &str = "\
# What other tools say

Made by `cargo xtask gen` from the tests whose names begin with `interop_`. *Ours* are signatures that avouch made and the
tool judged; *theirs* are signatures that the tool made and avouch judged. *Accepted* counts good ones, *refused* spoilt ones.

";

pub(crate) fn run() -> Result<(), Failure> {
    let rows = interop::collect()?;
    if rows.is_empty() {
        return Err(Failure::Unavailable {
            what: "the table of what other tools say".to_owned(),
            why: "no test reported a row; are the tools there? `cargo xtask test` fetches them".to_owned(),
        });
    }
    let folder = metadata::root().join("docs/formats");
    fs::create_dir_all(&folder).map_err(|source| Failure::File {
        action: "create",
        path: folder.clone(),
        source,
    })?;
    let path = folder.join("interop.md");
    fs::write(&path, format!("{INTEROP_HEAD}{}", interop::table(&rows))).map_err(|source| Failure::File {
        action: "write",
        path: path.clone(),
        source,
    })?;
    println!("wrote {}", path.display());
    Ok(())
}
