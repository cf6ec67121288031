//! `avouch endorse`: a person's own signature over a request digest.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use api::Code;
use clap::Args;
use model::{Digest, PrincipalId, RequestId, to_canonical};
use quorum::Decision;

use crate::administration::{Pending, holder, show_entry};
use crate::context::ContextArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ssh::EndorsingKey;
use crate::terminal::Terminal;
use crate::verbs::sign::{exit_of, state_text};

/// The flags of `avouch endorse`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch endorse req_ebfkrxqnd5ytqbvkeh7vhnqhim --digest 8448cae4… --as prn_ebfkrxqnd5ytqbvkeh7vhnqhim --key ~/.ssh/id_ed25519.pub
  avouch endorse req_ebfkrxqnd5ytqbvkeh7vhnqhim --digest 8448cae4… --as prn_… --key ~/.ssh/id_ed25519.pub --reject
  avouch endorse first-keys.json --key ~/.ssh/id_ed25519.pub    an administrative request, which gets the endorsement")]
pub(crate) struct EndorseArgs {
    /// The request: its id, or the file of an administrative one
    #[arg(value_name = "REQUEST|FILE")]
    request: Endorsed,
    /// Its digest, as its requester told you: what you sign is this and nothing that the server says. The file of an
    /// administrative request says it itself, and is compared
    #[arg(long)]
    digest: Option<Digest>,
    /// The principal that you are in the registry; for a file, found by your key where that names you
    #[arg(long = "as", value_name = "PRINCIPAL")]
    principal: Option<PrincipalId>,
    /// Your SSH public key
    #[arg(long, value_name = "FILE.pub")]
    key: PathBuf,
    /// The passphrase of a key that `avouch init` made; otherwise `ssh-keygen` signs, and asks
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Say no: the request will never be signed
    #[arg(long)]
    reject: bool,
    #[command(flatten)]
    context: ContextArgs,
}

/// What is endorsed.
#[derive(Debug, Clone)]
enum Endorsed {
    /// A request that a server has.
    Request(RequestId),
    /// An administrative request in a file.
    File(PathBuf),
}

impl FromStr for Endorsed {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.parse().map_or_else(|_| Self::File(text.into()), Self::Request))
    }
}

pub(super) fn run(args: &EndorseArgs, terminal: Terminal) -> Result<Exit, Failure> {
    match &args.request {
        Endorsed::Request(id) => args.bring(id, terminal),
        Endorsed::File(path) => args.add_to(path, terminal),
    }
}

impl EndorseArgs {
    const fn decision(&self) -> Decision {
        if self.reject { Decision::Reject } else { Decision::Endorse }
    }

    /// Endorses a request that a server has.
    fn bring(&self, id: &RequestId, terminal: Terminal) -> Result<Exit, Failure> {
        let (Some(digest), Some(principal)) = (&self.digest, self.principal) else {
            return Err(Failure::Usage {
                what: "`--digest` and `--as` are missing".to_owned(),
                advice: "`avouch request show` reads the request and computes its digest; compare it with the requester's",
            });
        };
        let context = self.context.load()?;
        let platform = context.trust_root()?.platform();
        let key = EndorsingKey::open(&self.key, self.passphrase_file.as_deref())?;
        let endorsement = key.endorse(&platform, digest, self.decision(), principal, crate::clock::now())?;
        let endorsement = String::from_utf8(to_canonical(&endorsement)).expect("canonical JSON is UTF-8");
        let client = context.client()?;
        let view = crate::online::call(client.endorse(id, &endorsement)).map_err(not_counted)?;
        terminal.line(format_args!("{}: {}", view.id, state_text(view.state)));
        view.reasons.iter().for_each(|reason| terminal.line(format_args!("  {reason}")));
        // A request that was rejected as its endorser wanted is no failure of this verb.
        Ok(if self.reject { Exit::Done } else { exit_of(view.state) })
    }

    /// Endorses an administrative request, in its file. What it asks is shown first.
    fn add_to(&self, path: &Path, terminal: Terminal) -> Result<Exit, Failure> {
        let mut pending = Pending::load(path)?;
        show_entry(pending.entry(), terminal);
        let asked = pending.asked();
        if let Some(digest) = self.digest.filter(|digest| *digest != asked.digest) {
            return Err(Failure::Usage {
                what: format!("`{}` asks for {}, and not for {digest}", path.display(), asked.digest),
                advice: "do not endorse it; ask whoever gave you the digest for the file",
            });
        }
        let key = EndorsingKey::open(&self.key, self.passphrase_file.as_deref())?;
        let root = self.context.load().and_then(|context| context.trust_root()).ok();
        let registry =
            root.as_ref().map(|root| root.registry()).filter(|own| own.platform() == asked.platform);
        let signers = pending.signers(registry);
        let found = holder(&signers, &key).map(|signer| signer.principal);
        let principal = self.principal.or(found).ok_or_else(|| Failure::Usage {
            what: "the file does not say which principal has this key".to_owned(),
            advice: "say which one you are with `--as PRINCIPAL`, or name a context whose trust root knows you",
        })?;
        let now = crate::clock::now();
        pending.add(key.endorse(&asked.platform, &asked.digest, self.decision(), principal, now)?);
        pending.save(&[])?;
        let word = if self.reject { "rejected" } else { "endorsed" };
        terminal.line(format_args!("{} by {principal}: give the file back", terminal.good(word)));
        Ok(Exit::Done)
    }
}

/// What the server cannot take of an endorsement is one of the three things that its signature covers.
fn not_counted(failure: Failure) -> Failure {
    match failure {
        Failure::Client(error) => match error.problem().filter(|problem| problem.code == Code::BadRequest) {
            Some(problem) => Failure::Usage {
                what: problem.detail.clone(),
                advice: "compare `--digest` with what the requester says; `--as` and `--key` must be yours in the registry",
            },
            None => Failure::Client(error),
        },
        other => other,
    }
}
