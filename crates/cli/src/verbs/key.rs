//! `avouch key`: keys of the platform. What adds or changes one is endorsed by an administrator.

mod public;

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use envelope::openpgp;
use model::{Algorithm, Class, Form, Instant, KeyId, Purpose, Space};
use quorum::{Change, IdentityProof, Key, KeyRecord, KeyState, Registry, RequesterProof, Requirement, Rule};
use serde::Serialize;
use signer::AdminClient;

use crate::administration::{
    Administrator, Granted, NewKey, Then, days, find_key, generate, key_state, promised_origin,
};
use crate::config::Folder;
use crate::context::FolderArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ssh::EndorsingKey;
use crate::terminal::Terminal;
use crate::verbs::init;

/// The flags of `avouch key`.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    verb: KeyVerb,
}

#[derive(Debug, Subcommand)]
enum KeyVerb {
    /// List all keys
    #[command(after_help = "Example:\n  avouch key list --dir /var/lib/avouch")]
    List {
        #[command(flatten)]
        folder: FolderArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the record of a key
    #[command(
        after_help = "Examples:\n  avouch key show default/blob\n  avouch key show default/minisign --public > minisign.pub\n  avouch key show default/sshsig --public >> allowed_signers"
    )]
    Show {
        /// Its name or id
        key: String,
        /// Print its public half alone, as whoever verifies keeps it: minisign's file, ssh-keygen's line, or PEM
        #[arg(long, conflicts_with = "json")]
        public: bool,
        #[command(flatten)]
        folder: FolderArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a key, or the next generation of one
    #[command(
        after_help = "Examples:\n  avouch key create payments/blob --form blob\n  avouch key create platform/rekor-v1 --form set    begins the log of Rekor v1\n  avouch key create payments/minisign --form minisign --algorithm ed25519\n  avouch key create payments/openpgp --form openpgp --algorithm rsa4096\n  avouch key create payments/cms --form cms --algorithm rsa3072 --rule administrators=1"
    )]
    Create(Create),
    /// Keep a key from signing; only an endorsed change restores it
    #[command(after_help = "Example:\n  avouch key disable payments/blob --reason 'a laptop was lost'")]
    Disable {
        /// Its name or id
        key: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// Also disbelieve what it signs from now on, wherever a copy of it may be
        #[arg(long)]
        revoke: bool,
        #[command(flatten)]
        endorser: EndorserArgs,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// Its name, with the space it lives in
    name: Space,
    /// Which bytes it signs
    #[arg(long)]
    form: Form,
    /// Its algorithm
    #[arg(long, default_value = "p256", value_parser = algorithms())]
    algorithm: Algorithm,
    /// The key store that makes and keeps it: one of `[signerd.stores]`, or the sealed files
    #[arg(long, default_value = signerd::SOFTWARE)]
    store: Space,
    /// A decision that its signatures may support; repeat it for several
    #[arg(long = "class", default_values = ["release"])]
    classes: Vec<Class>,
    /// For how many days it may sign
    #[arg(long, default_value_t = 1825, value_parser = clap::value_parser!(u64).range(1..=7300))]
    days: u64,
    /// So many persons of a group must endorse each request, such as `administrators=1`
    #[arg(long = "rule", value_name = "GROUP=COUNT", value_parser = requirement)]
    rules: Vec<Requirement>,
    /// So many of those persons must use a key that is touched for each signature (a hardware token); otherwise 1 where
    /// the key signs releases, else none
    #[arg(long, value_name = "COUNT", requires = "rules")]
    independent: Option<u32>,
    /// A namespace in which a key of form `sshsig` signs; repeat it for several [default: file]
    #[arg(long = "namespace", value_name = "NAMESPACE")]
    namespaces: Vec<String>,
    /// The requester must endorse, too, with a registered key, and does not count; otherwise the server's word is taken
    /// for who asks
    #[arg(long, requires = "rules")]
    requester_proven: bool,
    /// A key that certifies holders of ID tokens takes the server's word for whose a token is; trust root and `verify` say so
    #[arg(long)]
    asserted: bool,
    #[command(flatten)]
    endorser: EndorserArgs,
}

