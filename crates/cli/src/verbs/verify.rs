//! `avouch verify`: offline, against a trust root.

mod bare;
mod claim;
pub(crate) mod foreign;
mod given;
mod listed;
mod openpgp;

use std::error::Error as _;
use std::path::{Path, PathBuf};

use ::verify::{
    Artifact, CmsTrust, Evidence, Expectations, KeyExpectation, Present, QuorumExpectation, Refused,
    TimeSource, TrustRoot, Verified, WitnessExpectation, verify_cms, verify_receipt,
};
use clap::Args;
use envelope::detached;
use model::{Class, Digest, Hash, Instant, Space};
use serde::Serialize;

use crate::context::ContextArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use bare::Held;
use claim::ClaimArgs;
use foreign::{Foreign, ForeignArgs};
pub(crate) use given::GivenKey;
use openpgp::OpenPgpHeld;

/// The flags of `avouch verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch verify firmware.bin --trust-root trust-root.json
  avouch verify firmware.bin --product firmware --version 1.4.0 --class release
  avouch verify firmware.bin --signature firmware.bin.p7s
  avouch verify app.tar --identity ada@example.com --issuer https://login.example.com
  avouch verify app.tar --type slsaprovenance1 --builder https://ci.example.com/runner --source-repository https://git.example.com/app
  avouch verify file --bundle file.sigstore.json --public-key key.pem --trusted-root trusted_root.json
  avouch verify dist/SHA256SUMS --files
  avouch verify notes.txt --signature notes.txt.minisig --public-key minisign.pub
  avouch verify notes.txt --signature notes.txt.sig --public-key id_ed25519.pub --namespace file
  avouch verify app.jar --signature app.jar.asc --public-key publisher.asc
  avouch verify InRelease --public-key archive-keyring.gpg")]
pub(crate) struct VerifyArgs {
    /// The file; `-` is standard input. Where only its SHA-256 is known, that will do, with `--signature`
    #[arg(value_name = "FILE|DIGEST")]
    pub(crate) file: PathBuf,
    /// Its receipt, bundle or signature; otherwise NAME.receipt.json, NAME.sigstore.json, NAME.p7s, NAME.minisig,
    /// NAME.sshsig or NAME.asc beside it. A clearsigned text needs none
    #[arg(long, value_name = "FILE", visible_alias = "bundle")]
    pub(crate) signature: Option<PathBuf>,
    /// The trust root; otherwise the one of the stored context
    #[arg(long, value_name = "FILE")]
    pub(crate) trust_root: Option<PathBuf>,
    /// The product that must have been named
    #[arg(long)]
    pub(crate) product: Option<String>,
    /// The version that must have been named
    #[arg(long)]
    pub(crate) version: Option<String>,
    /// The class it must have been signed for
    #[arg(long)]
    pub(crate) class: Option<Class>,
    /// The key, by name or id, that must have signed
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// The signing profile that must have been used
    #[arg(long)]
    pub(crate) profile: Option<Space>,
    /// The namespace for which an SSH signature must be
    #[arg(long)]
    pub(crate) namespace: Option<String>,
    /// People must have endorsed it, even where the key's record asks for nobody
    #[arg(long)]
    pub(crate) require_quorum: bool,
    /// The checkpoints in the receipt must be cosigned by enough of the platform's witnesses; `avouch request receipts`
    /// fetches what came after it was given out
    #[arg(long)]
    pub(crate) require_witnesses: bool,
    /// The profile asks for no timestamp token
    #[arg(long)]
    pub(crate) without_timestamp: bool,
    /// The profile asks for no log entry
    #[arg(long)]
    pub(crate) without_log: bool,
    /// The present; otherwise this machine's clock
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Instant>,
    #[command(flatten)]
    pub(crate) claim: ClaimArgs,
    #[command(flatten)]
    pub(crate) foreign: ForeignArgs,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
    /// The file is a list of checksums, such as SHA256SUMS: hold the files that it names, from its own folder, to it
    #[arg(long)]
    pub(crate) files: bool,
    /// Files of the list that are not there are not asked for; one at least must be
    #[arg(long, requires = "files")]
    pub(crate) ignore_missing: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

pub(super) fn run(args: &VerifyArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let judged = judge(args).and_then(|verified| {
        if args.files {
            return listed::run(args, &verified, terminal);
        }
        if args.json {
            terminal.line(super::json(&Verdict::Good(&verified)));
        } else {
            show(&verified, &args.file, terminal);
        }
        Ok(Exit::Done)
    });
    if let (true, Err(Failure::Refused { source, .. })) = (args.json, &judged) {
        terminal.line(super::json(&Verdict::of(source)));
    }
    judged
}

/// What verification says, for programs.
#[derive(Debug, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
enum Verdict<'a> {
    Good(&'a Verified),
    Bad(Reasons),
    CannotCheck(Reasons),
}

/// Why something is refused, for programs.
#[derive(Debug, Serialize)]
struct Reasons {
    part: String,
    reasons: Vec<String>,
    advice: &'static str,
}

impl Verdict<'_> {
    fn of(refused: &Refused) -> Self {
        let causes = std::iter::successors(refused.source(), |cause| (**cause).source());
        let reasons = std::iter::once(refused.to_string()).chain(causes.map(ToString::to_string)).collect();
        let reasons = Reasons { part: refused.part().to_string(), reasons, advice: refused.advice() };
        match refused {
            Refused::Bad { .. } => Self::Bad(reasons),
            Refused::CannotCheck { .. } => Self::CannotCheck(reasons),
        }
    }
}

