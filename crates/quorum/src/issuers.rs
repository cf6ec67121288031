//! The issuers of ID tokens that the registry knows.

use std::collections::BTreeMap;

use pki::token::{IssuerError, IssuerKind, TokenIssuer};
use serde::{Deserialize, Serialize};

/// The most issuers of one platform.
const ISSUERS_MAX: usize = 256;

/// An issuer of ID tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// Its newest record.
    pub record: TokenIssuer,
    /// Do its tokens count?
    pub state: IssuerState,
}

/// Do the tokens of an issuer count?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IssuerState {
    /// They do.
    Active,
    /// They do not, until a quorum restores it.
    Suspended,
}

/// All issuers of ID tokens, by their addresses.
#[derive(Debug, Clone, Default)]
pub struct Issuers(BTreeMap<String, Issuer>);

/// Why an issuer cannot be added or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuersError {
    /// A record that does not hold together.
    #[error("the record of an issuer of ID tokens cannot stand")]
    Record(#[from] IssuerError),
    /// An issuer that is not there.
    #[error("the registry knows no issuer `{url}`")]
    Unknown {
        /// The address that was named.
        url: String,
    },
    /// More than anybody has.
    #[error("there are {ISSUERS_MAX} issuers already, which is as many as a platform has")]
    TooMany,
}

impl Issuers {
    /// The issuer that a token names, if its tokens count. One that is named exactly goes before a pattern.
    pub fn named(&self, iss: &str) -> Option<&TokenIssuer> {
        let counts = |issuer: &&Issuer| issuer.state == IssuerState::Active;
        let exact = self.0.get(iss).filter(|issuer| !issuer.record.is_pattern());
        let patterns = || self.0.values().filter(|issuer| issuer.record.is_named_by(iss));
        // INVARIANT: an issuer that is suspended is not found again behind a pattern that stands for it too.
        let found = match exact {
            Some(exact) => Some(exact).filter(counts),
            None => patterns().next().filter(|_| patterns().all(|issuer| counts(&issuer))),
        };
        found.map(|issuer| &issuer.record)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Issuer> {
        self.0.values()
    }

    /// Those at which people log in; jobs bring their tokens.
    pub fn people(&self) -> impl Iterator<Item = &Issuer> {
        self.iter().filter(|issuer| {
            let of_jobs = matches!(
                issuer.record.kind,
                IssuerKind::Workflow(_) | IssuerKind::Kubernetes | IssuerKind::Spiffe { .. }
            );
            issuer.state == IssuerState::Active && !of_jobs && !issuer.record.is_pattern()
        })
    }

    /// Takes a record; what stood for that address before comes back.
    pub(crate) fn add(&mut self, record: &TokenIssuer) -> Result<Option<Issuer>, IssuersError> {
        record.check()?;
        if self.0.len() >= ISSUERS_MAX && !self.0.contains_key(&record.url) {
            return Err(IssuersError::TooMany);
        }
        let issuer = Issuer { record: record.clone(), state: IssuerState::Active };
        Ok(self.0.insert(record.url.clone(), issuer))
    }

    /// Changes the state of an issuer; what it was before comes back.
    pub(crate) fn change(&mut self, url: &str, state: IssuerState) -> Result<Issuer, IssuersError> {
        let shown = || url.chars().filter(|c| !c.is_control()).take(256).collect();
        let issuer = self.0.get_mut(url).ok_or_else(|| IssuersError::Unknown { url: shown() })?;
        let before = issuer.clone();
        issuer.state = state;
        Ok(before)
    }

    /// Makes one what it was.
    pub(crate) fn put_back(&mut self, url: String, before: Option<Issuer>) {
        match before {
            Some(issuer) => self.0.insert(url, issuer),
            None => self.0.remove(&url),
        };
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn an_issuer_that_is_suspended_is_found_behind_no_pattern() {
        const EVERYWHERE: &str = "https://oidc.*.example.com/*";
        const EAST: &str = "https://oidc.east.example.com/*";
        const ONE: &str = "https://oidc.east.example.com/one";
        let mut issuers = Issuers::default();
        for url in [EVERYWHERE, EAST, ONE] {
            let (url, audience) = (url.to_owned(), "sigstore".to_owned());
            let (kind, issuer_claim, keys) = (IssuerKind::Kubernetes, None, Vec::new());
            issuers.add(&TokenIssuer { version: 1, url, audience, kind, issuer_claim, keys }).unwrap();
        }
        issuers.change(EAST, IssuerState::Suspended).unwrap();
        assert!(issuers.named("https://oidc.west.example.com/one").is_some());
        assert!(issuers.named("https://oidc.east.example.com/two").is_none());
        assert!(issuers.named(ONE).is_some(), "named exactly, it stands for itself");
        issuers.change(ONE, IssuerState::Suspended).unwrap();
        assert!(issuers.named(ONE).is_none());
    }
}