/// Whose administrator's key endorses a change.
#[derive(Debug, Clone, Args)]
pub(super) struct EndorserArgs {
    #[command(flatten)]
    folder: FolderArgs,
    /// The administrator's SSH public key; otherwise the one in the data folder
    #[arg(long, value_name = "FILE.pub")]
    admin: Option<PathBuf>,
    /// The passphrase of an administrator's key that `avouch init` made; otherwise `ssh-keygen` signs, and asks
    #[arg(long, value_name = "FILE")]
    admin_passphrase_file: Option<PathBuf>,
}

/// The algorithms of which keys are made, by the names that people have for them; the whole word will do as well.
fn algorithms() -> impl TypedValueParser<Value = Algorithm> {
    const MADE: [(&str, Algorithm); 5] = [
        ("p256", Algorithm::EcdsaP256),
        ("p384", Algorithm::EcdsaP384),
        ("rsa3072", Algorithm::Rsa3072),
        ("rsa4096", Algorithm::Rsa4096),
        ("ed25519", Algorithm::Ed25519),
    ];
    let names = MADE.map(|(name, algorithm)| PossibleValue::new(name).alias(algorithm.word()));
    PossibleValuesParser::new(names).map(|text| {
        let named = MADE.iter().find(|(name, algorithm)| *name == text || algorithm.word() == text);
        named.expect("only these values are possible").1
    })
}

fn requirement(text: &str) -> Result<Requirement, String> {
    let (group, threshold) = text.split_once('=').ok_or("use GROUP=COUNT, such as `administrators=1`")?;
    let group = group.parse().map_err(|cause| format!("{cause}"))?;
    Ok(Requirement { group, threshold: threshold.parse().map_err(|_| "the count must be a number")? })
}

/// A key, for programs.
#[derive(Debug, Serialize)]
struct KeyReport<'a> {
    id: String,
    record: &'a quorum::KeyRecord,
    state: KeyState,
    #[serde(rename = "recordDigest")]
    record_digest: String,
}

pub(super) fn run(args: &KeyArgs, terminal: Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        KeyVerb::List { folder, json } => {
            let registry = init::registry(&folder.open()?)?;
            if *json {
                terminal.line(super::json(&registry.keys().map(report).collect::<Vec<_>>()));
            } else {
                registry.keys().for_each(|key| line(key, terminal));
            }
        }
        KeyVerb::Show { key, public, folder, json } => {
            let registry = init::registry(&folder.open()?)?;
            let id = find_key(&registry, key)?;
            let Some(key) = registry.key(&id) else { return Ok(Exit::Usage) };
            if *public {
                terminal.bytes(public::file(&key.record).as_bytes());
            } else if *json {
                terminal.line(super::json(&report(key)));
            } else {
                show(key, terminal);
            }
        }
        KeyVerb::Create(create) => return create.run(terminal),
        KeyVerb::Disable { key, reason, revoke, endorser } => {
            let (folder, mut registry) = endorser.open()?;
            let id = find_key(&registry, key)?;
            let now = crate::clock::now();
            let known = registry.key(&id);
            let state = match known.map(|key| key.state) {
                _ if *revoke => KeyState::Revoked,
                // One that is to retire does so now: to suspend it would be to keep it for later.
                Some(KeyState::Retired) => KeyState::Retired,
                _ => KeyState::Suspended,
            };
            // What a key signed since it was stopped does not come to be believed by stopping it once more.
            let stopped = known.filter(|key| !key.is_active_at(now));
            let since = stopped.map_or(now, |key| key.since);
            let change = Change::KeyState { key: id, state, since, reason: reason.clone() };
            if let Granted::Waits(waiting) =
                endorser.change(&folder, &mut registry, |_| Ok(vec![change]), reason)?
            {
                return Ok(waiting.tell(Then::Submit, terminal));
            }
            terminal.line(format_args!("{id} signs no more"));
            if state == KeyState::Suspended && known_form(&registry, &id).is_some_and(Form::is_taken_over) {
                terminal.line("  verifiers go on believing what a copy of it signs: if there may be one, say so with `--revoke`");
                terminal.line("  `avouch trust rotate` puts another in its place");
            }
        }
    }
    Ok(Exit::Done)
}

