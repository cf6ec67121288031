//! `avouch endorse`: a person's own signature over a request digest.

use std::path::PathBuf;

use api::Code;
use clap::Args;
use model::{Digest, PrincipalId, RequestId, to_canonical};
use quorum::Decision;

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
  avouch endorse req_ebfkrxqnd5ytqbvkeh7vhnqhim --digest 8448cae4… --as prn_… --key ~/.ssh/id_ed25519.pub --reject")]
pub(crate) struct EndorseArgs {
    /// The request
    request: RequestId,
    /// Its digest, as its requester told you: what you sign is this and nothing that the server says
    #[arg(long)]
    digest: Digest,
    /// The principal that you are in the registry
    #[arg(long = "as", value_name = "PRINCIPAL")]
    principal: PrincipalId,
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

pub(super) fn run(args: &EndorseArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let context = args.context.load()?;
    let platform = context.trust_root()?.platform();
    let key = EndorsingKey::open(&args.key, args.passphrase_file.as_deref())?;
    let decision = if args.reject { Decision::Reject } else { Decision::Endorse };
    let endorsement = key.endorse(&platform, &args.digest, decision, args.principal, crate::clock::now())?;
    let endorsement = String::from_utf8(to_canonical(&endorsement)).expect("canonical JSON is UTF-8");
    let client = context.client()?;
    let view = crate::online::call(client.endorse(&args.request, &endorsement)).map_err(not_counted)?;
    terminal.line(format_args!("{}: {}", view.id, state_text(view.state)));
    view.reasons.iter().for_each(|reason| terminal.line(format_args!("  {reason}")));
    // A request that was rejected as its endorser wanted is no failure of this verb.
    Ok(if args.reject { Exit::Done } else { exit_of(view.state) })
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
