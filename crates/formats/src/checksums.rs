//! Lists of checksums as `sha256sum` and its kin write and read them
//! ([GNU coreutils, "cksum output modes"](https://www.gnu.org/software/coreutils/manual/html_node/cksum-output-modes.html)):
//! `SHA256SUMS`, `NAME_VERSION_SHA256SUMS`.
//!
//! Whoever signs such a list signs every file in it, and whoever believes it opens files by the names in it. So a list is
//! read whole or not at all: a line that is no entry, a weak digest, a name twice, or one that leads out of the list's
//! own folder makes it bad, where `sha256sum -c` warns, or goes there.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use model::{Hash, Hashed};

/// The longest list that is read: a distribution's release fits.
pub const LIST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The most files in a list.
pub const FILES_MAX: usize = 65_536;

/// The longest name, as file systems bound paths.
pub const PATH_BYTES_MAX: usize = 4_096;

/// A list of files with their digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChecksumList {
    // INVARIANT: 1 to FILES_MAX, their names safe and each there once.
    files: Vec<Checksum>,
}

/// A file of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// Its path from the folder where the list is, with `/` between its parts.
    pub name: String,
    /// Its digest.
    pub digest: Hashed,
}

/// Why bytes are not a list, or files cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChecksumError {
    /// More bytes than are read.
    #[error("a list of {length} bytes, where at most {LIST_BYTES_MAX} are read")]
    TooLong {
        /// How many there are.
        length: usize,
    },
    /// No file, or more than a list may have.
    #[error("a list of {count} files, where 1 to {FILES_MAX} are read")]
    Count {
        /// How many there are.
        count: usize,
    },
    /// A line that is no entry.
    #[error("line {line} is not a digest, two spaces or a space and `*`, and a name")]
    Line {
        /// Which, from 1.
        line: usize,
    },
    /// A digest that somebody can forge.
    #[error(
        "line {line} has a digest of {digits} digits, such as MD5 and SHA-1 are; two files can be made to have one of those"
    )]
    Weak {
        /// Which line.
        line: usize,
        /// How many digits.
        digits: usize,
    },
    /// A name that leads out of the folder, or nowhere.
    #[error("the name {name:?} {fault}")]
    Name {
        /// Which.
        name: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A name that is there twice.
    #[error("the name {name:?} is there twice")]
    Twice {
        /// Which.
        name: String,
    },
}

impl ChecksumList {
    /// A list of these files, in this order.
    pub fn new(files: Vec<Checksum>) -> Result<Self, ChecksumError> {
        if files.is_empty() || files.len() > FILES_MAX {
            return Err(ChecksumError::Count { count: files.len() });
        }
        let mut seen = BTreeSet::new();
        for Checksum { name, .. } in &files {
            check_name(name)?;
            let parts: Vec<&str> = name.split('/').filter(|part| *part != ".").collect();
            if !seen.insert(parts) {
                return Err(ChecksumError::Twice { name: name.clone() });
            }
        }
        Ok(Self { files })
    }

    /// Reads a list.
    pub fn parse(bytes: &[u8]) -> Result<Self, ChecksumError> {
        if bytes.len() > LIST_BYTES_MAX {
            return Err(ChecksumError::TooLong { length: bytes.len() });
        }
        let mut files = Vec::new();
        for (line, number) in bytes.split(|byte| *byte == b'\n').zip(1..) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            // Comments and empty lines are none of `sha256sum -c`'s business either.
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            if files.len() == FILES_MAX {
                return Err(ChecksumError::Count { count: files.len() + 1 });
            }
            let line = std::str::from_utf8(line).map_err(|_| ChecksumError::Line { line: number })?;
            files.push(entry(line, number)?);
        }
        Self::new(files)
    }

    /// The list as `sha256sum` writes it.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        for Checksum { name, digest } in &self.files {
            let escaped = name.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
            let mark = if escaped == *name { "" } else { "\\" };
            let digest = HEXLOWER.encode(digest.as_bytes());
            let _a_string_takes_all = writeln!(text, "{mark}{digest}  {escaped}");
        }
        text
    }

    /// The files, in their order.
    pub fn files(&self) -> &[Checksum] {
        &self.files
    }

    /// The hashes that the files are known by.
    pub fn hashes(&self) -> Vec<Hash> {
        Hash::ALL.into_iter().filter(|hash| self.files.iter().any(|one| one.digest.hash() == *hash)).collect()
    }
}

/// Reads a line. A name with a backslash, or a line break, makes it begin with a backslash.
fn entry(line: &str, number: usize) -> Result<Checksum, ChecksumError> {
    let malformed = || ChecksumError::Line { line: number };
    let (escaped, rest) = line.strip_prefix('\\').map_or((None, line), |rest| (Some(()), rest));
    let (digest, rest) = rest.split_once(' ').ok_or_else(malformed)?;
    // The mark says how the file was read where that made a difference once: as text or as it is.
    let name = rest.strip_prefix(' ').or_else(|| rest.strip_prefix('*')).ok_or_else(malformed)?;
    let name = escaped.map_or_else(|| Some(name.to_owned()), |()| unescape(name)).ok_or_else(malformed)?;
    let bytes = HEXLOWER_PERMISSIVE.decode(digest.as_bytes()).map_err(|_| malformed())?;
    let hash = match bytes.len() {
        32 => Hash::Sha256,
        48 => Hash::Sha384,
        64 => Hash::Sha512,
        16 | 20 | 28 => return Err(ChecksumError::Weak { line: number, digits: digest.len() }),
        _ => return Err(malformed()),
    };
    Ok(Checksum { name, digest: Hashed::from_slice(hash, &bytes).ok_or_else(malformed)? })
}

