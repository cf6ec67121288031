//! `avouch verify`: offline, against a trust root.

pub(crate) mod foreign;

use std::error::Error as _;
use std::path::{Path, PathBuf};

use ::verify::{
    Artifact, BundleTrust, CmsTrust, Evidence, Expectations, KeyExpectation, Present, QuorumExpectation,
    Refused, TimeSource, TrustRoot, Verified, WitnessExpectation, verify_bundle, verify_cms, verify_receipt,
};
use clap::Args;
use envelope::detached;
use model::{Class, Digest, Hash, Instant, PublicKey, Space};
use serde::Serialize;

use crate::context::ContextArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use foreign::{Foreign, ForeignArgs};

/// The flags of `avouch verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch verify firmware.bin --trust-root trust-root.json
  avouch verify firmware.bin --product firmware --version 1.4.0 --class release
  avouch verify firmware.bin --signature firmware.bin.p7s
  avouch verify app.tar --identity ada@example.com --issuer https://login.example.com
  avouch verify file --bundle file.sigstore.json --public-key key.pem --trusted-root trusted_root.json")]
pub(crate) struct VerifyArgs {
    /// The file; `-` is standard input. Where only its SHA-256 is known, that will do, with `--signature`
    #[arg(value_name = "FILE|DIGEST")]
    pub(crate) file: PathBuf,
    /// Its receipt, bundle or CMS signature; otherwise NAME.receipt.json, NAME.sigstore.json or NAME.p7s beside it
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
    /// People must have endorsed it, even where the key's record asks for nobody
    #[arg(long)]
    pub(crate) require_quorum: bool,
    /// The checkpoints in the receipt must be cosigned by enough of the platform's witnesses; no receipt that is made
    /// today has such checkpoints
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
    pub(crate) foreign: ForeignArgs,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

pub(super) fn run(args: &VerifyArgs, terminal: Terminal) -> Result<Exit, Failure> {
    match judge(args) {
        Ok(verified) if args.json => terminal.line(super::json(&Verdict::Good(&verified))),
        Ok(verified) => show(&verified, &args.file, terminal),
        Err(failure) => {
            if let (true, Failure::Refused { source, .. }) = (args.json, &failure) {
                terminal.line(super::json(&Verdict::of(source)));
            }
            return Err(failure);
        }
    }
    Ok(Exit::Done)
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

/// Verifies what the flags name. By which digest a file was signed only its signature says; so a file that was signed
/// by another than SHA-256 is read once more, and standard input with all of them at once.
pub(super) fn judge(args: &VerifyArgs) -> Result<Verified, Failure> {
    let all = if crate::reading::is_stdin(&args.file) { &Hash::ALL[..] } else { &[] };
    match judge_by(args, all) {
        Err(Failure::Refused { source, subject }) => match source.hash_needed() {
            Some(hash) if !all.contains(&hash) => judge_by(args, &[hash]),
            _ => Err(Failure::Refused { source, subject }),
        },
        judged => judged,
    }
}

fn judge_by(args: &VerifyArgs, hashes: &[Hash]) -> Result<Verified, Failure> {
    let artifact = artifact(&args.file, hashes)?;
    let signature = find_signature(args)?;
    let expectations = args.expectations()?;
    let present = match args.at {
        Some(at) => Present { at, source: TimeSource::Named },
        None => Present { at: crate::clock::now(), source: TimeSource::SystemClock },
    };
    let foreign = args.foreign.named()?;
    let kind = kind_of(&signature, foreign.as_ref())?;
    // Whoever names somebody wants them and nobody else; only a bundle is held to that.
    if let Some(named) = foreign.as_ref().filter(|_| kind != detached::Kind::Bundle) {
        return Err(Failure::Usage {
            what: format!("`{}` verifies a bundle, and `{}` is none", named.flag(), signature.display()),
            advice: "name the bundle with `--bundle FILE`, or leave out whom to expect",
        });
    }
    let judged = match kind {
        detached::Kind::Receipt => {
            let receipt = crate::reading::receipt(&signature)?;
            verify_receipt(&artifact, &receipt, &args.trust_root()?, &expectations, present)
        }
        detached::Kind::Bundle => {
            let json = crate::files::read_bounded(&signature, envelope::bundle::BUNDLE_BYTES_MAX)?;
            match &foreign {
                Some(foreign) => {
                    let root = args.foreign.trusted_root(|| args.trust_root())?;
                    foreign.verify(&artifact, &json, (&root).into(), &expectations, present)
                }
                None => {
                    let root = args.trust_root()?;
                    verify_bundle(&artifact, &json, BundleTrust::Platform(&root), &expectations, present)
                }
            }
        }
        _ => {
            let der = crate::files::read_bounded(&signature, envelope::cms::CMS_BYTES_MAX)?;
            verify_cms(&artifact, &der, CmsTrust::Platform(&args.trust_root()?), &expectations, present)
        }
    };
    judged.map_err(|source| Failure::Refused {
        subject: format!("`{}` is refused by `{}`", args.file.display(), signature.display()),
        source,
    })
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

const KINDS: [detached::Kind; 3] = [detached::Kind::Receipt, detached::Kind::Bundle, detached::Kind::Cms];

fn find_signature(args: &VerifyArgs) -> Result<PathBuf, Failure> {
    if let Some(path) = &args.signature {
        return Ok(path.clone());
    }
    let foreign = args.foreign.named()?.is_some();
    let kinds = if foreign { &[detached::Kind::Bundle][..] } else { &KINDS };
    let mut beside = kinds.iter().map(|kind| crate::files::suffixed(&args.file, kind.suffix()));
    beside.find(|path| path.exists()).ok_or_else(|| Failure::Usage {
        what: format!("there is no receipt, bundle or CMS signature beside `{}`", args.file.display()),
        advice: "name it with `--signature FILE`",
    })
}

/// What a file is by its name; whoever says who signed a bundle calls it what they like.
fn kind_of(path: &Path, foreign: Option<&Foreign>) -> Result<detached::Kind, Failure> {
    let name = path.to_string_lossy();
    let known = KINDS.into_iter().find(|kind| name.ends_with(kind.suffix()));
    known.or(foreign.map(|_| detached::Kind::Bundle)).ok_or_else(|| Failure::Usage {
        what: format!("`{name}` does not end as a receipt, a bundle or a CMS signature does"),
        advice: "name one that ends in .receipt.json, .sigstore.json or .p7s; for a bare .sig there is `openssl dgst -verify`",
    })
}

/// Reads a public key in PEM (RFC 7468 §13).
pub(super) fn public_key(path: &Path) -> Result<PublicKey, Failure> {
    let bytes = crate::files::read_bounded(path, 64 * 1024)?;
    let text = String::from_utf8_lossy(&bytes);
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    const EXPECTED: &str = "a public key in PEM";
    let name = path.display().to_string();
    let der = data_encoding::BASE64.decode(body.as_bytes()).map_err(Failure::input(&name, EXPECTED))?;
    PublicKey::from_spki(&der).map_err(Failure::input(&name, EXPECTED))
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
