//! `avouch server`: the server alone. `avouch serve` starts it; so may an init system.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use server::{Addresses, Config, Development, Limits, LogFormat, Reloads, Walls};

use crate::config::Folder;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::launch;
use crate::terminal::Terminal;
use signerd::SystemClock;

/// What a log filter is to those who write one.
const A_FILTER: &str = "a log filter";

/// The flags of `avouch server`.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// The data folder that `avouch init` made
    dir: PathBuf,
}

pub(super) fn run(args: &ServerArgs) -> Result<Exit, Failure> {
    let folder = Folder::open(&args.dir)?;
    let (filter, said_by) = log_filter(&folder);
    server::start_logs(LogFormat::Fitting, &filter).map_err(Failure::input(said_by, A_FILTER))?;
    launch::await_key_process(&folder);
    let guarantees = launch::lock_in(&folder)?;
    let wiring = &folder.config.server;
    let signer_socket = folder.at(&folder.config.signerd.socket);
    let config = Config {
        folder: folder.at(&wiring.folder),
        listen: wiring.listen,
        public_listen: wiring.public_listen,
        monitor_listen: wiring.monitor_listen,
        admin_socket: folder.at(&wiring.admin_socket),
        signer_socket: signer_socket.clone(),
        public_url: wiring.public_url.clone(),
        limits: limits(wiring).within(launch::descriptors()),
        walls: Walls { own: guarantees, key_process: Some(signerd::guarantees_file(&signer_socket)) },
        development: if wiring.development_issuer { Development::Issuer } else { Development::Off },
    };
    let ready_file = folder.ready_file();
    let ready = |addresses: &Addresses| {
        let text = serde_json::to_vec(addresses).expect("addresses always encode as JSON");
        // Who waits for the file gives up by itself; the server serves all the same.
        let _told_nobody = crate::files::write(&ready_file, &text);
    };
    let stop = async {
        tokio::select! {
            () = told_to_end() => {}
            () = reload_log(&args.dir) => {}
        }
    };
    let ended = server::run(config, Arc::new(SystemClock), ready, stop);
    let _not_there = std::fs::remove_file(folder.ready_file());
    match ended {
        // The launcher starts nothing again that ended in this way.
        Err(cause) if cause.is_for_good() => Err(Failure::Input {
            name: args.dir.display().to_string(),
            expected: "ready to serve",
            source: cause.into(),
        }),
        ended => ended.map_err(Failure::inside("serve")),
    }?;
    Ok(Exit::Done)
}

/// The bounds, with what the configuration says of the log.
fn limits(wiring: &crate::config::Server) -> Limits {
    let default = Limits::default();
    let entries_per_second = wiring.log_submissions_per_second.unwrap_or(default.entries_per_second);
    Limits { entries_from: wiring.log_submissions, entries_per_second, ..default }
}

/// What the server tells, and who says so.
fn log_filter(folder: &Folder) -> (String, &'static str) {
    match (std::env::var("AVOUCH_LOG"), &folder.config.server.log) {
        (Ok(filter), _) => (filter, "$AVOUCH_LOG"),
        (Err(_), Some(filter)) => (filter.clone(), "server.log"),
        (Err(_), None) => ("warn".to_owned(), "server.log"),
    }
}

async fn told_to_end() {
    // Without signals there is no end but a kill, and that is survived as well.
    if server::told_to_end().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Reads the log filter again whenever the process is told to reload. It does not end.
async fn reload_log(dir: &Path) {
    let Ok(mut reloads) = Reloads::listen() else { return std::future::pending().await };
    loop {
        reloads.next().await;
        let reloaded = Folder::open(dir).and_then(|folder| {
            let (filter, said_by) = log_filter(&folder);
            server::set_log_filter(&filter).map_err(Failure::input(said_by, A_FILTER))
        });
        if let Err(failure) = reloaded {
            Terminal::new().failure(&failure);
        }
    }
}
