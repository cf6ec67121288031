//! Administrative requests that wait for more people. Such a request is a file: the registry entry that it will be, with
//! the endorsements so far. It is handed around, and whoever administers the key process submits it in the end.
//!
//! Beside it lies, for each administrator, the message that they sign: who has no avouch signs it with `ssh-keygen`.

use std::fs;
use std::path::{Path, PathBuf};

use envelope::sshsig::{SshKey, SshSig};
use model::{Base64, Instant, PrincipalId, limits};
use quorum::{
    Asked, Change, Credential, Decision, Endorsement, Entry, Moment, Principal, Proof, Registry,
    RegistryError, SSH_NAMESPACE, Shortfall,
};
use signer::{AdminClient, AdminMessage};

use super::{send, words};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::ssh;
use crate::terminal::Terminal;

/// An administrative request in its file.
#[derive(Debug)]
pub(crate) struct Pending {
    path: PathBuf,
    entry: Entry,
}

/// What became of an administrative request.
#[derive(Debug)]
pub(crate) enum Granted {
    /// The registry took it.
    Now,
    /// It waits for more endorsements.
    Waits(Box<Waiting>),
}

/// A request with what it lacks.
#[derive(Debug)]
pub(crate) struct Waiting {
    pending: Pending,
    missing: String,
    signers: Vec<Principal>,
}

impl Pending {
    pub(crate) const fn new(path: PathBuf, entry: Entry) -> Self {
        Self { path, entry }
    }

    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        const EXPECTED: &str = "an administrative request";
        let bytes = files::read_bounded(path, limits::ENTRY_BYTES_MAX)?;
        let name = path.display().to_string();
        let entry = Entry::parse(&bytes).map_err(Failure::input(name.clone(), EXPECTED))?;
        if entry.asked().is_none() {
            let fault = "nothing is asked in it, or something else than it shows: do not endorse it";
            return Err(Failure::input(name, EXPECTED)(fault));
        }
        Ok(Self { path: path.to_owned(), entry })
    }

    pub(crate) const fn entry(&self) -> &Entry {
        &self.entry
    }

    /// What its endorsers sign.
    pub(crate) fn asked(&self) -> Asked {
        self.entry.asked().expect("a request that asks for nothing is neither loaded nor composed")
    }

    /// Those who may have to endorse it: whom it names, and who administers already.
    pub(crate) fn signers(&self, registry: Option<&Registry>) -> Vec<Principal> {
        let mut signers: Vec<Principal> =
            registry.into_iter().flat_map(Registry::administrators).cloned().collect();
        for change in &self.entry.changes {
            match change {
                Change::Genesis(genesis) => signers.extend(genesis.principals.iter().cloned()),
                Change::Administrators(new) => signers.extend(new.principals.iter().cloned()),
                _ => {}
            }
        }
        signers
    }

    /// Takes an endorsement in; who endorsed before endorses anew.
    pub(crate) fn add(&mut self, endorsement: Endorsement) {
        self.entry.endorsements.retain(|known| known.principal != endorsement.principal);
        self.entry.endorsements.push(endorsement);
    }

    /// Takes in what another copy of it has.
    pub(crate) fn merge(&mut self, other: Self) -> Result<(), Failure> {
        if self.asked() != other.asked() || self.entry.previous != other.entry.previous {
            return Err(Failure::Usage {
                what: format!(
                    "`{}` asks for something else than `{}`",
                    other.path.display(),
                    self.path.display()
                ),
                advice: "name copies of one request, each with the endorsements that it got",
            });
        }
        other.entry.endorsements.into_iter().for_each(|endorsement| self.add(endorsement));
        Ok(())
    }

    /// Takes in the signatures that `ssh-keygen` put beside the messages.
    pub(crate) fn collect(&mut self, registry: Option<&Registry>) -> Result<(), Failure> {
        for signer in self.signers(registry) {
            let path = files::suffixed(&self.message_path(&signer.principal), ".sig");
            if path.exists() {
                let endorsement = self.signed(&signer, &path)?;
                self.add(endorsement);
            }
        }
        Ok(())
    }

    fn signed(&self, signer: &Principal, path: &Path) -> Result<Endorsement, Failure> {
        let name = path.display().to_string();
        let armored = fs::read_to_string(path).map_err(Failure::file("read", path))?;
        let blob = ssh::blob(&name, &armored)?;
        let expected = "this administrator's signature of this request";
        let signature = SshSig::from_blob(&blob).map_err(Failure::input(name.clone(), expected))?;
        let message = self.message(&signer.principal);
        let keys = signer.credentials.iter().filter_map(|credential| match credential {
            Credential::Ssh { public_key, .. } => SshKey::from_wire(&public_key.0).ok(),
            _ => None,
        });
        let mut verified =
            keys.map(|key| signature.verify(SSH_NAMESPACE, message.as_bytes(), &key).map(|_| ()));
        let any = verified.by_ref().find(Result::is_ok);
        if any.is_none() {
            return Err(Failure::input(name, expected)("it verifies with none of their keys"));
        }
        Ok(Endorsement {
            principal: signer.principal,
            decision: Decision::Endorse,
            facet: None,
            time: self.time(),
            proof: Proof::Ssh { signature: Base64(blob) },
        })
    }

    /// Writes it, and what everybody who has not endorsed it yet would sign.
    pub(crate) fn save(&self, signers: &[Principal]) -> Result<(), Failure> {
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            files::private_folder(folder)?;
        }
        files::write(&self.path, &self.entry.encode())?;
        for signer in signers.iter().filter(|signer| !self.is_endorsed_by(&signer.principal)) {
            let path = self.message_path(&signer.principal);
            files::write(&path, self.message(&signer.principal).as_bytes())?;
        }
        Ok(())
    }

    /// Takes it away, with all that lies beside it.
    pub(crate) fn remove(&self, signers: &[Principal]) {
        let mut paths = vec![self.path.clone()];
        for signer in signers {
            let message = self.message_path(&signer.principal);
            paths.extend([files::suffixed(&message, ".sig"), message]);
        }
        paths.iter().for_each(|path| {
            let _it_was_never_there = fs::remove_file(path);
        });
    }

    /// Has the key process take it, if enough have endorsed it; else it goes to its file.
    ///
    /// What the key process will check is checked here first, where the text of a refusal is richer.
    pub(crate) fn grant(
        self,
        registry: &mut Registry,
        key_process: &AdminClient,
        now: Instant,
    ) -> Result<Granted, Failure> {
        let bytes = self.entry.encode();
        let signers = self.signers(Some(registry));
        match registry.append(&bytes, Moment::Live(now)) {
            Ok(()) => {
                send(key_process, "change the registry", AdminMessage::Append { entry: bytes })?;
                self.remove(&signers);
                Ok(Granted::Now)
            }
            Err(error) => self.wait(error, signers),
        }
    }

    /// Has the key process begin a platform with it, if every founder has endorsed it; else it stays in its file.
    pub(crate) fn begin(self, key_process: &AdminClient) -> Result<Granted, Failure> {
        let bytes = self.entry.encode();
        let signers = self.signers(None);
        match Registry::begin(&bytes) {
            Ok(_) => {
                send(key_process, "begin a platform", AdminMessage::Begin { entry: bytes })?;
                self.remove(&signers);
                Ok(Granted::Now)
            }
            Err(error) => self.wait(error, signers),
        }
    }

    fn wait(self, error: RegistryError, signers: Vec<Principal>) -> Result<Granted, Failure> {
        let missing = match &error {
            RegistryError::Shortfall {
                source:
                    shortfall @ (Shortfall::TooFew { .. }
                    | Shortfall::Requester { .. }
                    | Shortfall::NotIndependent { .. }),
                ..
            } => shortfall.to_string(),
            RegistryError::Consent { .. } | RegistryError::Founder { .. } => error.to_string(),
            _ => {
                let expected = "a change that the registry takes";
                return Err(Failure::input(words::title(&self.entry), expected)(error));
            }
        };
        self.save(&signers)?;
        Ok(Granted::Waits(Box::new(Waiting { pending: self, missing, signers })))
    }

    /// By which time the messages beside it are signed: a moment that it names itself.
    fn time(&self) -> Instant {
        match (&self.entry.request, self.entry.changes.as_slice()) {
            (Some(request), _) => request.created,
            (None, [Change::Genesis(genesis)]) => genesis.created,
            (None, _) => Instant::EPOCH,
        }
    }

    fn message(&self, principal: &PrincipalId) -> String {
        let Asked { platform, digest } = self.asked();
        quorum::message(&platform, &digest, Decision::Endorse, principal, None, self.time())
    }

    fn message_path(&self, principal: &PrincipalId) -> PathBuf {
        self.path.with_extension(format!("{principal}.txt"))
    }

    fn is_endorsed_by(&self, principal: &PrincipalId) -> bool {
        self.entry.endorsements.iter().any(|known| known.principal == *principal)
    }
}

