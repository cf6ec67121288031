//! Problems (RFC 9457), with codes that stay.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `urn:avouch:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code.
    #[schema(value_type = crate::schema::Code)]
    pub code: Code,
    /// What kind of problem it is.
    pub title: String,
    /// The status.
    pub status: u16,
    /// What failed here, why, and what to do.
    pub detail: String,
    /// The id under which the server's trace knows this call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub request: Option<String>,
    /// For `stale`: what a client needs to compose once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub profile: Option<crate::ProfileView>,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $variant:ident = $word:literal, $status:literal, $title:literal, $advice:literal;)*) => {
        /// The kinds of problem there are. Codes stay; new ones may come.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[doc = $doc])* #[serde(rename = $word)] $variant,)*
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

            /// When it comes.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),*).trim_ascii(),)* }
            }

            /// What to do about it.
            pub const fn advice(self) -> &'static str { match self { $(Self::$variant => $advice,)* } }
        }
    };
}

codes! {
    /// Not JSON, or not the JSON of this path.
    Malformed = "malformed", 400, "the body cannot be read",
        "put right what the detail names, and send it again";
    /// A request or an item outside its limits or not canonical.
    BadRequest = "bad-request", 400, "the signing request cannot stand",
        "compose the request anew, within what the detail says";
    /// No credential, or one that is unknown, expired or revoked.
    Unauthenticated = "unauthenticated", 401, "who asks is not proven",
        "send an API key as `Authorization: Bearer avk_…` or connect with a client certificate; ask an administrator for one that is good";
    /// The credential is good and may not do this.
    Forbidden = "forbidden", 403, "this is not allowed",
        "ask who may; `avouch whoami` says what you may";
    /// No such path, request, profile or entry.
    NotFound = "not-found", 404, "there is no such thing",
        "look at the name again; `avouch whoami` lists the profiles that you can use";
    /// The path is there, and this method is not.
    MethodNotAllowed = "method-not-allowed", 405, "this path has no such method",
        "use a method that the path takes";
    /// The body did not arrive in time.
    TimedOut = "timed-out", 408, "the body took too long",
        "send it again over a line that carries it in time";
    /// A request id, or an idempotency key, that was used for something else.
    Conflict = "conflict", 409, "this id was used for something else",
        "use a new request id and a new idempotency key";
    /// A request that waits for nobody can be neither endorsed nor withdrawn.
    NotWaiting = "not-waiting", 409, "the request does not wait",
        "look at the request: it is signed, or has ended";
    /// The request is out of date with profile, policy, registry or key record: compose it once more.
    Stale = "stale", 409, "the request is out of date",
        "compose the request once more from the `profile` that comes with the problem, and have it endorsed anew; `avouch sign` does so by itself";
    /// Larger than is read.
    TooLarge = "too-large", 413, "the body is too large",
        "send fewer items; files never travel, only their digests";
    /// The wrong kind of body.
    UnsupportedMediaType = "unsupported-media-type", 415, "the body is of the wrong kind",
        "send the `Content-Type` that the detail names";
    /// More calls from one address than are taken from one.
    TooMany = "too-many", 429, "this address asks too often",
        "send the same again after `Retry-After` seconds, and fewer at a time";
    /// The server was put back from a backup, or does not agree with its key process: it only reads, so that nothing forks.
    ReadOnly = "read-only", 503, "the server only reads",
        "ask its operator: `avouch doctor` on the server names what is wrong and how to go forward; nothing was recorded";
    /// The queue is full, or the server is going down: come back.
    Busy = "busy", 503, "the server cannot take more now",
        "send the same again after `Retry-After` seconds: it stays the same request";
    /// Something that signing depends on cannot be reached or written.
    Unavailable = "unavailable", 503, "signing is not possible now",
        "send the same again after `Retry-After` seconds: nothing was lost; `/readyz` on the monitor listener names what is missing";
    /// A fault of avouch.
    Internal = "internal", 500, "something went wrong in avouch",
        "look for the answer's `request` id in the server's log, and report what stands there";
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

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// `docs/reference/problems.md`, as the codes have it.
    fn page() -> String {
        let mut page = "\
# Problems

What goes wrong over HTTP comes as `application/problem+json` (RFC 9457). `code` is one of these and stays what it is;
`detail` says what failed here, why, and what to do; `request` is the id under which the server's log knows the call.
`type` is `urn:avouch:problem:` and the code.

| code | status | title | when | what to do |
|---|--:|---|---|---|
"
        .to_owned();
        for code in Code::ALL {
            let (word, status, title) = (code.word(), code.status(), code.title());
            let (meaning, advice) = (code.meaning().trim_end_matches('.'), code.advice());
            // Writing to a string does not fail.
            let _ = writeln!(page, "| `{word}` | {status} | {title} | {meaning} | {advice} |");
        }
        page
    }

    #[test]
    fn the_page_of_problems_is_what_the_codes_say() {
        let expected = page();
        assert!(include_str!("../../../docs/reference/problems.md") == expected, "it must read:\n{expected}");
    }

    #[test]
    fn no_two_codes_have_one_word_and_each_is_an_errors_status() {
        let mut words: Vec<&str> = Code::ALL.iter().map(|code| code.word()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Code::ALL.len());
        assert!(
            Code::ALL.iter().all(|code| (400..600).contains(&code.status()) && !code.meaning().is_empty())
        );
    }
}
