//! `avouch demo`: the whole cycle on this machine, told step by step.

mod keyless;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ::server::Addresses;
use ::verify::{Artifact, Expectations, Present, Refused, TimeSource, Verified, verify_receipt};
use clap::{Args, Parser};
use envelope::detached;
use model::Form;
use model::receipt::Receipt;

use crate::config::{Config, Ports};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::terminal::Terminal;
use crate::verbs::init::{self, Founded, InitArgs};
use crate::verbs::sign::{self, SignArgs};

/// The flags of `avouch demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch demo                          sign avouch itself
  avouch demo firmware.bin             sign a file of yours
  avouch demo --keyless firmware.bin   sign it in somebody's name, without a key of theirs
  avouch demo --keep                   leave it running, to try the other verbs on it")]
pub(crate) struct DemoArgs {
    /// The file to sign; otherwise this very program
    file: Option<PathBuf>,
    /// Sign without a key: as whoever an ID token names, which an issuer on this machine gives
    #[arg(long)]
    keyless: bool,
    /// Where to leave the files; otherwise a new folder in the system's temporary one
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Leave everything running until Ctrl-C
    #[arg(long)]
    keep: bool,
}

/// What was put up for the demonstration.
struct Stage {
    founded: Founded,
    context: Context,
    addresses: Addresses,
}

/// The scene: the folder that stays, and how to speak.
struct Scene {
    out: PathBuf,
    file: PathBuf,
    name: String,
    terminal: Terminal,
    began: Instant,
}

pub(super) fn run(args: &DemoArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let scene = Scene::set(args, terminal)?;
    let founded = if args.keyless { keyless::play(&scene)? } else { scene.play()? };
    scene.close(&founded, args);
    let platform = founded.folder.path().to_owned();
    if args.keep {
        founded.household.keep(terminal)?;
    } else {
        drop(founded);
    }
    // The keys of a demonstration are worth nothing to anybody, and are not left behind.
    fs::remove_dir_all(&platform).map_err(Failure::file("remove", &platform))?;
    Ok(Exit::Done)
}

