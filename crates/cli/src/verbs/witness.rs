//! `avouch witness`: to be a witness of other people's logs, and to have witnesses of one's own.

mod feed;
mod init;
mod named;
mod serve;
mod stand;

use clap::{Args, Subcommand};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

pub(crate) use feed::Way;

/// The flags of `avouch witness`.
#[derive(Debug, Args)]
pub(crate) struct WitnessArgs {
    #[command(subcommand)]
    verb: WitnessVerb,
}

#[derive(Debug, Subcommand)]
enum WitnessVerb {
    /// Begin a witness of other people's logs: a folder with a key of its own
    Init(init::InitArgs),
    /// Be that witness: remember how far each log went, and cosign what goes on from there
    Serve(serve::ServeArgs),
    /// Have the journal and the log of a platform cosigned by witnesses; an endorsed change
    Name(named::NameArgs),
    /// Have nothing cosigned any more; an endorsed change
    Dismiss(named::DismissArgs),
    /// Say by whom the journal and the log of a platform are witnessed, and whether they hold it now
    Show(named::ShowArgs),
    /// Bring the checkpoints of a platform to its witnesses, and what they cosign back
    Feed(feed::FeedArgs),
}

pub(super) fn run(args: &WitnessArgs, terminal: Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        WitnessVerb::Init(args) => init::run(args, terminal),
        WitnessVerb::Serve(args) => serve::run(args, terminal),
        WitnessVerb::Name(args) => named::name(args, terminal),
        WitnessVerb::Dismiss(args) => named::dismiss(args, terminal),
        WitnessVerb::Show(args) => named::show(args, terminal),
        WitnessVerb::Feed(args) => feed::run(args, terminal),
    }
}
