//! Random bytes from the one crypto library.

/// Fresh random bytes.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes)
        .expect("the system's random number generator works, or nothing here is safe");
    bytes
}

/// A passphrase of 128 random bits, in groups that a person can copy.
pub(crate) fn passphrase() -> zeroize::Zeroizing<String> {
    let text = data_encoding::BASE32_NOPAD.encode(&bytes::<16>()).to_lowercase();
    let groups: Vec<String> =
        text.as_bytes().chunks(5).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    zeroize::Zeroizing::new(groups.join("-"))
}
