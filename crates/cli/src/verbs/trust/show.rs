//! `avouch trust show`: what a trust root trusts, since when, until when, and what is next.

use ::verify::TrustRoot;
use model::Instant;
use quorum::{Book, Key, Registry};

use super::rotate::Role;
use super::standing::Standing;
use crate::terminal::Terminal;

/// Who governs a platform, and since which entry of the registry.
pub(crate) fn governance(registry: &Registry) -> String {
    let several: u32 = registry.administration().requirements.iter().map(|one| one.threshold).sum();
    match registry.several_since() {
        None => "governed by a single person (solo)".to_owned(),
        Some(0) => format!("governed by {several} of {}", registry.administrators().count()),
        Some(entry) => format!(
            "governed by {several} of {} since entry {entry}, and by a single person before",
            registry.administrators().count()
        ),
    }
}

/// Shows a trust root to people.
pub(crate) fn show(root: &TrustRoot, terminal: Terminal) {
    let registry = root.registry();
    terminal.line(format_args!("{} {}", terminal.bold("platform"), root.platform()));
    terminal.line(format_args!("  fingerprint {}", root.fingerprint()));
    let governance = governance(registry);
    terminal.line(format_args!(
        "  host {}, {governance}, {} registry entries, head {}",
        registry.host(),
        registry.entries(),
        registry.head()
    ));
    terminal.line(format_args!("  expires {}", root.expires()));
    roles(registry, crate::clock::now(), terminal);
    super::tuf::show(registry, &[], terminal);
    for log in root.logs() {
        terminal.line(format_args!("{} {}", terminal.bold("log"), log.encode()));
    }
    for journal in root.journals() {
        terminal.line(format_args!("{} {}", terminal.bold("journal"), journal.encode()));
    }
    for (book, what) in [(Book::Journal, "the journal"), (Book::Log, "the log")] {
        terminal.line(witnesses(registry, book, what));
    }
    for root in root.roots() {
        terminal.line(format_args!(
            "{} {} until {}",
            terminal.bold("root"),
            root.subject_text(),
            root.not_after()
        ));
    }
    for key in registry.keys() {
        crate::verbs::key::line(key, terminal);
    }
    terminal.line(
        "not protected: who asks is the server's word; what one administrator of a solo platform changes",
    );
}

/// The platform's own keys by what they are for: each with its state, its window, and what is next.
fn roles(registry: &Registry, now: Instant, terminal: Terminal) {
    for role in Role::ALL {
        let keys: Vec<&Key> = registry.keys().filter(|key| key.record.form == role.form()).collect();
        if keys.is_empty() {
            continue;
        }
        terminal.line(format_args!(
            "{} {}",
            terminal.bold(role.title()),
            terminal.dim(&format!("(avouch trust rotate {})", role.word()))
        ));
        for key in keys {
            let standing = Standing::of(key, registry, now);
            let name = format!("{}#{}", key.record.name, key.record.generation);
            let log = key.record.origin.as_deref().map(|origin| format!(" {origin}")).unwrap_or_default();
            terminal.line(format_args!("  {name:<22}{log} {}", standing.words(key, registry)));
        }
    }
}

/// Who witnesses a book, from now on.
fn witnesses(registry: &Registry, book: Book, what: &str) -> String {
    let Some(named) = registry.witnesses(book) else {
        return format!("{what} is unanchored: no witness cosigns it");
    };
    let names: Vec<&str> = named.witnesses.iter().map(|one| one.name.as_str()).collect();
    format!("{what} is cosigned by {} of {}: {}", named.threshold, names.len(), names.join(", "))
}
