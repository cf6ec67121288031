//! One input for several things: parts behind their lengths.

/// The bytes of a length.
const LENGTH: usize = 2;

/// Takes bytes apart into `N` parts, each behind its length in two bytes, big-endian; the last is all the rest.
/// Whatever is missing is empty, so that every input is one.
pub fn split<const N: usize>(bytes: &[u8]) -> [&[u8]; N] {
    let mut rest = bytes;
    let mut parts = [&[][..]; N];
    if let Some((last, before)) = parts.split_last_mut() {
        before.iter_mut().for_each(|part| *part = take(&mut rest));
        *last = rest;
    }
    parts
}

/// Takes bytes apart into as many parts as there are.
pub fn split_all(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        parts.push(take(&mut bytes));
    }
    parts
}

/// Puts parts together for [`split`].
pub fn join(parts: &[&[u8]]) -> Vec<u8> {
    let Some((last, before)) = parts.split_last() else { return Vec::new() };
    [join_all(before).as_slice(), last].concat()
}

/// Puts parts together for [`split_all`].
pub fn join_all(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        let length = u16::try_from(part.len()).expect("a seed is of some kilobytes");
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

fn take<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let Some((length, after)) = rest.split_first_chunk::<LENGTH>() else { return std::mem::take(rest) };
    let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
    let (part, after) = after.split_at(length);
    *rest = after;
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_joined_is_split_again() {
        assert_eq!(split(&join(&[b"one", b"", b"three"])), [&b"one"[..], b"", b"three"]);
        assert_eq!(split_all(&join_all(&[b"one", b"two"])), [b"one", b"two"]);
        assert_eq!(split::<2>(&[0]), [&[0][..], b""]);
        assert_eq!(split::<2>(&[0, 9, 1]), [&[1][..], b""]);
    }
}
