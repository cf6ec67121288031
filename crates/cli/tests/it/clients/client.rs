//! The clients: how each is asked to sign and to verify, in the words of its own command line.

use std::process::Command;

use testkit::Tool;

use crate::command_line::avouch;

/// What is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Blob,
    Attestation,
}

/// By what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Means {
    /// The holder of an ID token.
    Keyless,
    /// A key that lies in a file, or, with avouch, in the platform.
    Keyed,
}

/// A client, as it comes.
pub(crate) struct Client {
    /// Its name and version.
    pub(crate) name: String,
    program: Program,
    keyless: Deeds,
    keyed: Deeds,
}

/// What is run.
enum Program {
    Avouch,
    Foreign(Tool),
    /// Packages of Node.js, which are no programs but are called from one.
    Node(Tool),
}

/// Lines of arguments, for a blob and for an attestation; none where the client has no such thing.
///
/// A line has no spaces within its words; those in capital letters stand for what they say.
#[derive(Clone, Copy)]
struct Deeds {
    sign: [Option<&'static str>; 2],
    verify: [Option<&'static str>; 2],
}

const NOTHING: Deeds = Deeds { sign: [None, None], verify: [None, None] };

/// cosign writes statements of version 0.1 unless it is given one, and sigstore-python reads those of version 1 alone.
const COSIGN: Deeds = Deeds {
    sign: [
        // It takes a token in a file: on the command line it knows those of RS256 alone.
        Some(
            "sign-blob --yes --identity-token token --signing-config CONFIG --trusted-root ROOT --bundle BUNDLE app.tar",
        ),
        Some(
            "attest-blob --yes --identity-token token --signing-config CONFIG --trusted-root ROOT --statement statement.json --bundle BUNDLE",
        ),
    ],
    verify: [
        Some(
            "verify-blob --trusted-root ROOT --use-signed-timestamps --certificate-identity ADA --certificate-oidc-issuer ISSUER --bundle BUNDLE app.tar",
        ),
        Some(
            "verify-blob-attestation --trusted-root ROOT --use-signed-timestamps --certificate-identity ADA --certificate-oidc-issuer ISSUER --type slsaprovenance1 --bundle BUNDLE app.tar",
        ),
    ],
};

const COSIGN_KEYED: Deeds = Deeds {
    sign: [
        Some(
            "sign-blob --yes --key cosign.key --signing-config CONFIG --trusted-root ROOT --bundle BUNDLE app.tar",
        ),
        Some(
            "attest-blob --yes --key cosign.key --signing-config CONFIG --trusted-root ROOT --statement statement.json --bundle BUNDLE",
        ),
    ],
    verify: [
        Some("verify-blob --key KEY --trusted-root ROOT --use-signed-timestamps --bundle BUNDLE app.tar"),
        Some(
            "verify-blob-attestation --key KEY --trusted-root ROOT --use-signed-timestamps --type slsaprovenance1 --bundle BUNDLE app.tar",
        ),
    ],
};

const PYTHON_VERIFIES: Option<&str> = Some(
    "--trust-config TRUST verify identity --cert-identity ADA --cert-oidc-issuer ISSUER --bundle BUNDLE app.tar",
);

const PYTHON: Deeds = Deeds {
    sign: [
        Some("--trust-config TRUST sign --identity-token TOKEN --bundle BUNDLE app.tar"),
        Some(
            "--trust-config TRUST attest --identity-token TOKEN --predicate predicate.json --predicate-type https://slsa.dev/provenance/v1 --bundle BUNDLE app.tar",
        ),
    ],
    verify: [PYTHON_VERIFIES, PYTHON_VERIFIES],
};

const SIGSTORE_JS: Deeds = Deeds {
    sign: [
        Some("sign-bundle --identity-token TOKEN --signing-config CONFIG --bundle BUNDLE app.tar"),
        Some(
            "sign-bundle --in-toto --identity-token TOKEN --signing-config CONFIG --bundle BUNDLE statement.json",
        ),
    ],
    ..SIGSTORE_JS_VERIFIES
};

/// Whether a statement is about a file is left to whoever calls it.
const SIGSTORE_JS_VERIFIES: Deeds = Deeds {
    sign: [None, None],
    verify: [
        Some(
            "verify-bundle --trusted-root ROOT --certificate-identity ADA --certificate-oidc-issuer ISSUER --bundle BUNDLE app.tar",
        ),
        Some(
            "verify-bundle --trusted-root ROOT --certificate-identity ADA --certificate-oidc-issuer ISSUER --bundle BUNDLE",
        ),
    ],
};

const SIGSTORE_JS_KEYED: Deeds = Deeds {
    sign: [None, None],
    verify: [
        Some("verify-bundle --trusted-root ROOT --key KEY --bundle BUNDLE app.tar"),
        Some("verify-bundle --trusted-root ROOT --key KEY --bundle BUNDLE"),
    ],
};

const SIGSTORE_RUST: Deeds = Deeds {
    sign: [
        Some("sign-bundle --identity-token TOKEN --bundle BUNDLE --signing-config CONFIG app.tar"),
        Some(
            "sign-bundle --in-toto --identity-token TOKEN --bundle BUNDLE --signing-config CONFIG statement.json",
        ),
    ],
    verify: [SIGSTORE_RUST_VERIFIES, SIGSTORE_RUST_VERIFIES],
};

const SIGSTORE_RUST_VERIFIES: Option<&str> = Some(
    "verify-bundle --bundle BUNDLE --certificate-identity ADA --certificate-oidc-issuer ISSUER --trusted-root ROOT app.tar",
);

const SIGSTORE_RUST_VERIFIES_BY_KEY: Option<&str> =
    Some("verify-bundle --bundle BUNDLE --key KEY --trusted-root ROOT app.tar");

const SIGSTORE_RUST_KEYED: Deeds =
    Deeds { sign: [None, None], verify: [SIGSTORE_RUST_VERIFIES_BY_KEY, SIGSTORE_RUST_VERIFIES_BY_KEY] };

const AVOUCH_VERIFIES: Option<&str> =
    Some("verify app.tar --bundle BUNDLE --trusted-root ROOT --identity ADA --issuer ISSUER");

/// avouch signs as the conformance suite drives it, flag by flag.
const AVOUCH: Deeds = Deeds {
    sign: [
        Some(
            "sigstore-conformance sign-bundle --identity-token TOKEN --bundle BUNDLE --trusted-root ROOT --signing-config CONFIG app.tar",
        ),
        Some(
            "sigstore-conformance sign-bundle --in-toto --identity-token TOKEN --bundle BUNDLE --trusted-root ROOT --signing-config CONFIG statement.json",
        ),
    ],
    verify: [AVOUCH_VERIFIES, AVOUCH_VERIFIES],
};

const AVOUCH_VERIFIES_BY_KEY: Option<&str> =
    Some("verify app.tar --bundle BUNDLE --public-key KEY --sigstore ROOT");

const AVOUCH_KEYED: Deeds = Deeds {
    sign: [
        Some("sign app.tar"),
        Some("attest app.tar --profile default/attest --type slsaprovenance1 --predicate predicate.json"),
    ],
    verify: [AVOUCH_VERIFIES_BY_KEY, AVOUCH_VERIFIES_BY_KEY],
};

/// The clients that are here; those that are not are skipped loudly.
pub(crate) fn clients() -> Vec<Client> {
    let client = |program: Program, keyless, keyed| {
        let name = match &program {
            Program::Avouch => "avouch".to_owned(),
            Program::Foreign(tool) | Program::Node(tool) => {
                format!("{} {}", tool.name().trim_end_matches("-4.2"), tool.version())
            }
        };
        Client { name, program, keyless, keyed }
    };
    let foreign = |name| testkit::tool(name).map(Program::Foreign);
    let node = |tool: Option<Tool>| tool.map(Program::Node);
    let today = |package| node(testkit::sigstore_js_client(package));
    let signer = Deeds { verify: [None, None], ..SIGSTORE_JS };
    let all = [
        // The first, because of entry 0 of a log: cosign leaves out what is zero, and sigstore-python wants it to be there.
        (Some(Program::Avouch), AVOUCH, AVOUCH_KEYED),
        (foreign("cosign"), COSIGN, COSIGN_KEYED),
        (foreign("sigstore-python"), PYTHON, NOTHING),
        (foreign("sigstore-python-4.2"), PYTHON, NOTHING),
        (foreign("sigstore-rust"), SIGSTORE_RUST, SIGSTORE_RUST_KEYED),
        (today("@sigstore/sign"), signer, NOTHING),
        (today("@sigstore/verify"), SIGSTORE_JS_VERIFIES, SIGSTORE_JS_KEYED),
        (node(testkit::sigstore_js()), SIGSTORE_JS_VERIFIES, SIGSTORE_JS_KEYED),
    ];
    all.into_iter().filter_map(|(program, keyless, keyed)| Some(client(program?, keyless, keyed))).collect()
}

impl Client {
    pub(crate) fn signs(&self, means: Means, what: What) -> Option<&'static str> {
        self.deeds(means).sign[what as usize]
    }

    pub(crate) fn verifies(&self, means: Means, what: What) -> Option<&'static str> {
        self.deeds(means).verify[what as usize]
    }

    /// Runs it, without arguments so far.
    pub(crate) fn command(&self) -> Command {
        match &self.program {
            Program::Avouch => avouch(),
            Program::Foreign(tool) => tool.command(),
            Program::Node(tool) => {
                let mut command = tool.command();
                command.args(["-e", include_str!("sigstore_js.js"), "--"]);
                command
            }
        }
    }

    const fn deeds(&self, means: Means) -> &Deeds {
        match means {
            Means::Keyless => &self.keyless,
            Means::Keyed => &self.keyed,
        }
    }
}
