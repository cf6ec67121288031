//! The words in which operations are described.

use std::collections::BTreeMap;

use api::{Code, Page, Problem};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, Header, Ref, RefOr, Required, Schema, path};

pub(super) const API_KEY: &str = "apiKey";
pub(super) const CERTIFICATE: &str = "clientCertificate";

/// What an operation says of itself.
pub(crate) struct Operation {
    operation: OperationBuilder,
    schemas: Vec<(String, RefOr<Schema>)>,
}

/// On which listener an operation is, and so who may call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listener {
    /// Callers, with a credential.
    Requests,
    /// Anybody.
    Public,
    /// Anybody, on either listener.
    Both,
}

/// Begins the description of an operation.
pub(crate) fn operation(listener: Listener, id: &str, summary: &str) -> Operation {
    let operation = OperationBuilder::new().operation_id(Some(id)).summary(Some(summary));
    let operation = match listener {
        Listener::Requests => operation
            .tag("requests")
            .security(SecurityRequirement::new(CERTIFICATE, [""; 0]))
            .security(SecurityRequirement::new(API_KEY, [""; 0])),
        Listener::Public => operation.tag("public"),
        Listener::Both => operation.tag("requests").tag("public"),
    };
    Operation { operation, schemas: Vec::new() }
}

impl Operation {
    /// What there is to know beyond the summary.
    pub(crate) fn about(self, text: impl Into<String>) -> Self {
        Self { operation: self.operation.description(Some(text)), ..self }
    }

    /// A part of the path.
    pub(crate) fn part(self, name: &str, about: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        self.parameter(name, ParameterIn::Path, Required::True, about, schema)
    }

    /// A word of the query that may be there.
    pub(crate) fn query(self, name: &str, about: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        self.parameter(name, ParameterIn::Query, Required::False, about, schema)
    }

    /// A header that may be there.
    pub(crate) fn header(self, name: &str, about: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        self.parameter(name, ParameterIn::Header, Required::False, about, schema)
    }

    fn parameter(
        self,
        name: &str,
        place: ParameterIn,
        required: Required,
        about: &str,
        schema: impl Into<RefOr<Schema>>,
    ) -> Self {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(place)
            .required(required)
            .description(Some(about))
            .schema(Some(schema));
        Self { operation: self.operation.parameter(parameter), ..self }
    }

    /// A body of JSON.
    pub(crate) fn takes<T: ToSchema>(mut self, bytes_max: usize, example: Value) -> Self {
        let schema = self.schema_of::<T>();
        self.takes_any([("application/json", schema, Some(example))], bytes_max)
    }

    /// A body of one of these kinds.
    pub(crate) fn takes_any<const N: usize>(
        self,
        kinds: [(&str, RefOr<Schema>, Option<Value>); N],
        bytes_max: usize,
    ) -> Self {
        let about = format!("At most {bytes_max} bytes.");
        let body = RequestBodyBuilder::new().required(Some(Required::True)).description(Some(about));
        let body = kinds.into_iter().fold(body, |body, (media_type, schema, example)| {
            body.content(media_type, ContentBuilder::new().schema(Some(schema)).example(example).build())
        });
        Self { operation: self.operation.request_body(Some(body.build())), ..self }
    }

    /// An answer in JSON.
    pub(crate) fn answers<T: ToSchema>(mut self, status: u16, about: &str) -> Self {
        let schema = self.schema_of::<T>();
        self.answers_in("application/json", status, about, schema)
    }

    /// The same, in pages.
    pub(crate) fn answers_pages<T: ToSchema>(mut self, status: u16, about: &str) -> Self {
        self.schema_of::<T>();
        self.answers::<Page<T>>(status, about)
    }

    /// An answer of another kind.
    pub(crate) fn answers_in(
        self,
        media_type: &str,
        status: u16,
        about: &str,
        schema: impl Into<RefOr<Schema>>,
    ) -> Self {
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new().description(about).content(media_type, content);
        Self { operation: self.operation.response(status.to_string(), response.build()), ..self }
    }

    /// The problems that may come instead, one response a status.
    pub(crate) fn refuses(mut self, codes: &[Code]) -> Self {
        let problem = self.schema_of::<Problem>();
        let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
        for code in codes {
            by_status.entry(code.status()).or_default().push(*code);
        }
        by_status.into_iter().fold(self, |this, (status, codes)| {
            let response = refusal(status, &codes, problem.clone());
            Self { operation: this.operation.response(status.to_string(), response.build()), ..this }
        })
    }

    /// A reference to the schema of a type, which comes along with all that it refers to.
    fn schema_of<T: ToSchema>(&mut self) -> RefOr<Schema> {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
        Ref::from_schema_name(T::name()).into()
    }

    pub(super) fn into_parts(self) -> (path::Operation, Vec<(String, RefOr<Schema>)>) {
        (self.operation.build(), self.schemas)
    }
}

/// The response of one status: which problems it may be, and what comes with it.
fn refusal(status: u16, codes: &[Code], problem: RefOr<Schema>) -> ResponseBuilder {
    let about: Vec<String> =
        codes.iter().map(|code| format!("`{}`: {}", code.word(), code.meaning())).collect();
    let examples = codes.iter().map(|code| {
        let word = code.word();
        (word, RefOr::Ref(Ref::new(format!("#/components/examples/{word}"))))
    });
    let content = ContentBuilder::new().schema(Some(problem)).examples_from_iter(examples);
    let response = ResponseBuilder::new()
        .description(about.join(" "))
        .content("application/problem+json", content.build());
    match status {
        401 => response.header("WWW-Authenticate", header(Type::String, "How to prove who asks.")),
        503 => response.header("Retry-After", header(Type::Integer, "After how many seconds to come back.")),
        _ => response,
    }
}

fn header(kind: Type, about: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(kind).build();
    HeaderBuilder::new().schema(Some(Schema::Object(schema))).description(Some(about)).build()
}

/// A text, such as this one.
pub(crate) fn text(example: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).examples([json!(example)])
}

/// A whole number from this one on.
pub(crate) fn number_from(least: u32, example: u32) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).examples([json!(example)])
}

/// Bytes.
pub(crate) fn bytes() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).content_encoding("binary")
}
