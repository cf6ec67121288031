//! `avouch sign`: files in, receipts out.

pub(crate) mod keyless;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::verify::{
    Artifact, Evidence, Expectations, Present, Refused, TimeSource, TrustRoot, Verified, verify_receipt,
};
use api::{Code, ProfileView, RequestState, RequestView};
use clap::Args;
use client::{Client, ClientError, Wait};
use envelope::detached;
use model::receipt::Receipt;
use model::{Carried, Class, Item, Space, Subject};
use serde::Serialize;

use crate::compose::{Asked, compose};
use crate::context::{Context, ContextArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::reading::{ReadFile, is_stdin};
use crate::terminal::Terminal;
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

Beside each file appear NAME.receipt.json and, by the keys of the profile, NAME.sigstore.json, NAME.sig and NAME.p7s.

Where people must endorse, it says which request and digest, waits, and ends with exit code 4; the same command fetches
the receipt once they have. A request that was rejected (5) or expired (6) is asked anew by the same command, unless
--idempotency-key holds on to it.")]
pub(crate) struct SignArgs {
    /// The files; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The signing profile
    #[arg(long, default_value = "default")]
    pub(crate) profile: Space,
    /// What the product is called; otherwise the repository's name
    #[arg(long)]
    pub(crate) product: Option<String>,
    /// Its version; otherwise the tag that is checked out
    #[arg(long)]
    pub(crate) version: Option<String>,
    /// The decision that the signature is to support; the profile must be of this class
    #[arg(long)]
    pub(crate) class: Option<Class>,
    /// Where it was made from; otherwise what the CI's environment or git say. An empty text says nothing
    #[arg(long, value_name = "REPOSITORY[@COMMIT]")]
    pub(crate) source: Option<String>,
    /// Why, for those who are asked to endorse
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) reason: String,
    /// The name under which standard input is signed, and beside which the receipt is written [default: stdin]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The folder, which is there, for what comes back; otherwise beside each file
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Make a new signature even if the same was made within the last 24 hours
    #[arg(long)]
    pub(crate) again: bool,
    /// What makes a repeat of this call the same, even from another process, and even after a rejection
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// How many seconds to wait for the signatures, and for endorsements where the key asks for them
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub(crate) wait: u64,
    /// Sign as the holder of an ID token, without a managed key
    #[arg(long, conflicts_with_all = ["profile", "product", "version", "class", "source", "reason", "idempotency_key"])]
    pub(crate) keyless: bool,
    #[command(flatten, next_help_heading = "With --keyless")]
    pub(crate) holder: KeylessArgs,
    #[command(flatten)]
    pub(crate) context: ContextArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What became of a call, for programs.
#[derive(Debug, Serialize)]
struct Report<'a> {
    request: String,
    digest: String,
    state: RequestState,
    reasons: &'a [String],
    files: Vec<Signed>,
}

/// A file that was signed, and what was written for it.
#[derive(Debug, Serialize)]
pub(crate) struct Signed {
    pub(crate) name: String,
    pub(crate) sha256: String,
    pub(crate) written: Vec<PathBuf>,
}

