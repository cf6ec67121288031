//! `avouch inspect`: what is in a file that avouch or its kin made. Nothing is believed.

mod bare;
mod certificate;
mod openpgp;
pub(super) mod statement;

use std::path::PathBuf;

use ::verify::TrustRoot;
use clap::Args;
use envelope::bundle::{Bundle, Content, Signer};
use envelope::{cms, timestamp};
use model::receipt::Receipt;
use model::{Item, Kind, Parameters, Request, limits};
use pki::Certificate;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The flags of `avouch inspect`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch inspect firmware.bin.receipt.json
  avouch inspect firmware.bin.p7s

It reads receipts, Sigstore bundles, certificates, CMS, minisign, SSH and OpenPGP signatures, timestamp responses and tokens, and
trust roots.")]
pub(crate) struct InspectArgs {
    /// The file
    file: PathBuf,
    /// Print JSON, where the file is JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &InspectArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let bytes = crate::files::read_bounded(&args.file, limits::RECEIPT_BYTES_MAX)?;
    terminal.note("nothing here was verified; `avouch verify` does that");
    if let Ok(receipt) = Receipt::parse(&bytes) {
        if args.json {
            terminal.line(super::json(&opened(&receipt)))
        } else {
            show_receipt(&receipt, terminal)
        }
    } else if let Ok(bundle) = Bundle::from_json(&bytes) {
        if args.json { terminal.bytes(&bundle.to_json()) } else { show_bundle(&bundle, terminal) }
    } else if let Ok(signature) = cms::open(&bytes) {
        show_cms(&signature, terminal);
    } else if let Ok(token) = timestamp::open(&bytes) {
        show_token(&token, terminal);
    } else if let Ok(certificate) = certificate_in(&bytes) {
        certificate::show(&certificate, terminal);
    } else if let Ok(root) = TrustRoot::parse(&bytes) {
        super::trust::show(&root, terminal);
    } else if bare::show(&bytes, terminal) == bare::Read::Nothing {
        return Err(Failure::Usage {
            what: format!("`{}` is none of the files that avouch reads", args.file.display()),
            advice: "name a receipt, a Sigstore bundle, a certificate, a CMS, minisign, SSH or OpenPGP signature, a timestamp or a trust root, not the signed file",
        });
    }
    Ok(Exit::Done)
}

/// A certificate in PEM or DER.
fn certificate_in(bytes: &[u8]) -> Result<Certificate, pki::PemError> {
    match Certificate::from_der(bytes) {
        Ok(certificate) => Ok(certificate),
        Err(_) => Certificate::from_pem(&String::from_utf8_lossy(bytes)),
    }
}

/// A receipt with the JSON inside its strings opened.
fn opened(receipt: &Receipt) -> serde_json::Value {
    let mut json = serde_json::to_value(receipt).expect("a receipt always encodes as JSON");
    let open = |value: &mut serde_json::Value| {
        if let Some(inside) = value.as_str().and_then(|text| serde_json::from_str(text).ok()) {
            *value = inside;
        }
    };
    if let Some(request) = json.get_mut("request") {
        open(request);
    }
    let lists = [("endorsements", None), ("items", Some("item"))];
    for (list, field) in lists {
        for one in json.get_mut(list).and_then(serde_json::Value::as_array_mut).into_iter().flatten() {
            match field {
                Some(field) => one.get_mut(field).map_or((), open),
                None => open(one),
            }
        }
    }
    json
}

fn show_receipt(receipt: &Receipt, terminal: Terminal) {
    terminal.line(format_args!("{} of version {}", terminal.bold("a receipt"), receipt.version));
    terminal.line(format_args!("  request digest {}", Request::digest(receipt.request.as_bytes())));
    match Request::parse(receipt.request.as_bytes()) {
        Ok(request) => show_request(&request, terminal),
        Err(cause) => terminal.line(format_args!("  the request cannot be read: {cause}")),
    }
    terminal.line(format_args!("  registry head {}", receipt.registry));
    terminal.line(format_args!("  {} endorsements", receipt.endorsements.len()));
    for signed in &receipt.items {
        match Item::parse(signed.item.as_bytes()) {
            Ok(item) => {
                terminal.line(format_args!(
                    "{} `{}` as {}, form {}",
                    terminal.bold("signature"),
                    item.name,
                    item.format,
                    item.form
                ));
                terminal.line(format_args!("  file sha256 {}, {} bytes", item.file.sha256, item.file.size));
                terminal.line(format_args!("  key {} generation {}", item.key.name, item.key.generation));
                show_parameters(&item.parameters, terminal);
                statement::show_content(&item, terminal);
            }
            Err(cause) => terminal.line(format_args!("  the item cannot be read: {cause}")),
        }
        terminal.line(format_args!("  {:?}", signed.public_key));
        terminal.line(format_args!(
            "  {} certificates, a signature of {} bytes",
            signed.chain.len(),
            signed.signature.0.len()
        ));
        match signed.timestamp.as_ref().map(|token| timestamp::open(&token.0)) {
            Some(Ok(token)) => terminal.line(format_args!("  timestamp token of {}", token.tst_info().time)),
            Some(Err(cause)) => {
                terminal.line(format_args!("  a timestamp token that cannot be read: {cause}"))
            }
            None => terminal.line("  no timestamp token"),
        }
        match &signed.log {
            Some(entry) => {
                let origin = entry.checkpoint.lines().next().unwrap_or_default();
                terminal.line(format_args!("  log entry {} of {:?}", entry.index, origin));
            }
            None => terminal.line("  no log entry"),
        }
        match &signed.journal {
            Some(entry) if entry.checkpoint.is_some() => {
                terminal.line(format_args!("  journal entry {}, in a checkpoint", entry.index))
            }
            Some(entry) => terminal.line(format_args!("  journal entry {}, no checkpoint yet", entry.index)),
            None => terminal.line("  no journal entry"),
        }
    }
}

