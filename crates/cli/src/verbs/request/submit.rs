//! `avouch request submit`: an administrative request that enough have endorsed goes to the key process.

use std::path::PathBuf;

use clap::Args;
use signer::AdminClient;

use crate::administration::{Granted, Pending, Then};
use crate::context::FolderArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::verbs::init;

/// The flags of `avouch request submit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch request submit /var/lib/avouch/admin/requests/req_ebfkrxqnd5ytqbvkeh7vhnqhim.json
  avouch request submit mine.json from-ada.json from-ben.json --dir /var/lib/avouch

Signatures that `ssh-keygen` put beside the first file are taken in. It starts the key process for as
long as it takes, where none runs.")]
pub(crate) struct SubmitArgs {
    /// The request; and copies of it that others endorsed
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    folder: FolderArgs,
}

pub(super) fn run(args: &SubmitArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let folder = args.folder.open()?;
    let mut copies = args.files.iter().map(|path| Pending::load(path));
    let first = copies.next().expect("the command line asks for one file at least");
    let mut request = copies.try_fold(first?, |mut request, copy| {
        request.merge(copy?)?;
        Ok::<_, Failure>(request)
    })?;
    let _household = init::with_key_process(&folder)?;
    let mut registry = init::registry(&folder)?;
    request.collect(Some(&registry))?;
    let key_process = AdminClient::new(&folder.at(&folder.config.signerd.admin_socket));
    match request.grant(&mut registry, &key_process, crate::clock::now())? {
        Granted::Waits(waiting) => Ok(waiting.tell(Then::Submit, terminal)),
        Granted::Now => {
            terminal.line(format_args!(
                "done: registry entry {}, head {}",
                registry.entries() - 1,
                registry.head()
            ));
            Ok(Exit::Done)
        }
    }
}
