//! `avouch sign`: files in, receipts out.

pub(crate) mod call;
pub(crate) mod keyless;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use api::{ProfileView, RequestState, RequestView};
use clap::Args;
use envelope::detached;
use model::{Carried, Form};

use crate::context::{Context, ContextArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::parameters::ParameterArgs;
use crate::reading::{ReadFile, is_stdin};
use crate::terminal::Terminal;
use call::{Call, RequestArgs, Signed, beside, conclude, show, write};
use keyless::{KeylessArgs, What};

/// The flags of `avouch sign`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch sign firmware.bin
  avouch sign dist/* --profile payments/api --product api --version 1.4.0
  tar c src | avouch sign - --name src.tar
  avouch sign app.tar --keyless

With --keyless the key lives for this run alone, a certificate names whoever the ID token does, and beside each file
appears NAME.sigstore.json alone. Profiles, requests and endorsements are for managed keys.

Beside each file appear NAME.receipt.json and, by the keys of the profile, NAME.sigstore.json, NAME.sig, NAME.p7s, NAME.minisig,
NAME.sshsig and NAME.asc.

Where people must endorse, it says which request and digest, waits, and ends with exit code 4; the same command fetches
the receipt once they have. A request that was rejected (5) or expired (6) is asked anew by the same command, unless
--idempotency-key holds on to it.")]
pub(crate) struct SignArgs {
    /// The files; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    /// The name under which standard input is signed, and beside which the receipt is written [default: stdin]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The folder, which is there, for what comes back; otherwise beside each file
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Sign as the holder of an ID token, without a managed key
    #[arg(long, conflicts_with_all = ["profile", "product", "version", "class", "source", "reason", "idempotency_key", "trusted_comment", "namespace", "clearsign"])]
    pub(crate) keyless: bool,
    #[command(flatten)]
    pub(crate) parameters: ParameterArgs,
    #[command(flatten, next_help_heading = "With --keyless")]
    pub(crate) holder: KeylessArgs,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

pub(super) fn run(args: &SignArgs, terminal: Terminal) -> Result<Exit, Failure> {
    if args.keyless {
        return sign_keyless(args, terminal);
    }
    let context = args.context.load()?;
    let (view, files) = sign(args, &context)?;
    Ok(conclude(&view, files, args.json, terminal))
}

/// Signs files as the holder of an ID token, each with one certificate.
fn sign_keyless(args: &SignArgs, terminal: Terminal) -> Result<Exit, Failure> {
    check(args)?;
    let mut session = args.holder.begin(&args.context)?;
    let mut files = Vec::with_capacity(args.files.len());
    for path in &args.files {
        let mut artifact = crate::reading::artifact(path, &[])?;
        let own = artifact.name.take().unwrap_or_default();
        let name = args.name.clone().filter(|_| is_stdin(path)).unwrap_or(own);
        artifact.name = Some(name.clone());
        let bundle = session.sign(&artifact, What::File)?;
        let path = Some(path).filter(|path| !is_stdin(path)).map(PathBuf::as_path);
        let beside = beside(args.out.as_deref(), &name, path);
        let written = vec![write(&beside, detached::Kind::Bundle, &bundle)?];
        files.push(Signed { name, sha256: artifact.digests.sha256().to_string(), written });
    }
    if args.json {
        terminal.line(super::json(&files));
        return Ok(Exit::Done);
    }
    let names = session.names();
    files.iter().for_each(|file| show(file, terminal));
    terminal.line(format_args!("as {:?}, vouched for by {}", names.subject.text(), names.issuer));
    Ok(Exit::Done)
}

/// Signs files and writes what came back, once it was verified.
pub(crate) fn sign(args: &SignArgs, context: &Context) -> Result<(RequestView, Vec<Signed>), Failure> {
    let client = context.client()?;
    check(args)?;
    let profile = crate::online::call(client.profile(&args.request.profile))?;
    let carried = carried(&profile);
    if args.parameters.clearsign && !carried.iter().any(|carried| matches!(carried, Carried::State(_))) {
        return Err(Failure::Usage {
            what: format!("profile `{}` has no key of OpenPGP, which alone clearsigns", args.request.profile),
            advice: "make one with `avouch key create NAME --form openpgp`, and name it in a profile: `avouch profile create PROFILE --key openpgp=NAME`",
        });
    }
    let files = read(args, &carried)?;
    let call =
        Call { request: &args.request, parameters: &args.parameters, out: args.out.as_deref(), context };
    call.sign(&client, &files)
}

/// Finds mistakes in the flags before anything is read or asked.
fn check(args: &SignArgs) -> Result<(), Failure> {
    let wrong = |what: String, advice| Err(Failure::Usage { what, advice });
    let of_stdin = args.files.iter().filter(|path| is_stdin(path)).count();
    if of_stdin > 1 {
        return wrong("standard input can be signed once".to_owned(), "name `-` once");
    }
    if let Some(name) = &args.name {
        if of_stdin == 0 {
            return wrong(
                "`--name` names standard input, and `-` is not among the files".to_owned(),
                "leave `--name` away: a file is signed under its own name",
            );
        }
        if Path::new(name).file_name() != Some(name.as_ref()) {
            return wrong(
                format!("`{name}` is not the bare name of a file"),
                "give a name without folders; `--out DIR` says where the receipt goes",
            );
        }
    }
    if args.parameters.clearsign && of_stdin > 0 {
        return wrong(
            "standard input is not clearsigned".to_owned(),
            "name a file: its text is read once more, to be put into the signature's file",
        );
    }
    let Some(out) = &args.out else { return Ok(()) };
    if !out.is_dir() {
        return wrong(
            format!("`{}` is not a folder", out.display()),
            "make it first: what comes back goes there",
        );
    }
    let mut names = BTreeSet::new();
    match args.files.iter().filter_map(|path| path.file_name()).find(|name| !names.insert(*name)) {
        None => Ok(()),
        Some(name) => wrong(
            format!("two of the files are called `{}`, and `{}` holds one", name.display(), out.display()),
            "sign them without `--out`, or one after the other into two folders",
        ),
    }
}

/// What the profile's keys need of a file.
fn carried(profile: &ProfileView) -> Vec<Carried> {
    // Claims about it are another verb's.
    let keys = profile.keys.iter().filter(|key| key.form != Form::Dsse);
    keys.map(|key| key.form.carries(key.public_key.algorithm())).collect()
}

fn read(args: &SignArgs, carried: &[Carried]) -> Result<Vec<ReadFile>, Failure> {
    let name = |path: &Path| is_stdin(path).then_some(args.name.as_deref()).flatten();
    let read = |path: &PathBuf| match args.parameters.clearsign {
        true => crate::reading::text(path, carried),
        false => crate::reading::file(path, name(path), carried),
    };
    args.files.iter().map(read).collect()
}

/// How a request's state ends a verb.
pub(super) const fn exit_of(state: RequestState) -> Exit {
    match state {
        RequestState::Done => Exit::Done,
        RequestState::Refused => Exit::Bad,
        RequestState::Rejected | RequestState::Withdrawn => Exit::Rejected,
        RequestState::Expired => Exit::Expired,
        RequestState::Failed => Exit::CannotCheck,
        _ => Exit::Pending,
    }
}

pub(super) const fn state_text(state: RequestState) -> &'static str {
    match state {
        RequestState::Waiting => "waiting for endorsements",
        RequestState::Intended | RequestState::Signed | RequestState::Logged => {
            "under way; ask again with the same command"
        }
        RequestState::Done => "done",
        RequestState::Refused => "refused",
        RequestState::Rejected => "rejected by an endorser",
        RequestState::Withdrawn => "withdrawn",
        RequestState::Expired => "expired",
        _ => "failed, and set aside",
    }
}
