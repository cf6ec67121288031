//! `avouch tuf-conformance`: the protocol by which the public
//! [conformance suite](https://github.com/theupdateframework/tuf-conformance) drives clients. Its exit code decides: 0 or 1.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use client::{Believed, TufSite};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::tuf::{self, TufClient};

/// The flags of `avouch tuf-conformance`.
#[derive(Debug, Args)]
pub(crate) struct TufConformanceArgs {
    #[arg(long, value_name = "DIR")]
    metadata_dir: PathBuf,
    #[arg(long, value_name = "URL", default_value = "")]
    metadata_url: String,
    #[arg(long, value_name = "PATH")]
    target_name: Vec<String>,
    #[arg(long, value_name = "URL")]
    target_base_url: Option<String>,
    #[arg(long, value_name = "DIR", default_value = ".")]
    target_dir: PathBuf,
    #[command(subcommand)]
    verb: TufConformanceVerb,
}

#[derive(Debug, Subcommand)]
enum TufConformanceVerb {
    /// Trust a root
    Init {
        #[arg(value_name = "FILE")]
        root: PathBuf,
    },
    /// Take what is new
    Refresh,
    /// Fetch files
    Download,
}

pub(super) fn run(args: &TufConformanceArgs, terminal: Terminal) -> Result<Exit, Failure> {
    match args.run() {
        Ok(()) => Ok(Exit::Done),
        Err(failure) => {
            terminal.line(model::told(&failure));
            Ok(Exit::Bad)
        }
    }
}

impl TufConformanceArgs {
    fn run(&self) -> Result<(), Failure> {
        if let TufConformanceVerb::Init { root } = &self.verb {
            return tuf::begin(&self.metadata_dir, root);
        }
        let targets = self.target_base_url.as_deref().unwrap_or(&self.metadata_url);
        let site = TufSite::new(&self.metadata_url, targets, &Believed::System)?;
        let mut client = TufClient::open(&site, &self.metadata_dir, crate::clock::now())?;
        client.refresh()?;
        if matches!(self.verb, TufConformanceVerb::Download) {
            for name in &self.target_name {
                client.download(name, &self.target_dir)?;
            }
        }
        Ok(())
    }
}
