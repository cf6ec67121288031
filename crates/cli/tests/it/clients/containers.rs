//! Containers: cosign signs, attests and verifies images in a real registry, which lists what refers to an image or, where
//! it cannot, keeps it under a tag.

use std::fs;

use testkit::{ClientCell, Tool, interop_cell};

use super::registry::{REPOSITORY, Registry, move_signatures, push, tags, with_referrers};
use crate::command_line::text;
use crate::holders::World;
use crate::sigstore_site::ADA;

/// cosign beside a platform, and how it is told of both.
struct Cosign {
    tool: Tool,
    world: World,
}

/// By what is signed, and how a verifier is told of it.
struct Means {
    name: &'static str,
    sign: Vec<String>,
    verify: Vec<String>,
}

const ROOT: [&str; 3] = ["--trusted-root", "sigstore/trusted_root.json", "--allow-http-registry"];
const CONFIG: [&str; 3] = ["--yes", "--signing-config", "sigstore/signing_config.v0.2.json"];
const PREDICATE: [&str; 4] = ["--predicate", "predicate.json", "--type", "https://example.com/tests"];

impl Cosign {
    fn run(&self, verb: &str, flags: &[&str], means: &[String], image: &str) -> Result<(), String> {
        // A token makes one certificate.
        fs::write(self.world.site.path("token"), self.world.token(ADA)).unwrap();
        let means: Vec<&str> = means.iter().map(String::as_str).collect();
        let output =
            self.world.tool(self.tool.command(), &[&[verb], flags, &ROOT, &means, &[image]].concat());
        if output.status.success() { Ok(()) } else { Err(text(&output)) }
    }

    fn sign(&self, means: &Means, image: &str) {
        self.run("sign", &CONFIG, &means.sign, image).unwrap();
        self.run("attest", &[&CONFIG[..], &PREDICATE].concat(), &means.sign, image).unwrap();
    }

    /// Both verdicts, on the signature and on the attestation.
    fn verify(&self, means: &Means, image: &str) -> [Result<(), String>; 2] {
        const STAMPED: &str = "--use-signed-timestamps";
        [
            self.run("verify", &[STAMPED], &means.verify, image),
            self.run("verify-attestation", &[STAMPED, PREDICATE[2], PREDICATE[3]], &means.verify, image),
        ]
    }

    /// An image is signed and attested; it verifies, and one that was not does not. Their digests.
    fn try_in(&self, registry: &str, means: &Means) -> (String, String) {
        let signed = push(registry, &format!("signed {} at {registry}", means.name));
        let other = push(registry, &format!("not signed {} at {registry}", means.name));
        self.sign(means, &image(registry, &signed));
        for said in self.verify(means, &image(registry, &signed)) {
            said.unwrap_or_else(|said| panic!("{} at {registry}: {said}", means.name));
        }
        self.refuses(means, &image(registry, &other));
        (signed, other)
    }

    fn refuses(&self, means: &Means, image: &str) {
        for said in self.verify(means, image) {
            assert!(said.is_err(), "{image} is accepted {}", means.name);
        }
    }

    fn report(&self, means: &Means, what: &str, refused: u32) {
        let cosign = format!("cosign {}", self.tool.version());
        let (means, cannot) = (means.name, None);
        interop_cell(&ClientCell { means, what, signer: &cosign, verifier: &cosign, refused, cannot });
    }
}

fn means(world: &World) -> [Means; 2] {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let (ada, issuer) = ("--certificate-identity", "--certificate-oidc-issuer");
    [
        Means {
            name: "keyless",
            sign: owned(&["--identity-token", "token"]),
            verify: owned(&[ada, ADA, issuer, &world.issuer.url()]),
        },
        Means {
            name: "keyed",
            sign: owned(&["--key", "cosign.key"]),
            verify: owned(&["--key", "cosign.pub"]),
        },
    ]
}

#[test]
fn interop_cosign_signs_and_attests_images_by_referrers_and_by_a_tag_where_there_are_none() {
    let Some(tool) = testkit::tool("cosign") else { return };
    let Some(registry) = testkit::tool("docker-registry") else { return };
    let (registry, cosign) = (Registry::start(&registry), Cosign { tool, world: World::new() });
    fs::write(cosign.world.site.path("predicate.json"), "{}").unwrap();
    let made = cosign.world.tool(cosign.tool.command(), &["generate-key-pair"]);
    assert!(made.status.success(), "{}", text(&made));
    let (plain, front) = (&registry.address, with_referrers(&registry));
    let address = front.url().replace("http://", "");
    let tag = |digest: &str| digest.replace(':', "-");
    for means in &means(&cosign.world) {
        let (signed, other) = cosign.try_in(plain, means);
        assert!(tags(plain).contains(&tag(&signed)));
        // The signatures of one image, put beside another.
        move_signatures(plain, &signed, &other);
        cosign.refuses(means, &image(plain, &other));
        cosign.report(means, "image and its attestation, by tag", 4);

        let (signed, _) = cosign.try_in(&address, means);
        assert!(!tags(&address).contains(&tag(&signed)), "a registry that lists referrers needs no tag");
        cosign.report(means, "image and its attestation, by referrers", 2);
    }
}

fn image(registry: &str, digest: &str) -> String {
    format!("{registry}/{REPOSITORY}@{digest}")
}