/// Verifies what the flags name. By which digests a file was signed only its signatures say; so a file that was signed by
/// others than SHA-256 is read once more for each, and standard input with all of them at once.
pub(super) fn judge(args: &VerifyArgs) -> Result<Verified, Failure> {
    let mut hashes = if crate::reading::is_stdin(&args.file) { Hash::ALL.to_vec() } else { Vec::new() };
    loop {
        match judge_by(args, &hashes) {
            Err(Failure::Refused { source, subject }) => match source.hash_needed() {
                Some(hash) if !hashes.contains(&hash) => hashes.push(hash),
                _ => return Err(Failure::Refused { source, subject }),
            },
            judged => return judged,
        }
    }
}

fn judge_by(args: &VerifyArgs, hashes: &[Hash]) -> Result<Verified, Failure> {
    if args.file.is_dir() {
        return Err(Failure::file("read", &args.file)(std::io::ErrorKind::IsADirectory.into()));
    }
    let expectations = args.expectations()?;
    let present = match args.at {
        Some(at) => Present { at, source: TimeSource::Named },
        None => Present { at: crate::clock::now(), source: TimeSource::SystemClock },
    };
    let foreign = args.foreign.named()?;
    let openpgp = OpenPgpHeld { args, foreign: foreign.as_ref(), expectations: &expectations, present };
    if openpgp::stands_alone(args) {
        return args.conclude(openpgp.alone()?, &args.file);
    }
    let signature = find_signature(args)?;
    let kind = kind_of(&signature, foreign.as_ref())?;
    // Whoever names somebody wants them and nobody else.
    if foreign.as_ref().is_some_and(|named| named.kind() != kind) {
        return Err(args.other_kind(&signature));
    }
    if kind == detached::Kind::OpenPgp {
        return args.conclude(openpgp.beside(&signature)?, &signature);
    }
    let artifact = artifact(&args.file, hashes)?;
    let held = Held {
        args,
        artifact: &artifact,
        signature: &signature,
        foreign: foreign.as_ref(),
        expectations: &expectations,
        present,
    };
    let judged = match kind {
        detached::Kind::Receipt => {
            let receipt = crate::reading::receipt(&signature)?;
            let artifact = crate::reading::as_text(artifact.clone(), &args.file, &receipt)?;
            verify_receipt(&artifact, &receipt, &args.trust_root()?, &expectations, present)
        }
        detached::Kind::Bundle => held.bundle()?,
        detached::Kind::Minisign => held.minisig()?,
        detached::Kind::SshSig => held.sshsig()?,
        _ => {
            let der = crate::files::read_bounded(&signature, envelope::cms::CMS_BYTES_MAX)?;
            verify_cms(&artifact, &der, CmsTrust::Platform(&args.trust_root()?), &expectations, present)
        }
    };
    args.conclude(judged, &signature)
}

/// The file, or where there is none of that name, the file with that digest.
pub(super) fn artifact(file: &Path, hashes: &[Hash]) -> Result<Artifact, Failure> {
    let text = file.to_string_lossy();
    let digest = text.strip_prefix("sha256:").unwrap_or(&text).parse().ok();
    if let Some(sha256) = digest.filter(|_: &Digest| !file.exists()) {
        return Ok(Artifact { digests: sha256.into(), name: None });
    }
    crate::reading::artifact(file, hashes)
}

