//! `avouch init`: a data folder with all that `avouch serve` needs, founded by one administrator or by several.
//!
//! Keys are made by the key process, which runs while the folder is made: the first changes of its registry go the
//! same way as all later ones.

mod several;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::server::{FirstClient, Founding};
use ::verify::{RootParts, TrustRoot};
use clap::Args;
use model::{
    Algorithm, Class, Form, Instant, Logging, PersonId, PrincipalId, Profile, ProfileKey, PublicKey,
    Timestamping,
};
use pki::Certificate;
use quorum::{Change, KeyRecord, Registry};
use signer::{AdminClient, Signer};

use crate::administration::{
    Administrator, Granted, Identity, NewKey, check_threshold, days, generate, genesis, name, sealed_files,
};
use crate::config::{Config, FILE, Folder, PORT, Ports};
use crate::context::{Context, ContextArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::launch::Household;
use crate::owners;
use crate::publication;
use crate::random;
use crate::ssh::EndorsingKey;
use crate::terminal::Terminal;

/// The trust root's file in a data folder.
pub(super) const TRUST_ROOT: &str = "client/trust-root.json";

/// The flags of `avouch init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch init /var/lib/avouch --host sign.example.com --admin ~/.ssh/id_ed25519.pub
  avouch init /var/lib/avouch --admin ada.pub --admin ben.pub --admin cleo.pub
  avouch init --system /var/lib/avouch --host sign.example.com    for the two units of the package
  avouch init ./trial --port 8443

With several administrators each of them signs with their own key, wherever it is: `init` says how,
and `init --continue` goes on once they have. Whoever asks for a change is not counted, so that there
must be more of them than `--threshold`.

The host is fixed for ever: the log, the journal and the certificates derive their names from it.")]
pub(crate) struct InitArgs {
    /// The folder to make
    dir: PathBuf,
    /// The host name from which all other names derive
    #[arg(long, default_value = "localhost")]
    host: String,
    /// The founding administrator's SSH public key; its private half signs in its agent, on its hardware token, or
    /// beside the file. Repeat it for several administrators, whose private keys are elsewhere. Otherwise a key is made,
    /// encrypted, in DIR/admin
    #[arg(long = "admin", value_name = "FILE.pub")]
    admins: Vec<PathBuf>,
    /// How many of several administrators must endorse a change; otherwise most of them
    #[arg(long, value_name = "COUNT", requires = "admins")]
    threshold: Option<u32>,
    /// Go on with a folder whose founding waits for endorsements
    #[arg(long = "continue", conflicts_with_all = ["admins", "host", "port", "admin_passphrase_file", "system"])]
    go_on: bool,
    /// The first of the three ports in a row that the server listens at
    #[arg(long, default_value_t = PORT, value_parser = clap::value_parser!(u16).range(1..=65_533))]
    port: u16,
    /// A file with the passphrase for the key that is made; otherwise one is made and printed once
    #[arg(long, value_name = "FILE", conflicts_with = "admins")]
    admin_passphrase_file: Option<PathBuf>,
    /// Make it, as root, for the two users of a package: `avouch-signerd` for the key process, `avouch` for the server
    #[arg(long)]
    system: bool,
}

impl InitArgs {
    /// A folder with every default.
    pub(super) fn for_folder(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            host: "localhost".to_owned(),
            admins: Vec::new(),
            threshold: None,
            go_on: false,
            port: PORT,
            admin_passphrase_file: None,
            system: false,
        }
    }

    /// The founding administrator's key is made, and kept under the passphrase in this file.
    pub(super) fn with_passphrase(self, file: &Path) -> Self {
        Self { admin_passphrase_file: Some(file.to_owned()), ..self }
    }
}

/// A platform that was just founded, with its key process still running.
pub(super) struct Founded {
    pub(super) folder: Folder,
    pub(super) household: Household,
    pub(super) trust_root: TrustRoot,
    /// The passphrase of the administrator's key, if one was made.
    pub(super) passphrase: MadePassphrase,
}

type MadePassphrase = Option<zeroize::Zeroizing<String>>;

pub(super) fn run(args: &InitArgs, terminal: Terminal) -> Result<Exit, Failure> {
    if args.go_on {
        return several::go_on(&args.dir, terminal);
    }
    if args.admins.len() > 1 {
        return several::begin(args, terminal);
    }
    if args.threshold.is_some_and(|threshold| threshold != 1) {
        check_threshold(1, args.threshold.unwrap_or_default())?;
    }
    let mut founded = found(args, Ports::From(args.port))?;
    founded.household.stop();
    welcome(&founded, terminal)?;
    Ok(Exit::Done)
}

