//! What a verifier expects of what was signed.

use model::{Class, KeyId, Signing, Space};

use crate::refused::{Fault, Gap};
use crate::{NotChecked, Part, Refused};

/// What a verifier expects. What is left open is not compared, and the verdict says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectations {
    /// The product that must have been named.
    pub product: Option<String>,
    /// The version that must have been named.
    pub version: Option<String>,
    /// The decision that the signature must support.
    pub class: Option<Class>,
    /// The key that must have signed; with several items, each of them.
    pub key: Option<KeyExpectation>,
    /// The signing profile that must have been used.
    pub profile: Option<Space>,
    /// Must people have endorsed it, even where the key's record asks for nobody?
    pub quorum: QuorumExpectation,
    /// Must a timestamp authority have seen it?
    pub timestamp: Evidence,
    /// Must it stand in the log?
    pub log: Evidence,
    /// Must the checkpoints in the receipt be cosigned by the platform's witnesses?
    pub witnesses: WitnessExpectation,
}

/// Must a piece of evidence be there? A receipt does not carry the profile that asked for none, so whoever took the
/// evidence away would look like such a profile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Evidence {
    /// Without it nothing is believed.
    #[default]
    Required,
    /// The profile may have asked for none; what is there is verified all the same.
    IfPresent,
}

/// Which key must have signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyExpectation {
    /// This very key.
    Id(KeyId),
    /// Any generation of the key with this name.
    Name(Space),
}

/// Must people have endorsed it?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum QuorumExpectation {
    /// Where the key's record asks for it.
    #[default]
    AsRecorded,
    /// Always.
    Required,
}

/// Must checkpoints be cosigned by the witnesses that the registry names?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WitnessExpectation {
    /// The verdict says by whom, and whether that is enough.
    #[default]
    AsShown,
    /// By enough of them, or it cannot be checked.
    Required,
}

impl Expectations {
    /// Compares what the request says of what is signed; gives back what was left open.
    pub(crate) fn check_signing(&self, signing: &Signing) -> Result<Vec<NotChecked>, Refused> {
        let subject = &signing.subject;
        let mut open = Vec::new();
        let mut compare = |what: &'static str, expected: Option<String>, found: String| match expected {
            Some(expected) if expected != found => {
                Err(Refused::expectation(Fault::Unexpected { what, expected, found }))
            }
            Some(_) => Ok(()),
            None => {
                open.push(NotChecked::Expectation { what, found });
                Ok(())
            }
        };
        compare("product", self.product.clone(), subject.product.clone())?;
        compare("version", self.version.clone(), subject.version.clone())?;
        compare("class", self.class.map(|class| class.to_string()), signing.class.to_string())?;
        compare("profile", self.profile.as_ref().map(Space::to_string), signing.profile.to_string())?;
        Ok(open)
    }

    /// A bundle and a CMS say nothing of these: an expectation of them is not dropped in silence.
    pub(crate) fn need_receipt(&self) -> Result<(), Refused> {
        let expected = [
            ("product", self.product.is_some()),
            ("version", self.version.is_some()),
            ("class", self.class.is_some()),
            ("profile", self.profile.is_some()),
            ("quorum", self.quorum == QuorumExpectation::Required),
            ("witnesses", self.witnesses == WitnessExpectation::Required),
        ];
        match expected.into_iter().find(|(_, expected)| *expected) {
            Some((what, _)) => Err(Refused::cannot_check(Part::Expectation, Gap::NeedsReceipt { what })),
            None => Ok(()),
        }
    }

    /// Compares the key of one item.
    pub(crate) fn check_key(&self, id: KeyId, name: Option<&Space>) -> Result<Option<NotChecked>, Fault> {
        let found = || name.map_or_else(|| id.to_string(), Space::to_string);
        let unexpected = |expected: String| Err(Fault::Unexpected { what: "key", expected, found: found() });
        match &self.key {
            Some(KeyExpectation::Id(expected)) if *expected != id => unexpected(expected.to_string()),
            Some(KeyExpectation::Name(expected)) if Some(expected) != name => {
                unexpected(expected.to_string())
            }
            Some(_) => Ok(None),
            None => Ok(Some(NotChecked::Expectation { what: "key", found: found() })),
        }
    }
}
