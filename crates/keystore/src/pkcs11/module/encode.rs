//! What a module gives, in our encodings: public keys as SubjectPublicKeyInfo, ECDSA signatures in DER.

/// What stands before the point of a public key of one curve in its SubjectPublicKeyInfo (RFC 5480, RFC 8410).
const P256_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const P384_PREFIX: [u8; 23] = [
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81,
    0x04, 0x00, 0x22, 0x03, 0x62, 0x00,
];
const ED25519_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// The algorithm of an RSA key (RFC 8017).
const RSA_ALGORITHM: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// A public key from `CKA_EC_POINT`: by the standard an OCTET STRING in DER, from some modules the bare point. Its
/// length says of which curve it is.
pub(super) fn from_point(point: &[u8]) -> Option<Vec<u8>> {
    let bare = match point {
        [0x04, length, bare @ ..] if usize::from(*length) == bare.len() && point.len() != 65 => bare,
        _ => point,
    };
    match bare.len() {
        65 => Some([&P256_PREFIX[..], bare].concat()),
        97 => Some([&P384_PREFIX[..], bare].concat()),
        32 => Some([&ED25519_PREFIX[..], bare].concat()),
        _ => None,
    }
}

/// A public key from `CKA_MODULUS` and `CKA_PUBLIC_EXPONENT`.
pub(super) fn from_modulus(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let numbers = value(0x30, &[integer(modulus), integer(exponent)].concat());
    let bits = value(0x03, &[&[0], &numbers[..]].concat());
    value(0x30, &[&RSA_ALGORITHM[..], &bits].concat())
}

/// `r ‖ s` as a DER sequence of two integers; `None` for what cannot be one.
pub(super) fn ecdsa(raw: &[u8]) -> Option<Vec<u8>> {
    if raw.is_empty() || !raw.len().is_multiple_of(2) {
        return None;
    }
    let (r, s) = raw.split_at(raw.len() / 2);
    Some(value(0x30, &[integer(r), integer(s)].concat()))
}

/// A positive integer in as few bytes as it needs.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let bytes = &bytes[start..];
    match bytes.first() {
        Some(first) if *first < 0x80 => value(0x02, bytes),
        _ => value(0x02, &[&[0], bytes].concat()),
    }
}

fn value(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len().to_be_bytes();
    let start = length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1);
    let length = &length[start..];
    let header = match length {
        [short] if *short < 0x80 => vec![tag, *short],
        long => [&[tag, 0x80 | u8::try_from(long.len()).unwrap_or(8)], long].concat(),
    };
    [header, contents.to_vec()].concat()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use model::{Algorithm, PublicKey};

    use super::*;

    #[test]
    fn a_raw_signature_becomes_two_shortest_integers() {
        assert_eq!(
            ecdsa(&[0x00, 0x01, 0x80, 0x00]).unwrap(),
            [0x30, 0x08, 0x02, 0x01, 0x01, 0x02, 0x03, 0x00, 0x80, 0x00]
        );
        assert_eq!(ecdsa(&[0; 4]).unwrap(), [0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00]);
        assert_eq!(ecdsa(&[0xff; 96]).unwrap().len(), 2 + 2 * (2 + 49));
        assert_eq!(ecdsa(&[0; 3]), None);
        assert_eq!(ecdsa(&[]), None);
    }

    #[test]
    fn public_halves_of_every_algorithm_read_back() {
        for algorithm in Algorithm::ALL {
            let public = testkit::Key::generate(*algorithm).public();
            let spki = match algorithm.is_rsa() {
                false => {
                    let wrapped = value(0x04, public.raw());
                    assert_eq!(from_point(&wrapped), from_point(public.raw()), "{algorithm}");
                    from_point(&wrapped).unwrap()
                }
                true => {
                    let size = match algorithm {
                        Algorithm::Rsa2048 => 256,
                        Algorithm::Rsa3072 => 384,
                        _ => 512,
                    };
                    let spki = public.spki();
                    let modulus = &spki[spki.len() - 5 - size..spki.len() - 5];
                    from_modulus(modulus, &[0x01, 0x00, 0x01])
                }
            };
            assert_eq!(PublicKey::from_spki(&spki).unwrap(), public, "{algorithm}");
        }
        assert_eq!(from_point(&[4; 64]), None);
    }
}
