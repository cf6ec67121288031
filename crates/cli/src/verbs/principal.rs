//! `avouch principal`: who may ask.

use std::fs;
use std::path::PathBuf;

use api::{NewCertificate, NewPrincipal, PrincipalView};
use clap::{Args, Subcommand};
use model::{PersonId, PrincipalId, Space};

use crate::context::FolderArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The flags of `avouch principal`.
#[derive(Debug, Args)]
pub(crate) struct PrincipalArgs {
    #[command(subcommand)]
    verb: PrincipalVerb,
}

#[derive(Debug, Subcommand)]
enum PrincipalVerb {
    /// Add somebody or something that may ask
    #[command(
        after_help = "Examples:\n  avouch principal add ci-payments --space payments\n  avouch principal add alice --space payments --cert alice.pem"
    )]
    Add {
        /// What it is called
        name: String,
        /// A prefix of the spaces in which it may sign; repeat it for several
        #[arg(long = "space", value_name = "SPACE", required = true)]
        spaces: Vec<Space>,
        /// The person it is, or who is responsible for it; otherwise somebody new
        #[arg(long)]
        person: Option<PersonId>,
        /// A client certificate that proves it
        #[arg(long, value_name = "FILE")]
        cert: Option<PathBuf>,
        #[command(flatten)]
        folder: FolderArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List them
    #[command(after_help = "Example:\n  avouch principal list")]
    List {
        #[command(flatten)]
        folder: FolderArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Disable one, with every credential it has
    #[command(after_help = "Example:\n  avouch principal disable prn_ebfkrxqnd5ytqbvkeh7vhnqhim")]
    Disable {
        /// Its id
        id: PrincipalId,
        #[command(flatten)]
        folder: FolderArgs,
    },
}

pub(super) fn run(args: &PrincipalArgs, terminal: Terminal) -> Result<Exit, Failure> {
    match &args.verb {
        PrincipalVerb::Add { name, spaces, person, cert, folder, json } => {
            let read = |path: &PathBuf| fs::read_to_string(path).map_err(Failure::file("read", path));
            let certificate = cert.as_ref().map(read).transpose()?;
            let admin = folder.admin()?;
            let new = NewPrincipal { name: name.clone(), person: *person, spaces: spaces.clone() };
            let view = crate::online::call(async {
                let view = admin.add_principal(&new).await?;
                if let Some(certificate) = certificate {
                    admin.add_certificate(&view.id, &NewCertificate { certificate }).await?;
                }
                Ok::<_, client::ClientError>(view)
            })?;
            if *json { terminal.line(super::json(&view)) } else { show(&view, terminal) }
        }
        PrincipalVerb::List { folder, json } => {
            let all = list(folder)?;
            if *json {
                terminal.line(super::json(&all));
            } else {
                all.iter().for_each(|view| show(view, terminal));
            }
        }
        PrincipalVerb::Disable { id, folder } => {
            let admin = folder.admin()?;
            show(&crate::online::call(admin.disable_principal(id))?, terminal);
        }
    }
    Ok(Exit::Done)
}

fn list(folder: &FolderArgs) -> Result<Vec<PrincipalView>, Failure> {
    let admin = folder.admin()?;
    crate::online::call(async {
        let (mut all, mut after): (Vec<PrincipalView>, Option<String>) = (Vec::new(), None);
        loop {
            let page = admin.principals(after.as_deref()).await?;
            all.extend(page.items);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok::<_, client::ClientError>(all),
            }
        }
    })
}

fn show(view: &PrincipalView, terminal: Terminal) {
    let spaces: Vec<&str> = view.spaces.iter().map(Space::as_str).collect();
    let disabled = view
        .disabled
        .map_or_else(String::new, |since| format!("  {}", terminal.bad(&format!("disabled {since}"))));
    terminal.line(format_args!(
        "{}  {}  {}  {}{disabled}",
        view.id,
        terminal.bold(&view.name),
        view.person,
        spaces.join(" ")
    ));
}
