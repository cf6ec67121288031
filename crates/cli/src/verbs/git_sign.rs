//! `avouch git-sign`: what git calls to sign and to verify, in the words of `ssh-keygen` (`gpg.ssh.program`); those of
//! `gpg` and `gpgsm` are beneath.
//!
//! Signing is the platform's. What git verifies, `ssh-keygen` verifies, because who may sign what is said in its own file
//! (`allowed_signers`): those calls go to it as they are.

mod gpgsm;
mod object;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use api::ProfileView;
use clap::{Args, ValueEnum};
use envelope::detached::Kind;
use envelope::sshsig::{SSHSIG_BYTES_MAX, SshKey};
use model::Form;

use crate::exit::Exit;
use crate::failure::Failure;
use object::{OBJECT_BYTES_MAX, Outcome};

pub(crate) use gpgsm::GitGpgsmArgs;
pub(super) use gpgsm::run as run_gpgsm;

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

/// The first word of a command line of git's, in the words of `ssh-keygen`.
const FIRST: &str = "-Y";

/// The first words of one in the words of `gpg` and `gpgsm`.
const FIRST_OF_GPGSM: [&str; 2] = ["--status-fd", "--keyid-format"];

/// A command line with our verb in it. Git calls the program that its configuration names, and puts nothing before its own
/// words: no verb of ours begins as those do.
pub(crate) fn spelled_out(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.collect();
    let first = words.get(1).map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    if first == FIRST {
        words.insert(1, "git-sign".into());
    } else if FIRST_OF_GPGSM.iter().any(|known| first.starts_with(known)) {
        words.insert(1, "git-gpgsm".into());
    }
    words
}

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
    let check = |view: &ProfileView| check_key(key, view);
    match object::sign(&bytes, Kind::SshSig, &["--namespace", &args.namespace], check)? {
        Outcome::Unsigned(exit) => Ok(exit),
        Outcome::Signed(signature) => {
            crate::files::write(&crate::files::suffixed(object, ".sig"), &signature)?;
            Ok(Exit::Done)
        }
    }
}

/// The signature must be of the key that git was told of; another's would be none.
fn check_key(file: &Path, view: &ProfileView) -> Result<(), Failure> {
    let text = crate::files::read_bounded(file, SSHSIG_BYTES_MAX)?;
    let text = String::from_utf8_lossy(&text);
    let name = file.display().to_string();
    let wanted =
        SshKey::from_line(text.trim()).map_err(Failure::input(name, "the public key of an SSH key"))?;
    match view.keys.iter().find(|key| key.form == Form::SshSig) {
        Some(key) if key.public_key == *wanted.key() => Ok(()),
        _ => Err(Failure::Usage {
            what: format!(
                "profile `{}` does not sign with the key that `user.signingKey` names",
                view.profile.name
            ),
            advice: "set `avouch.profile` to a profile of that key, or `user.signingKey` to the line of `avouch key show KEY --public`",
        }),
    }
}
