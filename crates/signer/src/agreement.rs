//! What a server stored, held against what the key process knows of it.

use model::Digest;

use crate::Head;

/// Do a server's store and its key process tell one story?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// They do.
    Agreed,
    /// The key process knows more: the store was put back.
    StoreBehind,
    /// The store knows more: the key process was put back.
    KeyProcessBehind,
    /// Two roots for one size: the stories part.
    OtherRoot,
}

impl Agreement {
    /// Holds a stored log against the head that was signed last, or the empty one where none was. It is that of the
    /// newest checkpoint, or of the one that the newest waits to follow until it is signed.
    pub fn of_log(onto: Head, newest: Head, signed: Head) -> Self {
        match signed.size {
            _ if [onto, newest].contains(&signed) => Self::Agreed,
            size if size > newest.size => Self::StoreBehind,
            size if size == newest.size || size == onto.size => Self::OtherRoot,
            _ => Self::KeyProcessBehind,
        }
    }

    /// Holds the ledger against a head of it that the journal recorded: by the root that the ledger has at that size,
    /// `None` where it is shorter.
    pub fn of_ledger(recorded: Head, root: Option<Digest>) -> Self {
        match root {
            None => Self::StoreBehind,
            Some(root) if root == recorded.root => Self::Agreed,
            Some(_) => Self::OtherRoot,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(size: u64, root: &[u8]) -> Head {
        Head { size, root: Digest::of(root) }
    }

    #[test]
    fn a_log_agrees_with_what_was_signed_of_its_newest_checkpoint_or_of_the_one_before_and_nothing_else() {
        let (onto, newest) = (head(5, b"five"), head(9, b"nine"));
        for (signed, expected) in [
            (newest, Agreement::Agreed),
            (onto, Agreement::Agreed),
            (head(9, b"other"), Agreement::OtherRoot),
            (head(5, b"other"), Agreement::OtherRoot),
            (head(10, b"ten"), Agreement::StoreBehind),
            (head(7, b"seven"), Agreement::KeyProcessBehind),
            (Head::empty(), Agreement::KeyProcessBehind),
        ] {
            assert_eq!(Agreement::of_log(onto, newest, signed), expected, "{signed:?}");
        }
        assert_eq!(Agreement::of_log(Head::empty(), head(2, b"two"), Head::empty()), Agreement::Agreed);
    }

    #[test]
    fn a_ledger_agrees_with_a_head_that_it_has_had() {
        let recorded = head(5, b"five");
        assert_eq!(Agreement::of_ledger(recorded, Some(recorded.root)), Agreement::Agreed);
        assert_eq!(Agreement::of_ledger(recorded, Some(Digest::of(b"other"))), Agreement::OtherRoot);
        assert_eq!(Agreement::of_ledger(recorded, None), Agreement::StoreBehind);
    }
}
