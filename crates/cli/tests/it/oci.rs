//! Images in a real registry: signed keylessly, verified, spoilt, copied and lost.

use std::fs;

use data_encoding::BASE64;
use serde_json::{Value, json};
use testkit::TempFolder;

use crate::clients::registry::{
    MANIFEST, REPOSITORY, Registry, blob, manifest, push, push_blob, push_index, put_manifest, refer,
    with_referrers,
};
use crate::command_line::{avouch, text};
use crate::holders::World;
use crate::sigstore_site::{ADA, SigstoreSite};
use crate::token::create;

/// Somebody with a registry, who was told where to sign and whom to believe.
struct Desk {
    sigstore: SigstoreSite,
    folder: TempFolder,
    registry: Registry,
}

const PLACE: [&str; 4] = ["--signing-config", "signing_config.json", "--trusted-root", "trusted_root.json"];
const KIND: &str = "https://example.com/tests";

impl Desk {
    fn new() -> Option<Self> {
        let registry = Registry::start(&testkit::tool("docker-registry")?);
        let (sigstore, folder) = (SigstoreSite::new(), testkit::temp_folder());
        let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        put("signing_config.json", &sigstore.signing_config());
        put("trusted_root.json", &sigstore.trusted_root());
        put("predicate.json", b"{}");
        put("token", sigstore.token(|_| ()).as_bytes());
        Some(Self { sigstore, folder, registry })
    }

    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = avouch();
        command.arg("oci").args(arguments).current_dir(self.folder.path());
        // Nobody's own logins and contexts.
        command.env("HOME", self.folder.path()).env_remove("REGISTRY_AUTH_FILE");
        let output = command.output().unwrap();
        (output.status.code().unwrap_or(-1), text(&output))
    }

    fn good(&self, arguments: &[&str]) -> String {
        let (code, said) = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {said}");
        said
    }

    fn image(&self, name: &str) -> String {
        at(&self.registry.address, name)
    }

    fn make(&self, words: &[&str]) -> (i32, String) {
        self.run(&[words, &["--keyless", "--identity-token", "@token"], &PLACE].concat())
    }

    fn sign(&self, image: &str) -> String {
        let (code, said) = self.make(&["sign", image]);
        assert_eq!(code, 0, "{image}: {said}");
        said
    }

    fn verify(&self, image: &str, more: &[&str]) -> (i32, String) {
        let url = self.sigstore.url();
        let by = ["--identity", ADA, "--issuer", &url, "--trusted-root", "trusted_root.json"];
        self.run(&[&["verify", image], &by[..], more].concat())
    }
}

fn at(registry: &str, name: &str) -> String {
    let sign = if name.starts_with("sha256:") { '@' } else { ':' };
    format!("{registry}/{REPOSITORY}{sign}{name}")
}

#[test]
fn a_tag_is_signed_where_whoever_signs_says_so_and_what_is_signed_is_the_digest() {
    let Some(desk) = Desk::new() else { return };
    let address = &desk.registry.address;
    let digest = push(address, "tagged");
    put_manifest(address, Some("1.4"), MANIFEST, &manifest(address, &digest));
    let (code, said) = desk.make(&["sign", &desk.image("1.4")]);
    assert!(code == 3 && said.contains(&digest) && said.contains("--resolve"), "{said}");
    let (code, said) = desk.verify(&desk.image("1.4"), &[]);
    assert!(code == 1 && said.contains("nothing of the kind that is asked for"), "{said}");
    let (code, said) = desk.make(&["sign", &desk.image("1.4"), "--resolve"]);
    assert!(code == 0 && said.contains(&format!("is {}", desk.image(&digest))), "{said}");
    let (code, said) = desk.verify(&desk.image("1.4"), &[]);
    assert!(code == 0 && said.contains(&desk.image(&digest)) && said.contains(ADA), "{said}");
    // The tag moves on, and the signature does not.
    let other = push(address, "another");
    put_manifest(address, Some("1.4"), MANIFEST, &manifest(address, &other));
    assert_eq!(desk.verify(&desk.image("1.4"), &[]).0, 1);
    assert_eq!(desk.verify(&desk.image(&digest), &[]).0, 0);
    let (code, said) = desk.verify(&desk.image("none"), &[]);
    assert!(code == 3 && said.contains("there is no image"), "{said}");
}

