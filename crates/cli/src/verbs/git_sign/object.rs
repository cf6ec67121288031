//! What git wants signed, on its way through a request.

use std::ffi::OsString;
use std::path::PathBuf;

use api::ProfileView;
use clap::Parser;
use envelope::detached::Kind;
use model::{Space, limits};

use crate::context::ContextArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::random;
use crate::terminal::Terminal;
use crate::verbs::sign::{self, SignArgs};

/// The largest commit or tag that is signed: few lines, and a message.
pub(super) const OBJECT_BYTES_MAX: usize = 1024 * 1024;

/// The largest signature that is read back.
const SIGNATURE_BYTES_MAX: usize = 1024 * 1024;

/// How many seconds git waits where its configuration does not say: the next attempt is another object, with another time
/// in it, so that endorsements which come later are for nothing.
const WAIT_S: &str = "60";

/// What became of an object.
pub(super) enum Outcome {
    /// It is signed.
    Signed(Vec<u8>),
    /// It is not, and was said why.
    Unsigned(Exit),
}

/// Has an object signed under the profile that git's configuration names, once that was looked at, and gives the signature
/// of this kind.
pub(super) fn sign(
    bytes: &[u8],
    kind: Kind,
    flags: &[&str],
    check: impl FnOnce(&ProfileView) -> Result<(), Failure>,
) -> Result<Outcome, Failure> {
    let context = ContextArgs::default().load()?;
    let profile = profile()?;
    check(&crate::online::call(context.client()?.profile(&profile))?)?;
    let told = Object::read(bytes);
    let folder = Folder::new()?;
    let copy = folder.0.join(&told.name);
    crate::files::write(&copy, bytes)?;
    let wait = said("avouch.wait").unwrap_or_else(|| WAIT_S.to_owned());
    // A subject may begin with a hyphen, and is no flag.
    let words =
        [format!("--profile={profile}"), format!("--reason={}", told.subject), format!("--wait={wait}")];
    let line = [OsString::from("git-sign"), copy.clone().into()].into_iter();
    let line = line.chain(words.into_iter().map(OsString::from)).chain(flags.iter().map(OsString::from));
    let asked = SignLine::try_parse_from(line).map_err(Failure::inside("read our own command"))?.args;
    let (view, _) = sign::sign(&asked, &context)?;
    let exit = sign::exit_of(view.state);
    if exit != Exit::Done {
        Terminal::new().note(format_args!("request {}: {}", view.id, sign::state_text(view.state)));
        view.reasons.iter().for_each(|reason| Terminal::new().note(format_args!("  {reason}")));
        return Ok(Outcome::Unsigned(exit));
    }
    let made = crate::files::suffixed(&copy, kind.suffix());
    if !made.exists() {
        return Err(Failure::Usage {
            what: format!("profile `{profile}` has no key that makes `{}`", kind.suffix()),
            advice: "set `avouch.profile` to a profile with a key of the form that `gpg.format` asks for",
        });
    }
    crate::files::read_bounded(&made, SIGNATURE_BYTES_MAX).map(Outcome::Signed)
}

/// What git's configuration says.
pub(super) fn said(name: &str) -> Option<String> {
    crate::source::git(&["config", "--get", name])
}

/// The profile that git's configuration names.
fn profile() -> Result<Space, Failure> {
    let name = said("avouch.profile").unwrap_or_else(|| "default".to_owned());
    name.parse().map_err(Failure::input(name, "the name of a profile; see `git config avouch.profile`"))
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