/// Leaves this user a context, and says what comes next.
fn welcome(founded: &Founded, terminal: Terminal) -> Result<(), Failure> {
    let folder = &founded.folder;
    let (host, server) = (&folder.config.platform.host, &folder.config.server);
    let context = context(folder, host, server.listen.port(), server.public_listen.port());
    context.save(&folder.at("client/context.toml"))?;
    let stored = ContextArgs::default().path().ok().filter(|path| !path.exists());
    if let Some(path) = &stored {
        context.save(path)?;
    }
    report(founded, stored.as_deref(), terminal);
    Ok(())
}

/// Makes the folder and founds the platform in it, by one administrator.
///
/// CRASH: the folder is half made, and is made anew under another name; nothing in it was shown to anybody.
pub(super) fn found(args: &InitArgs, ports: Ports) -> Result<Founded, Failure> {
    let folder = make_folder(args, ports)?;
    let now = crate::clock::now();
    let (key, passphrase) = administrator_key(args, &folder)?;
    let identity = Identity::new("founding administrator");
    files::write(&folder.at("admin/principal.json"), &identity.encode())?;

    let household = Household::start_key_process(folder.clone())?;
    let key_process = AdminClient::new(&folder.at(&folder.config.signerd.admin_socket));
    let administrator = Administrator { key: &key, key_process: &key_process, folder: &folder };
    let genesis = genesis(&args.host, journal_key(&folder)?, vec![identity.principal(&key)], 1, now);
    let mut registry = administrator.begin(genesis, now)?;
    let changes = first_changes(&key_process, &args.host, now)?;
    let Granted::Now = administrator.change(&mut registry, changes, FIRST_KEYS, now)? else {
        unreachable!("one who governs alone is enough");
    };
    publish(&administrator, &mut registry, now)?;
    finish(folder, household, passphrase, now)
}

/// Why the first entry after the genesis is asked for.
const FIRST_KEYS: &str = "the first keys of the platform";

fn journal_key(folder: &Folder) -> Result<PublicKey, Failure> {
    PublicKey::from_spki(&state(folder)?.journal_key).map_err(Failure::inside("read the journal's key"))
}

/// The keys that a platform begins with, and the policy.
fn first_changes(key_process: &AdminClient, host: &str, now: Instant) -> Result<Vec<Change>, Failure> {
    let mut changes: Vec<Change> =
        platform_keys(key_process, host, now)?.into_iter().map(Change::Key).collect();
    changes.extend(publication::beginning(key_process, now)?);
    changes.push(Change::Policy { digest: policy::BuiltIn::digest() });
    Ok(changes)
}

/// The first targets of TUF, where it is known already at which address clients will sign.
fn publish(administrator: &Administrator<'_>, registry: &mut Registry, now: Instant) -> Result<(), Failure> {
    let Some(url) = &administrator.folder.config.server.public_url else { return Ok(()) };
    let files = publication::files(&state(administrator.folder)?, url, now)?;
    let changes = vec![publication::targets(registry, files, now)];
    administrator.change(registry, changes, "what clients of TUF begin with", now).map(|_| ())
}

/// What follows once the registry has the platform's keys: the server's folder, and what verifiers start from.
fn finish(
    folder: Folder,
    household: Household,
    passphrase: MadePassphrase,
    now: Instant,
) -> Result<Founded, Failure> {
    let host = &folder.config.platform.host;
    found_server(&folder, host)?;
    owners::settle_server(&folder)?;
    let public_url = folder.config.server.public_url.clone().unwrap_or_else(|| format!("https://{host}"));
    let trust_root = trust_root(&folder, &public_url, now)?;
    files::write(&folder.at(TRUST_ROOT), &trust_root.encode())?;
    // For tools that know nothing of avouch.
    files::write(&folder.at("client/root.pem"), super::trust::roots_pem(&trust_root).as_bytes())?;
    files::write(&folder.at("client/trusted_root.json"), &trust_root.sigstore().to_json())?;
    Ok(Founded { folder, household, trust_root, passphrase })
}

/// The first client's context.
pub(super) fn context(folder: &Folder, host: &str, listen: u16, public_listen: u16) -> Context {
    Context {
        url: format!("https://{host}:{listen}"),
        public_url: Some(format!("https://{host}:{public_listen}")),
        ca: folder.at("client/ca.pem"),
        cert: Some(folder.at("client/client.pem")),
        key: Some(folder.at("client/client.key")),
        api_key_file: None,
        tuf: None,
        trust_root: folder.at(TRUST_ROOT),
        folder: Some(folder.path().to_owned()),
    }
}

