//! `avouch request`: read what waits to be endorsed, held against its digest and the files at hand; take it back.

mod list;
mod receipts;
mod submit;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use envelope::in_toto::{self, Statement};
use envelope::openpgp::CLEARTEXT;
use model::{Carried, Content, Digest, Item, Items, Kind, Request, RequestId};

use crate::context::{Context, ContextArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::reading::ReadFile;
use crate::terminal::Terminal;
use crate::verbs::sign::{exit_of, state_text};

/// The flags of `avouch request`.
#[derive(Debug, Args)]
pub(crate) struct RequestArgs {
    #[command(subcommand)]
    verb: RequestVerb,
}

/// What is done with a request.
#[derive(Debug, Subcommand)]
enum RequestVerb {
    /// Put an administrative request in force that enough have endorsed
    Submit(submit::SubmitArgs),
    /// List the requests that you asked for, or may ask for, the newest first
    List(list::ListArgs),
    /// Fetch the receipts of files again, with what witnesses saw since they were made
    Receipts(receipts::ReceiptsArgs),
    /// Show what a request asks, with the digest recomputed from it; it names what `avouch endorse` signs
    #[command(after_help = "\
Example:
  avouch request show req_ebfkrxqnd5ytqbvkeh7vhnqhim --file firmware.bin")]
    Show {
        /// The request
        request: RequestId,
        /// A file that the request must sign, compared byte for byte by its digest; may be given more than once
        #[arg(long = "file", value_name = "FILE")]
        files: Vec<PathBuf>,
        /// A folder, which is there, for what travels whole to be signed, such as the statement of an attestation
        #[arg(long, value_name = "DIR")]
        contents: Option<PathBuf>,
        #[command(flatten)]
        context: ContextArgs,
    },
    /// Take a request back that you made
    #[command(after_help = "Example:\n  avouch request withdraw req_ebfkrxqnd5ytqbvkeh7vhnqhim")]
    Withdraw {
        /// The request
        request: RequestId,
        #[command(flatten)]
        context: ContextArgs,
    },
}

pub(super) fn run(args: &RequestArgs, terminal: Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        RequestVerb::List(args) => list::run(args, terminal),
        RequestVerb::Receipts(args) => receipts::run(args, terminal),
        RequestVerb::Submit(args) => submit::run(args, terminal),
        RequestVerb::Show { request, files, contents, context } => {
            let received = Received::fetch(request, &context.load()?)?;
            if let Some(folder) = contents {
                received.lay_out(folder, terminal)?;
            }
            show(&received, files, terminal)
        }
        RequestVerb::Withdraw { request, context } => {
            let view = crate::online::call(context.load()?.client()?.withdraw(request))?;
            terminal.line(format_args!("{}: {}", view.id, state_text(view.state)));
            let withdrawn = view.state == api::RequestState::Withdrawn;
            Ok(if withdrawn { Exit::Done } else { exit_of(view.state) })
        }
    }
}

fn show(received: &Received, files: &[PathBuf], terminal: Terminal) -> Result<Exit, Failure> {
    let carried: Vec<Carried> =
        received.items().filter(|item| !is_claim(item)).map(|item| item.content.carried()).collect();
    let is_text = received.items().any(|item| item.format.as_str() == CLEARTEXT);
    let read = |path: &PathBuf| match is_text {
        true => crate::reading::text(path, &carried),
        false => crate::reading::file(path, None, &carried),
    };
    let files = files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    terminal.line(format_args!("digest {}", terminal.bold(&received.digest.to_string())));
    super::inspect::show_request(&received.request, terminal);
    if !received.request.reason.is_empty() {
        terminal.line(format_args!("  reason {:?}", received.request.reason));
    }
    for item in received.items() {
        show_item(item, &files, terminal);
    }
    let missing = |file: &&ReadFile| !received.items().any(|item| signs(item, file));
    let missing: Vec<&ReadFile> = files.iter().filter(missing).collect();
    for file in &missing {
        let word = terminal.bad("not in this request:");
        terminal.line(format_args!("{word} `{}`, sha256 {}", file.name, file.prepared.digests.sha256()));
    }
    Ok(if missing.is_empty() { Exit::Done } else { Exit::Bad })
}

fn show_item(item: &Item, files: &[ReadFile], terminal: Terminal) {
    let title = terminal.bold("item");
    terminal.line(format_args!("{title} `{}` as {}, form {}", item.name, item.format, item.form));
    terminal.line(format_args!("  key {} generation {}", item.key.name, item.key.generation));
    match item.content.carried() {
        Carried::Inline => terminal.line(format_args!("  content inline, {} bytes", item.content.length())),
        _ => {
            let known = item.content.known_by();
            let digest = data_encoding::HEXLOWER.encode(known.as_bytes());
            terminal.line(format_args!("  content {} {digest}", known.hash().word()));
        }
    }
    super::inspect::show_parameters(&item.parameters, terminal);
    super::inspect::statement::show_content(item, terminal);
    match files.iter().find(|file| signs(item, file)) {
        Some(file) if is_claim(item) => {
            terminal.line(format_args!("  {} `{}`", terminal.good("it is about the file"), file.name))
        }
        Some(file) => terminal.line(format_args!("  {} `{}`", terminal.good("it is the file"), file.name)),
        None => terminal.line("  not compared: none of the files given with `--file` is it"),
    }
}

/// Is something said about files in it, rather than a file signed?
fn is_claim(item: &Item) -> bool {
    item.format.as_str() == in_toto::FORMAT
}

/// Would this item's signature be one of this file, or of a claim about it?
fn signs(item: &Item, file: &ReadFile) -> bool {
    if let (true, Content::Inline { bytes }) = (is_claim(item), &item.content) {
        let statement = Statement::parse(&bytes.0);
        return statement.is_ok_and(|statement| statement.names(&file.prepared.digests).is_some());
    }
    file.is_of(item)
}

/// A request as the server shows it, once its parts belong together and it is the one that was asked for.
struct Received {
    digest: Digest,
    request: Request,
    items: Option<Items>,
}

impl Received {
    fn fetch(id: &RequestId, context: &Context) -> Result<Self, Failure> {
        let content = crate::online::call(context.client()?.content(id))?;
        let bytes = content.request.as_bytes();
        let request = Request::parse(bytes).map_err(Failure::input("the server's answer", "a request"))?;
        if request.id != *id || request.platform != context.trust_root()?.platform() {
            return Err(Failure::Process {
                process: "the server",
                fault: format!("showed {} of {} for {id}", request.id, request.platform),
            });
        }
        let items = match &request.kind {
            Kind::Sign(signing) => {
                let encoded = content.items.into_iter().map(String::into_bytes).collect();
                let items = Items::parse(encoded)
                    .map_err(Failure::input("the server's answer", "the items of a request"))?;
                if items.tree() != signing.items {
                    return Err(Failure::Process {
                        process: "the server",
                        fault: format!("showed items that are not those of {id}"),
                    });
                }
                Some(items)
            }
            _ => None,
        };
        Ok(Self { digest: Request::digest(bytes), request, items })
    }

    /// Writes what stands in the items themselves, for whoever endorses it to read.
    fn lay_out(&self, folder: &Path, terminal: Terminal) -> Result<(), Failure> {
        for item in self.items() {
            let Content::Inline { bytes } = &item.content else { continue };
            let path = folder.join(format!("item-{}.content", item.index));
            crate::files::write(&path, &bytes.0)?;
            terminal.note(format_args!("what item {} would sign is in `{}`", item.index, path.display()));
        }
        Ok(())
    }

    fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().flat_map(|items| items.iter().map(|(_, item)| item))
    }
}