/// What is run once enough have endorsed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Then<'a> {
    /// `avouch request submit`, on the machine of the key process.
    Submit,
    /// `avouch init --continue`, on this folder.
    Continue(&'a Path),
}

impl Waiting {
    /// Says what is asked, who is missing, and how they endorse.
    pub(crate) fn tell(&self, then: Then<'_>, terminal: Terminal) -> Exit {
        let Self { pending, missing, signers } = self;
        let file = pending.path.display();
        terminal.line(format_args!("{} {missing}", terminal.bold("waits:")));
        words::show(&pending.entry, terminal);
        terminal.line(terminal.bold("next: each of these endorses it, by one of two commands"));
        for signer in signers.iter().filter(|signer| !pending.is_endorsed_by(&signer.principal)) {
            terminal.line(format_args!("  {}", signer.principal));
            terminal.line(format_args!("    avouch endorse {file} --key ~/.ssh/id_ed25519.pub"));
            terminal.line(format_args!(
                "    ssh-keygen -Y sign -n {SSH_NAMESPACE} -f ~/.ssh/id_ed25519 {}",
                pending.message_path(&signer.principal).display()
            ));
        }
        match then {
            Then::Submit => terminal.line(format_args!("then: avouch request submit {file}")),
            Then::Continue(dir) => {
                terminal.line(format_args!("then: avouch init --continue {}", dir.display()))
            }
        }
        Exit::Pending
    }
}