impl Scene {
    fn set(args: &DemoArgs, terminal: Terminal) -> Result<Self, Failure> {
        let began = Instant::now();
        let given = args.file.clone().map_or_else(std::env::current_exe, Ok);
        let source = given.map_err(Failure::inside("find this program's own file"))?;
        let unique = data_encoding::HEXLOWER.encode(&crate::random::bytes::<4>());
        let out =
            args.out.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("avouch-demo-{unique}")));
        files::private_folder(&out)?;
        let name =
            source.file_name().map_or_else(|| "file".to_owned(), |name| name.to_string_lossy().into_owned());
        let file = out.join(&name);
        // A copy in the same folder, so that every command below can be run there and nothing touches the original.
        fs::copy(&source, &file).map_err(Failure::file("copy", &source))?;
        Ok(Self { out, file, name, terminal, began })
    }

    fn step(&self, title: &str) {
        let at = format!("{:.2} s", self.began.elapsed().as_secs_f64());
        self.terminal.line("");
        self.terminal.line(format_args!("{}  {}", self.terminal.bold(title), self.terminal.dim(&at)));
    }

    fn say(&self, text: impl std::fmt::Display) {
        self.terminal.line(format_args!("  {text}"));
    }

    /// A key signs.
    fn play(&self) -> Result<Founded, Failure> {
        let Stage { founded, context, .. } = self.found(&self.plan(), |_| {})?;
        self.sign(&founded, &context)?;
        self.verify(&founded)?;
        self.tamper(&founded)?;
        self.foreign(&self.commands())?;
        Ok(founded)
    }

    fn plan(&self) -> InitArgs {
        InitArgs::for_folder(&self.out.join("platform"))
    }

    fn found(&self, plan: &InitArgs, wire: impl FnOnce(&mut Config)) -> Result<Stage, Failure> {
        self.step("1. Found a platform");
        let mut founded = init::found(plan, Ports::Any)?;
        // The server reads the file when it starts.
        wire(&mut founded.folder.config);
        files::write(&founded.folder.at(crate::config::FILE), founded.folder.config.encode().as_bytes())?;
        let registry = founded.trust_root.registry();
        self.say("A key process was started. It made its keys itself, and no other process ever sees them.");
        self.say("An administrator signed the beginning of the registry, and then each key in it, with an SSH key:");
        for key in registry.keys() {
            self.say(format_args!(
                "  {:<20} signs {} and nothing else",
                key.record.name.to_string(),
                what_signs(key.record.form)
            ));
        }
        self.say(format_args!(
            "All of it hangs on one number, the platform's id: {}",
            founded.trust_root.platform()
        ));
        let addresses = founded.household.start_server()?;
        self.say(format_args!(
            "A server was started beside it, on loopback (port {}). It holds no key; it asks the key process.",
            addresses.listen.port()
        ));
        let (listen, public) = (addresses.listen.port(), addresses.public_listen.port());
        let context = init::context(&founded.folder, "localhost", listen, public);
        context.save(&self.context())?;
        Ok(Stage { founded, context, addresses })
    }

    fn sign(&self, founded: &Founded, stage: &Context) -> Result<(), Failure> {
        self.step(&format!("2. Sign `{}`", self.name));
        let context = self.context();
        let said = ["--product", &self.name, "--version", "demo", "--source", ""].map(OsStr::new);
        let line = [
            &[OsStr::new("sign"), self.file.as_os_str(), OsStr::new("--context"), context.as_os_str()],
            &said[..],
        ];
        let args = SignLine::try_parse_from(line.concat())
            .map_err(Failure::inside("read the demonstration's own command"))?
            .args;
        let (view, signed) = sign::sign(&args, stage)?;
        if signed.is_empty() {
            return Err(Failure::Process {
                process: "the server",
                fault: format!("did not sign: {}", view.reasons.join("; ")),
            });
        }
        self.say("The file was hashed here; only its digest and a description travelled.");
        self.say("The server asked its policy, wrote down the intent, and ordered the signatures: an order carries no bytes.");
        self.say("The key process composed what is signed from the request itself, checked it, journalled it, and signed.");
        self.say("A timestamp authority countersigned the time; the signature went into a transparency log.");
        for path in signed.iter().flat_map(|file| &file.written) {
            self.say(format_args!("  wrote {}", path.file_name().unwrap_or_default().to_string_lossy()));
        }
        self.export(founded)
    }

    fn context(&self) -> PathBuf {
        self.out.join("context.toml")
    }

    fn administrator_passphrase(&self) -> PathBuf {
        self.out.join("administrator.passphrase")
    }

    /// What foreign tools need beside the signatures.
    fn export(&self, founded: &Founded) -> Result<(), Failure> {
        let root = &founded.trust_root;
        let put = |name: &str, bytes: &[u8]| files::write(&self.out.join(name), bytes);
        put("trust-root.json", &root.encode())?;
        put("trusted_root.json", &root.sigstore().to_json())?;
        put("root.pem", super::trust::roots_pem(root).as_bytes())?;
        let receipt = self.receipt()?;
        for signed in &receipt.items {
            for one in detached::of_item(signed, None).map_err(Failure::inside("project a receipt"))? {
                match one.kind {
                    detached::Kind::Signature => {
                        put("key.pub.pem", super::trust::public_key_pem(&signed.public_key).as_bytes())?
                    }
                    detached::Kind::Timestamp => {
                        put(&format!("{}{}", self.name, one.kind.suffix()), &one.bytes)?
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn receipt(&self) -> Result<Receipt, Failure> {
        crate::reading::receipt(&files::suffixed(&self.file, detached::Kind::Receipt.suffix()))
    }

    fn judge(&self, founded: &Founded, file: &Path) -> Result<Result<Verified, Refused>, Failure> {
        let artifact = Artifact { name: Some(self.name.clone()), ..crate::reading::artifact(file, &[])? };
        let present = Present { at: crate::clock::now(), source: TimeSource::SystemClock };
        Ok(verify_receipt(
            &artifact,
            &self.receipt()?,
            &founded.trust_root,
            &Expectations::default(),
            present,
        ))
    }

    fn verify(&self, founded: &Founded) -> Result<(), Failure> {
        self.step("3. Verify it, offline");
        let verified = self
            .judge(founded, &self.file)?
            .map_err(|source| Failure::Refused { subject: format!("`{}` is refused", self.name), source })?;
        for item in verified.items() {
            let form = item.item().map_or("", |item| item.form.word());
            self.say(format_args!("The `{form}` signature, from the receipt and the trust root alone:"));
            self.tell_proven(item);
        }
        self.say("What was not checked, because nobody can from here:");
        verified.not_checked().iter().for_each(|open| self.say(format_args!("  · {open}")));
        Ok(())
    }

    fn tamper(&self, founded: &Founded) -> Result<(), Failure> {
        self.step("4. Change one byte of a copy");
        let copy = self.tampered()?;
        self.tell_refused(self.judge(founded, &copy)?)
    }

    /// A copy of the file with one byte changed.
    fn tampered(&self) -> Result<PathBuf, Failure> {
        let copy = files::suffixed(&self.file, ".tampered");
        let mut bytes = fs::read(&self.file).map_err(Failure::file("read", &self.file))?;
        let middle = bytes.len() / 2;
        match bytes.get_mut(middle) {
            Some(byte) => *byte ^= 1,
            None => bytes.push(0),
        }
        fs::write(&copy, &bytes).map_err(Failure::file("write", &copy))?;
        Ok(copy)
    }

    fn tell_proven(&self, item: &::verify::VerifiedItem) {
        item.proven()
            .iter()
            .for_each(|proof| self.say(format_args!("  {} {proof}", self.terminal.good("✓"))));
    }

    fn tell_refused(&self, judged: Result<Verified, Refused>) -> Result<(), Failure> {
        let Err(refused) = judged else {
            let fault = "accepted what it must refuse; that is a fault of avouch".to_owned();
            return Err(Failure::Process { process: "avouch", fault });
        };
        self.say(format_args!("{} {refused}", self.terminal.bad("refused:")));
        let cause = std::error::Error::source(&refused).map(ToString::to_string).unwrap_or_default();
        self.say(format_args!("  because {cause}"));
        Ok(())
    }

    /// `script` is run in the folder.
    fn foreign(&self, script: &str) -> Result<(), Failure> {
        self.step("5. Do not take our word for it");
        self.say("The same files verify with tools that know nothing of avouch. Run these:");
        let file = format!("#!/bin/sh\nset -ex\ncd \"$(dirname \"$0\")\"\n{script}");
        files::write(&self.out.join("verify-with-others.sh"), file.as_bytes())?;
        let there = format!("cd {}", shell(&self.out.to_string_lossy()));
        let lines = std::iter::once(there.as_str()).chain(script.lines());
        lines.for_each(|line| self.terminal.line(format_args!("    {line}")));
        Ok(())
    }

    fn commands(&self) -> String {
        let name = shell(&self.name);
        let suffixed = |kind: detached::Kind| shell(&format!("{}{}", self.name, kind.suffix()));
        let (p7s, sig, tsr) = (
            suffixed(detached::Kind::Cms),
            suffixed(detached::Kind::Signature),
            suffixed(detached::Kind::Timestamp),
        );
        let bundle = suffixed(detached::Kind::Bundle);
        format!(
            "openssl cms -verify -binary -inform DER -in {p7s} -content {name} -CAfile root.pem -purpose any -out /dev/null\n\
             openssl dgst -sha256 -verify key.pub.pem -signature {sig} {name}\n\
             openssl ts -verify -in {tsr} -data {sig} -CAfile root.pem\n\
             cosign verify-blob --key key.pub.pem --trusted-root trusted_root.json --use-signed-timestamps --bundle {bundle} {name}\n"
        )
    }

    fn close(&self, founded: &Founded, args: &DemoArgs) {
        self.step("Done");
        self.say(format_args!("The files are in {}", self.out.display()));
        if args.keep {
            self.say("Everything stays up until Ctrl-C. To try more:");
            self.say(format_args!(
                "  export AVOUCH_CONTEXT={} AVOUCH_DIR={}",
                self.context().display(),
                founded.folder.path().display()
            ));
            self.say("  avouch whoami; avouch key list; avouch log checkpoint");
        } else {
            for path in [self.context(), self.administrator_passphrase()] {
                let _not_needed = fs::remove_file(path);
            }
        }
        if !args.keep && !args.keyless {
            self.say(format_args!(
                "  avouch explain --trust-root {0}/trust-root.json {0}/{1}",
                self.out.display(),
                self.name
            ));
        }
    }
}

/// The command line of `avouch sign`, as the demonstration types it.
#[derive(Debug, Parser)]
#[command(disable_version_flag = true)]
struct SignLine {
    #[command(flatten)]
    args: SignArgs,
}

fn what_signs(form: Form) -> &'static str {
    match form {
        Form::Blob => "digests of files",
        Form::Cms => "CMS attributes",
        Form::Ca => "certificates of the platform's keys",
        Form::Certificate => "certificates of holders of ID tokens",
        Form::Sct => "promises to the log of certificates",
        Form::Timestamp => "timestamps",
        Form::Checkpoint => "checkpoints of the log",
        Form::Tuf => "one role's metadata of the TUF repository",
        _ => "one kind of thing",
    }
}

/// A word as a shell reads it.
fn shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+=:,@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