/// What a form signs besides the content.
pub(super) fn show_parameters(parameters: &Parameters, terminal: Terminal) {
    let Parameters { namespace, payload_type, trusted_comment, signature_of } = parameters;
    let said =
        [("namespace", namespace), ("payload type", payload_type), ("trusted comment", trusted_comment)];
    for (what, text) in said.into_iter().filter_map(|(what, text)| Some((what, text.as_ref()?))) {
        terminal.line(format_args!("  {what} {text:?}"));
    }
    if let Some(of) = signature_of {
        terminal.line(format_args!("  an OpenPGP signature of type {of}"));
    }
}

pub(super) fn show_request(request: &Request, terminal: Terminal) {
    terminal.line(format_args!("  request {} on {}", request.id, request.platform));
    terminal.line(format_args!("  from {} until {}", request.created, request.deadline));
    terminal
        .line(format_args!("  asked for by {} ({})", request.requester.principal, request.requester.person));
    if let Kind::Sign(signing) = &request.kind {
        let subject = &signing.subject;
        terminal.line(format_args!("  profile {}, class {}", signing.profile, signing.class));
        terminal.line(format_args!("  product {:?}, version {:?}", subject.product, subject.version));
        terminal.line(format_args!("  {} items in the request", signing.items.count));
    }
}

fn show_bundle(bundle: &Bundle, terminal: Terminal) {
    terminal.line(terminal.bold("a Sigstore bundle"));
    match &bundle.signer {
        Signer::Key { hint } => terminal.line(format_args!("  signed by the key with hint {hint:?}")),
        Signer::Certificate(der) => show_signer(der, terminal),
        Signer::Chain(chain) => chain.iter().for_each(|der| show_signer(der, terminal)),
        _ => terminal.line("  signed by somebody that this avouch does not know"),
    }
    match &bundle.content {
        Content::Message { digest, .. } => {
            let hex = digest.as_ref().map(|digest| data_encoding::HEXLOWER.encode(&digest.digest.0));
            terminal.line(format_args!("  over a file with digest {}", hex.unwrap_or_default()));
        }
        Content::Dsse(envelope) => {
            statement::show(&envelope.payload_type, &envelope.payload, terminal);
        }
        _ => terminal.line("  over something that this avouch does not know"),
    }
    terminal.line(format_args!(
        "  {} timestamps, {} log entries",
        bundle.timestamps.len(),
        bundle.entries.len()
    ));
    for entry in &bundle.entries {
        terminal.line(format_args!("  log entry {}, of kind {:?}", entry.index, entry.kind));
    }
}

fn show_signer(der: &[u8], terminal: Terminal) {
    match Certificate::from_der(der) {
        Ok(certificate) => certificate::show(&certificate, terminal),
        Err(cause) => terminal.line(format_args!("  a certificate that cannot be read: {cause}")),
    }
}

fn show_cms(signature: &cms::OpenedCms, terminal: Terminal) {
    terminal.line(terminal.bold("a detached CMS signature"));
    for certificate in signature.certificates() {
        terminal.line(format_args!(
            "  certificate of {}, issued by {}",
            certificate.subject_text(),
            certificate.issuer_text()
        ));
        terminal.line(format_args!(
            "    from {} until {}",
            certificate.not_before(),
            certificate.not_after()
        ));
    }
    match signature.token().map(timestamp::open) {
        Some(Ok(token)) => show_token(&token, terminal),
        Some(Err(cause)) => terminal.line(format_args!("  a timestamp token that cannot be read: {cause}")),
        None => terminal.line("  no timestamp token"),
    }
}

fn show_token(token: &timestamp::OpenedToken, terminal: Terminal) {
    let said = token.tst_info();
    terminal.line(terminal.bold("a timestamp token"));
    terminal.line(format_args!("  of {}, policy {:?}", said.time, said.policy));
    terminal.line(format_args!("  over {}", data_encoding::HEXLOWER.encode(said.imprint.digest())));
}
