//! The foreign tools that the tests hold avouch against, and how they get onto this machine.

mod apt;
mod node;
mod python;
mod sigstore_rust;
mod unstable;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::failure::Failure;
use crate::program;
use crate::skips::Skips;

/// The environment variable that tells tests where our own copies of tools are: `bin/cosign`,
/// `bin/sigstore-python`, `sigstore-js/`.
pub(crate) const VARIABLE: &str = "AVOUCH_TOOLS";

/// A program that comes with the distribution.
struct Need {
    program: &'static str,
    package: &'static str,
    purpose: &'static str,
}

const NEEDS: &[Need] = &[
    Need { program: "openssl", package: "openssl", purpose: "verifies CMS, timestamps and bare signatures" },
    Need { program: "ssh-keygen", package: "openssh-client", purpose: "makes endorsements as people do" },
    Need { program: "python3", package: "python3", purpose: "computes every digest a second time" },
    Need { program: "curl", package: "curl", purpose: "copies a repository, as a mirror does" },
    Need { program: "softhsm2-util", package: "softhsm2", purpose: "is a hardware token, in software" },
    Need { program: "minisign", package: "minisign", purpose: "signs and verifies files in its own way" },
    Need { program: "gpg", package: "gnupg", purpose: "signs and verifies as OpenPGP has it" },
    Need { program: "gpgv", package: "gpgv", purpose: "verifies OpenPGP signatures, as APT does" },
    Need { program: "sqv", package: "sqv", purpose: "verifies them in another implementation" },
    Need { program: "gpgsm", package: "gpgsm", purpose: "verifies what is signed of commits with CMS" },
    Need { program: "git", package: "git", purpose: "has the commits that are signed" },
    Need { program: "chromium", package: "chromium", purpose: "is the browser in which people log in" },
    Need { program: "npm", package: "npm", purpose: "fetches what is written in JavaScript" },
    Need { program: "kill", package: "procps", purpose: "ends processes, as an operator does" },
];

/// Python's own way to a folder of packages is a package without a program, where it is not there from the beginning.
const VENV: &str = "python3-venv";

/// Prints what the tests need, installs what is missing where that is possible, and counts the rest as skips.
pub(crate) fn provide(skips: &Skips) -> Result<(), Failure> {
    println!("The tests need these tools:");
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| program::find(need.program).is_none()).collect();
    let mut packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    if !program::answers(Command::new("python3").args(["-c", "import ensurepip"])) {
        packages.push(VENV);
    }
    let installed = if packages.is_empty() { Ok(()) } else { apt::install(&packages) };
    for Need { program, package, purpose } in NEEDS {
        match program::find(program) {
            Some(path) => report(program, purpose, &path.display().to_string()),
            None => {
                let why =
                    installed.as_ref().map_or_else(Failure::to_string, |()| "not in its package".to_owned());
                report(program, purpose, &format!("missing; install the package `{package}`"));
                skips.add(program, &format!("the package `{package}` is not installed: {why}"))?;
            }
        }
    }
    let folder = folder()?;
    let fetched = [
        ("cosign", "signs and verifies as Sigstore does", unstable::COSIGN.provide(&folder)),
        ("gitsign", "does so with commits", unstable::GITSIGN.provide(&folder)),
        ("docker-registry", "holds container images", unstable::REGISTRY.provide(&folder)),
        ("node", "runs what is written in JavaScript", node::provide_runtime(&folder)),
        ("sigstore-js", "verifies Sigstore bundles, in JavaScript", node::VERIFIER.provide(&folder)),
        ("sigstore-js-client", "signs and verifies, in JavaScript", node::CLIENT.provide(&folder)),
        ("oidc-browser", "logs people in", node::OIDC_BROWSER.provide(&folder)),
        ("sigstore-python", "signs and verifies, in Python", python::SIGSTORE.provide(&folder)),
        ("sigstore-python-4.2", "does so in the way of before", python::SIGSTORE_4_2.provide(&folder)),
        ("sigstore-rust", "signs and verifies, in Rust", sigstore_rust::provide(&folder)),
        ("schemathesis", "tries the server against its own document", python::SCHEMATHESIS.provide(&folder)),
        ("pkits", "has good and bad certificate paths", python::PKI_VECTORS.provide(&folder)),
    ];
    for (tool, purpose, outcome) in fetched {
        match outcome {
            Ok(version) => report(tool, purpose, &version),
            Err(failure) => {
                report(tool, purpose, "missing");
                skips.add(tool, &failure.to_string())?;
            }
        }
    }
    Ok(())
}

fn report(tool: &str, purpose: &str, found: &str) {
    println!("  {tool:<19} {purpose:<46} {found}");
}

/// Where our own copies of tools are, on this machine: a cache that may be deleted at any time.
pub(crate) fn folder() -> Result<PathBuf, Failure> {
    if let Some(folder) = env::var_os(VARIABLE) {
        return Ok(folder.into());
    }
    let home = env::var_os("HOME").ok_or_else(|| Failure::Unavailable {
        what: "a folder for tools".to_owned(),
        why: format!("neither {VARIABLE} nor HOME is set"),
    })?;
    Ok(Path::new(&home).join(".cache/avouch-tools"))
}

/// `bin/NAME`, where tests look for tools.
fn link(folder: &Path, name: &str, program: &Path) -> Result<(), Failure> {
    create(&folder.join("bin"))?;
    let path = folder.join("bin").join(name);
    // One of before, if there is one.
    let _ = fs::remove_file(&path);
    symlink(program, &path).map_err(|source| Failure::File { action: "link", path, source })
}

fn create(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|source| Failure::File {
        action: "create",
        path: folder.to_owned(),
        source,
    })
}

fn write(path: &Path, contents: &str) -> Result<(), Failure> {
    fs::write(path, contents).map_err(|source| Failure::File {
        action: "write",
        path: path.to_owned(),
        source,
    })
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::copy(from, to).map(|_| ()).map_err(|source| Failure::File {
        action: "copy",
        path: from.to_owned(),
        source,
    })
}
