//! The token that a CI job is given by the system that runs it.

use std::env;
use std::path::Path;
use std::process::Command;

use identity::oidc::{Address, Fetcher};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Where Kubernetes puts a token for a signing pod, by a convention of Sigstore's clients.
const KUBERNETES: &str = "/var/run/sigstore/cosign/oidc-token";

/// What GitHub answers with.
#[derive(Deserialize)]
struct Github {
    value: String,
}

/// The token of the job that this runs in; `None` where it runs in none that has one.
pub(super) fn find(fetcher: &Fetcher, audience: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    // GitLab, Jenkins and whoever else gives a job its token do so in this variable.
    if let Some(token) = variable("SIGSTORE_ID_TOKEN") {
        return Ok(Some(Zeroizing::new(token)));
    }
    if variable("GITHUB_ACTIONS").is_some() {
        return github(fetcher, audience);
    }
    if variable("BUILDKITE").is_some() {
        return said("buildkite-agent", &["oidc", "request-token", "--audience", audience]).map(Some);
    }
    if variable("CIRCLECI").is_some() && variable("CIRCLE_OIDC_TOKEN_V2").is_some() {
        let claims = serde_json::json!({ "aud": audience }).to_string();
        return said("circleci", &["run", "oidc", "get", "--claims", &claims]).map(Some);
    }
    let kubernetes = Path::new(KUBERNETES);
    if kubernetes.exists() { super::file(kubernetes).map(Some) } else { Ok(None) }
}

fn github(fetcher: &Fetcher, audience: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    let (Some(url), Some(bearer)) =
        (variable("ACTIONS_ID_TOKEN_REQUEST_URL"), variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN"))
    else {
        return Err(Failure::Usage {
            what: "this GitHub job may not ask for an ID token".to_owned(),
            advice: "give it `permissions: id-token: write`; `avouch ci github` prints the whole job",
        });
    };
    // The address has a query already.
    let encoded = super::flow::query(&[("audience", audience)]);
    let address = Address::parse(&format!("{url}&{encoded}"))?;
    let answer = crate::online::call(fetcher.get_as(&address, &bearer))?;
    let github: Github =
        serde_json::from_slice(&answer).map_err(Failure::input("GitHub's answer", "an ID token"))?;
    Ok(Some(Zeroizing::new(github.value)))
}

fn said(program: &'static str, arguments: &[&str]) -> Result<Zeroizing<String>, Failure> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(Failure::inside("ask for the job's ID token"))?;
    if !output.status.success() {
        let fault = format!("gave no ID token: {}", String::from_utf8_lossy(&output.stderr).trim());
        return Err(Failure::Process { process: program, fault });
    }
    Ok(Zeroizing::new(String::from_utf8_lossy(&output.stdout).into_owned()))
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