impl VerifyArgs {
    /// What was judged, held to what is expected of a claim.
    fn conclude(&self, judged: Result<Verified, Refused>, signature: &Path) -> Result<Verified, Failure> {
        let expected = self.claim.expectations();
        judged.and_then(|verified| verified.expect(&expected)).map_err(|source| Failure::Refused {
            subject: format!("`{}` is refused by `{}`", self.file.display(), signature.display()),
            source,
        })
    }

    /// Somebody was named who signs otherwise than this file is signed.
    fn other_kind(&self, signature: &Path) -> Failure {
        Failure::Usage {
            what: format!("whoever is named does not sign as `{}` is signed", signature.display()),
            advice: "name their bundle, `.minisig` or SSH signature with `--signature FILE`, or leave out whom to expect",
        }
    }

    pub(super) fn trust_root(&self) -> Result<TrustRoot, Failure> {
        match &self.trust_root {
            Some(path) => crate::reading::trust_root(path),
            None => self.context.load()?.trust_root(),
        }
    }

    fn expectations(&self) -> Result<Expectations, Failure> {
        let key = match self.key.as_deref() {
            None => None,
            Some(text) if text.starts_with("key_") => {
                Some(KeyExpectation::Id(text.parse().map_err(Failure::input(text, "a key id"))?))
            }
            Some(text) => {
                Some(KeyExpectation::Name(text.parse().map_err(Failure::input(text, "a key's name"))?))
            }
        };
        let evidence = |without| if without { Evidence::IfPresent } else { Evidence::Required };
        Ok(Expectations {
            product: self.product.clone(),
            version: self.version.clone(),
            class: self.class,
            key,
            profile: self.profile.clone(),
            quorum: if self.require_quorum {
                QuorumExpectation::Required
            } else {
                QuorumExpectation::AsRecorded
            },
            timestamp: evidence(self.without_timestamp),
            log: evidence(self.without_log),
            witnesses: if self.require_witnesses {
                WitnessExpectation::Required
            } else {
                WitnessExpectation::AsShown
            },
        })
    }
}

const KINDS: [detached::Kind; 6] = [
    detached::Kind::Receipt,
    detached::Kind::Bundle,
    detached::Kind::Cms,
    detached::Kind::Minisign,
    detached::Kind::SshSig,
    detached::Kind::OpenPgp,
];

fn find_signature(args: &VerifyArgs) -> Result<PathBuf, Failure> {
    if let Some(path) = args.signature.as_ref().or(args.claim.attestation.as_ref()) {
        return Ok(path.clone());
    }
    let named = args.foreign.named()?.map(|foreign| [foreign.kind()]);
    let all = args.claim.kinds().unwrap_or(&KINDS);
    let kinds = named.as_ref().map_or(all, |kind| &kind[..]);
    let file = args.claim.beside(&args.file);
    let mut beside = kinds.iter().map(|kind| crate::files::suffixed(&file, kind.suffix()));
    beside.find(|path| path.exists()).ok_or_else(|| Failure::Usage {
        what: format!("there is no receipt, bundle or signature beside `{}`", args.file.display()),
        advice: "name it with `--signature FILE`",
    })
}

/// What a file is by its name; whoever says who signed it calls it what they like.
fn kind_of(path: &Path, foreign: Option<&Foreign>) -> Result<detached::Kind, Failure> {
    let name = path.to_string_lossy();
    let known = KINDS.into_iter().find(|kind| name.ends_with(kind.suffix()));
    known.or(foreign.map(Foreign::kind)).ok_or_else(|| Failure::Usage {
        what: format!("`{name}` does not end as a receipt, a bundle or a signature does"),
        advice: "name one that ends in .receipt.json, .sigstore.json, .p7s, .minisig, .sshsig or .asc; for a bare .sig there is `openssl dgst -verify`",
    })
}

/// Shows a verdict to people.
pub(super) fn show(verified: &Verified, file: &Path, terminal: Terminal) {
    terminal.line(format_args!("{} {}", terminal.good("good"), terminal.bold(&file.display().to_string())));
    for item in verified.items() {
        let form = item.item().map_or_else(String::new, |item| format!(" ({})", item.form));
        terminal.line(format_args!("  signed by {}{form}, at {}", item.key(), item.time()));
        let mark = terminal.good("✓");
        item.proven().iter().for_each(|proof| terminal.list_item(&mark, &proof.to_string()));
    }
    if !verified.not_checked().is_empty() {
        terminal.line(format_args!("  {}", terminal.bold("not checked:")));
        verified.not_checked().iter().for_each(|open| terminal.list_item("·", &open.to_string()));
    }
}
