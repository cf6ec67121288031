//! `avouch witness serve`: a witness of other people's logs.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::witness::Witness;
use clap::Args;
use server::{Limits, run_witness, told_to_end};
use signerd::{Confines, Network, Programs, Sockets, SystemClock, confine};

use super::stand::Stand;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The flags of `avouch witness serve`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  avouch witness serve /var/lib/avouch-witness

Speaks C2SP tlog-witness: `POST /add-checkpoint`, and `GET /HASH/checkpoint` for whoever watches. It connects nowhere.
What it saw is in DIR/seen: to put an older copy of that back makes it vouch for a history that it should refuse.")]
pub(super) struct ServeArgs {
    /// The folder that `avouch witness init` made
    dir: PathBuf,
    /// Write the address that it listens at to this file, once it does
    #[arg(long, value_name = "FILE", hide = true)]
    ready_file: Option<PathBuf>,
}

pub(super) fn run(args: &ServeArgs, terminal: Terminal) -> Result<Exit, Failure> {
    server::start_logs(server::LogFormat::Fitting, "info").map_err(Failure::inside("write the trace"))?;
    let stand = Stand { path: args.dir.clone() };
    let config = stand.config()?;
    let _only_one = lock(&stand.path)?;
    let mut confines = Confines {
        read: vec![stand.path.clone(), "/dev/urandom".into()],
        write: vec![stand.memory_folder()],
        programs: Programs::None,
        network: Network::Listen(vec![config.listen.port()]),
        sockets: Sockets::In(Vec::new()),
        ..Confines::default()
    };
    confines.write.extend(args.ready_file.as_deref().and_then(Path::parent).map(Path::to_owned));
    confine(&confines).map_err(Failure::inside("lock the witness in"))?;
    let witness = Witness::open(stand.memory(), stand.keys()?, Arc::new(SystemClock), config.known()?)
        .map_err(Failure::inside("open the witness"))?;
    for (log, size) in witness.logs() {
        let size = size.map_or_else(|| "nothing yet".to_owned(), |size| format!("{size} entries"));
        terminal.note(format_args!("witnesses {}: cosigned {size}", log.origin()));
    }
    let ready = |address| {
        terminal.note(format_args!("the witness listens at http://{address}"));
        if let Some(file) = &args.ready_file {
            let _whoever_waits_is_told_by_a_timeout = fs::write(file, format!("{address}"));
        }
    };
    let stop = async {
        if told_to_end().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    run_witness(Arc::new(witness), config.listen, Limits::default(), ready, stop)
        .map_err(Failure::inside("serve as a witness"))?;
    Ok(Exit::Done)
}

/// INVARIANT: one process at a time remembers. Two over one folder would each cosign from a memory of its own.
fn lock(folder: &Path) -> Result<File, Failure> {
    let path = folder.join("lock");
    let file = File::options().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(Failure::file("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => Err(Failure::Folder {
            path: folder.to_owned(),
            fault: "is used by another witness that runs",
            advice: "end that one first",
        }),
    }
}
