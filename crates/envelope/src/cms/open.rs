//! Taking a CMS signature apart, and checking it.

use der::Encode;
use der::asn1::ObjectIdentifier;
use model::{Digests, Hash, Instant};
use pki::Certificate;

use super::asn1::{ContentInfo, SignedData, SignerInfo};
use super::attributes::{Attributes, only};
use super::seal::{SIGNER_BY_ISSUER, version};
use super::{CERTIFICATES_MAX, CMS_BYTES_MAX, CmsError};
use crate::der_set::{self, write};
use crate::{algorithms, oids};

/// A detached CMS signature, taken apart. Nothing in it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedCms {
    certificates: Vec<Certificate>,
    message: SignedMessage,
    token: Option<Vec<u8>>,
}

/// A detached CMS signature over known content, by the holder of the certificate in it.
///
/// Whether anybody vouches for that certificate, and at which time, is for a path check to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCms {
    signer: Certificate,
    others: Vec<Certificate>,
    signing_time: Option<Instant>,
    to_be_signed: Vec<u8>,
    signature: Vec<u8>,
    token: Option<Vec<u8>>,
}

/// Takes the DER of a `.p7s` apart.
pub fn open(der: &[u8]) -> Result<OpenedCms, CmsError> {
    let opened = open_signed_data(der, oids::DATA)?;
    if opened.content.is_some() {
        return Err(CmsError::Unsupported { what: "content, which is not detached" });
    }
    Ok(OpenedCms { certificates: opened.certificates, message: opened.message, token: opened.token })
}

impl OpenedCms {
    /// The certificates in it, in their order.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The timestamp token in it: a claim that nothing in the signature covers.
    pub fn token(&self) -> Option<&[u8]> {
        self.token.as_deref()
    }

    /// What was signed: the DER SET OF the signed attributes.
    pub fn to_be_signed(&self) -> &[u8] {
        self.message.to_be_signed()
    }

    /// The signature's bytes, which a timestamp token is over.
    pub fn signature(&self) -> &[u8] {
        self.message.signature()
    }

    /// Checks that this is a signature over content with these digests.
    pub fn verify_signature(&self, content: &Digests) -> Result<VerifiedCms, CmsError> {
        self.verify(|hash| content.digest(hash).map(<[u8]>::to_vec))
    }

    /// Checks that this is a signature over this content, whatever hash it was made with.
    pub fn verify_content(&self, content: &[u8]) -> Result<VerifiedCms, CmsError> {
        self.verify(|hash| Some(hash.digest(content)))
    }

    fn verify(&self, digest: impl Fn(Hash) -> Option<Vec<u8>>) -> Result<VerifiedCms, CmsError> {
        let signer = self.message.check(&self.certificates, digest)?;
        let others =
            self.certificates.iter().filter(|certificate| **certificate != signer).cloned().collect();
        Ok(VerifiedCms {
            others,
            signer,
            signing_time: self.message.attributes.signing_time,
            to_be_signed: self.message.attributes_der.clone(),
            signature: self.message.signature.clone(),
            token: self.token.clone(),
        })
    }
}

impl VerifiedCms {
    /// The certificate of who signed.
    pub const fn signer(&self) -> &Certificate {
        &self.signer
    }

    /// The other certificates in the envelope: material for a path, in any order.
    pub fn others(&self) -> &[Certificate] {
        &self.others
    }

    /// When the signer says it signed. That is the signer's word and no more.
    pub const fn signing_time(&self) -> Option<Instant> {
        self.signing_time
    }

    /// What was signed: the DER SET OF the signed attributes.
    pub fn to_be_signed(&self) -> &[u8] {
        &self.to_be_signed
    }

    /// The signature's bytes, which a timestamp token is over.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The timestamp token, unverified.
    pub fn token(&self) -> Option<&[u8]> {
        self.token.as_deref()
    }
}

/// A SignedData, taken apart.
pub(crate) struct OpenedSignedData {
    pub(crate) content: Option<Vec<u8>>,
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) message: SignedMessage,
    pub(crate) token: Option<Vec<u8>>,
}

/// The one signer of a SignedData.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedMessage {
    content_type: ObjectIdentifier,
    /// IssuerAndSerialNumber, as DER.
    signer: Vec<u8>,
    hash: Hash,
    attributes: Attributes,
    attributes_der: Vec<u8>,
    signature_algorithm: Vec<u8>,
    signature: Vec<u8>,
}

