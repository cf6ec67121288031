//! `avouch server`: the server alone. `avouch serve` starts it; so may an init system.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use server::{Addresses, Config, Limits, LogFormat};

use crate::config::Folder;
use crate::exit::Exit;
use crate::failure::Failure;
use signerd::SystemClock;

/// The flags of `avouch server`.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// The data folder that `avouch init` made
    dir: PathBuf,
}

pub(super) fn run(args: &ServerArgs) -> Result<Exit, Failure> {
    let folder = Folder::open(&args.dir)?;
    let filter = std::env::var("AVOUCH_LOG").unwrap_or_else(|_| "warn".to_owned());
    server::start_logs(LogFormat::Fitting, &filter).map_err(Failure::input("$AVOUCH_LOG", "a log filter"))?;
    let wiring = &folder.config.server;
    let config = Config {
        folder: folder.at(&wiring.folder),
        listen: wiring.listen,
        public_listen: wiring.public_listen,
        monitor_listen: wiring.monitor_listen,
        admin_socket: folder.at(&wiring.admin_socket),
        signer_socket: folder.at(&folder.config.signerd.socket),
        public_url: wiring.public_url.clone(),
        limits: Limits::default(),
    };
    let ready_file = folder.ready_file();
    let ready = |addresses: &Addresses| {
        let text = serde_json::to_vec(addresses).expect("addresses always encode as JSON");
        // Who waits for the file gives up by itself; the server serves all the same.
        let _told_nobody = crate::files::write(&ready_file, &text);
    };
    let stop = async {
        // Without signals there is no end but a kill, and that is survived as well.
        if server::told_to_end().await.is_err() {
            std::future::pending::<()>().await;
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
