//! Paths with their handlers, each with what it says of itself.

use std::collections::BTreeMap;

use axum::Router;
use axum::handler::Handler;
use axum::routing;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::{RefOr, Schema, path};

use super::Operation;

/// Paths that share a state.
pub(crate) struct Paths<S> {
    router: Router<S>,
    description: Description,
}

/// What paths say of themselves.
#[derive(Default)]
pub(crate) struct Description {
    pub(crate) operations: Vec<Described>,
    pub(crate) schemas: BTreeMap<String, RefOr<Schema>>,
}

/// One operation, in OpenAPI's words.
pub(crate) struct Described {
    pub(crate) path: String,
    pub(crate) method: HttpMethod,
    pub(crate) operation: path::Operation,
}

impl<S: Clone + Send + Sync + 'static> Paths<S> {
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), description: Description::default() }
    }

    /// A path that is read.
    pub(crate) fn get<H, T>(self, path: &str, handler: H, operation: Operation) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        let router = self.router.route(path, routing::get(handler));
        Self { router, description: self.description.with(path, HttpMethod::Get, operation) }
    }

    /// A path that takes something.
    pub(crate) fn post<H, T>(self, path: &str, handler: H, operation: Operation) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        let router = self.router.route(path, routing::post(handler));
        Self { router, description: self.description.with(path, HttpMethod::Post, operation) }
    }

    pub(crate) fn into_router(self, state: S) -> Router {
        self.router.with_state(state)
    }

    pub(crate) fn into_description(self) -> Description {
        self.description
    }
}

impl Description {
    fn with(mut self, path: &str, method: HttpMethod, operation: Operation) -> Self {
        let (operation, schemas) = operation.into_parts();
        self.schemas.extend(schemas);
        // A name that takes the rest of the path is written `{*name}` in the router alone.
        self.operations.push(Described { path: path.replace("{*", "{"), method, operation });
        self
    }

    pub(crate) fn and(mut self, other: Self) -> Self {
        self.operations.extend(other.operations);
        self.schemas.extend(other.schemas);
        self
    }
}
