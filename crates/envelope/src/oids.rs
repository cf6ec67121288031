//! The object identifiers of CMS and of timestamps, each with where it is defined.

use der::asn1::ObjectIdentifier;

/// Content that is plain bytes: RFC 5652 §4.
pub(crate) const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
/// SignedData: RFC 5652 §5.1.
pub(crate) const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
/// The attribute content-type: RFC 5652 §11.1.
pub(crate) const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
/// The attribute message-digest: RFC 5652 §11.2.
pub(crate) const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
/// The attribute signing-time: RFC 5652 §11.3.
pub(crate) const SIGNING_TIME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.5");
/// The attribute signing-certificate-v2: RFC 5035 §3.
pub(crate) const SIGNING_CERTIFICATE_V2: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.47");
/// The attribute id-aa-timeStampToken: RFC 3161 appendix A.
pub(crate) const TIMESTAMP_TOKEN: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.14");
/// Content that is a TSTInfo: RFC 3161 §2.4.2.
pub(crate) const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// What people call an attribute.
pub(crate) fn name(attribute: ObjectIdentifier) -> &'static str {
    match attribute {
        CONTENT_TYPE => "content-type",
        MESSAGE_DIGEST => "message-digest",
        SIGNING_TIME => "signing-time",
        SIGNING_CERTIFICATE_V2 => "signing-certificate-v2",
        TIMESTAMP_TOKEN => "timestamp token",
        _ => "unknown",
    }
}
