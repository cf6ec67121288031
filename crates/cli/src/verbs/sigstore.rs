//! `avouch sigstore`: how the clients of Sigstore sign and verify with this platform.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::sign::keyless::public_url;
use crate::context::{Context, ContextArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

const ROOT: &str = "trusted_root.json";
const CONFIG: &str = "signing_config.v0.2.json";
/// Both in one, for sigstore-python.
const BOTH: &str = "client_trust_config.json";
/// The certificates that the server's own come from.
const CA: &str = "ca.pem";

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

Into the folder, which is made if need be, come trusted_root.json, signing_config.v0.2.json, both of them in
client_trust_config.json, and ca.pem, from which the server's own certificate comes.")]
    Files {
        /// The folder
        dir: PathBuf,
        #[command(flatten)]
        context: ContextArgs,
    },
    /// Print the environment and the commands of a client
    #[command(
        after_help = "Examples:\n  avouch sigstore env cosign\n  avouch sigstore env sigstore-python --files sigstore/"
    )]
    Env {
        /// Which client
        client: Client,
        /// The folder that `avouch sigstore files` wrote
        #[arg(long, value_name = "DIR", default_value = "sigstore")]
        files: PathBuf,
    },
}

/// A client of Sigstore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Client {
    /// cosign, from 3.1 on
    Cosign,
    /// The `sigstore` package of Python, from 4.3 on
    SigstorePython,
    /// The `@sigstore/sign` and `@sigstore/verify` packages of Node
    SigstoreJs,
}

pub(super) fn run(args: &SigstoreArgs, terminal: Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        SigstoreVerb::Files { dir, context } => {
            let context = context.load()?;
            for path in write(dir, &context)? {
                terminal.line(path.display());
            }
        }
        SigstoreVerb::Env { client, files } => {
            client.lines(files).iter().for_each(|line| terminal.line(line));
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
    let files = [(ROOT, root), (CONFIG, config), (BOTH, both), (CA, ca)];
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

impl Client {
    fn lines(self, files: &Path) -> Vec<String> {
        let at = |name: &str| files.join(name).display().to_string();
        let by = "--certificate-identity ada@example.com --certificate-oidc-issuer https://login.example.com";
        match self {
            Self::Cosign => {
                let root = at(ROOT);
                vec![
                    format!("export SSL_CERT_FILE={}", at(CA)),
                    format!(
                        "cosign sign-blob --signing-config {} --trusted-root {root} --bundle FILE.sigstore.json FILE",
                        at(CONFIG)
                    ),
                    format!(
                        "cosign verify-blob --trusted-root {root} --use-signed-timestamps {by} --bundle FILE.sigstore.json FILE"
                    ),
                ]
            }
            Self::SigstorePython => {
                let both = at(BOTH);
                vec![
                    format!("export SSL_CERT_FILE={ca} REQUESTS_CA_BUNDLE={ca}", ca = at(CA)),
                    format!("sigstore --trust-config {both} sign --bundle FILE.sigstore.json FILE"),
                    format!(
                        "sigstore --trust-config {both} verify identity --cert-identity ada@example.com --cert-oidc-issuer https://login.example.com --bundle FILE.sigstore.json FILE"
                    ),
                ]
            }
            Self::SigstoreJs => vec![
                format!("export NODE_EXTRA_CA_CERTS={}", at(CA)),
                format!(
                    "// sign: bundleBuilderFromSigningConfig({{ signingConfig: SigningConfig.fromJSON(<{}>), … }})",
                    at(CONFIG)
                ),
                format!("// verify: new Verifier(toTrustMaterial(TrustedRoot.fromJSON(<{}>)))", at(ROOT)),
            ],
        }
    }
}