pub(super) fn run(args: &SignArgs, terminal: Terminal) -> Result<Exit, Failure> {
    if args.keyless {
        return sign_keyless(args, terminal);
    }
    let context = args.context.load()?;
    let (view, files) = sign(args, &context)?;
    let exit = exit_of(view.state);
    if args.json {
        let (request, digest) = (view.id.to_string(), view.digest.to_string());
        let report = Report { request, digest, state: view.state, reasons: &view.reasons, files };
        terminal.line(super::json(&report));
        return Ok(exit);
    }
    files.iter().for_each(|file| show(file, terminal));
    if exit != Exit::Done {
        terminal.line(format_args!("{} {}: {}", terminal.bold("request"), view.id, state_text(view.state)));
        terminal.line(format_args!("  digest {}", view.digest));
        view.reasons.iter().for_each(|reason| terminal.line(format_args!("  {reason}")));
    }
    Ok(exit)
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
        let beside = beside(args, &name, Some(path).filter(|path| !is_stdin(path)));
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

fn show(file: &Signed, terminal: Terminal) {
    terminal.line(format_args!("{} {}", terminal.good("signed"), terminal.bold(&file.name)));
    file.written.iter().for_each(|path| terminal.line(format_args!("  {}", path.display())));
}

/// Beside which path that comes which belongs to a file.
fn beside(args: &SignArgs, name: &str, path: Option<&PathBuf>) -> PathBuf {
    match (&args.out, path) {
        (Some(out), _) => out.join(name),
        (None, Some(path)) => path.clone(),
        (None, None) => PathBuf::from(name),
    }
}

/// Signs files and writes what came back, once it was verified.
pub(crate) fn sign(args: &SignArgs, context: &Context) -> Result<(RequestView, Vec<Signed>), Failure> {
    let client = context.client()?;
    check(args)?;
    let profile = crate::online::call(client.profile(&args.profile))?;
    let files = read(args, &carried(&profile))?;
    let distinct = distinct(&files);
    let asked = asked(args, &distinct);
    let view = crate::online::call(async { attend(&client, args, &asked).await })?;
    let mut written = Vec::with_capacity(view.receipts.len());
    let mut trust = Trust { context, root: context.trust_root()?, renewed: false };
    for receipt in &view.receipts {
        written.extend(keep(args, receipt, &files, &mut trust)?);
    }
    Ok((view, written))
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
    profile.keys.iter().map(|key| key.form.carries(key.public_key.algorithm())).collect()
}

fn read(args: &SignArgs, carried: &[Carried]) -> Result<Vec<ReadFile>, Failure> {
    let name = |path: &Path| is_stdin(path).then_some(args.name.as_deref()).flatten();
    args.files.iter().map(|path| crate::reading::file(path, name(path), carried)).collect()
}

/// The files without those that are one of the others again, by name and bytes: one receipt serves them all.
fn distinct(files: &[ReadFile]) -> Vec<ReadFile> {
    let mut seen = BTreeSet::new();
    let first = |file: &&ReadFile| seen.insert((file.name.clone(), file.prepared.digests.sha256()));
    files.iter().filter(first).cloned().collect()
}

fn asked<'a>(args: &SignArgs, files: &'a [ReadFile]) -> Asked<'a> {
    let found = crate::source::find();
    let subject = Subject {
        product: args.product.clone().or(found.product).unwrap_or_default(),
        version: args.version.clone().or(found.version).unwrap_or_default(),
        source: match &args.source {
            Some(text) => crate::source::parse(text),
            None => found.source,
        },
    };
    Asked { files, subject, reason: args.reason.clone(), class: args.class, again: args.again }
}

/// How long signing takes at most before its caller is told what it waits for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Submits, and waits as long as the caller wishes; says whom it waits for, where that is people.
async fn attend(client: &Client, args: &SignArgs, asked: &Asked<'_>) -> Result<RequestView, Failure> {
    let whole = Duration::from_secs(args.wait);
    let first = whole.min(PATIENCE);
    let view = submit(client, args, asked, Wait::Final(first)).await?;
    let rest = whole.saturating_sub(first);
    if view.state.is_final() || rest.is_zero() {
        return Ok(view);
    }
    if view.state == RequestState::Waiting {
        let (id, digest, seconds) = (&view.id, &view.digest, rest.as_secs());
        Terminal::new().note(format_args!(
            "request {id} with digest {digest} waits for endorsements; so does this command, for {seconds} s more"
        ));
    }
    Ok(client.request(&view.id, Wait::Final(rest)).await?)
}

/// Composes and submits; once more, if the server says that the request is out of date.
async fn submit(
    client: &Client,
    args: &SignArgs,
    asked: &Asked<'_>,
    wait: Wait,
) -> Result<RequestView, Failure> {
    let key = args.idempotency_key.as_deref();
    let view = client.profile(&args.profile).await?;
    let submission = compose(&view, asked, crate::clock::now())?;
    match client.submit(&submission, key, wait).await {
        Err(error) => match stale(&error) {
            Some(view) => {
                let submission = compose(&view, asked, crate::clock::now())?;
                Ok(client.submit(&submission, key, wait).await?)
            }
            None => Err(error.into()),
        },
        Ok(view) => Ok(view),
    }
}

