//! Throwaway keys, and certificates made with them.

use model::{Algorithm, Instant, PublicKey};
use pki::{
    Certificate, CertificateProfile, DistinguishedName, Issuer, NewCertificate, Serial, TbsCertificate,
    Validity,
};
pub(crate) use testkit::Key;

pub(crate) fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

pub(crate) fn name(common_name: &str) -> DistinguishedName {
    DistinguishedName::new("Example", common_name).unwrap()
}

/// Within the validity of everything that is made here.
pub(crate) const NOW: &str = "2026-11-20T09:06:42Z";

pub(crate) fn validity() -> Validity {
    Validity::new(at("2026-01-01T00:00:00Z"), at("2045-01-01T00:00:00Z")).unwrap()
}

/// A root with its key, as a test needs one.
pub(crate) struct Authority {
    pub(crate) key: Key,
    pub(crate) certificate: Certificate,
}

impl Authority {
    pub(crate) fn new(algorithm: Algorithm, common_name: &str, profile: &CertificateProfile) -> Self {
        let key = Key::generate(algorithm);
        let public_key = key.public();
        let new = NewCertificate {
            profile,
            subject: &name(common_name),
            public_key: &public_key,
            serial: Serial::from_random([1; 16]),
            validity: Validity::new(at("2026-01-01T00:00:00Z"), at("2046-01-01T00:00:00Z")).unwrap(),
            issuer: Issuer::Itself,
        };
        let certificate = seal(&new.compose().unwrap(), &key);
        Self { key, certificate }
    }

    pub(crate) fn root(algorithm: Algorithm) -> Self {
        Self::new(algorithm, "Root", &CertificateProfile::Root)
    }

    pub(crate) fn issue(
        &self,
        profile: &CertificateProfile,
        common_name: &str,
        public_key: &PublicKey,
    ) -> Certificate {
        self.issue_for(profile, common_name, public_key, validity())
    }

    pub(crate) fn issue_for(
        &self,
        profile: &CertificateProfile,
        common_name: &str,
        public_key: &PublicKey,
        validity: Validity,
    ) -> Certificate {
        let new = NewCertificate {
            profile,
            subject: &name(common_name),
            public_key,
            serial: Serial::from_random([2; 16]),
            validity,
            issuer: Issuer::Certificate(&self.certificate),
        };
        seal(&new.compose().unwrap(), &self.key)
    }

    /// Signs the certificate anew, after `change` had its way with the parts of what is signed.
    pub(crate) fn reissue(
        &self,
        certificate: &Certificate,
        change: impl FnOnce(&mut Vec<Vec<u8>>),
    ) -> Certificate {
        let mut parts = children(&certificate.tbs_der());
        parts[ALGORITHM] = self.certificate.signature_algorithm_der();
        parts[ISSUER] = self.certificate.subject_der();
        change(&mut parts);
        let tbs = tlv(0x30, &parts.concat());
        let bits = tlv(0x03, &[&[0], self.key.sign(&tbs).as_slice()].concat());
        Certificate::from_der(&tlv(0x30, &[tbs, parts[ALGORITHM].clone(), bits].concat())).unwrap()
    }

    /// Signs the certificate anew, after `change` had its way with its extensions.
    pub(crate) fn extend(
        &self,
        certificate: &Certificate,
        change: impl FnOnce(&mut Vec<Vec<u8>>),
    ) -> Certificate {
        self.reissue(certificate, |parts| {
            let mut extensions = children(&children(&parts[EXTENSIONS])[0]);
            change(&mut extensions);
            parts[EXTENSIONS] = tlv(0xa3, &tlv(0x30, &extensions.concat()));
        })
    }
}

/// Where the parts of a TBSCertificate stand.
pub(crate) const ALGORITHM: usize = 2;
pub(crate) const ISSUER: usize = 3;
pub(crate) const VALIDITY: usize = 4;
pub(crate) const EXTENSIONS: usize = 7;

/// An extension, by the last byte of its OID under 2.5.29.
pub(crate) fn extension(id: u8, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[0x01, 0x01, 0xff] } else { &[] };
    tlv(0x30, &[&[0x06, 0x03, 0x55, 0x1d, id], critical, &tlv(0x04, value)].concat())
}

/// An extended key usage of the purposes with these last bytes, under id-kp.
pub(crate) fn extended_key_usage(critical: bool, purposes: &[u8]) -> Vec<u8> {
    let oids = purposes.iter().map(|last| vec![0x06, 0x08, 0x2b, 6, 1, 5, 5, 7, 3, *last]);
    extension(0x25, critical, &tlv(0x30, &oids.collect::<Vec<_>>().concat()))
}

pub(crate) fn is_extension(id: u8) -> impl Fn(&Vec<u8>) -> bool {
    move |extension| extension[2..7] == [0x06, 0x03, 0x55, 0x1d, id]
}

pub(crate) fn seal(tbs: &TbsCertificate, key: &Key) -> Certificate {
    tbs.seal(&key.sign(tbs.der())).unwrap()
}

pub(crate) fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let header = match length {
        0..0x80 => vec![tag, length as u8],
        0x80..0x100 => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [&header, contents].concat()
}

/// The values inside a DER value.
pub(crate) fn children(der: &[u8]) -> Vec<Vec<u8>> {
    let header = |der: &[u8]| match der[1] {
        0x81 => (3, usize::from(der[2])),
        0x82 => (4, usize::from(u16::from_be_bytes([der[2], der[3]]))),
        length => (2, usize::from(length)),
    };
    let mut rest = &der[header(der).0..];
    let mut children = Vec::new();
    while !rest.is_empty() {
        let (start, length) = header(rest);
        let (child, after) = rest.split_at(start + length);
        children.push(child.to_vec());
        rest = after;
    }
    children
}

/// The text of an error with all its causes.
pub(crate) fn text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
