//! Keys that are well formed and must not be certified all the same: whoever looks at them has the private half.

use der::asn1::UintRef;
use der::{Decode, Sequence};
use model::{Algorithm, PublicKey};
use x509_cert::spki::SubjectPublicKeyInfoRef;

/// The least public exponent of RSA, and the most bytes of one.
const EXPONENT_MIN: u64 = 65_537;
const EXPONENT_BYTES_MAX: usize = 4;

/// Primes below this are tried as factors of a modulus.
const FACTOR_MAX: u32 = 752;

/// The library with the fault of CVE-2017-15361 made primes that are powers of 65537, up to a multiple of the product of
/// the primes up to this one (for the smallest keys; of more primes for larger keys).
const ROCA_PRIME_MAX: u32 = 167;

/// Why a key is too weak to be certified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeakKey {
    /// An exponent that has let signatures be forged elsewhere.
    #[error(
        "the RSA key's public exponent must be odd, at least {EXPONENT_MIN} and below 2^32: make a new key"
    )]
    Exponent,
    /// A modulus that anybody can factor.
    #[error("the RSA key's modulus can be divided by {factor}: make a new key")]
    Factor {
        /// One of its factors.
        factor: u32,
    },
    /// A key of a library that made weak ones (CVE-2017-15361).
    #[error("the RSA key has the mark of CVE-2017-15361 (ROCA): make a new one with other software")]
    Roca,
}

/// The numbers of an RSA key (RFC 8017 §A.1.1).
#[derive(Sequence)]
struct RsaNumbers<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

/// Refuses keys that are known to be weak. Curves have none that could be read, and sizes of RSA are the model's.
pub fn check_strength(key: &PublicKey) -> Result<(), WeakKey> {
    if !matches!(key.algorithm(), Algorithm::Rsa2048 | Algorithm::Rsa3072 | Algorithm::Rsa4096) {
        return Ok(());
    }
    let spki = SubjectPublicKeyInfoRef::from_der(key.spki()).ok();
    let bits = spki.and_then(|spki| spki.subject_public_key.as_bytes());
    // INVARIANT: the model reads no RSA key whose numbers cannot be read.
    let numbers = bits.and_then(|bits| RsaNumbers::from_der(bits).ok()).ok_or(WeakKey::Exponent)?;
    check_exponent(numbers.exponent.as_bytes())?;
    let modulus = numbers.modulus.as_bytes();
    if let Some(factor) = primes(FACTOR_MAX).find(|prime| remainder(modulus, *prime) == 0) {
        return Err(WeakKey::Factor { factor });
    }
    if is_roca(modulus) { Err(WeakKey::Roca) } else { Ok(()) }
}

fn check_exponent(exponent: &[u8]) -> Result<(), WeakKey> {
    let value = exponent.iter().fold(0, |value: u64, byte| value << 8 | u64::from(*byte));
    let good = exponent.len() <= EXPONENT_BYTES_MAX && value >= EXPONENT_MIN && value & 1 == 1;
    if good { Ok(()) } else { Err(WeakKey::Exponent) }
}

/// Is the modulus a power of 65537 as far as each of these primes can tell? Of other moduli one in 2^27 is.
fn is_roca(modulus: &[u8]) -> bool {
    primes(ROCA_PRIME_MAX + 1).skip(1).all(|prime| {
        let (wanted, generator) = (remainder(modulus, prime), 65_537 % prime);
        let mut power = 1;
        for _ in 0..prime {
            if power == wanted {
                return true;
            }
            power = power * generator % prime;
        }
        false
    })
}

fn remainder(number: &[u8], prime: u32) -> u32 {
    number.iter().fold(0, |rest, byte| (rest << 8 | u32::from(*byte)) % prime)
}

fn primes(below: u32) -> impl Iterator<Item = u32> {
    (2..below).filter(|number| (2..*number).take_while(|d| d * d <= *number).all(|d| number % d != 0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use testkit::Key;

    use super::*;

    /// 65537 to a power, big-endian.
    fn power(exponent: u32) -> Vec<u8> {
        let mut digits = vec![1_u64];
        for _ in 0..exponent {
            let mut carry = 0;
            for digit in &mut digits {
                carry += *digit * 65_537;
                *digit = carry & 0xff;
                carry >>= 8;
            }
            while carry > 0 {
                digits.push(carry & 0xff);
                carry >>= 8;
            }
        }
        digits.iter().rev().map(|digit| u8::try_from(*digit).unwrap()).collect()
    }

    #[test]
    fn keys_that_are_made_as_they_should_be_are_taken() {
        for algorithm in [Algorithm::Rsa2048, Algorithm::EcdsaP256, Algorithm::EcdsaP384, Algorithm::Ed25519]
        {
            assert_eq!(check_strength(&Key::generate(algorithm).public()), Ok(()), "{algorithm}");
        }
    }

    #[test]
    fn a_modulus_with_the_mark_of_roca_is_found_and_one_beside_it_is_not() {
        assert!(is_roca(&power(127)));
        let mut beside = power(127);
        *beside.last_mut().unwrap() ^= 2;
        assert!(!is_roca(&beside));
    }

    #[test]
    fn an_exponent_is_odd_and_neither_small_nor_huge() {
        for good in [&[1, 0, 1][..], &[0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(check_exponent(good), Ok(()));
        }
        for bad in [&[3][..], &[0xff, 0xff], &[1, 0, 2], &[1, 0, 0, 0, 1], &[]] {
            assert_eq!(check_exponent(bad), Err(WeakKey::Exponent), "{bad:?}");
        }
    }

    #[test]
    fn remainders_are_those_of_the_whole_number() {
        assert_eq!(remainder(&[1, 0, 0], 251), 65_536 % 251);
        assert_eq!(primes(30).collect::<Vec<_>>(), [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
    }
}
