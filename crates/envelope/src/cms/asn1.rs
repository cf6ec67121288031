//! The structures of CMS, as RFC 5652 §5 and RFC 5035 §4 write them.
//!
//! Names, algorithms and certificates stay the bytes they are: they are compared, or read by the room `pki`.

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, SetOfVec};
use der::{Sequence, ValueOrd};

use crate::der_set::SetInOrder;

/// RFC 5652 §3, of the one type that is read here.
#[derive(Sequence)]
pub(crate) struct ContentInfo<'a> {
    pub(crate) content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(crate) content: SignedData<'a>,
}

/// RFC 5652 §5.1, without CRLs.
#[derive(Sequence)]
pub(crate) struct SignedData<'a> {
    pub(crate) version: u8,
    pub(crate) digest_algorithms: SetInOrder<AnyRef<'a>>,
    pub(crate) encapsulated: EncapsulatedContentInfo<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub(crate) certificates: Option<SetInOrder<AnyRef<'a>>>,
    pub(crate) signer_infos: SetInOrder<SignerInfo<'a>>,
}

/// RFC 5652 §5.2.
#[derive(Sequence)]
pub(crate) struct EncapsulatedContentInfo<'a> {
    pub(crate) content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) content: Option<&'a OctetStringRef>,
}

/// RFC 5652 §5.3. The signer is an IssuerAndSerialNumber.
#[derive(Sequence)]
pub(crate) struct SignerInfo<'a> {
    pub(crate) version: u8,
    pub(crate) signer: AnyRef<'a>,
    pub(crate) digest_algorithm: AnyRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub(crate) signed_attributes: Option<SetOfVec<Attribute<'a>>>,
    pub(crate) signature_algorithm: AnyRef<'a>,
    pub(crate) signature: &'a OctetStringRef,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub(crate) unsigned_attributes: Option<SetOfVec<Attribute<'a>>>,
}

/// RFC 5652 §5.3.
#[derive(Clone, Sequence, ValueOrd)]
pub(crate) struct Attribute<'a> {
    pub(crate) kind: ObjectIdentifier,
    pub(crate) values: SetOfVec<AnyRef<'a>>,
}

/// RFC 5035 §3, without policies, which say nothing here.
#[derive(Sequence)]
pub(crate) struct SigningCertificateV2<'a> {
    pub(crate) certificates: Vec<EssCertIdV2<'a>>,
}

/// RFC 5035 §4. Without a hash algorithm it is SHA-256.
#[derive(Sequence)]
pub(crate) struct EssCertIdV2<'a> {
    pub(crate) hash_algorithm: Option<AlgorithmIdentifier<'a>>,
    pub(crate) hash: &'a OctetStringRef,
    pub(crate) issuer_and_serial: Option<IssuerSerial<'a>>,
}

/// RFC 5280 §4.1.1.2.
#[derive(Sequence)]
pub(crate) struct AlgorithmIdentifier<'a> {
    pub(crate) algorithm: ObjectIdentifier,
    pub(crate) parameters: Option<AnyRef<'a>>,
}

/// RFC 5035 §4: here the issuer is a GeneralNames.
#[derive(Sequence)]
pub(crate) struct IssuerSerial<'a> {
    pub(crate) issuer: Vec<GeneralName<'a>>,
    pub(crate) serial: AnyRef<'a>,
}

/// RFC 5280 §4.2.1.6: any of its alternatives, as bytes.
pub(crate) type GeneralName<'a> = AnyRef<'a>;
