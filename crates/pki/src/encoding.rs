//! DER of our own making.

use der::Encode;

/// The DER of a value that this crate composed.
pub(crate) fn der<T: Encode>(value: &T) -> Vec<u8> {
    // INVARIANT: what is encoded here was built from bounded parts or decoded from bounded DER, and DER itself only
    // fails for lengths of 256 MiB and more.
    value.to_der().expect("values of bounded length always encode as DER")
}
