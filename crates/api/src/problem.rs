//! Problems (RFC 9457), with codes that stay.

use serde::{Deserialize, Serialize};

/// `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `urn:avouch:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code.
    pub code: Code,
    /// What kind of problem it is.
    pub title: String,
    /// The status.
    pub status: u16,
    /// What failed here, why, and what to do.
    pub detail: String,
    /// The id under which the server's trace knows this call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// For `stale`: what a client needs to compose once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<crate::ProfileView>,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $status:literal, $title:literal;)*) => {
        /// The kinds of problem there are. Codes stay; new ones may come.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code's word.
            pub const fn word(self) -> &'static str { match self { $(Self::$variant => $word,)* } }

            /// The status that goes with it.
            pub const fn status(self) -> u16 { match self { $(Self::$variant => $status,)* } }

            /// What kind of problem it is.
            pub const fn title(self) -> &'static str { match self { $(Self::$variant => $title,)* } }
        }
    };
}

codes! {
    /// Not JSON, or not the JSON of this path.
    Malformed = "malformed", 400, "the body cannot be read";
    /// A request or an item outside its limits or not canonical.
    BadRequest = "bad-request", 400, "the signing request cannot stand";
    /// No credential, or one that is unknown, expired or revoked.
    Unauthenticated = "unauthenticated", 401, "who asks is not proven";
    /// The credential is good and may not do this.
    Forbidden = "forbidden", 403, "this is not allowed";
    /// No such path, request, profile or entry.
    NotFound = "not-found", 404, "there is no such thing";
    /// The path is there, and this method is not.
    MethodNotAllowed = "method-not-allowed", 405, "this path has no such method";
    /// The body did not arrive in time.
    TimedOut = "timed-out", 408, "the body took too long";
    /// A request id, or an idempotency key, that was used for something else.
    Conflict = "conflict", 409, "this id was used for something else";
    /// A request that waits for nobody can be neither endorsed nor withdrawn.
    NotWaiting = "not-waiting", 409, "the request does not wait";
    /// The request is out of date with profile, policy, registry or key record: compose it once more.
    Stale = "stale", 409, "the request is out of date";
    /// Larger than is read.
    TooLarge = "too-large", 413, "the body is too large";
    /// The wrong kind of body.
    UnsupportedMediaType = "unsupported-media-type", 415, "the body is of the wrong kind";
    /// The queue is full, or the server is going down: come back.
    Busy = "busy", 503, "the server cannot take more now";
    /// Something that signing depends on cannot be reached or written.
    Unavailable = "unavailable", 503, "signing is not possible now";
    /// A fault of avouch.
    Internal = "internal", 500, "something went wrong in avouch";
}

impl Problem {
    /// A problem of a kind, with what failed here.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:avouch:problem:{}", code.word()),
            code,
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            request: None,
            profile: None,
        }
    }
}
