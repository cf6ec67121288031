//! `avouch sigstore`: how the clients of Sigstore sign and verify with this platform.

mod instructions;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use client::{Believed, TufSite};
use envelope::trusted_root::Authority;
use envelope::tuf::bytes_max;
use model::{Form, TufRole};
use pki::{Certificate, public_key_pem};
use serde_json::Value;
use verify::TrustRoot;

use super::sign::keyless::public_url;
use crate::context::{Context, ContextArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use instructions::{Client, Expected};

const ROOT: &str = "trusted_root.json";
const CONFIG: &str = "signing_config.v0.2.json";
/// Both in one, for sigstore-python.
const BOTH: &str = "client_trust_config.json";
/// The certificates that the server's own come from.
const CA: &str = "ca.pem";
/// The root of the TUF repository, where there is one, for clients that follow it.
const TUF_ROOT: &str = "root.json";
/// The same as in the trusted root, for clients that know it in parts.
const AUTHORITY: &str = "fulcio.pem";
const CERTIFICATE_LOG: &str = "ctfe.pub";
const LOG_V1: &str = "rekor.pub";
const TIMESTAMPS: &str = "tsa.pem";

/// The flags of `avouch sigstore`.
#[derive(Debug, Args)]
pub(crate) struct SigstoreArgs {
    #[command(subcommand)]
    verb: SigstoreVerb,
}

#[derive(Debug, Subcommand)]
enum SigstoreVerb {
    /// Write the files by which clients know this platform
    #[command(after_help = "\
Example:
  avouch sigstore files sigstore/

Into the folder, which is made if need be, come trusted_root.json, signing_config.v0.2.json,
both of them in client_trust_config.json, and ca.pem, from which the server's own certificate
comes; root.json, with which a client begins to follow the TUF repository; and for clients that
know the trusted root in parts fulcio.pem, ctfe.pub, tsa.pem, and rekor.pub where there is a
log of Rekor v1.")]
    Files {
        /// The folder
        dir: PathBuf,
        #[command(flatten)]
        context: ContextArgs,
    },
    /// Print the environment, the commands and the settings of a client
    #[command(after_help = "\
Examples:
  avouch sigstore env cosign
  avouch sigstore env kyverno --files sigstore/ --identity release@example.com | less")]
    Env {
        /// Which client
        client: Client,
        /// The folder that `avouch sigstore files` wrote
        #[arg(long, value_name = "DIR", default_value = "sigstore")]
        files: PathBuf,
        /// Who is expected to have signed
        #[arg(long, value_name = "WHO", default_value = "ada@example.com")]
        identity: String,
        /// Who is expected to have vouched for them; otherwise the first issuer at which people log in
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
    },
}

pub(super) fn run(args: &SigstoreArgs, terminal: Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        SigstoreVerb::Files { dir, context } => {
            let context = context.load()?;
            for path in write(dir, &context)? {
                terminal.line(path.display());
            }
        }
        SigstoreVerb::Env { client, files, identity, issuer } => {
            let expected = Expected { identity, issuer: issuer.as_deref() };
            terminal.line(client.instructions(files, &expected)?.trim_end());
        }
    }
    Ok(Exit::Done)
}

fn write(dir: &Path, context: &Context) -> Result<Vec<PathBuf>, Failure> {
    std::fs::create_dir_all(dir).map_err(Failure::file("make the folder", dir))?;
    let trust_root = context.renew_trust_root()?;
    // The address that the platform has for everybody: what the server serves is the same to the byte.
    let url = trust_root.public_url().map_or_else(|| public_url(context), |url| Ok(url.to_owned()))?;
    let (root, config) = (trust_root.sigstore().to_json(), trust_root.signing_config(&url).to_json());
    let ca = std::fs::read(&context.ca).map_err(Failure::file("read", &context.ca))?;
    let both = both(&root, &config)?;
    let mut files = vec![(ROOT, root), (CONFIG, config), (BOTH, both), (CA, ca)];
    files.extend(parts(&trust_root));
    files.extend(tuf_root(&trust_root, &url, &context.ca)?);
    let put = |(name, bytes): &(&str, Vec<u8>)| {
        let path = dir.join(name);
        crate::files::write(&path, bytes).map(|()| path)
    };
    files.iter().map(put).collect()
}

/// Sigstore's `ClientTrustConfig`.
fn both(root: &[u8], config: &[u8]) -> Result<Vec<u8>, Failure> {
    let part =
        |bytes: &[u8]| serde_json::from_slice(bytes).map_err(Failure::inside("read what was just written"));
    let (root, config): (Value, Value) = (part(root)?, part(config)?);
    Ok(super::json(&serde_json::json!({
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": root,
        "signingConfig": config,
    }))
    .into_bytes())
}

/// The trusted root in parts, as those clients have them that know no whole.
fn parts(root: &TrustRoot) -> Vec<(&'static str, Vec<u8>)> {
    let sigstore = root.sigstore();
    let chains = |authorities: &[Authority]| {
        let certificates = authorities.iter().flat_map(Authority::certificates);
        let certificates = certificates.filter_map(|der| Certificate::from_der(der).ok());
        certificates.map(|certificate| certificate.to_pem()).collect::<String>().into_bytes()
    };
    let keys = |form: Form| {
        let all = root.registry().keys().filter(move |key| key.record.form == form);
        all.map(|key| public_key_pem(&key.record.public_key)).collect::<String>().into_bytes()
    };
    let parts = [
        (AUTHORITY, chains(&sigstore.certificate_authorities)),
        (CERTIFICATE_LOG, keys(Form::Sct)),
        (LOG_V1, keys(Form::Set)),
        (TIMESTAMPS, chains(&sigstore.timestamp_authorities)),
    ];
    parts.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

/// The newest root of the TUF repository, where the platform has one.
fn tuf_root(root: &TrustRoot, url: &str, ca: &Path) -> Result<Option<(&'static str, Vec<u8>)>, Failure> {
    let Some(newest) = root.registry().tuf().root() else { return Ok(None) };
    let ca = std::fs::read_to_string(ca).map_err(Failure::file("read", ca))?;
    let at = format!("{url}/tuf");
    let site = TufSite::new(&at, &format!("{at}/targets"), &Believed::Only(ca))?;
    let name = format!("{}.root.json", newest.version);
    let found = crate::online::call(site.metadata(&name, bytes_max(TufRole::Root)))?;
    Ok(found.map(|bytes| (TUF_ROOT, bytes)))
}