fn unescape(name: &str) -> Option<String> {
    let mut plain = String::with_capacity(name.len());
    let mut letters = name.chars();
    while let Some(letter) = letters.next() {
        plain.push(match letter {
            '\\' => match letters.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            other => other,
        });
    }
    Some(plain)
}

/// INVARIANT: a name leads to a file below the folder where the list is, by itself and not through the parent of anything.
fn check_name(name: &str) -> Result<(), ChecksumError> {
    let fault = if name.is_empty() || name.len() > PATH_BYTES_MAX {
        "is empty or too long"
    } else if name == "-" {
        "is how `sha256sum` calls standard input"
    } else if name.starts_with('/') {
        "is absolute: a list names what stands beside it"
    } else if name.split('/').any(|part| part == "..") {
        "leads out of the folder where the list is"
    } else if name.contains('\0')
        || name.split('/').any(str::is_empty)
        || name.split('/').all(|part| part == ".")
    {
        "is not that of a file"
    } else {
        return Ok(());
    };
    Err(ChecksumError::Name { name: name.chars().take(255).collect(), fault })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn digest(hash: Hash) -> Hashed {
        Hashed::from_slice(hash, &hash.digest(b"content")).unwrap()
    }

    fn hex(hash: Hash) -> String {
        HEXLOWER.encode(&hash.digest(b"content"))
    }

    fn parse(text: &str) -> Result<ChecksumList, ChecksumError> {
        ChecksumList::parse(text.as_bytes())
    }

    #[test]
    fn a_list_is_read_as_sha256sum_writes_it_with_either_mark_and_any_name() {
        let sha256 = hex(Hash::Sha256);
        let text = format!(
            "{sha256}  a\r\n# a comment\n\n{} *dir/b c\n\\{sha256}  d\\\\e\\nf\\r\n{}  ./*g\n",
            sha256.to_uppercase(),
            hex(Hash::Sha512)
        );
        let list = parse(&text).unwrap();
        let names: Vec<&str> = list.files().iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a", "dir/b c", "d\\e\nf\r", "./*g"]);
        assert_eq!(list.files()[3].digest, digest(Hash::Sha512));
        assert_eq!(list.hashes(), [Hash::Sha256, Hash::Sha512]);
        assert_eq!(parse(&list.encode()).unwrap(), list);
        assert!(list.encode().contains(&format!("\\{sha256}  d\\\\e\\nf\\r\n")));
    }

    #[test]
    fn a_list_with_a_line_that_is_no_entry_is_none() {
        let good = hex(Hash::Sha256);
        for (bad, line) in [
            (format!("{good}  a\n{good} b\n"), 2),
            (format!("{good}\n"), 1),
            ("gg  a".to_owned(), 1),
            (format!("{}  a", &good[..62]), 1),
            (format!("\\{good}  a\\x"), 1),
            (format!("\\{good}  a\\"), 1),
            ("SHA256 (a) = 00".to_owned(), 1),
        ] {
            assert_eq!(parse(&bad), Err(ChecksumError::Line { line }), "{bad}");
        }
        assert_eq!(ChecksumList::parse(b"\xff"), Err(ChecksumError::Line { line: 1 }));
        for digits in [32, 40, 56] {
            let weak = format!("{good}  a\n{}  b\n", &good[..digits]);
            assert_eq!(parse(&weak), Err(ChecksumError::Weak { line: 2, digits }));
        }
        assert_eq!(parse("\n# nothing\n"), Err(ChecksumError::Count { count: 0 }));
        let many: String = (0..=FILES_MAX).map(|at| format!("{good}  {at}\n")).collect();
        assert_eq!(parse(&many), Err(ChecksumError::Count { count: FILES_MAX + 1 }));
        let long = vec![b'#'; LIST_BYTES_MAX + 1];
        assert_eq!(ChecksumList::parse(&long), Err(ChecksumError::TooLong { length: LIST_BYTES_MAX + 1 }));
    }

    #[test]
    fn a_name_that_leads_out_of_the_folder_nowhere_or_twice_to_one_file_is_refused() {
        let good = hex(Hash::Sha256);
        for name in [
            "/etc/passwd",
            "..",
            "../a",
            "a/../b",
            "a/..",
            "a//b",
            "a/",
            ".",
            "./.",
            "-",
            "",
            "a\0b",
            &"x".repeat(4_097),
        ] {
            let refused = parse(&format!("{good}  {name}\n"));
            assert!(matches!(refused, Err(ChecksumError::Name { .. })), "{name}: {refused:?}");
        }
        for (first, second) in [("a", "a"), ("a", "./a"), ("d/a", "d/./a")] {
            let refused = parse(&format!("{good}  {first}\n{good} *{second}\n"));
            assert_eq!(refused, Err(ChecksumError::Twice { name: second.to_owned() }));
        }
        let files = vec![Checksum { name: "../a".to_owned(), digest: digest(Hash::Sha256) }];
        assert!(ChecksumList::new(files).is_err());
        for name in ["..a", "a..", "...", "a b", "größe", ".hidden", "a\\b"] {
            let files = vec![Checksum { name: name.to_owned(), digest: digest(Hash::Sha384) }];
            let list = ChecksumList::new(files).unwrap();
            assert_eq!(parse(&list.encode()).unwrap(), list);
        }
    }
}
