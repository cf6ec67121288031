//! Numbers of any length (RFC 9580 §3.2), and what signatures are made of them.

use super::OpenPgpError;

/// The longest number that is read: a modulus of 16,384 bits.
const MPI_BYTES_MAX: usize = 2_048;

/// Takes one number off the front, without leading zeros.
pub(super) fn take<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], OpenPgpError> {
    const MALFORMED: OpenPgpError = OpenPgpError::Malformed { what: "number" };
    let (bits, rest) = bytes.split_first_chunk::<2>().ok_or(MALFORMED)?;
    let bits = usize::from(u16::from_be_bytes(*bits));
    let length = bits.div_ceil(8);
    if length > MPI_BYTES_MAX {
        return Err(MALFORMED);
    }
    let (number, rest) = rest.split_at_checked(length).ok_or(MALFORMED)?;
    // One number has one spelling: as many bits as it says, and no more.
    if bit_length(number) != bits {
        return Err(MALFORMED);
    }
    *bytes = rest;
    Ok(number)
}

/// Puts a number.
pub(super) fn put(out: &mut Vec<u8>, number: &[u8]) {
    let number = trimmed(number);
    let bits = u16::try_from(bit_length(number)).expect("a number is at most 4,096 bits long");
    out.extend_from_slice(&bits.to_be_bytes());
    out.extend_from_slice(number);
}

/// A number as so many bytes; `None` if it is longer.
pub(super) fn padded(number: &[u8], length: usize) -> Option<Vec<u8>> {
    let zeros = length.checked_sub(number.len())?;
    Some([vec![0; zeros], number.to_vec()].concat())
}

/// The DER of an ECDSA signature (RFC 3279 §2.2.3) with these numbers of at most 66 bytes.
pub(super) fn ecdsa_der(r: &[u8], s: &[u8]) -> Option<Vec<u8>> {
    let integer = |number: &[u8]| {
        let sign: &[u8] = if number.first().is_none_or(|first| *first >= 0x80) { &[0] } else { &[] };
        let contents = [sign, number].concat();
        Some([vec![0x02, short(contents.len())?], contents].concat())
    };
    let contents = [integer(r)?, integer(s)?].concat();
    Some([vec![0x30, short(contents.len())?], contents].concat())
}

/// The numbers of an ECDSA signature in DER.
pub(super) fn ecdsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    fn value(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
        match der {
            [first, length @ 0..0x80, rest @ ..] if *first == tag => {
                rest.split_at_checked(usize::from(*length))
            }
            _ => None,
        }
    }
    let (numbers, []) = value(0x30, der)? else { return None };
    let (r, rest) = value(0x02, numbers)?;
    let (s, []) = value(0x02, rest)? else { return None };
    Some((r, s))
}

fn short(length: usize) -> Option<u8> {
    u8::try_from(length).ok().filter(|length| *length < 0x80)
}

fn trimmed(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

fn bit_length(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |first| first.leading_zeros());
    (number.len() * 8).saturating_sub(usize::try_from(unused).expect("a byte has eight bits"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        for (number, spelling) in [
            (&[][..], &[0, 0][..]),
            (&[1], &[0, 1, 1]),
            (&[1, 255], &[0, 9, 1, 255]),
            (&[0, 0, 0x80], &[0, 8, 0x80]),
        ] {
            let mut out = Vec::new();
            put(&mut out, number);
            assert_eq!(out, spelling);
            let mut rest = &out[..];
            assert_eq!(take(&mut rest).unwrap(), trimmed(number));
            assert!(rest.is_empty());
        }
        for bad in [&[][..], &[0], &[0, 8], &[0, 9, 0, 255], &[0, 7, 255], &[0xff, 0xff]] {
            assert!(take(&mut &*bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_ecdsa_signature_goes_into_numbers_and_back() {
        let der = ecdsa_der(&[0x80, 1], &[5]).unwrap();
        assert_eq!(der, [0x30, 8, 2, 3, 0, 0x80, 1, 2, 1, 5]);
        assert_eq!(ecdsa_numbers(&der).unwrap(), (&[0, 0x80, 1][..], &[5][..]));
        assert!(ecdsa_numbers(&der[..9]).is_none());
        assert!(ecdsa_numbers(&[&der[..], &[0]].concat()).is_none());
        assert!(ecdsa_der(&[1; 66], &[1; 66]).is_none());
    }
}