#[test]
fn an_index_is_signed_alone_or_with_all_that_it_lists_and_inspect_says_what_is_not() {
    let Some(desk) = Desk::new() else { return };
    let address = &desk.registry.address;
    let images = [push(address, "amd64"), push(address, "arm64")];
    let index = push_index(address, "multi", &[&images[0], &images[1]]);
    desk.sign(&desk.image(&index));
    assert_eq!(desk.verify(&desk.image(&index), &[]).0, 0);
    assert_eq!(desk.verify(&desk.image(&images[0]), &[]).0, 1);
    let shown = desk.good(&["inspect", &desk.image("multi")]);
    assert!(shown.contains("for linux/arm64") && shown.contains("nothing is attached to it"), "{shown}");
    let (code, said) = desk.make(&["sign", &desk.image(&index), "--recursive"]);
    assert!(code == 0 && images.iter().all(|image| said.contains(image)), "{said}");
    for image in &images {
        assert_eq!(desk.verify(&desk.image(image), &[]).0, 0);
    }
    let shown = desk.good(&["inspect", &desk.image("multi")]);
    assert!(shown.contains(ADA) && !shown.contains("nothing is attached"), "{shown}");
}

#[test]
fn a_claim_about_an_image_is_no_signature_of_it_whatever_its_manifest_says() {
    let Some(desk) = Desk::new() else { return };
    let address = &desk.registry.address;
    let digest = push(address, "attested");
    let image = desk.image(&digest);
    let (code, said) = desk.make(&["attest", &image, "--type", KIND, "--predicate", "predicate.json"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(desk.verify(&image, &["--type", KIND]).0, 0);
    assert_eq!(desk.verify(&image, &["--type", "cyclonedx"]).0, 1);
    assert_eq!(desk.verify(&image, &[]).0, 1);
    let mut attached = attached(address, &digest);
    attached["annotations"]["dev.sigstore.bundle.predicateType"] =
        "https://sigstore.dev/cosign/sign/v1".into();
    refer(address, &digest, attached.to_string().as_bytes());
    let (code, said) = desk.verify(&image, &[]);
    assert!(code == 1 && said.contains("predicate type"), "{said}");
}

/// The manifests that refer to an image.
fn all_attached(registry: &str, image: &str) -> Vec<Value> {
    let index: Value = serde_json::from_slice(&manifest(registry, &image.replace(':', "-"))).unwrap();
    let listed = index["manifests"].as_array().unwrap().iter();
    let read = |one: &Value| serde_json::from_slice(&manifest(registry, one["digest"].as_str().unwrap()));
    listed.map(|one| read(one).unwrap()).collect()
}

/// The one that does.
fn attached(registry: &str, image: &str) -> Value {
    let [one] = <[Value; 1]>::try_from(all_attached(registry, image)).unwrap();
    one
}

#[test]
fn what_was_changed_of_what_is_attached_is_refused_and_hides_nothing_that_is_good() {
    let Some(desk) = Desk::new() else { return };
    let address = &desk.registry.address;
    let (digest, other) = (push(address, "signed"), push(address, "not signed"));
    let image = desk.image(&digest);
    desk.sign(&image);
    let good = attached(address, &digest);
    let bundle = blob(address, good["layers"][0]["digest"].as_str().unwrap());
    let with = |bundle: &[u8]| {
        let mut changed = good.clone();
        changed["layers"][0]["digest"] = push_blob(address, bundle).into();
        changed["layers"][0]["size"] = bundle.len().into();
        changed
    };
    let changed = |pointer: &str, change: &dyn Fn(&str) -> String| {
        let mut json: Value = serde_json::from_slice(&bundle).unwrap();
        let text = json.pointer_mut(pointer).unwrap();
        let other = change(text.as_str().unwrap());
        assert_ne!(*text, other);
        *text = other.into();
        with(json.to_string().as_bytes())
    };
    let flipped = |text: &str| {
        let mut bytes = BASE64.decode(text.as_bytes()).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        BASE64.encode(&bytes)
    };
    let renamed = |text: &str| {
        let text = String::from_utf8(BASE64.decode(text.as_bytes()).unwrap()).unwrap();
        BASE64.encode(text.replace(&digest[7..], &other[7..]).as_bytes())
    };
    let mut of_other = good.clone();
    of_other["subject"]["digest"] = other.clone().into();
    let mut twice = good.clone();
    twice["layers"].as_array_mut().unwrap().push(good["layers"][0].clone());
    let table = [
        ("the signature", digest.as_str(), changed("/dsseEnvelope/signatures/0/sig", &flipped)),
        ("the statement", &digest, changed("/dsseEnvelope/payload", &renamed)),
        ("the statement, beside the image that it now names", &other, {
            let mut moved = changed("/dsseEnvelope/payload", &renamed);
            moved["subject"]["digest"] = other.clone().into();
            moved
        }),
        (
            "the timestamp",
            &digest,
            changed(
                "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp",
                &flipped,
            ),
        ),
        (
            "the log entry",
            &digest,
            changed("/verificationMaterial/tlogEntries/0/canonicalizedBody", &flipped),
        ),
        ("the bundle", &digest, with(b"{}")),
        ("the image that it is of", &digest, of_other.clone()),
        ("the image that it is of, beside that one", &other, of_other),
        ("how many there are", &digest, twice),
    ];
    for (what, beside, changed) in table {
        refer(address, beside, changed.to_string().as_bytes());
        let (code, said) = desk.verify(&desk.image(beside), &[]);
        assert!(code == 1 || code == 2, "{what}: {code}: {said}");
        assert!(!said.contains("good"), "{what}: {said}");
    }
    // Whoever may push has made a mess of the list; what is signed now is found in it all the same.
    desk.sign(&image);
    let (code, said) = desk.verify(&image, &[]);
    assert!(code == 0 && said.contains("good"), "{said}");
}

#[test]
fn what_is_attached_goes_along_to_another_registry_and_is_missed_where_it_did_not() {
    let Some(desk) = Desk::new() else { return };
    let Some(tool) = testkit::tool("docker-registry") else { return };
    let (here, there) = (&desk.registry.address, Registry::start(&tool));
    let digest = push(here, "migrated");
    desk.sign(&desk.image(&digest));
    let (code, said) =
        desk.make(&["attest", &desk.image(&digest), "--type", KIND, "--predicate", "predicate.json"]);
    assert_eq!(code, 0, "{said}");
    let (from, to) = (desk.image(&digest), format!("{}/{REPOSITORY}", there.address));
    let (code, said) = desk.run(&["copy", &from, &to]);
    assert!(code == 3 && said.contains("copy the image first"), "{said}");
    assert_eq!(push(&there.address, "migrated"), digest);
    put_manifest(&there.address, Some("v1"), MANIFEST, &manifest(here, &digest));
    let moved = at(&there.address, &digest);
    assert_eq!(desk.verify(&moved, &[]).0, 1);
    let all = ["copy", &format!("{here}/{REPOSITORY}"), &to, "--all"];
    let (code, said) = desk.run(&[&all[..], &["--check"]].concat());
    assert!(code == 1 && said.contains("2 of what is attached to 1 images was missing"), "{said}");
    assert_eq!(desk.verify(&moved, &[]).0, 1, "to check is not to copy");
    desk.good(&all);
    assert_eq!(desk.verify(&moved, &[]).0, 0);
    assert_eq!(desk.verify(&moved, &["--type", KIND]).0, 0);
    assert!(desk.good(&[&all[..], &["--check"]].concat()).contains("0 of what is attached"));
}

/// A registry that learnt to keep lists does not know those which others kept before.
#[test]
fn what_a_registry_that_keeps_lists_does_not_know_is_put_into_its_list() {
    let Some(desk) = Desk::new() else { return };
    let digest = push(&desk.registry.address, "of before");
    desk.sign(&desk.image(&digest));
    let front = with_referrers(&desk.registry);
    let address = front.url().replace("http://", "");
    let image = at(&address, &digest);
    assert_eq!(desk.verify(&image, &[]).0, 0, "under the tag it is found still");
    let itself = ["copy", &image, &format!("{address}/{REPOSITORY}")];
    assert_eq!(desk.run(&[&itself[..], &["--check"]].concat()).0, 1);
    desk.good(&itself);
    assert_eq!(desk.run(&[&itself[..], &["--check"]].concat()).0, 0);
    let bare =
        json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []});
    let kind = "application/vnd.oci.image.index.v1+json";
    put_manifest(&address, Some(&digest.replace(':', "-")), kind, bare.to_string().as_bytes());
    assert_eq!(desk.verify(&image, &[]).0, 0, "the registry lists it");
}