impl Create {
    fn run(&self, terminal: Terminal) -> Result<Exit, Failure> {
        // The registry would refuse it too, when the key is made already.
        if !self.form.takes(self.algorithm) {
            return Err(Failure::Usage {
                what: format!("a key of form {} cannot be {}", self.form, self.algorithm),
                advice: "blob keys sign digests, which ed25519 does not; minisign keys and those of checkpoints are ed25519 alone, sshsig keys ed25519 or p256",
            });
        }
        if self.asserted && self.form != Form::Certificate {
            return Err(Failure::Usage {
                what: format!("a key of form {} knows no ID token that anybody could assert", self.form),
                advice: "`--asserted` goes with `--form certificate` alone",
            });
        }
        let (folder, mut registry) = self.endorser.open()?;
        let newest =
            registry.keys().filter(|key| key.record.name == self.name).map(|key| key.record.generation).max();
        let generation = newest.unwrap_or(0) + 1;
        let host = folder.config.platform.host.clone();
        let rule = (!self.rules.is_empty()).then(|| Rule {
            requirements: self.rules.clone(),
            independent: self.independent.unwrap_or_else(|| self.independent_by_class()),
            period_s_max: model::limits::ENDORSED_PERIOD_S_MAX,
            requester: if self.requester_proven { RequesterProof::Proven } else { RequesterProof::Asserted },
        });
        let before = registry.clone();
        let make = |key_process: &AdminClient| {
            let new = NewKey {
                name: self.name.clone(),
                generation,
                form: self.form,
                // Only what an organisation ships is of a class.
                classes: if self.form.purpose() == Purpose::Code { self.classes.clone() } else { Vec::new() },
                public_key: generate(key_process, &self.store, self.algorithm)?,
                store: self.store.clone(),
                not_before: crate::clock::now(),
                validity: days(self.days),
                subject: self.form.names_subject().then(|| (host.as_str(), self.name.to_string())),
                origin: (self.form == Form::Set).then(|| promised_origin(&host, crate::clock::now())),
                rule,
            };
            let record = new.record();
            let identity =
                record.identity.map(|proven| if self.asserted { IdentityProof::Asserted } else { proven });
            let takes_over = self.takes_over(&before, &record);
            Ok(vec![Change::Key(KeyRecord { identity, takes_over, namespaces: self.namespaces(), ..record })])
        };
        let reason = format!("key {} generation {generation}", self.name);
        if let Granted::Waits(waiting) = self.endorser.change(&folder, &mut registry, make, &reason)? {
            return Ok(waiting.tell(Then::Submit, terminal));
        }
        if let Some(key) = registry.key_named(&self.name, generation) {
            line(key, terminal);
        }
        Ok(Exit::Done)
    }

    /// Of keys that take over from each other the one that did so last is in use: one more that did so never would not
    /// be, once any of them was rotated.
    fn takes_over(&self, registry: &Registry, record: &KeyRecord) -> Option<Instant> {
        let has_others = registry.keys().any(|key| key.record.form == self.form);
        (self.form.is_taken_over() && has_others).then_some(record.not_before)
    }

    /// In which namespaces it signs; `file` is what `ssh-keygen` proposes for files.
    fn namespaces(&self) -> Vec<String> {
        match self.form {
            Form::SshSig if self.namespaces.is_empty() => vec!["file".to_owned()],
            _ => self.namespaces.clone(),
        }
    }

    /// A release is vouched for by somebody who recomputed it.
    fn independent_by_class(&self) -> u32 {
        u32::from(self.classes.contains(&Class::Release))
    }
}

impl EndorserArgs {
    /// The data folder, and what its registry says now.
    pub(super) fn open(&self) -> Result<(Folder, Registry), Failure> {
        let folder = self.folder.open()?;
        let registry = init::registry(&folder)?;
        Ok((folder, registry))
    }

