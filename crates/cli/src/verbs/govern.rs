//! `avouch govern`: the way out of `solo`. From an entry on, which each of them endorses, several administer.

use std::path::PathBuf;

use clap::Args;
use quorum::{Administrators, Change, Governance};
use signer::AdminClient;

use crate::administration::{
    Administrator, Granted, Identity, Then, administration, administrator_group, check_threshold, majority,
};
use crate::context::FolderArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::ssh::EndorsingKey;
use crate::terminal::Terminal;
use crate::verbs::init;

/// The flags of `avouch govern`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  avouch govern --with ada.pub --with ben.pub --threshold 2 --dir /var/lib/avouch

The request waits in DIR/admin/requests until each new administrator has endorsed it; `avouch request
submit` puts it in force. There is no way back to one administrator. Whoever asks for a change is not
counted.")]
pub(crate) struct GovernArgs {
    /// The SSH public key of a new administrator; repeat it for each
    #[arg(long = "with", value_name = "FILE.pub", required = true)]
    with: Vec<PathBuf>,
    /// How many of all administrators must endorse a change; otherwise most of them
    #[arg(long, value_name = "COUNT")]
    threshold: Option<u32>,
    /// The present administrator's SSH public key; otherwise the one in the data folder
    #[arg(long, value_name = "FILE.pub")]
    admin: Option<PathBuf>,
    /// The passphrase of an administrator's key that `avouch init` made; otherwise `ssh-keygen` signs, and asks
    #[arg(long, value_name = "FILE")]
    admin_passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    folder: FolderArgs,
}

pub(super) fn run(args: &GovernArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let folder = args.folder.open()?;
    let _household = init::with_key_process(&folder)?;
    let mut registry = init::registry(&folder)?;
    if registry.governance() == Governance::Quorum {
        return Err(Failure::Usage {
            what: "several administrators govern this platform already".to_owned(),
            advice: "`avouch trust show` says since when",
        });
    }
    let count = u32::try_from(args.with.len() + 1).unwrap_or(u32::MAX);
    let threshold = args.threshold.unwrap_or_else(|| majority(count));
    check_threshold(count, threshold)?;
    let (mut principals, mut identities) = (Vec::new(), Vec::new());
    for path in &args.with {
        let identity = Identity::new(&path.file_stem().unwrap_or_default().to_string_lossy());
        principals.push(identity.principal(&EndorsingKey::open(path, None)?));
        identities.push(identity);
    }
    let all: Vec<_> = registry.administrators().chain(&principals).cloned().collect();
    let groups = vec![administrator_group(&all)];
    let change =
        Change::Administrators(Administrators { rule: administration(threshold), principals, groups });
    let public_file = args.admin.clone().unwrap_or_else(|| folder.administrator());
    let key = EndorsingKey::open(&public_file, args.admin_passphrase_file.as_deref())?;
    let key_process = AdminClient::new(&folder.at(&folder.config.signerd.admin_socket));
    let administrator = Administrator { key: &key, key_process: &key_process, folder: &folder };
    files::write(&folder.at("admin/principals.json"), super::json(&identities).as_bytes())?;
    let now = crate::clock::now();
    match administrator.change(&mut registry, vec![change], "several administrators", now)? {
        Granted::Waits(waiting) => Ok(waiting.tell(Then::Submit, terminal)),
        Granted::Now => unreachable!("those who join have yet to endorse it"),
    }
}
