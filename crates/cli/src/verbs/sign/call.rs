//! A call for signatures by managed keys: submitted, waited for, and what comes back verified and written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::verify::{
    Artifact, Evidence, Expectations, Present, Refused, TimeSource, TrustRoot, Verified, verify_receipt,
};
use api::{Code, ProfileView, RequestState, RequestView};
use clap::Args;
use client::{Client, ClientError, Wait};
use envelope::{detached, openpgp};
use model::receipt::{Receipt, SignedItem};
use model::{Class, Item, SignatureOf, Space, Subject};
use serde::Serialize;

use super::{exit_of, state_text};
use crate::compose::{Asked, compose};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::parameters::ParameterArgs;
use crate::reading::ReadFile;
use crate::terminal::Terminal;

/// What is asked of a managed key, whatever it is that is signed.
#[derive(Debug, Args)]
pub(crate) struct RequestArgs {
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
    /// Make a new signature even if the same was made within the last 24 hours
    #[arg(long)]
    pub(crate) again: bool,
    /// What makes a repeat of this call the same, even from another process, and even after a rejection
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// How many seconds to wait for the signatures, and for endorsements where the key asks for them
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub(crate) wait: u64,
}

/// A call for signatures.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a RequestArgs,
    pub(crate) parameters: &'a ParameterArgs,
    /// The folder for what comes back, if it is not to stand beside each file.
    pub(crate) out: Option<&'a Path>,
    pub(crate) context: &'a Context,
}

/// A file that was signed, and what was written for it.
#[derive(Debug, Serialize)]
pub(crate) struct Signed {
    pub(crate) name: String,
    pub(crate) sha256: String,
    pub(crate) written: Vec<PathBuf>,
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

impl Call<'_> {
    /// Asks for signatures of files that were read, and writes what came back, once it was verified.
    pub(crate) fn sign(
        &self,
        client: &Client,
        files: &[ReadFile],
    ) -> Result<(RequestView, Vec<Signed>), Failure> {
        let distinct = distinct(files);
        let asked = asked(self, &distinct);
        let view = crate::online::call(async { attend(client, self.request, &asked).await })?;
        let mut written = Vec::with_capacity(view.receipts.len());
        let mut trust = Trust { context: self.context, root: self.context.trust_root()?, renewed: false };
        for receipt in &view.receipts {
            written.extend(keep(self.out, receipt, files, &mut trust)?);
        }
        Ok((view, written))
    }
}

/// Says what became of a call.
pub(crate) fn conclude(view: &RequestView, files: Vec<Signed>, json: bool, terminal: Terminal) -> Exit {
    let exit = exit_of(view.state);
    if json {
        let (request, digest) = (view.id.to_string(), view.digest.to_string());
        let report = Report { request, digest, state: view.state, reasons: &view.reasons, files };
        terminal.line(crate::verbs::json(&report));
        return exit;
    }
    files.iter().for_each(|file| show(file, terminal));
    if exit != Exit::Done {
        terminal.line(format_args!("{} {}: {}", terminal.bold("request"), view.id, state_text(view.state)));
        terminal.line(format_args!("  digest {}", view.digest));
        view.reasons.iter().for_each(|reason| terminal.line(format_args!("  {reason}")));
    }
    exit
}

/// Shows a file that was signed.
pub(super) fn show(file: &Signed, terminal: Terminal) {
    terminal.line(format_args!("{} {}", terminal.good("signed"), terminal.bold(&file.name)));
    file.written.iter().for_each(|path| terminal.line(format_args!("  {}", path.display())));
}

/// Beside which path that comes which belongs to a file.
pub(super) fn beside(out: Option<&Path>, name: &str, path: Option<&Path>) -> PathBuf {
    match (out, path) {
        (Some(out), _) => out.join(name),
        (None, Some(path)) => path.to_owned(),
        (None, None) => PathBuf::from(name),
    }
}

/// The files without those that are one of the others again, by name and bytes: one receipt serves them all.
fn distinct(files: &[ReadFile]) -> Vec<ReadFile> {
    let mut seen = BTreeSet::new();
    let first = |file: &&ReadFile| seen.insert((file.name.clone(), file.prepared.digests.sha256()));
    files.iter().filter(first).cloned().collect()
}

fn asked<'a>(call: &Call<'_>, files: &'a [ReadFile]) -> Asked<'a> {
    let args = call.request;
    let found = crate::source::find();
    let subject = Subject {
        product: args.product.clone().or(found.product).unwrap_or_default(),
        version: args.version.clone().or(found.version).unwrap_or_default(),
        source: match &args.source {
            Some(text) => crate::source::parse(text),
            None => found.source,
        },
    };
    let (reason, parameters) = (args.reason.clone(), call.parameters.clone());
    Asked { files, subject, reason, class: args.class, again: args.again, parameters }
}

/// How long signing takes at most before its caller is told what it waits for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Submits, and waits as long as the caller wishes; says whom it waits for, where that is people.
async fn attend(client: &Client, args: &RequestArgs, asked: &Asked<'_>) -> Result<RequestView, Failure> {
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
    args: &RequestArgs,
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
    out: Option<&Path>,
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
    same.into_iter().map(|file| lay_beside(out, receipt, file, &trust.root)).collect()
}

/// A text with its signature around it, if it was signed as such.
fn clearsigned(signed: &SignedItem, file: &ReadFile) -> Result<Option<Vec<u8>>, Failure> {
    let item = Item::parse(signed.item.as_bytes()).map_err(Failure::inside("read a receipt"))?;
    let (SignatureOf::Text, Some(text)) =
        (item.parameters.signature_of.unwrap_or(SignatureOf::Binary), &file.text)
    else {
        return Ok(None);
    };
    let packet = detached::openpgp_packet(signed, &item).map_err(Failure::inside("project a receipt"))?;
    Ok(Some(openpgp::clearsigned(&text.canonical, item.content.known_by().hash(), &packet)))
}

/// Writes a receipt that was verified, with its projections, beside a file.
fn lay_beside(
    out: Option<&Path>,
    receipt: &Receipt,
    file: &ReadFile,
    root: &TrustRoot,
) -> Result<Signed, Failure> {
    let beside = beside(out, &file.name, file.path.as_deref());
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
        if let Some(bytes) = clearsigned(signed, file)? {
            written.push(write(&beside, detached::Kind::OpenPgp, &bytes)?);
        }
    }
    Ok(Signed { name: file.name.clone(), sha256: file.prepared.digests.sha256().to_string(), written })
}

/// Writes a file beside another.
pub(super) fn write(beside: &Path, kind: detached::Kind, bytes: &[u8]) -> Result<PathBuf, Failure> {
    let path = crate::files::suffixed(beside, kind.suffix());
    crate::files::write(&path, bytes)?;
    Ok(path)
}
