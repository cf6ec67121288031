//! `avouch login`: stores how a server is reached and how this client proves itself.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use pki::Certificate;

use crate::context::{Context, ContextArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::followed;
use crate::terminal::Terminal;
use crate::tuf;

/// The flags of `avouch login`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("credential").required(true).args(["api_key_file", "cert"]))]
#[command(after_help = "\
Examples:
  avouch login https://sign.example.com:7443 --fingerprint 1f2e… --api-key-file ci.key
  avouch login https://sign.example.com:7443 --fingerprint 1f2e… --cert me.pem --key me.key
  avouch login https://sign.example.com:7443 --fingerprint 1f2e… --api-key-file ci.key --root root.json

With --root the platform is the one that its TUF repository names, now and whenever the trust root is fetched again. Get
root.json from an administrator (`avouch trust export --tuf`). Without it, compare the platform's fingerprint.

`avouch init` prints the fingerprint; it is the SHA-256 of DIR/client/ca.pem. Ask an administrator for it.")]
pub(crate) struct LoginArgs {
    /// The server's address
    url: String,
    /// The SHA-256 of the certificate that the server's own must come from; colons and spaces do not matter
    #[arg(long, value_name = "SHA256")]
    fingerprint: String,
    /// The file with an API key
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    /// A client certificate in PEM
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Its private key in PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// The address of the listener that anybody reads; otherwise the same host at the next port
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// The root of TUF to begin with: the repository at the public address is followed from it
    #[arg(long, value_name = "FILE", conflicts_with = "tuf")]
    root: Option<PathBuf>,
    /// The folder of `avouch trust follow`, where the repository is followed already, by a mirror too
    #[arg(long, value_name = "DIR")]
    tuf: Option<PathBuf>,
    /// The platform's id, if you know it: the trust root must be of it
    #[arg(long, value_name = "ID")]
    platform: Option<model::PlatformId>,
    #[command(flatten)]
    context: ContextArgs,
}

pub(super) fn run(args: &LoginArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let path = args.context.path()?;
    if let Some(folder) = path.parent() {
        crate::files::private_folder(folder)?;
    }
    // Until all of it is good, the context that is stored stays as it is.
    let ca = Candidate::beside(&path.with_file_name("ca.pem"));
    crate::files::write(&ca.path, authority(&args.url, &args.fingerprint)?.to_pem().as_bytes())?;
    let absolute = |path: &PathBuf| fs::canonicalize(path).map_err(Failure::file("find", path));
    let public_url = args.public_url.clone().or_else(|| next_port(&args.url));
    let begun = args.root.as_ref().map(|root| begin(root, public_url.as_deref(), &ca, &path)).transpose()?;
    let followed = args.tuf.as_ref().map(absolute).transpose()?;
    let context = Context {
        url: args.url.clone(),
        public_url,
        ca: ca.path.clone(),
        cert: args.cert.as_ref().map(absolute).transpose()?,
        key: args.key.as_ref().map(absolute).transpose()?,
        api_key_file: args.api_key_file.as_ref().map(absolute).transpose()?,
        trust_root: path.with_file_name("trust-root.json"),
        tuf: begun.as_ref().map(|begun| begun.path.clone()).or(followed),
        folder: None,
    };
    let client = context.client()?;
    let whoami = crate::online::call(client.whoami())?;
    let root = context.fetch_trust_root()?;
    if let Some(expected) = args.platform.filter(|expected| *expected != root.platform()) {
        return Err(Failure::Usage {
            what: format!("the server is of {}, and {expected} was expected", root.platform()),
            advice: "do not use this server before you know why",
        });
    }
    context.keep_trust_root(&root)?;
    let tuf = begun.map_or(Ok(context.tuf.clone()), |begun| begun.keep().map(Some))?;
    let context = Context { ca: ca.keep()?, tuf, ..context };
    context.save(&path)?;
    terminal.line(format_args!("you are {} at {}", terminal.bold(&whoami.name), args.url));
    terminal.line(format_args!("the platform's fingerprint is {}", root.fingerprint()));
    if context.tuf.is_some() {
        terminal.line("it is the platform that its TUF repository names, which is asked from now on");
    } else if args.platform.is_none() {
        terminal.line("compare it with its administrators': all verification rests on it");
    }
    Ok(Exit::Done)
}

/// Follows the repository at the public address from this root, in a folder beside the context.
fn begin(
    root: &Path,
    public_url: Option<&str>,
    ca: &Candidate,
    context: &Path,
) -> Result<Candidate, Failure> {
    let url = public_url.ok_or_else(|| Failure::Usage {
        what: "the server's public address, where its TUF repository is, is not known".to_owned(),
        advice: "name it with `--public-url URL`",
    })?;
    let ca = fs::read_to_string(&ca.path).map_err(Failure::file("read", &ca.path))?;
    let folder = Candidate::beside(&context.with_file_name("tuf"));
    folder.discard();
    tuf::begin(&folder.path, root)?;
    followed::name(&folder.path, format!("{}/tuf", url.trim_end_matches('/')), Some(ca))?;
    Ok(folder)
}

/// A file or a folder that takes its place only when it is kept.
#[derive(Debug)]
struct Candidate {
    path: PathBuf,
    place: PathBuf,
}

impl Candidate {
    fn beside(place: &Path) -> Self {
        Self { path: crate::files::suffixed(place, ".candidate"), place: place.to_owned() }
    }

    fn keep(self) -> Result<PathBuf, Failure> {
        if self.path.is_dir() {
            // A folder takes no other's place. What an earlier login followed is begun anew.
            let _gone_or_not_there = fs::remove_dir_all(&self.place);
        }
        fs::rename(&self.path, &self.place).map_err(Failure::file("write", &self.place))?;
        Ok(self.place.clone())
    }

    fn discard(&self) {
        let _kept_or_gone = fs::remove_file(&self.path).or_else(|_| fs::remove_dir_all(&self.path));
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        self.discard();
    }
}

/// The certificate with this fingerprint among those that the server presents.
fn authority(url: &str, fingerprint: &str) -> Result<Certificate, Failure> {
    let wanted: String =
        fingerprint.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_lowercase();
    let presented = crate::presented::certificates(url)?;
    let found = presented.into_iter().find(|certificate| certificate.fingerprint().to_string() == wanted);
    found.ok_or_else(|| Failure::Usage {
        what: format!("the server at `{url}` presents no certificate with the fingerprint {fingerprint}"),
        advice: "ask an administrator for the fingerprint again; if it stays wrong, somebody stands in between",
    })
}

/// `https://HOST:7443` and its neighbour `https://HOST:7444`, as `avouch init` lays them out.
fn next_port(url: &str) -> Option<String> {
    let (before, port) = url.trim_end_matches('/').rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    Some(format!("{before}:{}", port.checked_add(1)?))
}