/// Takes a ContentInfo with a SignedData over content of this type apart.
pub(crate) fn open_signed_data(
    der: &[u8],
    content_type: ObjectIdentifier,
) -> Result<OpenedSignedData, CmsError> {
    let info: ContentInfo<'_> = der_set::read(der, CMS_BYTES_MAX)?;
    let data = info.content;
    let unsupported = |what| Err(CmsError::Unsupported { what });
    if info.content_type != oids::SIGNED_DATA {
        return unsupported("type, which is not SignedData");
    }
    if data.encapsulated.content_type != content_type {
        return unsupported("type of content");
    }
    if data.version != version(content_type) {
        return unsupported("version");
    }
    let certificates = read_certificates(&data)?;
    let [signer] = data.signer_infos.0.as_slice() else {
        return Err(CmsError::SignerCount { count: data.signer_infos.0.len() });
    };
    // The list of digest algorithms lets a reader hash while it reads; it must name the one that is used.
    if !data.digest_algorithms.0.contains(&signer.digest_algorithm) || data.digest_algorithms.0.len() != 1 {
        return unsupported("list of digest algorithms, which is not the signer's one");
    }
    let token = match &signer.unsigned_attributes {
        Some(attributes) => only(attributes, oids::TIMESTAMP_TOKEN)?.map(|token| write(&token)),
        None => None,
    };
    Ok(OpenedSignedData {
        content: data.encapsulated.content.map(|content| content.as_bytes().to_vec()),
        certificates,
        message: SignedMessage::read(content_type, signer)?,
        token,
    })
}

fn read_certificates(data: &SignedData<'_>) -> Result<Vec<Certificate>, CmsError> {
    let raw = data.certificates.as_ref().map_or(&[][..], |set| set.0.as_slice());
    if raw.len() > CERTIFICATES_MAX {
        return Err(CmsError::CertificateCount { count: raw.len() });
    }
    raw.iter().map(|der| Certificate::from_der(&write(der)).map_err(CmsError::Certificate)).collect()
}

impl SignedMessage {
    fn read(content_type: ObjectIdentifier, signer: &SignerInfo<'_>) -> Result<Self, CmsError> {
        if signer.version != SIGNER_BY_ISSUER {
            return Err(CmsError::Unsupported {
                what: "signer, which is not named by issuer and serial number",
            });
        }
        let Some(attributes) = &signer.signed_attributes else {
            return Err(CmsError::Unsupported { what: "signer without signed attributes" });
        };
        Ok(Self {
            content_type,
            signer: write(&signer.signer),
            hash: algorithms::hash(&write(&signer.digest_algorithm))
                .ok_or(CmsError::Unsupported { what: "digest algorithm" })?,
            attributes: Attributes::read(attributes)?,
            attributes_der: attributes.to_der().map_err(der_set::Malformation::new)?,
            signature_algorithm: write(&signer.signature_algorithm),
            signature: signer.signature.as_bytes().to_vec(),
        })
    }

    /// Checks the signer against content whose digest `digest` gives. The certificate that it signed with comes back.
    pub(crate) fn check(
        &self,
        certificates: &[Certificate],
        digest: impl Fn(Hash) -> Option<Vec<u8>>,
    ) -> Result<Certificate, CmsError> {
        if self.attributes.content_type != self.content_type {
            return Err(CmsError::ContentType);
        }
        if self.attributes.message_digest
            != digest(self.hash).ok_or(CmsError::DigestUnknown { hash: self.hash })?
        {
            return Err(CmsError::OtherContent);
        }
        let signer = self.find_signer(certificates)?;
        let key = signer.public_key().map_err(CmsError::Key)?;
        if !algorithms::names_signature(&self.signature_algorithm, key.algorithm(), self.hash) {
            return Err(CmsError::OtherAlgorithm { algorithm: key.algorithm() });
        }
        algorithms::verify(&key, self.hash, &self.attributes_der, &self.signature)?;
        Ok(signer.clone())
    }

