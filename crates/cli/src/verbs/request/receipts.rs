//! `avouch request receipts`: receipts are fetched again, with what witnesses saw of the log since they were made.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use ::verify::{
    Artifact, Evidence, Expectations, Present, Refused, TimeSource, TrustRoot, WitnessExpectation,
    verify_receipt,
};
use clap::Args;
use client::{Client, Wait};
use envelope::detached;
use model::receipt::Receipt;
use model::{Hash, Request, RequestId};

use crate::context::ContextArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// How often it is asked whether enough witnesses have come by.
const PACE: Duration = Duration::from_millis(500);

/// The flags of `avouch request receipts`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  avouch request receipts firmware.bin
  avouch request receipts dist/*.tar --wait 0

Witnesses see what was signed a moment later. This fetches the receipts once enough of them have, and ends with 2 where they
did not come by in time: then each receipt is the newest that there is, and `avouch verify` says what is missing.")]
pub(crate) struct ReceiptsArgs {
    /// The files that were signed; NAME.receipt.json stands beside each
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How many seconds to wait for the witnesses
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    wait: u64,
    #[command(flatten)]
    context: ContextArgs,
}

pub(super) fn run(args: &ReceiptsArgs, terminal: Terminal) -> Result<Exit, Failure> {
    let context = args.context.load()?;
    let until = Instant::now() + Duration::from_secs(args.wait);
    let shelf = Shelf { client: context.client()?, root: context.renew_trust_root()?, until };
    let mut missing = None;
    for path in &args.files {
        match shelf.complete(path)? {
            None => terminal.line(format_args!("{} {}", terminal.good("witnessed"), path.display())),
            Some(refused) => {
                missing.get_or_insert((path, refused));
            }
        }
    }
    match missing {
        None => Ok(Exit::Done),
        Some((path, source)) => {
            let subject = format!("the receipt of `{}` lacks witnesses", path.display());
            Err(Failure::Refused { subject, source })
        }
    }
}

/// Where receipts are fetched, by what they are verified, and how long they are waited for.
struct Shelf {
    client: Client,
    root: TrustRoot,
    until: Instant,
}

impl Shelf {
    /// Puts the newest receipt of a file in the place of the one beside it; with what it lacks still.
    fn complete(&self, path: &Path) -> Result<Option<Refused>, Failure> {
        let beside = crate::files::suffixed(path, detached::Kind::Receipt.suffix());
        let old = crate::reading::receipt(&beside)?;
        let request = Request::parse(old.request.as_bytes())
            .map_err(Failure::input(beside.display().to_string(), "a receipt with a request"))?;
        let artifact = crate::reading::artifact(path, &Hash::ALL)?;
        loop {
            let receipt = self.fetch(&request.id, &old)?;
            let lacking = match self.judge(&artifact, &receipt, WitnessExpectation::Required) {
                Ok(()) => None,
                Err(lacking @ Refused::CannotCheck { .. }) => Some(lacking),
                Err(bad) => return Err(bad_receipt(&artifact, bad)),
            };
            if lacking.is_none() || Instant::now() >= self.until {
                // What is kept holds, whoever has seen it.
                let held = self.judge(&artifact, &receipt, WitnessExpectation::AsShown);
                held.map_err(|bad| bad_receipt(&artifact, bad))?;
                crate::files::write(&beside, &receipt.encode())?;
                return Ok(lacking);
            }
            thread::sleep(PACE);
        }
    }

    fn fetch(&self, id: &RequestId, old: &Receipt) -> Result<Receipt, Failure> {
        let view = crate::online::call(self.client.request(id, Wait::No))?;
        let items =
            |receipt: &Receipt| receipt.items.iter().map(|signed| signed.item.clone()).collect::<Vec<_>>();
        let same = view.receipts.into_iter().find(|receipt| items(receipt) == items(old));
        same.ok_or_else(|| Failure::Process {
            process: "the server",
            fault: format!("shows no such receipt of {id}"),
        })
    }

    fn judge(
        &self,
        artifact: &Artifact,
        receipt: &Receipt,
        witnesses: WitnessExpectation,
    ) -> Result<(), Refused> {
        let present = Present { at: crate::clock::now(), source: TimeSource::SystemClock };
        let (timestamp, log) = (Evidence::IfPresent, Evidence::IfPresent);
        let expectations = Expectations { witnesses, timestamp, log, ..Expectations::default() };
        verify_receipt(artifact, receipt, &self.root, &expectations, present).map(drop)
    }
}

fn bad_receipt(artifact: &Artifact, refused: Refused) -> Failure {
    let name = artifact.name.clone().unwrap_or_default();
    Failure::BadReceipt { name, source: Box::new(refused) }
}
