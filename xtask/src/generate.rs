//! `cargo xtask gen`: files that are made from others and checked in, so that they can be read without building.

use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::interop::{self, Reported};
use crate::{clients, metadata, runner, shape, tamper};

const INTEROP_HEAD: &str = "\
# What other tools say

Made by `cargo xtask gen` from the tests whose names begin with `interop_`. *Ours* are signatures that avouch made and the
tool judged; *theirs* are signatures that the tool made and avouch judged. *Accepted* counts good ones, *refused* spoilt ones.

";

const CLIENTS_HEAD: &str = "
## Clients of Sigstore

Each of them, as it comes, signs at a platform of avouch's and verifies what each of the others signed. The number beside a tick says how many changed copies it refused as
well: a changed file, and with an attestation a changed statement too; an image that nobody signed, and another image's signatures. *Keyless* is with the ID token of `ada@example.com`; *keyed* with a key in a file, or,
with avouch, in the platform. An empty cell has no such thing: `@sigstore/sign` does not verify, and sigstore-python knows no keys.

* `cosign attest-blob --predicate` writes statements of version 0.1, which sigstore-python does not read; here it is given a statement of version 1 (`--statement`).
* cosign, sigstore-python and sigstore-rust find the file in the statement themselves; `@sigstore/verify` leaves that to whoever calls it, and so is not shown the file.
* Images are in Debian's `docker-registry`, which keeps what refers to an image under a tag, and in the same one behind a front that lists referrers. gitsign 0.16 signs by Rekor v1,
  and verifies from what the platform's TUF repository gives.
* Keylessly, avouch signs here as the [conformance suite](https://github.com/sigstore/sigstore-conformance) drives it (`avouch sigstore-conformance sign-bundle`).

";

const TAMPER_HEAD: &str = "\
# Every part, changed, and who refuses it

Made by `cargo xtask gen`. One file is signed by a platform of its own; then each part of what a verifier is given is decoded, changed in one place, put
together again, and shown to every tool that reads it. Where a part stands in several places (receipt, bundle, `.p7s`, bare signature), it is changed in each.

**R** refused · **C** cannot be checked, and so not good: avouch keeps that apart from bad · **a** accepted: the change went unnoticed ·
**·** nothing that this tool is shown was changed, or nothing is left to show it.

* Every part that a foreign tool is shown is refused by one of them, but for six changes of fields which nothing signs and which repeat what is signed elsewhere, or,
  of the trust root, a window that these tools do not hold the log to. avouch refuses them as well.
* avouch refuses every change of what it reads, in each of its formats. A `.p7s` stands in no log: the last two that it accepts are about which log is trusted.
* `openssl cms` does not look at the token in a `.p7s`; `openssl ts` does. cosign rebuilds the log entry from the signature itself, so that it overlooks a changed copy
  of it and is not misled by it.

";

/// The environment variable that has a test write the page that it otherwise compares.
const VARIABLE: &str = "AVOUCH_GEN";

/// The tests that know a page of docs/reference: commands, OpenAPI, limits.
const PAGES: [[&str; 2]; 3] = [
    ["-pcli", "the_page_of_commands_is_what_the_binary_says"],
    ["-pserver", "the_document_is_what_the_paths_say"],
    ["-pserver", "the_page_of_limits_is_what_the_constants_say"],
];

/// The test that makes the corpus of receipts.
const CORPUS: &str = "the_corpus_holds_every_kind_of_receipt_that_this_version_signs";

/// Makes the receipts of the version at hand anew. Those of a version that was released stay as they are for ever.
pub(crate) fn corpus() -> Result<(), Failure> {
    runner::watch(runner::tests(&["-pcli", CORPUS]).env(VARIABLE, "1"))?.verdict?;
    println!("made the receipts of this version anew; `git diff` shows which kinds are there that were not");
    Ok(())
}

pub(crate) fn run() -> Result<(), Failure> {
    for page in &PAGES {
        runner::watch(runner::tests(page).env(VARIABLE, "1"))?.verdict?;
    }
    for (name, text) in pages(&interop::collect()?)? {
        write(name, &text)?;
    }
    Ok(())
}

/// The pages of what other tools say, made of what tests reported.
fn pages(reported: &Reported) -> Result<[(&'static str, String); 2], Failure> {
    let Reported { rows, clients, cells } = reported;
    if rows.is_empty() || cells.is_empty() || clients.is_empty() {
        return Err(Failure::Unavailable {
            what: "the table of what other tools say".to_owned(),
            why: "no test reported a row; are the tools there? `cargo xtask test` fetches them".to_owned(),
        });
    }
    let (table, clients) = (interop::table(rows), clients::tables(clients));
    Ok([
        ("interop.md", format!("{INTEROP_HEAD}{table}{CLIENTS_HEAD}{clients}")),
        ("tamper.md", format!("{TAMPER_HEAD}{}", tamper::table(cells))),
    ])
}

/// Do the pages that are checked in say what the tests reported just now?
pub(crate) fn hold(reported: &Reported) -> Result<(), Failure> {
    let mut stale = Vec::new();
    for (name, fresh) in pages(reported)? {
        let path = metadata::root().join("docs/formats").join(name);
        let checked_in = fs::read_to_string(&path).unwrap_or_default();
        let differences = shape::differences(&checked_in, &fresh);
        differences.iter().for_each(|line| println!("{name}: {line}"));
        stale.extend((!differences.is_empty()).then(|| format!("docs/formats/{name}")));
    }
    if stale.is_empty() { Ok(()) } else { Err(Failure::Stale { pages: stale }) }
}

fn write(name: &str, text: &str) -> Result<(), Failure> {
    let folder = metadata::root().join("docs/formats");
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| Failure::File { action, path, source }
    };
    fs::create_dir_all(&folder).map_err(failed("create", &folder))?;
    let path = folder.join(name);
    fs::write(&path, text).map_err(failed("write", &path))?;
    println!("wrote {}", path.display());
    Ok(())
}
