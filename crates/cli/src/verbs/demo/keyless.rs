//! `avouch demo --keyless`: a signature in somebody's name, without a key of theirs.

use std::net::SocketAddr;
use std::path::Path;

use ::verify::{
    Artifact, Identity, Pattern, Present, Refused, SignedBy, TimeSource, Verified, verify_sigstore,
};
use envelope::detached;
use identity::oidc::{Fetcher, Limits};
use pki::token::{IssuerKind, TokenIssuer, Verification};
use quorum::Change;
use signer::AdminClient;

use super::{Founded, Scene, Stage, shell};
use crate::administration::Administrator;
use crate::context::ContextArgs;
use crate::failure::Failure;
use crate::files;
use crate::id_token::{AUDIENCE, TokenArgs, development};
use crate::ssh::EndorsingKey;
use crate::verbs::init;
use crate::verbs::sign::keyless::{KeylessArgs, What};

/// Who signs.
const ADA: &str = "ada@example.com";
/// Who did not.
const BEN: &str = "ben@example.com";

/// Who signed, as a verifier expects it.
struct Expected<'a> {
    scene: &'a Scene,
    founded: &'a Founded,
    issuer: &'a str,
    bundle: Vec<u8>,
}

/// The whole of it.
pub(super) fn play(scene: &Scene) -> Result<Founded, Failure> {
    let passphrase = scene.administrator_passphrase();
    files::write_private(&passphrase, crate::random::passphrase().as_bytes())?;
    let plan = scene.plan().with_passphrase(&passphrase);
    let Stage { founded, addresses, .. } = scene.found(&plan, |config| {
        config.server.development_issuer = true;
        // That the issuer is for development is told in better words below.
        config.server.log = Some("error".to_owned());
    })?;
    let issuer = believe(scene, &founded, addresses.monitor_listen, &passphrase)?;
    let bundle = sign(scene, &issuer)?;
    files::write(&scene.out.join("trusted_root.json"), &founded.trust_root.sigstore().to_json())?;
    verify(&Expected { scene, founded: &founded, issuer: &issuer, bundle })?;
    scene.foreign(&commands(scene, &issuer))?;
    Ok(founded)
}

/// An administrator lets the issuer for development count.
fn believe(
    scene: &Scene,
    founded: &Founded,
    monitor: SocketAddr,
    passphrase: &Path,
) -> Result<String, Failure> {
    scene.step("2. Say whose word counts for who is who");
    let url = format!("http://localhost:{}/development-issuer", monitor.port());
    let keys = crate::online::call(Fetcher::new(None, Limits::default())?.keys(&url))?;
    let record = TokenIssuer {
        version: 1,
        url: url.clone(),
        audience: AUDIENCE.to_owned(),
        kind: IssuerKind::Email { verification: Verification::Required },
        issuer_claim: None,
        keys,
    };
    let folder = &founded.folder;
    let key = EndorsingKey::open(&folder.administrator(), Some(passphrase))?;
    let key_process = AdminClient::new(&folder.at(&folder.config.signerd.admin_socket));
    let administrator = Administrator { key: &key, key_process: &key_process, folder };
    let (mut registry, reason) = (init::registry(folder)?, format!("issuer {url}"));
    administrator.change(&mut registry, vec![Change::Issuer(record)], &reason, crate::clock::now())?;
    scene.say("People prove who they are to an issuer of ID tokens: the one with whom they log in anyway.");
    scene.say(format_args!("Here that is {url}, which is for trying only: it believes everybody."));
    scene.say("The administrator endorsed its key into the registry. From now on the key process believes that key,");
    scene.say("and neither the server's word nor anybody else's.");
    Ok(url)
}

fn sign(scene: &Scene, issuer: &str) -> Result<Vec<u8>, Failure> {
    scene.step(&format!("3. Sign `{}` as {ADA}", scene.name));
    let token = development::token(issuer, ADA)?;
    let holder = KeylessArgs {
        token: TokenArgs { identity_token: Some(token), ..TokenArgs::default() },
        ..KeylessArgs::default()
    };
    let artifact = crate::reading::artifact(&scene.file, &[])?;
    let mut session = holder.begin(&ContextArgs { context: Some(scene.context()) })?;
    let bundle = session.sign(&artifact, What::File)?;
    let path = files::suffixed(&scene.file, detached::Kind::Bundle.suffix());
    files::write(&path, &bundle)?;
    scene.say(format_args!("The issuer gave a token that says: whoever has this is {ADA}."));
    scene.say("A key was made here, for this one signature. The key process checked the token itself, and certified the");
    scene.say("key in that name, for ten minutes. The certificate stands in a public log: Ada sees what is made in her name.");
    scene.say("The key signed the file. A timestamp says that this was within the ten minutes, and the transparency log");
    scene.say("keeps the signature. Then the key was forgotten. Nobody has one to lose.");
    scene.say(format_args!("  wrote {}", path.file_name().unwrap_or_default().to_string_lossy()));
    Ok(bundle)
}

impl Expected<'_> {
    fn judge(&self, file: &Path, who: &str) -> Result<Result<Verified, Refused>, Failure> {
        let artifact =
            Artifact { name: Some(self.scene.name.clone()), ..crate::reading::artifact(file, &[])? };
        let exactly = |text| Pattern::exactly(text).map_err(Failure::inside("expect somebody"));
        let identity = Identity { subject: exactly(who)?, issuer: exactly(self.issuer)? };
        let present = Present { at: crate::clock::now(), source: TimeSource::SystemClock };
        let root = self.founded.trust_root.sigstore();
        Ok(verify_sigstore(&artifact, &self.bundle, SignedBy::Holder(&identity), root, present))
    }
}

fn verify(expected: &Expected<'_>) -> Result<(), Failure> {
    let Expected { scene, .. } = expected;
    scene.step("4. Verify it, offline, and see what is refused");
    let verified = expected
        .judge(&scene.file, ADA)?
        .map_err(|source| Failure::Refused { subject: format!("`{}` is refused", scene.name), source })?;
    scene.say(format_args!("Was it {ADA}, by the word of that issuer?"));
    verified.items().iter().for_each(|item| scene.tell_proven(item));
    scene.say(format_args!("Was it {BEN}?"));
    scene.tell_refused(expected.judge(&scene.file, BEN)?)?;
    scene.say("And a copy with one byte changed?");
    scene.tell_refused(expected.judge(&scene.tampered()?, ADA)?)
}

fn commands(scene: &Scene, issuer: &str) -> String {
    let name = shell(&scene.name);
    let bundle = shell(&format!("{}{}", scene.name, detached::Kind::Bundle.suffix()));
    format!(
        "cosign verify-blob --trusted-root trusted_root.json --use-signed-timestamps --certificate-identity {ADA} --certificate-oidc-issuer {issuer} --bundle {bundle} {name}\n"
    )
}
