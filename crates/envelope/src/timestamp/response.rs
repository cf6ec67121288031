//! Responses (RFC 3161 §2.4.2).

use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Tag, Tagged};
use pki::Certificate;

use super::asn1::{PkiStatusInfo, TimeStampResp};
use super::{CertificateWish, FailureInfo, RESPONSE_BYTES_MAX, TimestampError};
use crate::cms::{SignedParts, seal_signed_data};
use crate::der_set::{read, write};
use crate::oids;

const GRANTED: u8 = 0;
const GRANTED_WITH_MODIFICATIONS: u8 = 1;
const REJECTION: u8 = 2;

/// Puts the response for a granted request together.
///
/// `attributes` is what the authority's key signed ([`super::compose`]); `chain` is its certificate and those above
/// it without the root. Nothing is verified: whoever seals has verified what it got.
pub fn seal(
    tst_info: &[u8],
    attributes: &[u8],
    signature: &[u8],
    chain: &[Certificate],
    certificates: CertificateWish,
) -> Result<Vec<u8>, TimestampError> {
    let (signer, _) = chain.split_first().ok_or(crate::cms::CmsError::NoSignerCertificate)?;
    let token = seal_signed_data(&SignedParts {
        content_type: oids::TST_INFO,
        content: Some(tst_info),
        attributes,
        signer,
        embedded: match certificates {
            CertificateWish::Embedded => chain,
            CertificateWish::Omitted => &[],
        },
        signature,
        token: None,
    })?;
    let token = AnyRef::from_der(&token).expect("a token that was just written as DER");
    let status = PkiStatusInfo { status: GRANTED, text: None, failure: None };
    Ok(write(&TimeStampResp { status, token: Some(token) }))
}

/// The response that refuses a request.
pub fn rejection(failure: FailureInfo, text: &str) -> Vec<u8> {
    let bit = usize::from(failure.bit());
    // A named bit list ends with its last set bit (X.690 §11.2.2).
    let mut bits = vec![0_u8; bit / 8 + 1];
    if let Some(last) = bits.last_mut() {
        *last = 0x80 >> (bit % 8);
    }
    let unused = 7 - failure.bit() % 8;
    let failure = BitStringRef::new(unused, &bits).expect("fewer than eight bits are unused");
    let text = (!text.is_empty()).then(|| vec![text.chars().take(256).collect()]);
    write(&TimeStampResp {
        status: PkiStatusInfo { status: REJECTION, text, failure: Some(failure) },
        token: None,
    })
}

/// The bare token (a CMS ContentInfo) in a response; a bare token is returned as it is.
pub fn token_of(der: &[u8]) -> Result<Vec<u8>, TimestampError> {
    if is_bare(der) {
        return Ok(der.to_vec());
    }
    let response: TimeStampResp<'_> = read(der, RESPONSE_BYTES_MAX).map_err(TimestampError::Response)?;
    let PkiStatusInfo { status, text, failure } = response.status;
    if status != GRANTED && status != GRANTED_WITH_MODIFICATIONS {
        let text: String = text.into_iter().flatten().collect::<Vec<_>>().join("; ");
        let text = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(256).collect();
        return Err(TimestampError::Refused { status, text });
    }
    if failure.is_some() {
        return Err(TimestampError::GrantedWithFailure);
    }
    Ok(write(&response.token.ok_or(TimestampError::NoToken)?))
}

/// A token begins with the OID of SignedData, a response with the SEQUENCE of its status.
fn is_bare(der: &[u8]) -> bool {
    let outer = AnyRef::from_der(der).ok();
    let first = outer.and_then(|outer| AnyRef::from_der_partial(outer.value()).ok());
    first.is_some_and(|(first, _)| first.tag() == Tag::ObjectIdentifier)
}
