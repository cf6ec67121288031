//! `avouch git-sign`: what git calls to sign and to verify, in the words of `ssh-keygen` (`gpg.ssh.program`).
//!
//! Signing is the platform's. What git verifies, `ssh-keygen` verifies, because who may sign what is said in its own file
//! (`allowed_signers`): those calls go to it as they are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, Parser, ValueEnum};
use envelope::detached::Kind;
use envelope::sshsig::SshKey;
use model::{Form, Space, limits};

use crate::context::{Context, ContextArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::random;
use crate::terminal::Terminal;
use crate::verbs::sign::{self, SignArgs};

/// The flags of `avouch git-sign`: those of `ssh-keygen -Y` as git writes them.
#[derive(Debug, Args)]
#[command(after_help = "\
Example, once for a repository; the profile signs with a key of form sshsig whose record lists the namespace `git`:
  git config gpg.format ssh
  git config gpg.ssh.program avouch
  git config user.signingKey \"key::$(avouch key show default/git --public | cut -d' ' -f3-)\"
  git config avouch.profile default/git
  git config gpg.ssh.allowedSignersFile ~/.config/git/allowed_signers
  git commit -S")]
pub(crate) struct GitSignArgs {
    /// What is asked
    #[arg(short = 'Y', value_enum)]
    ask: Ask,
    /// The namespace: `git`
    #[arg(short = 'n', default_value = "git")]
    namespace: String,
    /// The public key that signs, or the file of allowed signers
    #[arg(short = 'f', value_name = "FILE")]
    file: Option<PathBuf>,
    /// The key is in an agent: nothing to avouch, whose keys are in the platform
    #[arg(short = 'U')]
    agent: bool,
    /// The signature that is verified
    #[arg(short = 's', value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Whose it must be
    #[arg(short = 'I', value_name = "PRINCIPAL")]
    principal: Option<String>,
    /// An option of ssh-keygen's
    #[arg(short = 'O', value_name = "OPTION")]
    options: Vec<String>,
    /// What is signed; the signature is written beside it
    object: Option<PathBuf>,
}

/// What git asks of `ssh-keygen`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ask {
    Sign,
    Verify,
    FindPrincipals,
    CheckNovalidate,
    MatchPrincipals,
}

/// The first word of a command line of git's.
const FIRST: &str = "-Y";

/// A command line with our verb in it. Git calls the program that its configuration names, and puts nothing before its own
/// words: no verb of ours begins as those do.
pub(crate) fn spelled_out(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.collect();
    if words.get(1).is_some_and(|word| word == FIRST) {
        words.insert(1, "git-sign".into());
    }
    words
}

/// How many seconds git waits where its configuration does not say: the next attempt is another object, with another time
/// in it, so that endorsements which come later are for nothing.
const WAIT_S: &str = "60";

/// The largest commit or tag that is signed: few lines, and a message.
const OBJECT_BYTES_MAX: usize = 1024 * 1024;

pub(super) fn run(args: &GitSignArgs) -> Result<Exit, Failure> {
    match (args.ask, &args.file, &args.object) {
        (Ask::Sign, Some(key), Some(object)) => sign(args, key, object),
        (Ask::Sign, ..) => Err(Failure::Usage {
            what: "git names a key with `-f` and a file that it wants signed".to_owned(),
            advice: "let git call it: `git config gpg.ssh.program avouch`",
        }),
        _ => ask_ssh_keygen(),
    }
}

/// Hands git's own words on.
fn ask_ssh_keygen() -> Result<Exit, Failure> {
    let words = std::env::args_os().skip_while(|word| word != FIRST);
    let status = Command::new("ssh-keygen").args(words).status();
    let status = status.map_err(Failure::file("run", Path::new("ssh-keygen")))?;
    Ok(if status.success() { Exit::Done } else { Exit::Bad })
}