/// What a platform says on its own, with a registry beside it.
struct Platform {
    world: World,
    registry: Registry,
}

impl Platform {
    fn run(&self, words: &[&str]) -> (i32, String) {
        let output = self.world.tool(self.world.site.command(), words);
        (output.status.code().unwrap_or(-1), text(&output))
    }

    fn good(&self, words: &[&str]) -> String {
        let (code, said) = self.run(words);
        assert_eq!(code, 0, "{words:?}: {said}");
        said
    }

    /// Endorses what waits, as the administrator.
    fn endorse(&self, waiting: &Value) {
        let principal = fs::read(self.world.site.dir.join("admin/principal.json")).unwrap();
        let principal: Value = serde_json::from_slice(&principal).unwrap();
        let key = self.world.site.dir.join("admin/administrator.pub").to_string_lossy().into_owned();
        let (request, digest) = (waiting["request"].as_str().unwrap(), waiting["digest"].as_str().unwrap());
        let who = ["--as", principal["principal"].as_str().unwrap(), "--key", &key];
        let passphrase = self.world.site.path("passphrase");
        let endorse = ["endorse", request, "--digest", digest, "--passphrase-file", &passphrase];
        self.good(&[&endorse[..], &who].concat());
    }
}

#[test]
fn an_image_that_a_governed_key_signs_is_proven_by_the_receipt_beside_it_and_by_no_bundle() {
    let Some(tool) = testkit::tool("docker-registry") else { return };
    let platform = Platform { world: World::new(), registry: Registry::start(&tool) };
    let (site, address) = (&platform.world.site, &platform.registry.address);
    let rule = ["--form", "dsse", "--rule", "administrators=1", "--independent", "0"];
    assert_eq!(create(site, "default/careful", &rule).0, 0);
    let profile = ["profile", "create", "default/careful", "--key=dsse=default/careful"];
    platform.good(&[&profile[..], &["--dir", &site.data()]].concat());
    platform.good(&["trust", "export"]);
    let digest = push(address, "careful");
    let image = at(address, &digest);
    let sign = ["oci", "sign", &image, "--profile", "default/careful", "--wait", "0", "--json"];
    let sign = [&sign[..], &["--source", "", "--idempotency-key", "one"]].concat();
    let (code, said) = platform.run(&sign);
    assert_eq!(code, 4, "{said}");
    assert_eq!(platform.run(&["oci", "verify", &image]).0, 1, "nothing is attached before it is signed");
    platform.endorse(&serde_json::from_str(&said).unwrap());
    platform.good(&sign);
    platform.good(&sign);
    let attached = all_attached(address, &digest);
    assert_eq!(attached.len(), 2, "a repeat attaches nothing twice: {attached:?}");
    let said = platform.good(&["oci", "verify", &image, "--require-quorum"]);
    assert!(said.contains("endorsed"), "{said}");
    assert!(platform.good(&["oci", "inspect", &image]).contains("default/careful, with 1 endorsements"));

    let of_kind = |kind: &str| {
        let found = attached.iter().find(|one| one["artifactType"].as_str().unwrap().contains(kind));
        found.unwrap().clone()
    };
    let bundle = of_kind("sigstore.bundle");
    refer(address, &digest, bundle.to_string().as_bytes());
    let (code, said) = platform.run(&["oci", "verify", &image]);
    assert!(code == 2 && said.contains("endorse"), "{code}: {said}");
    // A receipt of one image is none of another.
    let mut receipt = of_kind("avouch.receipt");
    let other = push(address, "not careful");
    receipt["subject"]["digest"] = other.clone().into();
    refer(address, &other, receipt.to_string().as_bytes());
    let (code, said) = platform.run(&["oci", "verify", &at(address, &other)]);
    assert!(code == 1 && said.contains("sha256"), "{code}: {said}");
}
