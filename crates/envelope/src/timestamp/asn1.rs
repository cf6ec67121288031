//! The structures of RFC 3161 §2.4.

use der::Sequence;
use der::asn1::{AnyRef, BitStringRef, IntRef, ObjectIdentifier, OctetStringRef};

use super::gen_time::GenTime;

/// RFC 3161 §2.4.1.
#[derive(Sequence)]
pub(super) struct TimeStampReq<'a> {
    pub(super) version: u8,
    pub(super) message_imprint: MessageImprint<'a>,
    pub(super) policy: Option<ObjectIdentifier>,
    pub(super) nonce: Option<IntRef<'a>>,
    #[asn1(default = "unsaid")]
    pub(super) certificate: bool,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub(super) extensions: Option<Vec<AnyRef<'a>>>,
}

/// RFC 3161 §2.4.1.
#[derive(Sequence)]
pub(super) struct MessageImprint<'a> {
    pub(super) hash_algorithm: AnyRef<'a>,
    pub(super) hashed_message: &'a OctetStringRef,
}

/// RFC 3161 §2.4.2.
#[derive(Sequence)]
pub(super) struct TstInfo<'a> {
    pub(super) version: u8,
    pub(super) policy: ObjectIdentifier,
    pub(super) message_imprint: MessageImprint<'a>,
    pub(super) serial_number: IntRef<'a>,
    pub(super) gen_time: GenTime,
    pub(super) accuracy: Option<Accuracy>,
    #[asn1(default = "unsaid")]
    pub(super) ordering: bool,
    pub(super) nonce: Option<IntRef<'a>>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) tsa: Option<AnyRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub(super) extensions: Option<Vec<Extension<'a>>>,
}

/// RFC 3161 §2.4.2.
#[derive(Clone, Copy, Sequence)]
pub(super) struct Accuracy {
    pub(super) seconds: Option<u32>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) milliseconds: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(super) microseconds: Option<u16>,
}

/// RFC 5280 §4.1.
#[derive(Sequence)]
pub(super) struct Extension<'a> {
    pub(super) kind: ObjectIdentifier,
    #[asn1(default = "unsaid")]
    pub(super) critical: bool,
    pub(super) value: &'a OctetStringRef,
}

/// RFC 3161 §2.4.2.
#[derive(Sequence)]
pub(super) struct TimeStampResp<'a> {
    pub(super) status: PkiStatusInfo<'a>,
    pub(super) token: Option<AnyRef<'a>>,
}

/// RFC 3161 §2.4.2.
#[derive(Sequence)]
pub(super) struct PkiStatusInfo<'a> {
    pub(super) status: u8,
    pub(super) text: Option<Vec<String>>,
    pub(super) failure: Option<BitStringRef<'a>>,
}

/// Booleans of these structures default to FALSE, and DER leaves defaults out.
fn unsaid() -> bool {
    false
}
