//! The built-in policy: a principal may sign under the profiles that its credential reaches.
//!
//! **In scope**: grants on prefixes of spaces, credentials that are limited to profiles, and the reasons, in words.
//!
//! **Out of scope**: who endorses and how many (`quorum`, from the key's own record), and policies that an
//! organisation writes itself.

use engine::{Decision, PolicyEngine, Question};
use identity::Caller;
use model::{Digest, Kind, Space, Tag};

/// What the registry names while this policy is in force. Whoever changes what [`BuiltIn`] decides changes this too,
/// because endorsements are given under a policy and must not survive another one.
const VERSION: &[u8] = b"built-in/1";

/// The policy that needs no text: grants, and nothing else.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuiltIn;

impl BuiltIn {
    /// The digest of this policy, which the registry must name.
    pub fn digest() -> Digest {
        Tag::Policy.digest(&[VERSION])
    }
}

impl PolicyEngine for BuiltIn {
    fn digest(&self) -> Digest {
        Self::digest()
    }

    fn decide(&self, questions: &[Question<'_>]) -> Vec<Decision> {
        questions.iter().map(decide).collect()
    }
}

fn decide(question: &Question<'_>) -> Decision {
    let Question { caller, profile, request, .. } = question;
    let forbid = |reason: String| Decision::Forbid { reasons: vec![reason] };
    let Kind::Sign(signing) = &request.kind else {
        return forbid("only requests to sign are decided here".to_owned());
    };
    if request.requester != caller.requester() {
        return forbid(format!(
            "the request is in the name of somebody else than `{}`, who asks",
            caller.name
        ));
    }
    if signing.class != profile.class {
        return forbid(format!(
            "profile `{}` signs for class `{}`, not `{}`",
            profile.name, profile.class, signing.class
        ));
    }
    match reach(caller, &profile.name) {
        Ok(reason) => Decision::Permit { reasons: vec![reason] },
        Err(reason) => forbid(reason),
    }
}

/// Says why a caller may sign under a profile, or why not.
pub fn reach(caller: &Caller, profile: &Space) -> Result<String, String> {
    let name = &caller.name;
    let Some(grant) = caller.spaces.iter().find(|prefix| profile.is_within(prefix)) else {
        return Err(match caller.spaces.as_slice() {
            [] => format!("`{name}` has no grant that this credential reaches: ask an administrator for one"),
            spaces => format!(
                "`{name}` has no grant on profile `{profile}`: this credential reaches {}",
                listed(spaces)
            ),
        });
    };
    match &caller.profiles {
        Some(profiles) if !profiles.contains(profile) => Err(format!(
            "the API key of `{name}` is not for profile `{profile}`: it is for {}",
            if profiles.is_empty() { "none".to_owned() } else { listed(profiles) }
        )),
        _ => Ok(format!("`{name}` has a grant on `{grant}`, which covers profile `{profile}`")),
    }
}

fn listed(spaces: &[Space]) -> String {
    spaces.iter().map(|space| format!("`{space}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

    use model::{PersonId, PrincipalId, Proven};

    use super::*;

    fn space(text: &str) -> Space {
        text.parse().unwrap()
    }

    fn caller(spaces: &[&str], profiles: Option<&[&str]>) -> Caller {
        Caller {
            principal: PrincipalId::new([1; 16]),
            person: PersonId::new([2; 16]),
            name: "build".to_owned(),
            proven: Proven::ApiKey,
            spaces: spaces.iter().copied().map(space).collect(),
            profiles: profiles.map(|profiles| profiles.iter().copied().map(space).collect()),
        }
    }

    /// The spaces and profiles of a credential, and the answer to it.
    type Row = (&'static [&'static str], Option<&'static [&'static str]>, Result<&'static str, &'static str>);

    #[test]
    fn every_answer_says_why_in_words() {
        let profile = space("payments/api/release");
        let table: [Row; 6] = [
            (
                &["default", "payments"],
                None,
                Ok("`build` has a grant on `payments`, which covers profile `payments/api/release`"),
            ),
            (
                &["payments"],
                Some(&["payments/api/release"]),
                Ok("`build` has a grant on `payments`, which covers profile `payments/api/release`"),
            ),
            (
                &["pay", "default"],
                None,
                Err(
                    "`build` has no grant on profile `payments/api/release`: this credential reaches `pay`, `default`",
                ),
            ),
            (
                &[],
                None,
                Err("`build` has no grant that this credential reaches: ask an administrator for one"),
            ),
            (
                &["payments"],
                Some(&["payments/web"]),
                Err(
                    "the API key of `build` is not for profile `payments/api/release`: it is for `payments/web`",
                ),
            ),
            (
                &["payments"],
                Some(&[]),
                Err("the API key of `build` is not for profile `payments/api/release`: it is for none"),
            ),
        ];
        for (spaces, profiles, expected) in table {
            let answer = reach(&caller(spaces, profiles), &profile);
            assert_eq!(answer.as_ref().map(String::as_str).map_err(String::as_str), expected);
            assert_eq!(answer.is_ok(), caller(spaces, profiles).reaches(&profile), "policy and caller agree");
        }
    }

    #[test]
    fn the_digest_of_the_policy_stays() {
        assert_eq!(
            BuiltIn::digest().to_string(),
            "86f0468226cfe567374249c2fc5e331a235f9ee75eb9f60507fde76d4e007d3e"
        );
    }
}