fn make_folder(args: &InitArgs, ports: Ports) -> Result<Folder, Failure> {
    let is_empty = std::fs::read_dir(&args.dir).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty {
        return Err(Failure::Folder {
            path: args.dir.clone(),
            fault: "is not empty",
            advice: "name a folder that is not there yet; a platform is founded once",
        });
    }
    let mut config = Config::new(&args.host, ports);
    if args.system {
        owners::name(&mut config);
        // Where one of them is missing, that is said before anything is made.
        let planned = Folder::new(&args.dir, config.clone());
        let _both = (planned.key_process_user()?, planned.server_user()?);
    }
    files::private_folder(&args.dir)?;
    let path = std::fs::canonicalize(&args.dir).map_err(Failure::file("open", &args.dir))?;
    let folder = Folder::new(&path, config);
    for inside in ["signerd", "server", "run", "run/signerd", "run/server", "admin", "client"] {
        files::private_folder(&folder.at(inside))?;
    }
    files::write_private(
        &folder.at(&folder.config.signerd.passphrase_file),
        random::passphrase().as_bytes(),
    )?;
    files::write(&folder.at(FILE), folder.config.encode().as_bytes())?;
    owners::settle(&folder)?;
    Folder::open(&path)
}

fn administrator_key(args: &InitArgs, folder: &Folder) -> Result<(EndorsingKey, MadePassphrase), Failure> {
    if let [public_file] = args.admins.as_slice() {
        let key = EndorsingKey::open(public_file, None)?;
        files::write(&folder.administrator(), format!("{}\n", key.line()).as_bytes())?;
        return Ok((key, None));
    }
    let given = args.admin_passphrase_file.as_ref();
    let read = |path: &PathBuf| std::fs::read_to_string(path).map_err(Failure::file("read", path));
    let given = given.map(read).transpose()?.map(zeroize::Zeroizing::new);
    let made = given.is_none().then(random::passphrase);
    let key = EndorsingKey::generate(&format!("administrator@{}", args.host));
    let passphrase = given.as_ref().or(made.as_ref()).map_or("", |text| text.trim_end());
    key.save(&folder.at("admin/administrator"), passphrase)?;
    Ok((key, made))
}

/// The keys of a new platform: its own, and one each for CMS and for plain files.
fn platform_keys(key_process: &AdminClient, host: &str, now: Instant) -> Result<Vec<KeyRecord>, Failure> {
    let make = |algorithm| generate(key_process, &sealed_files(), algorithm);
    // This year's logs.
    let year: String = now.to_string().chars().take(4).collect();
    let new = |key: &str, form: Form, public_key: PublicKey, years: u64, common_name: &str| {
        NewKey {
            name: name(key),
            generation: 1,
            form,
            classes: if matches!(form, Form::Cms | Form::Blob) { vec![Class::Release] } else { Vec::new() },
            public_key,
            store: sealed_files(),
            not_before: now,
            validity: days(365 * years),
            subject: form.names_subject().then(|| (host, common_name.to_owned())),
            origin: match form {
                Form::Checkpoint => Some(format!("{year}.log.{host}")),
                Form::Sct => Some(format!("ct.{host}/{year}")),
                _ => None,
            },
            rule: None,
        }
        .record()
    };
    Ok(vec![
        new("platform/ca", Form::Ca, make(Algorithm::EcdsaP256)?, 20, "avouch signing root"),
        new(
            "platform/timestamp",
            Form::Timestamp,
            make(Algorithm::EcdsaP256)?,
            10,
            "avouch timestamp authority",
        ),
        new("platform/log", Form::Checkpoint, make(Algorithm::Ed25519)?, 10, ""),
        new(
            "platform/holders",
            Form::Certificate,
            make(Algorithm::EcdsaP256)?,
            10,
            "avouch holders of ID tokens",
        ),
        new("platform/ct", Form::Sct, make(Algorithm::EcdsaP256)?, 10, ""),
        new("default/cms", Form::Cms, make(Algorithm::EcdsaP256)?, 5, "default/cms"),
        new("default/blob", Form::Blob, make(Algorithm::EcdsaP256)?, 5, ""),
    ])
}

/// The key process of a folder: the one that runs there, or one that runs for as long as what this gives is kept.
pub(super) fn with_key_process(folder: &Folder) -> Result<Option<Household>, Failure> {
    match state(folder) {
        Ok(_) => Ok(None),
        Err(_) => Household::start_key_process(folder.clone()).map(Some),
    }
}

/// What the key process tells of itself.
///
/// Administrators ask where they administer: where orders are taken, a server that is taken over can keep every place.
/// Whoever may not administer asks there.
pub(super) fn state(folder: &Folder) -> Result<signer::State, Failure> {
    let signerd = &folder.config.signerd;
    let failed =
        |source: signer::SignerError| Failure::KeyProcess { action: "tell its state", source: source.into() };
    AdminClient::new(&folder.at(&signerd.admin_socket))
        .state()
        .or_else(|_| signer::Client::new(&folder.at(&signerd.socket)).state())
        .map_err(failed)
}

