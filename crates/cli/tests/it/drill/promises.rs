//! A client of Rekor v1: it brings an entry, and checks what the log promises by the key that it trusts.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;

use data_encoding::{BASE64, HEXLOWER};
use envelope::rekor_v1::promise_to_be_signed;
use model::{Algorithm, Hash, PublicKey};
use serde_json::{Value, json};
use testkit::Key;

use super::client::Client;
use crate::command_line::text;
use crate::holders::public_url;
use crate::site::Site;

/// An entry that was promised.
pub(super) struct Kept {
    log: String,
    promised: Vec<u8>,
    promise: Vec<u8>,
}

/// Brings an entry, unless that goes wrong.
pub(super) fn bring(client: &Client<'_>) -> Option<Kept> {
    let kept = match propose(&client.world.site, &client.folder) {
        Ok(answer) => Kept::read(&answer),
        Err(said) => {
            client.failed(format!("an entry of Rekor v1: {said}"));
            return None;
        }
    };
    match kept.check(client) {
        Ok(()) => _ = client.counts.promised.fetch_add(1, Ordering::Relaxed),
        Err(why) => client.failed(why),
    }
    Some(kept)
}

/// What the log answers to an entry of somebody's own. `curl` must be there.
pub(crate) fn propose(site: &Site, folder: &Path) -> Result<Value, String> {
    let key = Key::generate(Algorithm::EcdsaP256);
    let message = key.public().id().to_string().into_bytes();
    let file = folder.join("proposed.json");
    fs::write(&file, proposed(&key, &message).to_string()).unwrap();
    let url = format!("{}/api/v1/log/entries", public_url(site));
    let mut command = testkit::tool("curl").unwrap().command();
    command.args(["-sS", "--fail-with-body", "-H", "Content-Type: application/json", "--data-binary"]);
    command.arg(format!("@{}", file.display())).arg(url);
    let output = command.arg("--cacert").arg(site.dir.join("server/tls/ca.pem")).output().unwrap();
    if !output.status.success() {
        return Err(text(&output));
    }
    Ok(serde_json::from_slice(&output.stdout).unwrap())
}

fn proposed(key: &Key, message: &[u8]) -> Value {
    let digest = HEXLOWER.encode(&Hash::Sha256.digest(message));
    let public_key = BASE64.encode(pki::public_key_pem(&key.public()).as_bytes());
    json!({
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": { "hash": { "algorithm": "sha256", "value": digest } },
            "signature": {
                "content": BASE64.encode(&key.sign(message)),
                "publicKey": { "content": public_key },
            },
        },
    })
}

impl Kept {
    fn read(answer: &Value) -> Self {
        let (_, entry) = answer.as_object().unwrap().iter().next().unwrap();
        let base64 = |value: &Value| BASE64.decode(value.as_str().unwrap().as_bytes()).unwrap();
        let (index, time) = (entry["logIndex"].as_u64().unwrap(), entry["integratedTime"].as_u64().unwrap());
        let log = entry["logID"].as_str().unwrap().to_owned();
        let promised = promise_to_be_signed(&base64(&entry["body"]), time, &log.parse().unwrap(), index);
        Self { log, promised, promise: base64(&entry["verification"]["signedEntryTimestamp"]) }
    }

    /// The id of the log that promised it.
    pub(super) fn log(&self) -> &str {
        &self.log
    }

    /// By one of the logs in the trusted root that the client has.
    fn check(&self, client: &Client<'_>) -> Result<(), String> {
        let root: Value =
            serde_json::from_slice(&fs::read(client.folder.join("trusted_root.json")).unwrap()).unwrap();
        let key = |log: &Value| {
            let der = BASE64.decode(log["publicKey"]["rawBytes"].as_str()?.as_bytes()).ok()?;
            PublicKey::from_spki(&der).ok()
        };
        let mut keys = root["tlogs"].as_array().unwrap().iter().filter_map(key);
        let key = keys.find(|key| key.id().digest().to_string() == self.log);
        let key = key.ok_or_else(|| format!("the trusted root knows no log `{}`", self.log))?;
        key.verify(&self.promised, &self.promise).map_err(|error| error.to_string())
    }

    pub(super) fn is_in_the_trusted_root_of(&self, client: &Client<'_>) {
        self.check(client).unwrap();
    }
}
