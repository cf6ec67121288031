//! The people of a platform: who administers it, who endorses, and what a change of the registry asks of them.

use std::collections::{BTreeMap, BTreeSet};

use envelope::sshsig::SshKey;
use model::{PersonId, PrincipalId, Space};

use crate::count;
use crate::{
    Administrators, Credential, Genesis, Governance, Group, Principal, RegistryError, RequesterProof,
    Requirement, Rule,
};

/// Who governs, and who else endorses.
#[derive(Debug, Clone)]
pub(crate) struct People {
    /// Does one person govern, or several?
    pub(crate) governance: Governance,
    /// What a change of the registry asks for.
    pub(crate) administration: Rule,
    principals: BTreeMap<PrincipalId, Principal>,
    groups: BTreeMap<Space, BTreeSet<PersonId>>,
}

/// Why people cannot stand as they are named.
#[derive(Debug)]
pub(crate) enum PeopleError {
    /// They are named in a way that could count somebody twice, or nobody at all.
    Named(&'static str),
    /// A rule that its groups cannot meet.
    Rule(RegistryError),
}

impl From<&'static str> for PeopleError {
    fn from(reason: &'static str) -> Self {
        Self::Named(reason)
    }
}

impl People {
    /// The people of a genesis.
    pub(crate) fn found(genesis: &Genesis) -> Result<Self, PeopleError> {
        let nobody = Self {
            governance: genesis.governance,
            administration: genesis.administration.clone(),
            principals: BTreeMap::new(),
            groups: BTreeMap::new(),
        };
        nobody.with(&genesis.principals, &genesis.groups)
    }

    /// The people of a platform that one person governed, once these administer it together.
    pub(crate) fn joined_by(&self, administrators: &Administrators) -> Result<Self, PeopleError> {
        if self.governance == Governance::Quorum {
            return Err("several govern already".into());
        }
        let Administrators { rule, principals, groups } = administrators;
        let left = |name: &Space| !groups.iter().any(|group| group.name == *name);
        let kept = self.groups.iter().filter(|(name, _)| left(name));
        let before = Self {
            governance: Governance::Quorum,
            administration: rule.clone(),
            principals: self.principals.clone(),
            groups: kept.map(|(name, persons)| (name.clone(), persons.clone())).collect(),
        };
        before.with(principals, groups)
    }

    fn with(mut self, principals: &[Principal], groups: &[Group]) -> Result<Self, PeopleError> {
        for principal in principals {
            if principal.credentials.is_empty() {
                return Err("a principal has no credential".into());
            }
            if self.principals.insert(principal.principal, principal.clone()).is_some() {
                return Err("a principal stands in it twice".into());
            }
        }
        self.check_credentials()?;
        for group in groups {
            let persons: BTreeSet<_> = group.persons.iter().copied().collect();
            let known = |person: &PersonId| self.principals.values().any(|p| p.person == *person);
            if persons.len() != group.persons.len() || !persons.iter().all(known) {
                return Err("a group names somebody twice, or somebody without a credential".into());
            }
            if self.groups.insert(group.name.clone(), persons).is_some() {
                return Err("a group stands in it twice".into());
            }
        }
        if self.administration.requester != RequesterProof::Proven {
            return Err("its administration takes somebody's word for who asks".into());
        }
        if self.administration.check().is_err() {
            return Err("its administration rule asks for nobody".into());
        }
        self.check_rule(&self.administration).map_err(PeopleError::Rule)?;
        self.check_governance()?;
        Ok(self)
    }

    /// A credential is a key that is known here and belongs to one principal, or a person could count as two.
    fn check_credentials(&self) -> Result<(), &'static str> {
        let mut seen = BTreeSet::new();
        for credential in self.principals.values().flat_map(|principal| &principal.credentials) {
            let Credential::Ssh { public_key, .. } = credential;
            let Ok(key) = SshKey::from_wire(&public_key.0) else {
                return Err("a credential is not an SSH key of a known kind");
            };
            // The same key is the same credential, also where one says that a token holds it and the other does not.
            if !seen.insert(key.key().id()) {
                return Err("two principals share a credential");
            }
        }
        Ok(())
    }

    fn check_governance(&self) -> Result<(), &'static str> {
        let administrators = self.administrators();
        let asked: u32 =
            self.administration.requirements.iter().map(|requirement| requirement.threshold).sum();
        match self.governance {
            Governance::Solo if administrators.len() != 1 => {
                Err("it says solo, and names several administrators")
            }
            Governance::Solo => Ok(()),
            Governance::Quorum if asked < 2 => {
                Err("it asks for fewer than two administrators and does not say solo")
            }
            Governance::Quorum => {
                let administrative: BTreeSet<_> =
                    self.administration.requirements.iter().map(|r| &r.group).collect();
                let endorsers = self.groups.iter().filter(|(name, _)| !administrative.contains(name));
                if endorsers.flat_map(|(_, persons)| persons).any(|person| administrators.contains(person)) {
                    return Err("somebody is in an administration group and in an endorser group");
                }
                Ok(())
            }
        }
    }

    /// Could the groups that a rule names meet it?
    pub(crate) fn check_rule(&self, rule: &Rule) -> Result<(), RegistryError> {
        for Requirement { group, threshold } in &rule.requirements {
            let size = self.groups.get(group).map_or(0, BTreeSet::len);
            if usize::try_from(*threshold).map_or(true, |threshold| threshold > size) {
                return Err(RegistryError::Group { group: group.clone(), threshold: *threshold, size });
            }
        }
        // Somebody in two groups stands for one of them: could all of them together meet the rule?
        count::assign(self, rule, &self.persons_of(rule)).map_err(|unmet| RegistryError::Group {
            group: unmet.group.clone(),
            threshold: unmet.need,
            size: unmet.have,
        })
    }

    fn persons_of(&self, rule: &Rule) -> BTreeSet<PersonId> {
        let groups = rule.requirements.iter().filter_map(|requirement| self.groups.get(&requirement.group));
        groups.flatten().copied().collect()
    }

    /// The persons in the groups of the administration rule.
    fn administrators(&self) -> BTreeSet<PersonId> {
        self.persons_of(&self.administration)
    }

    /// Every principal of those who administer.
    pub(crate) fn administrating(&self) -> impl Iterator<Item = &Principal> {
        let persons = self.administrators();
        self.principals.values().filter(move |principal| persons.contains(&principal.person))
    }

    pub(crate) fn principal(&self, principal: &PrincipalId) -> Option<&Principal> {
        self.principals.get(principal)
    }

    pub(crate) fn principals(&self) -> impl Iterator<Item = &Principal> {
        self.principals.values()
    }

    pub(crate) fn is_member(&self, group: &Space, person: &PersonId) -> bool {
        self.groups.get(group).is_some_and(|persons| persons.contains(person))
    }
}
