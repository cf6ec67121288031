//! `avouch explain`: the story of a signature.

use ::verify::{NotChecked, Proven};
use clap::Args;
use model::{Kind, Request};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::verbs::verify::{self, VerifyArgs};

/// The flags of `avouch explain`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  avouch explain firmware.bin\n  avouch explain firmware.bin --signature elsewhere/firmware.bin.receipt.json"
)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    verify: VerifyArgs,
}

pub(super) fn run(args: &ExplainArgs, terminal: Terminal) -> Result<Exit, Failure> {
    if args.verify.files {
        return Err(Failure::Usage {
            what: "a list of checksums has one story, and its files have none".to_owned(),
            advice: "leave out `--files`; `avouch verify` holds the files to the list",
        });
    }
    let verified = verify::judge(&args.verify)?;
    if args.verify.json {
        terminal.line(super::json(&verified));
        return Ok(Exit::Done);
    }
    terminal.line(format_args!("{}", terminal.bold(&args.verify.file.display().to_string())));
    terminal.line(format_args!("  sha256 {}", verified.file()));
    if let Some(request) = verified.request() {
        who(request, terminal);
    }
    for item in verified.items() {
        let form = item.item().map_or_else(String::new, |item| format!("The `{}` signature. ", item.form));
        terminal.line(format_args!("\n{form}Believed to be of {}.", item.time()));
        item.proven().iter().for_each(|proof| terminal.line(format_args!("  {}", sentence(proof))));
    }
    terminal.line(format_args!("\n{}", terminal.bold("What this does not prove")));
    verified.not_checked().iter().for_each(|open| terminal.line(format_args!("  · {open}")));
    if !verified.not_checked().iter().any(|open| matches!(open, NotChecked::NoRequest)) {
        terminal.line(
            "  · that the file is good: only that it is the one which was asked for, by whom, and when",
        );
    }
    Ok(Exit::Done)
}

fn who(request: &Request, terminal: Terminal) {
    let Kind::Sign(signing) = &request.kind else { return };
    let requester = &request.requester;
    terminal.line(format_args!(
        "\nOn {}, {} (of {}) asked for it in space `{}`, with profile `{}` of class {}.",
        request.created, requester.principal, requester.person, request.space, signing.profile, signing.class
    ));
    let subject = &signing.subject;
    if !subject.product.is_empty() || !subject.version.is_empty() {
        terminal.line(format_args!("They call it `{}`, version `{}`.", subject.product, subject.version));
    }
    if let Some(source) = &subject.source {
        let part =
            |label: &str, value: &Option<String>| value.as_ref().map(|value| format!("{label} {value}"));
        let parts = [
            part("repository", &source.repository),
            part("commit", &source.commit),
            part("ref", &source.reference),
            part("build", &source.build),
        ];
        let said: Vec<String> = parts.into_iter().flatten().collect();
        terminal.line(format_args!("They say it was made from {}.", said.join(", ")));
    }
    if !request.reason.is_empty() {
        terminal.line(format_args!("Their reason: {}", request.reason));
    }
    terminal.line(format_args!("The policy in force had the digest {}.", request.policy));
}

/// A proof as a sentence of the story.
fn sentence(proof: &Proven) -> String {
    let text = proof.to_string();
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}
