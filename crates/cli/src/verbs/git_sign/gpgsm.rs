//! What git calls to sign and to verify in the words that `gpg` and `gpgsm` have in common (`gpg.program`,
//! `gpg.x509.program`): OpenPGP, and CMS with a timestamp in it.
//!
//! What is verified as OpenPGP, `gpg` verifies, because who may sign is said in its own keyring: those calls go to it as
//! they are.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use ::verify::{
    Artifact, CmsTrust, Evidence, Expectations, Present, Proven, TimeSource, Verified, verify_cms,
};
use clap::Args;
use data_encoding::BASE64;
use envelope::cms::CMS_BYTES_MAX;
use envelope::detached::Kind;
use model::{Digests, Hash};

use super::FIRST_OF_GPGSM;
use super::object::{self, OBJECT_BYTES_MAX, Outcome};
use crate::context::ContextArgs;
use crate::exit::Exit;
use crate::failure::Failure;

/// The flags of `avouch git-gpgsm`: those of `gpgsm` as git writes them.
#[derive(Debug, Args)]
pub(crate) struct GitGpgsmArgs {
    /// Where git reads what became of it: 1 is standard output, 2 standard error
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=2))]
    status_fd: u8,
    /// How key ids are to be written: nothing to us
    #[arg(long)]
    keyid_format: Option<String>,
    /// The signature that is verified
    #[arg(long, value_name = "FILE", requires = "object")]
    verify: Option<PathBuf>,
    /// Sign
    #[arg(short = 's')]
    sign: bool,
    /// A detached signature, which is the only kind here
    #[arg(short = 'b')]
    detached: bool,
    /// In armor, which is the only kind here
    #[arg(short = 'a')]
    armor: bool,
    /// Whose key signs: the profile says that
    #[arg(short = 'u', value_name = "USER")]
    user: Option<String>,
    /// What was signed: `-` is standard input
    object: Option<PathBuf>,
}

/// Between what a signature stands in commits and tags: by its first line git knows the kind.
const BEGIN: &str = "-----BEGIN SIGNED MESSAGE-----";
const END: &str = "-----END SIGNED MESSAGE-----";

/// The same of OpenPGP.
const BEGIN_OPENPGP: &[u8] = b"-----BEGIN PGP SIGNATURE-----";

pub(crate) fn run(args: &GitGpgsmArgs) -> Result<Exit, Failure> {
    match &args.verify {
        Some(signature) => args.judge(signature),
        None if args.sign => args.sign(),
        None => Err(Failure::Usage {
            what: "git asks to sign with `-bsau`, or to verify with `--verify`".to_owned(),
            advice: "let git call it: `git config gpg.program avouch`, or `gpg.x509.program`",
        }),
    }
}

impl GitGpgsmArgs {
    /// A line for git, which begins each with this.
    fn tell(&self, text: &str) {
        let line = format!("[GNUPG:] {text}\n");
        let _nobody_reads = match self.status_fd {
            1 => io::stdout().write_all(line.as_bytes()),
            _ => io::stderr().write_all(line.as_bytes()),
        };
    }

    fn sign(&self) -> Result<Exit, Failure> {
        let kind = match object::said("gpg.format").as_deref() {
            Some("x509") => Kind::Cms,
            None | Some("openpgp") => Kind::OpenPgp,
            Some(format) => {
                return Err(Failure::Usage {
                    what: format!(
                        "commits and tags are signed here as OpenPGP and x509, and not as {format}"
                    ),
                    advice: "for SSH signatures the program is `gpg.ssh.program`",
                });
            }
        };
        let bytes = standard_input()?;
        match object::sign(&bytes, kind, &[], |_| Ok(()))? {
            Outcome::Unsigned(exit) => Ok(exit),
            Outcome::Signed(signature) => {
                // What OpenPGP has is armored already.
                let signature = if kind == Kind::Cms { armored(&signature).into_bytes() } else { signature };
                let _nobody_reads = io::stdout().write_all(&signature);
                // Git looks for these words and for nothing behind them.
                self.tell("BEGIN_SIGNING");
                self.tell("SIG_CREATED D");
                Ok(Exit::Done)
            }
        }
    }

