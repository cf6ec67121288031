//! The TUF metadata of a platform: shown to people, and its root given out.

use ::verify::{ROOTS_MAX, TrustRoot, TufTrust};
use client::{Believed, TufSite};
use envelope::ToBeSigned;
use envelope::tuf::{bytes_max, canonical};
use model::TufRole;
use quorum::Registry;
use signer::TufVersion;

use crate::context::Context;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// Shows the versions, until when each counts, and whose keys sign.
pub(super) fn show(registry: &Registry, signed: &[TufVersion], terminal: Terminal) {
    let Some(root) = registry.tuf().root() else { return };
    for role in TufRole::ALL {
        let decided = match role {
            TufRole::Root => Some((root.version, root.expires)),
            TufRole::Targets => registry.tuf().targets().map(|one| (one.version, one.expires)),
            _ => None,
        };
        let newest = signed.iter().filter(|one| one.role == *role).max_by_key(|one| one.version);
        let stands = decided.or_else(|| newest.map(|one| (one.version, one.expires)));
        let stands = stands.map_or_else(
            || "renewed by the key process alone".to_owned(),
            |(version, expires)| format!("version {version}, until {expires}"),
        );
        let keys: Vec<String> = root.keys(*role).iter().map(|key| named(registry, key)).collect();
        terminal.line(format_args!(
            "{} {stands}, signed by {}",
            terminal.bold(&format!("TUF {role}")),
            keys.join(" and ")
        ));
    }
}

fn named(registry: &Registry, key: &model::KeyId) -> String {
    let known = registry.key(key);
    known.map_or_else(|| key.to_string(), |key| format!("{}#{}", key.record.name, key.record.generation))
}

/// Where the server of a context has its repository.
pub(crate) fn site(context: &Context) -> Result<TufSite, Failure> {
    let url = crate::verbs::sign::keyless::public_url(context)?;
    let ca = std::fs::read_to_string(&context.ca).map_err(Failure::file("read", &context.ca))?;
    Ok(TufSite::new(&format!("{url}/tuf"), &format!("{url}/tuf/targets"), &Believed::Only(ca))?)
}

/// The newest root, which clients begin with. It is the one that the platform's registry says, or is refused.
pub(super) fn root(context: &Context, trust_root: &TrustRoot) -> Result<Vec<u8>, Failure> {
    let site = site(context)?;
    let fetch = |version: u64| {
        crate::online::call(site.metadata(&format!("{version}.root.json"), bytes_max(TufRole::Root)))
    };
    let newest = trust_root.registry().tuf().root().map_or(0, |root| root.version);
    let bytes = if newest <= ROOTS_MAX { fetch(newest)? } else { None };
    let bytes = bytes.ok_or_else(|| Failure::Usage {
        what: "the platform has no TUF repository yet".to_owned(),
        advice: "an administrator begins it with `avouch trust publish`",
    })?;
    const ANSWER: &str = "the server's answer";
    const EXPECTED: &str = "the root of TUF that the platform's administrators endorsed";
    TufTrust::begin(&bytes).map_err(Failure::input(ANSWER, EXPECTED))?;
    let file: serde_json::Value = serde_json::from_slice(&bytes).map_err(Failure::input(ANSWER, EXPECTED))?;
    let signed = file.get("signed").and_then(|signed| canonical(signed).ok()).map(ToBeSigned::Message);
    let endorsed = trust_root.registry().tuf_root(newest).map(|root| root.to_be_signed());
    if signed == endorsed { Ok(bytes) } else { Err(Failure::input(ANSWER, EXPECTED)("it is another one")) }
}