    /// Asks for changes, and has them put in force if this administrator is enough.
    pub(super) fn change(
        &self,
        folder: &Folder,
        registry: &mut Registry,
        changes: impl FnOnce(&AdminClient) -> Result<Vec<Change>, Failure>,
        reason: &str,
    ) -> Result<Granted, Failure> {
        let public_file = self.admin.clone().unwrap_or_else(|| folder.administrator());
        let key = EndorsingKey::open(&public_file, self.admin_passphrase_file.as_deref())?;
        let key_process = AdminClient::new(&folder.at(&folder.config.signerd.admin_socket));
        let administrator = Administrator { key: &key, key_process: &key_process, folder };
        let changes = changes(&key_process)?;
        let granted = administrator.change(registry, changes, reason, crate::clock::now())?;
        if matches!(granted, Granted::Now) {
            refresh(folder).map_err(|untold| Failure::Untold(Box::new(untold)))?;
        }
        Ok(granted)
    }
}

/// Has the server read the registry that it goes by.
fn refresh(folder: &Folder) -> Result<(), Failure> {
    let server = client::AdminClient::new(&folder.at(&folder.config.server.admin_socket))?;
    crate::online::call(server.refresh_registry()).map(drop)
}

fn report(key: &Key) -> KeyReport<'_> {
    let (id, record_digest) = (key.record.id().to_string(), key.digest.to_string());
    KeyReport { id, record: &key.record, state: key.state, record_digest }
}

fn known_form(registry: &Registry, key: &KeyId) -> Option<Form> {
    registry.key(key).map(|key| key.record.form)
}

/// Shows a key on one line.
pub(super) fn line(key: &Key, terminal: Terminal) {
    let record = &key.record;
    let governed = if record.rule.is_some() { "governed " } else { "" };
    let asserted = match record.identity {
        Some(IdentityProof::Asserted) => "identity: asserted ",
        _ => "",
    };
    let now = crate::clock::now();
    let state = if key.is_active_at(now) {
        let later = |word, at| terminal.good(&format!("{word} {at}"));
        match key.state {
            KeyState::Retired => later("retires", key.since),
            _ if now < record.in_use_from() => later("takes over", record.in_use_from()),
            state => terminal.good(key_state(state)),
        }
    } else {
        terminal.bad(key_state(key.state))
    };
    let name = format!("{}#{}", record.name, record.generation);
    terminal.line(format_args!(
        "{name:<24} {:<10} {:<18} {state} {governed}{asserted}{}",
        record.form.word(),
        record.public_key.algorithm().word(),
        terminal.dim(&record.id().to_string())
    ));
}

fn show(key: &Key, terminal: Terminal) {
    line(key, terminal);
    let record = &key.record;
    terminal.line(format_args!("  may sign from {} until {}", record.not_before, record.not_after));
    terminal.line(format_args!("  for {}, kept in store `{}`", record.purpose, record.store));
    if !record.classes.is_empty() {
        let classes: Vec<&str> = record.classes.iter().map(|class| class.word()).collect();
        terminal.line(format_args!("  classes {}", classes.join(", ")));
    }
    match &record.rule {
        None if record.purpose == Purpose::Code => terminal.line("  asks nobody before it signs"),
        None => {}
        Some(rule) => {
            for one in &rule.requirements {
                terminal.line(format_args!("  asks {} of group `{}`", one.threshold, one.group));
            }
            if rule.independent > 0 {
                terminal.line(format_args!("  {} of them with a key that is touched", rule.independent));
            }
        }
    }
    if record.form == Form::Blob {
        terminal.line("  it signs digests: whoever pins this bare key alone may be shown a signature of the digest of anything");
    }
    if record.form == Form::Minisign {
        terminal.line("  it signs 64 bytes that are the digest of a file: whoever pins it for anything but minisign may be shown others");
    }
    if record.form == Form::OpenPgp {
        let fingerprint = openpgp::Key::new(&record.public_key, record.not_before).fingerprint();
        let name = &record.name;
        terminal.line(format_args!("  OpenPGP knows it as {fingerprint}; `avouch trust export --openpgp {name}` prints its certificate"));
    }
    if let Some(line) = public::line(record) {
        terminal.line(format_args!("  public {line}"));
    }
    terminal.line(format_args!("  record {}", key.digest));
}