fn sign(args: &GitSignArgs, key: &Path, object: &Path) -> Result<Exit, Failure> {
    let bytes = crate::files::read_bounded(object, OBJECT_BYTES_MAX)?;
    let told = Object::read(&bytes);
    let context = ContextArgs::default().load()?;
    let profile = profile()?;
    check_key(key, &profile, &context)?;
    let folder = Folder::new()?;
    let copy = folder.0.join(&told.name);
    crate::files::write(&copy, &bytes)?;
    let line: Vec<OsString> = [
        "git-sign".into(),
        copy.clone().into(),
        "--profile".into(),
        profile.to_string().into(),
        "--namespace".into(),
        args.namespace.clone().into(),
        "--reason".into(),
        told.subject.into(),
        "--wait".into(),
        said("avouch.wait").unwrap_or_else(|| WAIT_S.to_owned()).into(),
    ]
    .into();
    let asked = SignLine::try_parse_from(line).map_err(Failure::inside("read our own command"))?.args;
    let (view, _) = sign::sign(&asked, &context)?;
    let exit = sign::exit_of(view.state);
    if exit != Exit::Done {
        Terminal::new().note(format_args!("request {}: {}", view.id, sign::state_text(view.state)));
        return Ok(exit);
    }
    let made = crate::files::suffixed(&copy, Kind::SshSig.suffix());
    let signature = crate::files::read_bounded(&made, envelope::sshsig::SSHSIG_BYTES_MAX)?;
    crate::files::write(&crate::files::suffixed(object, ".sig"), &signature)?;
    Ok(Exit::Done)
}

/// What git's configuration says.
fn said(name: &str) -> Option<String> {
    crate::source::git(&["config", "--get", name])
}

/// The profile that git's configuration names.
fn profile() -> Result<Space, Failure> {
    let name = said("avouch.profile").unwrap_or_else(|| "default".to_owned());
    name.parse().map_err(Failure::input(name, "the name of a profile; see `git config avouch.profile`"))
}

/// Git writes into the commit whose signature it wants; another key's would be none.
fn check_key(file: &Path, profile: &Space, context: &Context) -> Result<(), Failure> {
    let text = crate::files::read_bounded(file, envelope::sshsig::SSHSIG_BYTES_MAX)?;
    let text = String::from_utf8_lossy(&text);
    let name = file.display().to_string();
    let wanted =
        SshKey::from_line(text.trim()).map_err(Failure::input(name, "the public key of an SSH key"))?;
    let view = crate::online::call(context.client()?.profile(profile))?;
    let ours = view.keys.iter().find(|key| key.form == Form::SshSig);
    match ours {
        Some(key) if key.public_key == *wanted.key() => Ok(()),
        _ => Err(Failure::Usage {
            what: format!("profile `{profile}` does not sign with the key that `user.signingKey` names"),
            advice: "set `avouch.profile` to a profile of that key, or `user.signingKey` to the line of `avouch key show KEY --public`",
        }),
    }
}

/// What git wants signed, as far as it helps those who endorse it.
struct Object {
    name: String,
    subject: String,
}

impl Object {
    /// A commit begins with its tree, a tag with what it tags; the message stands behind an empty line.
    fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
        let plain = |text: &str, most: usize| -> String {
            text.chars().filter(|letter| !letter.is_control()).take(most).collect()
        };
        let tag = head.lines().find_map(|line| line.strip_prefix("tag "));
        let name = match (head.starts_with("tree "), tag) {
            (true, _) => "commit".to_owned(),
            (false, Some(tag)) => format!("tag {}", plain(tag, 64).replace('/', " ")),
            (false, None) => "push certificate".to_owned(),
        };
        let subject = plain(message.lines().next().unwrap_or_default(), limits::TEXT_BYTES_MAX / 4);
        Self { name, subject }
    }
}

/// A folder of our own, which goes away again.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        let name = format!("avouch-{}", data_encoding::HEXLOWER.encode(&random::bytes::<8>()));
        let folder = Self(std::env::temp_dir().join(name));
        crate::files::private_folder(&folder.0)?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _nobody_reads = std::fs::remove_dir_all(&self.0);
    }
}

/// The command line of `avouch sign`, as it is written here.
#[derive(Debug, Parser)]
#[command(disable_version_flag = true)]
struct SignLine {
    #[command(flatten)]
    args: SignArgs,
}
