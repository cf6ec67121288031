//! Bounds on everything that comes from outside, each with its reason.

/// The longest ID token that is read. Those of pipelines, with all their claims, are some two thousand bytes.
pub const ID_TOKEN_BYTES_MAX: usize = 16 * 1024;

/// A canonical request: fields of bounded text and sixty-four evidence digests fit many times.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// A canonical item: the longest statement in base64, with names and digests around it.
pub const ITEM_BYTES_MAX: usize = 12 * 1024 * 1024;

/// Content that travels inside an item (what Ed25519 signs), before base64.
pub const INLINE_BYTES_MAX: usize = 64 * 1024;

/// The same, where the content is a statement about files: a bill of materials of a large product. The key process
/// composes what it signs of one, and so must see all of it.
pub const STATEMENT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Items in one request: a release of a thousand files is one decision.
pub const ITEMS_MAX: usize = 1_024;

/// Endorsements in one order: more people than any rule can name.
pub const ENDORSEMENTS_MAX: usize = 64;

/// One endorsement: a signature and few words.
pub const ENDORSEMENT_BYTES_MAX: usize = 16 * 1024;

/// Evidence digests in one request.
pub const EVIDENCE_MAX: usize = 64;

/// Free text of people: a reason, a product, a version.
pub const TEXT_BYTES_MAX: usize = 1_024;

/// A file's name, as file systems bound it.
pub const NAME_BYTES_MAX: usize = 255;

/// One registry entry with its endorsements.
pub const ENTRY_BYTES_MAX: usize = 256 * 1024;

/// A log entry's body: C2SP entry bundles give it sixteen bits of length.
pub const LOG_ENTRY_BYTES_MAX: usize = 65_535;

/// A receipt: every item of the largest request with certificates, tokens and proofs.
pub const RECEIPT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A public key in SubjectPublicKeyInfo: ML-DSA-87 needs 2,614 bytes.
pub const SPKI_BYTES_MAX: usize = 4 * 1024;

/// A signature: ML-DSA-87 needs 4,627 bytes.
pub const SIGNATURE_BYTES_MAX: usize = 8 * 1024;

/// The longest time for which a request may wait for people.
pub const ENDORSED_PERIOD_S_MAX: u64 = 14 * 24 * 3_600;

/// The longest time for which a request that nobody is asked about stays open.
pub const UNENDORSED_PERIOD_S_MAX: u64 = 15 * 60;
