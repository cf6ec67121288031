//! Where a signature lives in a file: one module a format, all behind one small trait.
//!
//! **In scope**: telling formats apart ([`sniff`]), and saying what must be signed of a file while it is read once and
//! in bounded memory ([`Format::prepare`]); how images and what is attached to them stand in a registry ([`oci`]); lists of
//! checksums ([`checksums`]).
//!
//! **Out of scope**: signing, the structure around a signature (the room `envelope`), whether a signature is to be
//! believed (the room `verify`). A file is read by whoever calls, and never leaves their machine.
//!
//! *Format* (where the signature lives) and *form* (which bytes a key signs) are two axes: a plain file is a `blob`
//! whether its signature is raw or CMS. The list of formats is static: [`ALL`].

mod blob;
mod format;

pub mod checksums;
pub mod oci;

pub use blob::Blob;
pub use format::{Format, FormatError, Likeness, Prepared};

/// Every format there is, the most particular first.
pub const ALL: &[&dyn Format] = &[&Blob];

/// How many bytes of a file's beginning are enough to tell its format.
pub const HEAD_BYTES: usize = 4_096;

/// The format with this name.
pub fn named(name: &str) -> Option<&'static dyn Format> {
    ALL.iter().copied().find(|format| format.name() == name)
}

/// The format that a file's name and first bytes look most like. Every file is at least a [`Blob`].
pub fn sniff(file_name: &str, head: &[u8]) -> &'static dyn Format {
    let likeliest = ALL.iter().copied().rev().max_by_key(|format| format.sniff(file_name, head));
    likeliest.unwrap_or(&Blob)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_found_by_its_name_and_no_other_is() {
        for format in ALL {
            assert_eq!(named(format.name()).map(Format::name), Some(format.name()));
            assert!(format.name().parse::<model::Space>().is_ok(), "items name formats in this spelling");
        }
        assert!(named("elf64-relocatable").is_none());
    }

    #[test]
    fn a_file_like_nothing_else_is_a_blob() {
        assert_eq!(sniff("notes.txt", b"hello").name(), "blob");
        assert_eq!(sniff("", b"").name(), "blob");
    }
}
