//! Containers: cosign and avouch sign and attest images in a real registry, which lists what refers to an image or, where it cannot,
//! keeps it under a tag; and each verifies what the other signed.

use std::fs;
use std::process::Command;

use testkit::{ClientCell, Tool, interop_cell};

use super::registry::{REPOSITORY, Registry, move_signatures, push, tags, with_referrers};
use crate::command_line::text;
use crate::holders::World;
use crate::sigstore_site::ADA;
use crate::token::create;

/// Who signs, or verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Cosign,
    Avouch,
}

/// By what is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Keyless,
    Keyed,
}

/// cosign and avouch beside a platform.
struct Quay {
    cosign: Tool,
    world: World,
}

const ROOT: [&str; 2] = ["--trusted-root", "sigstore/trusted_root.json"];
const CONFIG: [&str; 2] = ["--signing-config", "sigstore/signing_config.v0.2.json"];
const KIND: [&str; 2] = ["--type", "https://example.com/tests"];
const PREDICATE: [&str; 2] = ["--predicate", "predicate.json"];
const MANAGED: [&str; 4] = ["--profile", "default/containers", "--source", ""];

impl Quay {
    fn new(cosign: Tool) -> Self {
        let world = World::new();
        fs::write(world.site.path("predicate.json"), "{}").unwrap();
        let made = world.tool(cosign.command(), &["generate-key-pair"]);
        assert!(made.status.success(), "{}", text(&made));
        let (code, said) = create(&world.site, "default/images", &["--form", "dsse"]);
        assert_eq!(code, 0, "{said}");
        let key = "--key=dsse=default/images";
        world.site.good(&["profile", "create", "default/containers", key, "--dir", &world.site.data()]);
        let key = world.site.good(&["trust", "export", "--key", "default/images"]);
        fs::write(world.site.path("avouch.pub"), key).unwrap();
        Self { cosign, world }
    }

    fn command(&self, by: By) -> Command {
        match by {
            By::Cosign => self.cosign.command(),
            By::Avouch => {
                let mut command = self.world.site.command();
                command.arg("oci");
                command
            }
        }
    }

    fn run(&self, by: By, words: &[&[&str]]) -> Result<(), String> {
        // A token makes one certificate.
        fs::write(self.world.site.path("token"), self.world.token(ADA)).unwrap();
        let output = self.world.tool(self.command(by), &words.concat());
        if output.status.success() { Ok(()) } else { Err(text(&output)) }
    }

    fn sign(&self, by: By, means: Means, image: &str) {
        let own: &[&[&str]] = match (by, means) {
            (By::Cosign, Means::Keyless) => {
                &[&["--yes", "--allow-http-registry", "--identity-token", "token"], &CONFIG, &ROOT]
            }
            (By::Cosign, Means::Keyed) => {
                &[&["--yes", "--allow-http-registry", "--key", "cosign.key"], &CONFIG, &ROOT]
            }
            (By::Avouch, Means::Keyless) => &[&["--keyless", "--identity-token", "@token"], &CONFIG, &ROOT],
            (By::Avouch, Means::Keyed) => &[&MANAGED],
        };
        self.run(by, &[&[&["sign"][..]], own, &[&[image]]].concat()).unwrap();
        self.run(by, &[&[&["attest"][..], &PREDICATE, &KIND], own, &[&[image]]].concat()).unwrap();
    }

    /// Both verdicts, on the signature and on the attestation.
    fn verify(&self, by: By, signer: By, means: Means, image: &str) -> [Result<(), String>; 2] {
        let issuer = self.world.issuer.url();
        let key = if signer == By::Cosign { "cosign.pub" } else { "avouch.pub" };
        let own: [&str; 4] = match (by, means) {
            (By::Cosign, Means::Keyless) => {
                ["--certificate-identity", ADA, "--certificate-oidc-issuer", &issuer]
            }
            (By::Avouch, Means::Keyless) => ["--identity", ADA, "--issuer", &issuer],
            (By::Cosign, Means::Keyed) => ["--key", key, "--use-signed-timestamps", "--allow-http-registry"],
            (By::Avouch, Means::Keyed) => ["--public-key", key, "--trusted-root", ROOT[1]],
        };
        let rest: &[&str] = match (by, means) {
            (By::Cosign, Means::Keyless) => &["--use-signed-timestamps", "--allow-http-registry"],
            _ => &[],
        };
        let root: &[&str] = if (by, means) == (By::Avouch, Means::Keyed) { &[] } else { &ROOT };
        let attestation = if by == By::Cosign { "verify-attestation" } else { "verify" };
        [
            self.run(by, &[&["verify"], &own, rest, root, &[image]]),
            self.run(by, &[&[attestation], &KIND, &own, rest, root, &[image]]),
        ]
    }