fn stale(error: &ClientError) -> Option<ProfileView> {
    error.problem().filter(|problem| problem.code == Code::Stale).and_then(|problem| problem.profile.clone())
}

/// The trust root that receipts are held to; fetched anew once, where the one at hand is too old.
struct Trust<'a> {
    context: &'a Context,
    root: TrustRoot,
    renewed: bool,
}

impl Trust<'_> {
    fn verify(&mut self, artifact: &Artifact, receipt: &Receipt) -> Result<Verified, Failure> {
        let present = Present { at: crate::clock::now(), source: TimeSource::SystemClock };
        // Which evidence belongs to it is the profile's to say, and the profile is the server's.
        let expectations = Expectations {
            timestamp: Evidence::IfPresent,
            log: Evidence::IfPresent,
            ..Expectations::default()
        };
        match verify_receipt(artifact, receipt, &self.root, &expectations, present) {
            Err(Refused::CannotCheck { .. }) if !self.renewed => {
                self.root = self.context.renew_trust_root()?;
                self.renewed = true;
                self.verify(artifact, receipt)
            }
            Err(refused) => {
                let name = artifact.name.clone().unwrap_or_default();
                Err(Failure::BadReceipt { name, source: Box::new(refused) })
            }
            Ok(verified) => Ok(verified),
        }
    }
}

/// Verifies a receipt and writes it, with its projections, beside its file, and beside each that is the same.
fn keep(
    args: &SignArgs,
    receipt: &Receipt,
    files: &[ReadFile],
    trust: &mut Trust<'_>,
) -> Result<Vec<Signed>, Failure> {
    let first = receipt.items.first().and_then(|signed| Item::parse(signed.item.as_bytes()).ok());
    let is_of = |file: &&ReadFile| {
        first.as_ref().is_some_and(|item| file.prepared.file() == item.file && file.name == item.name)
    };
    let same: Vec<&ReadFile> = files.iter().filter(is_of).collect();
    let file = same.first().ok_or_else(|| Failure::Process {
        process: "the server",
        fault: "answered with a receipt of none of these files".to_owned(),
    })?;
    let artifact = Artifact { digests: file.prepared.digests.clone(), name: Some(file.name.clone()) };
    trust.verify(&artifact, receipt)?;
    same.into_iter().map(|file| lay_beside(args, receipt, file, &trust.root)).collect()
}

/// Writes a receipt that was verified, with its projections, beside a file.
fn lay_beside(
    args: &SignArgs,
    receipt: &Receipt,
    file: &ReadFile,
    root: &TrustRoot,
) -> Result<Signed, Failure> {
    let beside = beside(args, &file.name, file.path.as_ref());
    let mut written = vec![write(&beside, detached::Kind::Receipt, &receipt.encode())?];
    for signed in &receipt.items {
        let log_id = root.logs().find(|log| {
            signed.log.as_ref().is_some_and(|entry| entry.checkpoint.lines().next() == Some(log.name()))
        });
        let log_id = log_id.map(tlog::VerifierKey::log_id);
        let projections =
            detached::of_item(signed, log_id.as_ref()).map_err(Failure::inside("project a receipt"))?;
        // The response of the timestamp authority stands in the receipt and the bundle already.
        for one in projections.iter().filter(|one| one.kind != detached::Kind::Timestamp) {
            written.push(write(&beside, one.kind, &one.bytes)?);
        }
    }
    Ok(Signed { name: file.name.clone(), sha256: file.prepared.digests.sha256().to_string(), written })
}

fn write(beside: &Path, kind: detached::Kind, bytes: &[u8]) -> Result<PathBuf, Failure> {
    let path = crate::files::suffixed(beside, kind.suffix());
    crate::files::write(&path, bytes)?;
    Ok(path)
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