/// The trust root, from what the key process tells of itself.
pub(super) fn trust_root(folder: &Folder, public_url: &str, now: Instant) -> Result<TrustRoot, Failure> {
    let state = state(folder)?;
    let certificates: Vec<_> = state.certificates.into_iter().map(|one| (one.key, one.certificate)).collect();
    const ACTION: &str = "compose the trust root";
    let parts = RootParts {
        registry: &state.registry,
        certificates: &certificates,
        public_url,
        expires: now.after(days(365)).whole_second(),
    };
    TrustRoot::compose(&parts).map_err(Failure::inside(ACTION))
}

/// The registry of a platform, from what the key process tells of itself.
pub(super) fn registry(folder: &Folder) -> Result<Registry, Failure> {
    state(folder)?.replay().map_err(Failure::inside("replay the registry"))
}

/// The server's folder: TLS, store, log, the profile `default`, and the first client who may use it.
fn found_server(folder: &Folder, host: &str) -> Result<(), Failure> {
    let user = std::env::var("USER").ok().filter(|user| (1..=64).contains(&user.len()));
    let user = user.unwrap_or_else(|| "first client".to_owned());
    let profile = Profile {
        name: name("default"),
        class: Class::Release,
        keys: vec![
            ProfileKey { form: Form::Blob, key: name("default/blob") },
            ProfileKey { form: Form::Cms, key: name("default/cms") },
        ],
        timestamp: Timestamping::Rfc3161,
        log: Logging::Transparency,
    };
    let founding = Founding {
        folder: &folder.at(&folder.config.server.folder),
        host,
        signer: Arc::new(signer::Client::new(&folder.at(&folder.config.signerd.socket))),
        clock: Arc::new(signerd::SystemClock),
        profiles: &[profile],
        // Another person than the administrator: the same credential never administers and signs.
        client: FirstClient {
            principal: PrincipalId::new(random::bytes()),
            person: PersonId::new(random::bytes()),
            name: &user,
            spaces: vec![name("default")],
        },
    };
    let credential = ::server::found(&founding).map_err(Failure::inside("make the server's folder"))?;
    files::write(&folder.at("client/ca.pem"), credential.ca_pem.as_bytes())?;
    files::write(&folder.at("client/client.pem"), credential.certificate_pem.as_bytes())?;
    files::write_private(&folder.at("client/client.key"), credential.key_pem.as_bytes())
}

/// Says what was founded, where this user's own context was stored, and what comes next.
fn report(founded: &Founded, stored: Option<&Path>, terminal: Terminal) {
    let (dir, root) = (founded.folder.path().display(), &founded.trust_root);
    terminal.line(format_args!("{} in `{dir}`", terminal.bold("a platform was founded")));
    terminal.line(format_args!("  platform     {}", root.platform()));
    terminal.line(format_args!("  fingerprint  {}", root.fingerprint()));
    terminal.line(format_args!("  host         {} (fixed for ever)", root.registry().host()));
    if let Ok(Ok(ca)) =
        std::fs::read_to_string(founded.folder.at("client/ca.pem")).map(|pem| Certificate::from_pem(&pem))
    {
        terminal.line(format_args!("  TLS          {} (for `avouch login --fingerprint`)", ca.fingerprint()));
    }
    terminal.line(format_args!("  governance   {}", super::trust::governance(root.registry())));
    if let Some(passphrase) = &founded.passphrase {
        terminal.line(format_args!("  the passphrase of `{dir}/admin/administrator` is shown this once:"));
        terminal.line(format_args!("               {}", terminal.bold(passphrase)));
        terminal.line("  keep both away from this machine; changes of keys need them, signing does not");
    }
    if stored.is_some() {
        terminal.line("  your own context is stored: this user may use profile `default`");
    }
    terminal.line(terminal.bold("next:"));
    match founded.folder.config.server.user {
        Some(_) => terminal.line(format_args!(
            "  systemctl enable --now avouch-signerd avouch-server    or, without systemd, as root: avouch serve {dir}"
        )),
        None => terminal.line(format_args!("  avouch serve {dir}")),
    }
    let context =
        if stored.is_some() { String::new() } else { format!(" --context {dir}/client/context.toml") };
    terminal.line(format_args!("  avouch sign{context} FILE"));
    terminal.line(format_args!("  avouch verify --trust-root {dir}/{TRUST_ROOT} FILE"));
}
