//! `avouch trust publish`: what clients of TUF are to know from now on, in the next targets, and where need be in the next
//! root.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use envelope::tuf::renewed_before;
use model::{Instant, KeyId, TufRole};
use quorum::{Change, Registry};
use signer::AdminClient;

use crate::administration::{Granted, Then};
use crate::config::Folder;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::launch;
use crate::publication;
use crate::terminal::Terminal;
use crate::verbs::init;
use crate::verbs::key::EndorserArgs;

/// The flags of `avouch trust publish`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch trust publish                      after every rotation, and once a year
  avouch trust publish --rotate root        another key for roots, beside the one that signs now
  avouch trust publish --retire root        weeks later: the older one signs no more

trusted_root.json and signing_config.v0.2.json, as they are now, become the next targets, with platform.json, by which
`avouch login --root` knows the platform. A root or targets that end soon are renewed with them; snapshots and
timestamps the key process renews alone.")]
pub(crate) struct PublishArgs {
    /// The public address that clients sign at; otherwise the configured one
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Make another key for a role, which signs beside the present one from now on
    #[arg(long, value_name = "ROLE")]
    rotate: Option<PublishedRole>,
    /// Let only the newest key of a role sign from now on
    #[arg(long, value_name = "ROLE", conflicts_with = "rotate")]
    retire: Option<PublishedRole>,
    #[command(flatten)]
    endorser: EndorserArgs,
}

/// A role of TUF metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PublishedRole {
    /// Whose keys count
    Root,
    /// The files that clients fetch
    Targets,
    /// The versions that belong together
    Snapshot,
    /// That nothing is newer
    Timestamp,
}

impl PublishedRole {
    const fn role(self) -> TufRole {
        match self {
            Self::Root => TufRole::Root,
            Self::Targets => TufRole::Targets,
            Self::Snapshot => TufRole::Snapshot,
            Self::Timestamp => TufRole::Timestamp,
        }
    }
}

pub(super) fn run(args: &PublishArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let (folder, mut registry) = args.endorser.open()?;
    let now = crate::clock::now();
    let state = init::state(&folder)?;
    let files = publication::files(&state, &args.public_url(&folder)?, now)?;
    let known = registry.clone();
    if !args.changes_keys() && is_up_to_date(&known, &files, now) {
        terminal.line("the TUF repository says what the platform says now");
        return Ok(Exit::Done);
    }
    let make = |key_process: &AdminClient| {
        let mut changes = args.root(key_process, &known, now)?;
        changes.push(publication::targets(&known, files, now));
        Ok(changes)
    };
    match args.endorser.change(&folder, &mut registry, make, "what clients of TUF are to know")? {
        Granted::Waits(waiting) => Ok(waiting.tell(Then::Submit, terminal)),
        Granted::Now => {
            super::tuf::show(&registry, &init::state(&folder)?.tuf, terminal);
            Ok(Exit::Done)
        }
    }
}

/// Is nothing new, and nothing about to end?
fn is_up_to_date(registry: &Registry, files: &BTreeMap<String, String>, now: Instant) -> bool {
    let lasts = |role, expires: Instant| expires.since(now) >= renewed_before(role);
    let root = registry.tuf().root().is_some_and(|root| lasts(TufRole::Root, root.expires));
    let targets = registry.tuf().targets();
    root && targets
        .is_some_and(|one| publication::is_same(files, &one.files) && lasts(TufRole::Targets, one.expires))
}

impl PublishArgs {
    /// What has changed, and nothing else.
    pub(super) const fn by(endorser: EndorserArgs) -> Self {
        Self { url: None, rotate: None, retire: None, endorser }
    }

    const fn changes_keys(&self) -> bool {
        self.rotate.is_some() || self.retire.is_some()
    }

    fn public_url(&self, folder: &Folder) -> Result<String, Failure> {
        let listening = || launch::addresses(&folder.ready_file()).map(|addresses| addresses.public_url);
        let url = self.url.clone().or_else(|| folder.config.server.public_url.clone()).or_else(listening);
        url.ok_or_else(|| Failure::Usage {
            what: "the platform's public address is not known".to_owned(),
            advice: "name it with `--url https://HOST:PORT`, or as `public_url` in `avouch.toml`",
        })
    }

    /// The next root, where keys change or the present one ends soon.
    fn root(
        &self,
        key_process: &AdminClient,
        registry: &Registry,
        now: Instant,
    ) -> Result<Vec<Change>, Failure> {
        let Some(last) = registry.tuf().root() else {
            return publication::beginning(key_process, now);
        };
        let mut keys = publication::present_keys(registry);
        let mut changes = Vec::new();
        if let Some(role) = self.rotate.map(PublishedRole::role) {
            let record = publication::new_key(key_process, Some(registry), role, now)?;
            keys.entry(role).or_default().push(record.id());
            changes.push(Change::Key(record));
        }
        if let Some(role) = self.retire.map(PublishedRole::role) {
            let generation = |key: &KeyId| registry.key(key).map(|key| key.record.generation);
            let of_role = keys.entry(role).or_default();
            let newest = of_role.iter().copied().max_by_key(generation);
            *of_role = newest.into_iter().collect();
        }
        let ends_soon = last.expires.since(now) < renewed_before(TufRole::Root);
        if self.changes_keys() || ends_soon {
            changes.push(Change::TufRoot(publication::root(Some(registry), &keys, now)));
        }
        Ok(changes)
    }
}