    /// The certificate that the signer is named by, and that it signed with: two authorities may use one name.
    fn find_signer<'a>(&self, certificates: &'a [Certificate]) -> Result<&'a Certificate, CmsError> {
        let mut named =
            certificates.iter().filter(|one| one.issuer_and_serial().der() == self.signer).peekable();
        if named.peek().is_none() {
            return Err(CmsError::NoSignerCertificate);
        }
        named.find(|one| self.attributes.check_certificate(one).is_ok()).ok_or(CmsError::OtherCertificate)
    }

    pub(crate) fn to_be_signed(&self) -> &[u8] {
        &self.attributes_der
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }

    pub(crate) const fn signing_time(&self) -> Option<Instant> {
        self.attributes.signing_time
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]
    use der::Decode;
    use der::asn1::{AnyRef, SetOfVec};

    use super::*;
    use crate::cms::asn1::Attribute;

    const P7S: &[u8] = include_bytes!("../../tests/vectors/worked-example/cms/ecdsa/artifact.txt.p7s");

    /// The OID id-ct-TSTInfo.
    const TST_INFO: &[u8] = &[6, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];

    /// The example's envelope with something about it changed, and opened.
    fn changed(change: impl FnOnce(&mut SignedData<'static>)) -> Result<OpenedCms, CmsError> {
        let mut info = ContentInfo::from_der(P7S).unwrap();
        change(&mut info.content);
        open(&write(&info))
    }

    #[test]
    fn an_envelope_has_exactly_one_signer() {
        assert!(changed(|_| ()).is_ok());
        let none = changed(|data| data.signer_infos.0.clear());
        assert!(matches!(none, Err(CmsError::SignerCount { count: 0 })));
        let two = changed(|data| {
            let again = ContentInfo::from_der(P7S).unwrap().content.signer_infos.0.remove(0);
            data.signer_infos.0.push(again);
        });
        assert!(matches!(two, Err(CmsError::SignerCount { count: 2 })));
    }

    #[test]
    fn a_signed_attribute_stands_there_once_and_with_one_value() {
        let value = AnyRef::from_der(TST_INFO).unwrap();
        let doubled = changed(|data| {
            let values = SetOfVec::try_from(vec![value]).unwrap();
            let attributes = data.signer_infos.0[0].signed_attributes.as_mut().unwrap();
            attributes.insert(Attribute { kind: oids::CONTENT_TYPE, values }).unwrap();
        });
        assert!(matches!(doubled, Err(CmsError::Attribute { attribute: "content-type" })));
        let two_values = changed(|data| {
            let attributes = data.signer_infos.0[0].signed_attributes.take().unwrap();
            let attributes = attributes.into_vec().into_iter().map(|mut attribute| {
                if attribute.kind == oids::CONTENT_TYPE {
                    attribute.values.insert(value).unwrap();
                }
                attribute
            });
            data.signer_infos.0[0].signed_attributes = Some(SetOfVec::from_iter(attributes).unwrap());
        });
        assert!(matches!(two_values, Err(CmsError::Attribute { attribute: "content-type" })));
    }

    #[test]
    fn every_attribute_that_binds_the_signature_must_be_there() {
        for (kind, name) in [
            (oids::CONTENT_TYPE, "content-type"),
            (oids::MESSAGE_DIGEST, "message-digest"),
            (oids::SIGNING_CERTIFICATE_V2, "signing-certificate-v2"),
        ] {
            let without = changed(|data| {
                let attributes = data.signer_infos.0[0].signed_attributes.take().unwrap();
                let rest = attributes.into_vec().into_iter().filter(|attribute| attribute.kind != kind);
                data.signer_infos.0[0].signed_attributes = Some(SetOfVec::from_iter(rest).unwrap());
            });
            assert!(matches!(without, Err(CmsError::Attribute { attribute }) if attribute == name));
        }
        let none = changed(|data| data.signer_infos.0[0].signed_attributes = None);
        assert!(matches!(none, Err(CmsError::Unsupported { .. })));
    }

    #[test]
    fn more_certificates_than_are_read_are_refused_before_they_are_read() {
        let many = changed(|data| {
            let certificates = &mut data.certificates.as_mut().unwrap().0;
            let first = certificates[0];
            certificates.extend([first; CERTIFICATES_MAX]);
        });
        assert!(matches!(many, Err(CmsError::CertificateCount { .. })));
    }

    #[test]
    fn the_list_of_digest_algorithms_names_the_signers_and_no_other() {
        let none = changed(|data| data.digest_algorithms.0.clear());
        assert!(matches!(none, Err(CmsError::Unsupported { .. })));
        let sha512 = AnyRef::from_der(algorithms::hash_identifier(Hash::Sha512)).unwrap();
        let two = changed(|data| data.digest_algorithms.0.push(sha512));
        assert!(matches!(two, Err(CmsError::Unsupported { .. })));
    }

    #[test]
    fn content_inside_is_not_a_detached_signature() {
        let inside = changed(|data| {
            data.encapsulated.content = Some(der::asn1::OctetStringRef::new(b"inside").unwrap());
        });
        assert!(matches!(inside, Err(CmsError::Unsupported { .. })));
    }
}