    /// An image is signed and attested by one; each verifies it, and one that was not does not. Their digests.
    fn try_in(&self, registry: &str, signer: By, means: Means) -> (String, String) {
        let signed = push(registry, &format!("signed {means:?} by {signer:?} at {registry}"));
        let other = push(registry, &format!("not signed {means:?} by {signer:?} at {registry}"));
        self.sign(signer, means, &image(registry, &signed));
        for by in [By::Cosign, By::Avouch] {
            for said in self.verify(by, signer, means, &image(registry, &signed)) {
                said.unwrap_or_else(|said| panic!("{by:?} of {signer:?}, {means:?} at {registry}: {said}"));
            }
        }
        self.refuse(signer, means, &image(registry, &other));
        (signed, other)
    }

    fn refuse(&self, signer: By, means: Means, image: &str) {
        for by in [By::Cosign, By::Avouch] {
            for said in self.verify(by, signer, means, image) {
                assert!(said.is_err(), "{by:?} accepts {image}, {means:?} by {signer:?}");
            }
        }
    }

    /// By a payload under a tag, as cosign looked for it before version 3.
    fn sign_as_before(&self, registry: &str) {
        let (signed, other) = (push(registry, "signed as before"), push(registry, "not signed as before"));
        let key = self.world.site.good(&["trust", "export", "--key", "default/blob"]);
        fs::write(self.world.site.path("blob.pub"), key).unwrap();
        let words = ["sign", "--legacy", "--source", "", &image(registry, &signed)];
        self.run(By::Avouch, &[&words]).unwrap();
        let verify = ["verify", "--key", "blob.pub", "--new-bundle-format=false", "--insecure-ignore-tlog"];
        let verify = |digest: &str| {
            let image = image(registry, digest);
            self.run(By::Cosign, &[&verify, &["--allow-http-registry", image.as_str()], &ROOT])
        };
        verify(&signed).unwrap();
        assert!(verify(&other).is_err());
        let ours = "avouch";
        let cosign = format!("cosign {}", self.cosign.version());
        let (means, what, cannot) = ("keyed", "image, as before cosign 3", None);
        interop_cell(&ClientCell { means, what, signer: ours, verifier: &cosign, refused: 1, cannot });
    }

    fn report(&self, signer: By, means: Means, what: &str, refused: u32) {
        let cosign = format!("cosign {}", self.cosign.version());
        let name = |by| if by == By::Cosign { &cosign } else { "avouch" };
        let (means, cannot) = (if means == Means::Keyed { "keyed" } else { "keyless" }, None);
        for by in [By::Cosign, By::Avouch] {
            let (signer, verifier) = (name(signer), name(by));
            interop_cell(&ClientCell { means, what, signer, verifier, refused, cannot });
        }
    }
}

#[test]
fn interop_cosign_and_avouch_sign_and_attest_images_by_referrers_and_by_a_tag_where_there_are_none() {
    let Some(cosign) = testkit::tool("cosign") else { return };
    let Some(registry) = testkit::tool("docker-registry") else { return };
    let (registry, quay) = (Registry::start(&registry), Quay::new(cosign));
    let (plain, front) = (&registry.address, with_referrers(&registry));
    let address = front.url().replace("http://", "");
    let tag = |digest: &str| digest.replace(':', "-");
    for signer in [By::Cosign, By::Avouch] {
        for means in [Means::Keyless, Means::Keyed] {
            let (signed, other) = quay.try_in(plain, signer, means);
            assert!(tags(plain).contains(&tag(&signed)));
            // The signatures of one image, put beside another.
            move_signatures(plain, &signed, &other);
            quay.refuse(signer, means, &image(plain, &other));
            quay.report(signer, means, "image and its attestation, by tag", 4);

            let (signed, _) = quay.try_in(&address, signer, means);
            assert!(!tags(&address).contains(&tag(&signed)), "a registry that lists referrers needs no tag");
            quay.report(signer, means, "image and its attestation, by referrers", 2);
        }
    }
    quay.sign_as_before(plain);
    // What is kept for a platform's own people: no key is named, the trust root knows it.
    let digest = push(plain, "signed by the platform's own");
    quay.sign(By::Avouch, Means::Keyed, &image(plain, &digest));
    quay.run(By::Avouch, &[&["verify", "--key", "default/images", &image(plain, &digest)]]).unwrap();
    assert!(quay.run(By::Avouch, &[&["verify", "--key", "default/blob", &image(plain, &digest)]]).is_err());
}

fn image(registry: &str, digest: &str) -> String {
    format!("{registry}/{REPOSITORY}@{digest}")
}