    /// Judges a signature by the trust root of the stored context, and says so in the words that git reads.
    fn judge(&self, signature: &Path) -> Result<Exit, Failure> {
        if crate::files::read_head(signature, 64)?.starts_with(BEGIN_OPENPGP) {
            return ask_gpg();
        }
        self.tell("NEWSIG");
        let judged = judged(signature);
        match &judged {
            Ok(verified) => {
                let subject = verified.items().iter().flat_map(|item| item.proven()).find_map(subject);
                let (key, subject) = (key_of(verified), subject.unwrap_or_default());
                self.tell(&format!("GOODSIG {key} {subject}"));
                self.tell("TRUST_FULLY 0 shell");
            }
            Err(Failure::Refused { source: ::verify::Refused::Bad { .. }, .. }) => {
                self.tell("BADSIG 0000000000000000 nobody");
            }
            Err(_) => self.tell("ERRSIG 0000000000000000 0 0 00 0 9"),
        }
        judged.map(|_| Exit::Done)
    }
}

/// Hands git's own words on.
fn ask_gpg() -> Result<Exit, Failure> {
    let is_first = |word: &OsString| {
        let word = word.to_string_lossy();
        FIRST_OF_GPGSM.iter().any(|first| word.starts_with(first))
    };
    let words = std::env::args_os().skip_while(|word| !is_first(word));
    let status = Command::new("gpg").args(words).status();
    let status = status.map_err(Failure::file("run", Path::new("gpg")))?;
    Ok(if status.success() { Exit::Done } else { Exit::Bad })
}

fn judged(signature: &Path) -> Result<Verified, Failure> {
    let bytes = crate::files::read_bounded(signature, 2 * CMS_BYTES_MAX)?;
    let name = signature.display().to_string();
    let der = unarmored(&bytes).ok_or_else(|| Failure::Usage {
        what: format!("`{name}` is no armored CMS signature"),
        advice: "`gpg.x509.program` is asked for signatures of the format x509 alone",
    })?;
    let object = standard_input()?;
    let root = ContextArgs::default().load()?.trust_root()?;
    let artifact = Artifact { digests: Digests::of(&object, &Hash::ALL), name: None };
    let present = Present { at: crate::clock::now(), source: TimeSource::SystemClock };
    // Which evidence belongs to it is the profile's to say.
    let expectations = Expectations { timestamp: Evidence::IfPresent, ..Expectations::default() };
    verify_cms(&artifact, &der, CmsTrust::Platform(&root), &expectations, present).map_err(|source| {
        Failure::Refused { subject: "the commit or tag is refused by its signature".to_owned(), source }
    })
}

fn subject(proof: &Proven) -> Option<String> {
    match proof {
        Proven::Certificate { subject, .. } => Some(subject.clone()),
        _ => None,
    }
}

/// The beginning of the key id, as long as git expects one.
fn key_of(verified: &Verified) -> String {
    let key = verified.items().first().map(|item| *item.key().digest().as_bytes()).unwrap_or_default();
    data_encoding::HEXUPPER.encode(&key[..8])
}

fn standard_input() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let most = u64::try_from(OBJECT_BYTES_MAX).unwrap_or(u64::MAX);
    let read = io::stdin().lock().take(most + 1).read_to_end(&mut bytes);
    read.map_err(Failure::file("read", Path::new("-")))?;
    if bytes.len() > OBJECT_BYTES_MAX {
        return Err(Failure::Usage {
            what: format!("a commit or tag of more than {OBJECT_BYTES_MAX} bytes"),
            advice: "is it one?",
        });
    }
    Ok(bytes)
}

/// RFC 7468, with the label that git knows.
fn armored(der: &[u8]) -> String {
    let base64 = BASE64.encode(der);
    let lines = base64.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned() + "\n");
    format!("{BEGIN}\n{}{END}\n", lines.collect::<String>())
}

fn unarmored(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let body = text.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let base64: String = body.chars().filter(|letter| !matches!(letter, '\r' | '\n')).collect();
    BASE64.decode(base64.as_bytes()).ok()
}
