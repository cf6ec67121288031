//! The running server against the document that is checked in, by a client that knows nothing but the document.

use std::fs;
use std::path::Path;
use std::time::Duration;

use api::RequestState;
use client::{Credential, Wait};
use identity::ApiKey;
use model::Instant;
use serde_json::{Value, json};
use server::Limits;

use crate::asking::compose;
use crate::founder::space;
use crate::site::{Identity, Plan, Site, api_key};

const DOCUMENT: &str = include_str!("../../../../docs/reference/openapi.json");

/// What must hold of every answer: a status and a content type that the document has, a body of its schema, headers
/// as it says, `405` with `Allow` for what it does not have, and no fault of the server's own.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,unsupported_method,allow_header_conformance,\
    negative_data_rejection";
/// A server that says for how long it cannot is no fault.
const SETTINGS: &str = "[checks.not_a_server_error]\nexpected-statuses = [\"2xx\", \"3xx\", \"4xx\", 503]\n";
/// Calls of each operation, beside those that the document's examples and bounds make.
const CALLS: &str = "10";

/// The document, with examples that are true of this site: so every kind of answer is seen, and not refusals alone.
fn with_true_examples(submission: &api::Submission, id: &str, origin: &str) -> Value {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let body = "/paths/~1v1~1requests/post/requestBody/content/application~1json/example";
    *document.pointer_mut(body).unwrap() = json!(submission);
    for item in document["paths"].as_object_mut().unwrap().values_mut() {
        for operation in item.as_object_mut().unwrap().values_mut() {
            let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
            for parameter in parameters.into_iter().flatten() {
                let example = match parameter["name"].as_str().unwrap() {
                    "id" => id,
                    "name" | "profile" => "default",
                    "origin" => origin,
                    _ => continue,
                };
                parameter["schema"]["examples"] = json!([example]);
            }
        }
    }
    document
}

/// A client of the document's, with the files that it needs.
struct Trier<'a> {
    tool: testkit::Tool,
    folder: &'a Path,
}

impl Trier<'_> {
    fn write(&self, name: &str, content: &str) {
        fs::write(self.folder.join(name), content).unwrap();
    }

    /// Tries every operation with this tag.
    fn try_all(&self, tag: &str, url: &str, key: Option<&ApiKey>) {
        let mut command = self.tool.command();
        command.current_dir(self.folder).args(["--config-file", "settings.toml"]);
        command.args(["run", "openapi.json", "--no-color", "--max-examples", CALLS]);
        command.args(["--phases", "examples,coverage,fuzzing", "--checks", CHECKS, "--include-tag", tag]);
        command.args(["--generation-deterministic", "--warnings", "off", "--url", url]);
        command.args(["--tls-verify", "ca.pem"]);
        if let Some(key) = key {
            command.arg("--header").arg(format!("Authorization: Bearer {}", key.expose()));
        }
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        assert!(output.status.success(), "{tag}:\n{}\n{}", said[0], said[1]);
        assert!(said[0].contains("No issues found"), "{tag}: it tried nothing:\n{}", said[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_running_server_answers_as_its_document_says() {
    let Some(tool) = testkit::tool("schemathesis") else { return };
    let limits = Limits { wait: Duration::from_secs(1), body: Duration::from_secs(2), ..Limits::default() };
    let (key, record) = api_key(5, Instant::from_seconds(9_000_000_000));
    let site = Site::open(Plan { limits, keys: vec![record], ..Plan::default() });
    let client = site.client(Credential::ApiKey(key.expose()));
    let view = client.profile(&space("default")).await.unwrap();
    let submission = compose(&view, 1, b"an artifact");
    let done = client.submit(&submission, None, Wait::Final(Duration::from_secs(60))).await.unwrap();
    assert_eq!(done.state, RequestState::Done);
    let note = site.http(Identity::Nobody).get(site.public_url("/api/v2/checkpoint")).send().await.unwrap();
    let note = note.text().await.unwrap();
    let document = with_true_examples(&submission, &done.id.to_string(), note.lines().next().unwrap());
    tokio::task::block_in_place(|| {
        let folder = testkit::temp_folder();
        let trier = Trier { tool, folder: folder.path() };
        trier.write("openapi.json", &document.to_string());
        trier.write("settings.toml", SETTINGS);
        trier.write("ca.pem", &site.credential.ca_pem);
        std::thread::scope(|side_by_side| {
            side_by_side.spawn(|| trier.try_all("requests", &site.url(""), Some(&key)));
            side_by_side.spawn(|| trier.try_all("requests", &site.url(""), None));
            side_by_side.spawn(|| trier.try_all("public", &site.public_url(""), None));
        });
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn both_listeners_give_out_the_document_that_is_checked_in() {
    let site = Site::start();
    for url in [site.url("/v1/openapi.json"), site.public_url("/v1/openapi.json")] {
        let answer = site.http(Identity::Nobody).get(url).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert!(answer.text().await.unwrap() == DOCUMENT);
    }
}
