//! What the OpenAPI document says of `model`'s types: each as it stands on the wire.
//!
//! `model` belongs to the key process as well, and knows nothing of OpenAPI. So its types are described here, under
//! their own names; the tests hold what a running server answers against these descriptions.

use serde_json::json;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

/// Texts of one shape each. None of these is ever a value: the type's name is the schema's.
macro_rules! texts {
    ($($(#[doc = $doc:literal])* $name:ident = $pattern:literal, $example:literal;)*) => {$(
        $(#[doc = $doc])*
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some($pattern));
                let text = text.description(Some(concat!($($doc),*).trim_ascii())).examples([json!($example)]);
                text.into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

texts! {
    /// A SHA-256 digest, in lower-case hexadecimal.
    Digest = "^[0-9a-f]{64}$", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    /// A signing request's id: sixteen random bytes in base32.
    RequestId = "^req_[a-z2-7]{26}$", "req_aeaqcaibaeaqcaibaeaqcaibae";
    /// The id of somebody or something that acts.
    PrincipalId = "^prn_[a-z2-7]{26}$", "prn_bees4sijbees4sijbees4sijbe";
    /// The id of a person, who may hold several principals and still counts once.
    PersonId = "^per_[a-z2-7]{26}$", "per_bees4sijbees4sijbees4sijbe";
    /// A platform's id: the digest of its genesis.
    PlatformId = "^plt_[0-9a-f]{64}$", "plt_9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    /// A path of names: one to eight parts joined by `/`.
    Space = "^[a-z0-9][a-z0-9._-]{0,62}(/[a-z0-9][a-z0-9._-]{0,62}){0,7}$", "payments/api";
    /// Padded standard base64 (RFC 4648 §4).
    Base64 = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$", "YXZvdWNo";
    /// A public key: the base64 of its SubjectPublicKeyInfo.
    PublicKey = "^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE";
}

/// A point in time, in UTC.
pub(crate) enum Instant {}

impl PartialSchema for Instant {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let text = text.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        text.description(Some("A point in time, in UTC (RFC 3339)."))
            .examples([json!("2026-11-20T12:00:00Z")])
            .into()
    }
}

impl ToSchema for Instant {}

/// One of a list of words, which `model` has.
macro_rules! words {
    ($($(#[doc = $doc:literal])* $name:ident = $words:expr;)*) => {$(
        $(#[doc = $doc])*
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(Type::String).enum_values(Some($words));
                text.description(Some(concat!($($doc),*).trim_ascii())).into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

words! {
    /// Which bytes a key signs.
    Form = model::Form::ALL.iter().map(|form| form.word());
    /// Where a request stands.
    RequestState = model::RequestState::ALL.map(model::RequestState::word);
    /// The decision that a signature supports.
    Class = model::Class::ALL.iter().map(|class| class.word());
    /// How a requester was proven.
    Proven = ["client-certificate", "api-key", "endorsement"];
    /// Does every signature get a timestamp token?
    Timestamping = ["rfc3161", "none"];
    /// The kinds of problem there are. Codes stay; new ones may come.
    Code = crate::Code::ALL.iter().map(|code| code.word());
    /// Does every signature get a log entry?
    Logging = ["transparency", "none"];
}

/// Structures of named fields: none of these is ever a value either.
macro_rules! structures {
    ($($(#[doc = $doc:literal])* $name:ident { $($(#[$attribute:meta])* $field:ident: $kind:ty,)* })*) => {$(
        $(#[doc = $doc])*
        #[derive(ToSchema)]
        #[allow(dead_code, reason = "it is described, and never made")]
        #[schema(rename_all = "camelCase")]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name { $($(#[$attribute])* pub(crate) $field: $kind,)* }
    )*};
}

structures! {
    /// Who asks.
    Requester {
        /// The principal.
        principal: PrincipalId,
        /// The person behind it; a workload stands for the person who is responsible for it.
        person: PersonId,
        /// How that was proven.
        proven: Proven,
    }
    /// One version of a signing profile.
    Profile {
        /// Its name, with the space it lives in.
        name: Space,
        /// The decision that its signatures support.
        class: Class,
        /// One key for each form that it writes.
        keys: Vec<ProfileKey>,
        /// Does every signature get a timestamp token?
        timestamp: Timestamping,
        /// Does every signature get a log entry?
        log: Logging,
    }
    /// A key of a profile.
    ProfileKey {
        /// What it signs.
        form: Form,
        /// Its name; its active generation signs.
        key: Space,
    }
    /// A key, down to the record that says what it may do.
    ItemKey {
        /// Its name, with the space it lives in.
        name: Space,
        /// Which of the keys under that name.
        generation: u32,
        /// The digest of its record in the registry.
        record: Digest,
    }
    /// A receipt of version 1: all that signing returns for one file, and all that a verifier needs beside a trust root.
    Receipt {
        /// The version of this layout: 1.
        #[schema(minimum = 1, maximum = 1)]
        version: u32,
        /// The canonical JSON of the request.
        request: String,
        /// The registry's head under which the key process signed.
        registry: Digest,
        /// The canonical JSON of the endorsements that were counted; empty where no rule asks for any.
        endorsements: Vec<String>,
        /// What was signed of this file, in the order of the request.
        items: Vec<SignedItem>,
    }
    /// One item of a file, signed.
    SignedItem {
        /// The canonical JSON of the item.
        item: String,
        /// The item's inclusion path in the request's item tree.
        path: Vec<Digest>,
        /// The key that signed.
        public_key: PublicKey,
        /// The key's certificate and those above it without the root, in DER; empty for forms that have none.
        chain: Vec<Base64>,
        /// The signature itself.
        signature: Base64,
        /// What the key process chose when it signed.
        chosen: Base64,
        /// The RFC 3161 TimeStampResp over the signature; absent where the profile asks for none.
        #[schema(nullable = false)]
        timestamp: Option<Base64>,
        /// The log entry; absent where the profile asks for none.
        #[schema(nullable = false)]
        log: Option<LogEntry>,
        /// The key process's intent to make this signature.
        #[schema(nullable = false)]
        journal: Option<JournalEntry>,
    }
    /// An entry of the transparency log, with its inclusion proof.
    LogEntry {
        /// The entry's index in the log.
        index: u64,
        /// The leaf: the canonical Rekor v2 body.
        body: Base64,
        /// The inclusion path to the root that the checkpoint names.
        path: Vec<Digest>,
        /// The signed checkpoint (C2SP tlog-checkpoint).
        checkpoint: String,
    }
    /// An intent in the key process's journal, with its inclusion proof.
    JournalEntry {
        /// The leaf's index in the journal.
        index: u64,
        /// The leaf.
        leaf: Base64,
        /// The inclusion path to the root that the checkpoint names; empty until a checkpoint covers the leaf.
        path: Vec<Digest>,
        /// The journal's signed checkpoint; absent until one covers the leaf.
        #[schema(nullable = false)]
        checkpoint: Option<String>,
        /// What witnesses saw of the journal since, each for itself, before the signature was made; absent where none are named.
        #[schema(required = false)]
        witnessed: Vec<Sighting>,
    }
    /// A checkpoint of the journal that a witness was shown and cosigned, and the place of the intent under it.
    Sighting {
        /// The checkpoint, under the origin that this witness alone is shown, with its cosignature.
        checkpoint: String,
        /// The inclusion path of the intent's leaf to its root.
        path: Vec<Digest>,
    }
}
