//! `SHA256SUMS`, and its signature: avouch vouches for its own release.

use std::path::Path;
use std::process::Command;

use super::tree;
use crate::failure::Failure;
use crate::program;

const SUMS: &str = "SHA256SUMS";

/// What verifiers of the signature start from.
const TRUST_ROOT: &str = "trust-root.json";

/// What tools start from that know nothing of avouch.
const ROOTS: &str = "root.pem";

/// Who signs the sums.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Signer {
    /// A platform that is founded for this, on this machine, and removed again: it shows that what was built signs, and
    /// is worth as much as the place from which somebody has its trust root.
    ThrowAway,
    /// A platform that runs, through a signing profile of the context that this user has stored.
    Profile(String),
}

/// Writes the sums of all that was made, and has them signed by what was built; what was signed is verified.
pub(super) fn write_and_sign(
    avouch: &Path,
    signer: &Signer,
    out: &Path,
    stage: &Path,
) -> Result<(), Failure> {
    let mut names = tree::list(out)?;
    names.sort_unstable();
    let sums = program::output(Command::new("sha256sum").args(&names).current_dir(out))?;
    let path = out.join(SUMS);
    tree::write(&path, sums.as_bytes())?;
    match signer {
        Signer::ThrowAway => throw_away(avouch, &path, out, stage)?,
        Signer::Profile(profile) => stored(avouch, profile, &path, out)?,
    }
    let mut verify = Command::new(avouch);
    program::run(verify.args(["verify", "--trust-root", TRUST_ROOT, SUMS]).current_dir(out))
}

/// Signs under a profile of the stored context, and keeps what its platform is verified from.
fn stored(avouch: &Path, profile: &str, sums: &Path, out: &Path) -> Result<(), Failure> {
    println!("`{SUMS}` is signed under the profile `{profile}`");
    program::run(Command::new(avouch).args(["sign", "--profile", profile]).arg(sums))?;
    for (name, flags) in [(TRUST_ROOT, &[][..]), (ROOTS, &["--roots"])] {
        let text = program::output(Command::new(avouch).args(["trust", "export"]).args(flags))?;
        tree::write(&out.join(name), text.as_bytes())?;
    }
    Ok(())
}

/// Founds a platform, signs, and keeps the signatures and what they are verified from.
fn throw_away(avouch: &Path, sums: &Path, out: &Path, stage: &Path) -> Result<(), Failure> {
    println!(
        "`{SUMS}` is signed by a platform that is founded for this and removed again: name another with --profile"
    );
    let folder = stage.join("demo");
    program::output(Command::new(avouch).arg("demo").arg(sums).arg("--out").arg(&folder))?;
    for name in tree::list(&folder)?.iter().filter(|name| is_kept(name)) {
        tree::write(&out.join(name), &tree::read(&folder.join(name))?)?;
    }
    Ok(())
}

/// Is this one of the signatures, or what they are verified from?
fn is_kept(name: &str) -> bool {
    let signature = name.strip_prefix(SUMS).and_then(|rest| rest.strip_prefix('.'));
    signature.is_some_and(|kind| kind != "tampered") || [TRUST_ROOT, ROOTS].contains(&name)
}

/// The SHA-256 of a file, in hexadecimal.
pub(super) fn sha256(path: &Path) -> Result<String, Failure> {
    let said = program::output(Command::new("sha256sum").arg("--").arg(path))?;
    said.split_whitespace().next().map(str::to_owned).ok_or_else(|| Failure::NotUnderstood {
        what: "`sha256sum`".to_owned(),
        why: "it said nothing".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_and_trust_are_kept_and_the_rest_of_a_demonstration_is_not() {
        let kept = |names: &[&str]| names.iter().all(|name| is_kept(name));
        assert!(kept(&["SHA256SUMS.p7s", "SHA256SUMS.receipt.json", "trust-root.json", "root.pem"]));
        for name in ["SHA256SUMS", "SHA256SUMS.tampered", "verify-with-others.sh", "key.pub.pem"] {
            assert!(!is_kept(name), "{name}");
        }
    }
}
