//! What an administrative request asks, in words: whoever endorses it reads this first.

use envelope::sshsig::SshKey;
use model::{Digest, TufRole};
use quorum::{
    Administrators, Book, Change, Credential, Entry, Genesis, Group, IssuerState, Principal, Rule, TufRoot,
    TufTargets, Witnesses,
};

use crate::terminal::Terminal;

/// In few words, what an entry is about.
pub(crate) fn title(entry: &Entry) -> String {
    entry.request.as_ref().map_or_else(|| "the genesis".to_owned(), |request| request.reason.clone())
}

/// Shows what is asked, with the digest that is signed.
pub(crate) fn show(entry: &Entry, terminal: Terminal) {
    if let Some(asked) = entry.asked() {
        terminal.line(format_args!("  platform {}", asked.platform));
        terminal.line(format_args!("  digest   {}", terminal.bold(&asked.digest.to_string())));
    }
    if let Some(request) = &entry.request {
        terminal.line(format_args!("  asked by {}, until {}", request.requester.principal, request.deadline));
        terminal.line(format_args!("  reason   {:?}", request.reason));
    }
    for change in &entry.changes {
        terminal.line(format_args!("  - {}", words(change)));
        for principal in newcomers(change) {
            for credential in &principal.credentials {
                terminal.line(format_args!(
                    "      {} has the key {}",
                    principal.principal,
                    key_line(credential)
                ));
            }
        }
    }
    for endorsement in &entry.endorsements {
        terminal.line(format_args!("  endorsed by {} at {}", endorsement.principal, endorsement.time));
    }
}

/// Whom a change makes known to the registry: each is to find their own key there, and to know the others'.
fn newcomers(change: &Change) -> &[Principal] {
    match change {
        Change::Genesis(genesis) => &genesis.principals,
        Change::Administrators(new) => &new.principals,
        _ => &[],
    }
}

fn key_line(credential: &Credential) -> String {
    match credential {
        Credential::Ssh { public_key, .. } => {
            SshKey::from_wire(&public_key.0).map_or_else(|error| error.to_string(), |key| key.to_line())
        }
        _ => "of a kind that this avouch does not know".to_owned(),
    }
}

fn words(change: &Change) -> String {
    match change {
        Change::Genesis(Genesis { host, administration, groups, .. }) => {
            format!("begins the platform of host {host}; {}", governing(administration, groups))
        }
        Change::Key(record) => {
            let rule = record.rule.as_ref().map_or_else(|| "no rule".to_owned(), rule);
            let classes: Vec<&str> = record.classes.iter().map(|class| class.word()).collect();
            let origin = record.origin.as_ref().map(|origin| format!(", log {origin}")).unwrap_or_default();
            let takes_over = record.takes_over.map(|at| format!(", takes over at {at}")).unwrap_or_default();
            format!(
                "adds key {}#{} of form {}, {}, classes [{}], {rule}{origin}{takes_over}, until {}: {}",
                record.name,
                record.generation,
                record.form,
                record.public_key.algorithm(),
                classes.join(", "),
                record.not_after,
                record.id()
            )
        }
        Change::KeyState { key, state, since, reason } => {
            format!("makes key {key} {} since {since}: {reason:?}", super::key_state(*state))
        }
        Change::Issuer(issuer) => {
            let keys: Vec<String> = issuer.keys.iter().map(|key| key.public_key.id().to_string()).collect();
            let kind = serde_json::to_string(&issuer.kind).unwrap_or_default();
            let behind = issuer.issuer_claim.as_ref().map(|path| format!(", named as {path}"));
            let keys = match keys.as_slice() {
                [] => "by whatever keys the server fetches".to_owned(),
                keys => format!("by the keys {}", keys.join(", ")),
            };
            format!(
                "believes ID tokens of {} for the audience {:?}{}, {keys}; certificates name {kind}",
                issuer.url,
                issuer.audience,
                behind.unwrap_or_default()
            )
        }
        Change::IssuerState { url, state: IssuerState::Active, reason } => {
            format!("believes ID tokens of {url} again: {reason:?}")
        }
        Change::IssuerState { url, state: IssuerState::Suspended, reason } => {
            format!("believes no more ID tokens of {url}: {reason:?}")
        }
        Change::Policy { digest } => format!("puts policy {digest} in force"),
        Change::Adoption(adoption) => format!(
            "adopts the journal of {} leaves, root {}, as instance {}: {:?}",
            adoption.journal_size, adoption.journal_root, adoption.instance, adoption.reason
        ),
        Change::Administrators(Administrators { rule, groups, .. }) => {
            format!("lets several govern from now on; {}", governing(rule, groups))
        }
        Change::Witnesses(new) if new.witnesses.is_empty() => {
            "ends all witnessing: journal and log are unanchored from now on".to_owned()
        }
        Change::Witnesses(new) => witnesses(new),
        Change::TufRoot(root) => tuf_root(root),
        Change::TufTargets(targets) => tuf_targets(targets),
        _ => "changes something that this avouch does not know: do not endorse it".to_owned(),
    }
}

fn witnesses(new: &Witnesses) -> String {
    let books: Vec<&str> = new.books.iter().map(|book| book_words(*book)).collect();
    let named: Vec<String> =
        new.witnesses.iter().map(|one| format!("{} with {}", one.name, one.key.id())).collect();
    let (threshold, count) = (new.threshold, named.len());
    format!("has {} cosigned by {threshold} of {count} witnesses: {}", books.join(" and "), named.join(", "))
}

const fn book_words(book: Book) -> &'static str {
    match book {
        Book::Journal => "the journal",
        Book::Log => "the log",
    }
}

fn tuf_root(root: &TufRoot) -> String {
    let of = |role: &TufRole| {
        let keys: Vec<String> = root.keys(*role).iter().map(ToString::to_string).collect();
        format!("{role} by {}", keys.join(", "))
    };
    let roles: Vec<String> = TufRole::ALL.iter().map(of).collect();
    format!("makes root {} of TUF, until {}: {}", root.version, root.expires, roles.join("; "))
}

/// Each file by its digest, which whoever endorses compares with that of their own copy.
fn tuf_targets(targets: &TufTargets) -> String {
    let file = |(name, text): (&String, &String)| format!("{name} ({})", Digest::of(text.as_bytes()));
    let files: Vec<String> = targets.files.iter().map(file).collect();
    format!("publishes targets {} of TUF, until {}: {}", targets.version, targets.expires, files.join(", "))
}

fn governing(administration: &Rule, groups: &[Group]) -> String {
    let groups: Vec<String> = groups
        .iter()
        .map(|group| {
            let persons: Vec<String> = group.persons.iter().map(ToString::to_string).collect();
            format!("group {} is {}", group.name, persons.join(", "))
        })
        .collect();
    format!("changes ask for {}; {}", rule(administration), groups.join("; "))
}

fn rule(rule: &Rule) -> String {
    let parts: Vec<String> =
        rule.requirements.iter().map(|one| format!("{} of {}", one.threshold, one.group)).collect();
    let independent = match rule.independent {
        0 => String::new(),
        count => format!(", {count} of them with a touch key"),
    };
    format!("{}{independent}", parts.join(" and "))
}
