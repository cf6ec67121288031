//! The OpenAPI 3.1 document: what the two listeners that strangers reach say of themselves.
//!
//! A path cannot be served without being described: [`Paths`] takes both in one breath. The document is checked in as
//! `docs/reference/openapi.json`, and every server gives out its own under `/v1/openapi.json`.

pub(crate) mod keyless;
mod operation;
mod paths;
pub(crate) mod public;
pub(crate) mod rekor_v1;
pub(crate) mod signing;

use std::collections::BTreeMap;

use api::{Code, Problem};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathsBuilder, RefOr, Schema,
};

use operation::Operation;
use paths::Description;
pub(crate) use paths::Paths;

/// Where the document is served.
pub(crate) const PATH: &str = "/v1/openapi.json";

const ABOUT: &str = "\
avouch signs what an organisation ships: a digest comes in, a receipt goes back that anybody can check offline.

There are two listeners. *Requests* (`listen` in `avouch.toml`) asks every caller for a client certificate or an API key; \
what it answers is for that caller. *Public* (`public_listen`) asks nobody: the transparency log, timestamps, the trust root. \
Each operation's tag says on which it is.

Whatever goes wrong comes as `application/problem+json` (RFC 9457) with a stable `code`. With `503` comes `Retry-After`: the \
same call, sent again, stays the same request. A header of more than 16 KiB is answered with `431`, what is not HTTP with \
`400`, neither with a problem. Limits and timeouts stand in `docs/reference/limits.md`.";

/// The document, of what the listeners say of their paths.
pub(crate) fn document(description: Description) -> OpenApi {
    let Description { operations, schemas } = description;
    let paths = operations.into_iter().fold(PathsBuilder::new().build(), |mut paths, described| {
        paths.add_path_operation(&described.path, vec![described.method], described.operation);
        paths
    });
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("avouch")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(license));
    OpenApiBuilder::new()
        .info(info.build())
        .paths(paths)
        .components(Some(components(schemas).build()))
        .build()
}

fn components(schemas: BTreeMap<String, RefOr<Schema>>) -> ComponentsBuilder {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("avk_<id>_<secret>")
        .description(Some("An API key, made with `avouch api-key create`."));
    let certificate = SecurityScheme::MutualTls {
        description: Some("A client certificate whose key is registered.".to_owned()),
        deprecated: None,
        extensions: None,
    };
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .security_scheme(operation::API_KEY, SecurityScheme::Http(bearer.build()))
        .security_scheme(operation::CERTIFICATE, certificate);
    Code::ALL.iter().fold(components, |components, code| {
        let mut problem = Problem::new(*code, code.advice());
        problem.request = Some("7f3a9c1e5b2d4f6087a9c1e5b2d4f608".to_owned());
        let example = ExampleBuilder::new().summary(code.meaning()).value(Some(json!(problem)));
        components.example(code.word(), example.build())
    })
}

/// The document as it is checked in and served.
pub(crate) fn text(document: &OpenApi) -> String {
    let mut text = serde_json::to_string_pretty(document).expect("a document of texts and maps is JSON");
    text.push('\n');
    text
}

/// `GET /v1/openapi.json`.
pub(crate) fn serve(text: &'static str) -> Response {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "max-age=60")], text).into_response()
}
