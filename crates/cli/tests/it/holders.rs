//! Signing as the holder of an ID token at a whole platform: with cosign as it comes, and with our own command.

use std::fs;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU64, Ordering};

use data_encoding::BASE64;
use serde_json::{Value, json};
use testkit::{HttpSite, IdentityProvider, Reply};

use crate::command_line::text;
use crate::sigstore_site::{ADA, now};
use crate::site::{Role, Site};

/// A platform that knows an issuer, and the files by which clients know the platform.
pub(crate) struct World {
    pub(crate) site: Site,
    provider: IdentityProvider,
    pub(crate) issuer: HttpSite,
    tokens: AtomicU64,
}

impl World {
    pub(crate) fn new() -> Self {
        let (site, provider) = (Site::new(), IdentityProvider::new("k1"));
        let keys = provider.jwks();
        let issuer = HttpSite::serve(move |asked| {
            let url = format!("http://{}", asked.header("host").unwrap());
            match asked.path() {
                "/.well-known/openid-configuration" => {
                    Reply::json(&json!({"issuer": url, "jwks_uri": format!("{url}/keys")}))
                }
                "/keys" => Reply::json(&keys),
                _ => Reply::status(404),
            }
        });
        let (data, passphrase) = (site.data(), site.path("passphrase"));
        let endorsed = ["--dir", &data, "--admin-passphrase-file", &passphrase];
        site.good(&[&["issuer", "add", &issuer.url(), "--kind", "email"], &endorsed[..]].concat());
        site.good(&["sigstore", "files", &site.path("sigstore")]);
        fs::write(site.path("app.tar"), "the bytes of an application").unwrap();
        Self { site, provider, issuer, tokens: AtomicU64::new(0) }
    }

    /// A new token for whoever has this address.
    pub(crate) fn token(&self, email: &str) -> String {
        let now = now().seconds();
        // Two tokens of one second are two.
        let id = self.tokens.fetch_add(1, Ordering::Relaxed);
        let claims = json!({"iss": self.issuer.url(), "aud": "sigstore", "sub": "1", "iat": now, "exp": now + 300,
            "jti": id.to_string(), "email": email, "email_verified": true});
        self.provider.token(&claims)
    }

    /// Signs with our own command as whoever has this address.
    pub(crate) fn sign_as(&self, email: &str) {
        fs::write(self.site.path("token"), self.token(email)).unwrap();
        let config = ["--signing-config", "sigstore/signing_config.v0.2.json"];
        let sign = ["sign", "app.tar", "--keyless", "--identity-token", "@token"];
        let output = self.tool(self.site.command(), &[&sign[..], &config, &ROOT].concat());
        assert!(output.status.success(), "{}", text(&output));
    }

    /// What a tool says, run in the folder of the platform.
    pub(crate) fn tool(&self, mut command: Command, arguments: &[&str]) -> Output {
        command.current_dir(self.site.folder.path()).args(arguments);
        self.surround(&mut command);
        command.output().unwrap()
    }

    /// What a client finds around it: a home of its own, and the authority of the server's TLS, by the names that Go,
    /// Python and Node.js have for it.
    pub(crate) fn surround(&self, command: &mut Command) {
        let authority = self.site.dir.join("server/tls/ca.pem");
        for name in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
            command.env(name, &authority);
        }
        command.env("HOME", self.site.folder.path()).env("COSIGN_PASSWORD", "");
    }
}

const ROOT: [&str; 2] = ["--trusted-root", "sigstore/trusted_root.json"];

#[test]
fn interop_cosign_signs_keylessly_against_the_platform_and_both_verify_it() {
    let Some(cosign) = testkit::tool("cosign") else { return };
    let world = World::new();
    let good = |arguments: &[&str]| {
        let output = world.tool(cosign.command(), arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    };
    // On its command line cosign takes no token of ES256; in a file it does.
    fs::write(world.site.path("token"), world.token(ADA)).unwrap();
    let config = ["--signing-config", "sigstore/signing_config.v0.2.json"];
    let sign =
        ["sign-blob", "--yes", "--identity-token", "token", "--bundle", "app.tar.sigstore.json", "app.tar"];
    good(&[&sign[..], &config, &ROOT].concat());
    let url = world.issuer.url();
    let by = |who| ["--certificate-identity", who, "--certificate-oidc-issuer", url.as_str()];
    let verify = ["verify-blob", "--use-signed-timestamps", "--bundle", "app.tar.sigstore.json", "app.tar"];
    good(&[&verify[..], &by(ADA), &ROOT].concat());
    let other = world.tool(cosign.command(), &[&verify[..], &by("ben@example.com"), &ROOT].concat());
    assert!(!other.status.success(), "another identity");
    let ours =
        ["verify", "app.tar", "--bundle", "app.tar.sigstore.json", "--identity", ADA, "--issuer", &url];
    let output = world.tool(world.site.command(), &[&ours[..], &ROOT].concat());
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn a_server_that_is_killed_goes_on_with_the_log_of_certificates_where_it_was() {
    let mut world = World::new();
    let folder = testkit::temp_folder();
    let Some(openssl) = testkit::tool("openssl") else { return };
    let Some(curl) = testkit::tool("curl") else { return };
    let mut serials: Vec<String> = Vec::new();
    for round in 0..3 {
        if round > 0 {
            world.site.kill(Role::Server);
        }
        let mut request = openssl.command();
        request.args(["req", "-new", "-nodes", "-subj", "/", "-newkey", "ec", "-pkeyopt"]);
        request.args(["ec_paramgen_curve:P-256", "-keyout"]).arg(folder.path().join("key.pem"));
        let request = BASE64.encode(&request.output().unwrap().stdout);
        let body = json!({"certificateSigningRequest": request}).to_string();
        let url = format!("{}/api/v2/signingCert", public_url(&world.site));
        let bearer = format!("Authorization: Bearer {}", world.token(&format!("{round}@example.com")));
        let ca = world.site.dir.join("server/tls/ca.pem");
        let asked = ["-sS", "--retry", "20", "--retry-connrefused", "--retry-delay", "1", "-H", &bearer];
        let mut command = curl.command();
        command.args(asked).args(["-d", &body, &url, "--cacert"]).arg(ca);
        let answer = command.output().unwrap();
        let said: Value =
            serde_json::from_slice(&answer.stdout).unwrap_or_else(|_| panic!("{}", text(&answer)));
        let leaf = &said["signedCertificateEmbeddedSct"]["chain"]["certificates"][0];
        let leaf = pki::Certificate::from_pem(leaf.as_str().unwrap_or_else(|| panic!("{said}"))).unwrap();
        let [timestamp] = leaf.signed_timestamps().unwrap().try_into().unwrap();
        assert_eq!(timestamp.extensions, pki::sct::leaf_index(round).unwrap());
        serials.push(format!("{:?}", leaf.serial()));
    }
    serials.sort();
    serials.dedup();
    assert_eq!(serials.len(), 3);
    world.site.stop();
    world.site.good(&["fsck", &world.site.data()]);
}

pub(crate) fn public_url(site: &Site) -> String {
    let ready: Value =
        serde_json::from_slice(&fs::read(site.dir.join("run/server/ready.json")).unwrap()).unwrap();
    ready["public_url"].as_str().unwrap().replace("127.0.0.1", "localhost")
}
