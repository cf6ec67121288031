//! The registry: the state that the chain of entries replays to.

mod said;

use std::collections::{BTreeMap, BTreeSet};

use model::{
    Algorithm, Digest, Instant, KeyId, Kind, PlatformId, PrincipalId, Proven, PublicKey, Request, Space,
    TufRole,
};

use crate::count::{self, Count, Own};
use crate::people::{People, PeopleError};
use crate::{
    Administrators, Adoption, Change, Decision, Endorsement, Entry, EntryError, Genesis, Governance, Issuer,
    IssuerState, Issuers, IssuersError, KeyRecord, KeyState, RecordError, Requirement, Rule, Shortfall, Tuf,
    TufTargets, Witnesses,
};

/// When an entry is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Now: the request's deadline must not have passed.
    Live(Instant),
    /// Long afterwards, from the chain: the times in it need only agree with each other.
    Replayed,
}

/// The state of the registry after some entry. It is built from entries alone.
#[derive(Debug, Clone)]
pub struct Registry {
    platform: PlatformId,
    host: String,
    journal: PublicKey,
    instance: Space,
    /// Each instance so far, with the number of the entry that named it.
    instances: Vec<(usize, Space)>,
    people: People,
    /// The number of the entry from which on several govern.
    several_since: Option<u64>,
    policy: Digest,
    heads: Vec<Digest>,
    keys: BTreeMap<KeyId, Key>,
    issuers: Issuers,
    names: BTreeMap<(Space, u32), KeyId>,
    adoptions: Vec<Adoption>,
    /// The keys that adoptions retired.
    left: BTreeSet<KeyId>,
    /// The witnesses so far, each with the number of the entry that named them.
    witnesses: Vec<(usize, Witnesses)>,
    tuf: Tuf,
}

/// What takes one change back.
#[derive(Debug)]
enum Inverse {
    Key { id: KeyId, place: (Space, u32) },
    KeyState { key: KeyId, state: KeyState, since: Instant },
    Issuer { url: String, previous: Option<Issuer> },
    Policy { digest: Digest },
    Adoption { instance: Space },
    Administrators { people: Box<People> },
    Witnesses,
    TufRoot,
    TufTargets { previous: Option<TufTargets> },
}

/// A key as the registry knows it.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its record.
    pub record: KeyRecord,
    /// The record's digest.
    pub digest: Digest,
    /// Its state.
    pub state: KeyState,
    /// Since when it has that state; the epoch, for a key that never had another. One that is suspended or revoked has it
    /// from the request for that on, at the latest.
    pub since: Instant,
    /// Which it is of all keys of the registry, in the order in which they were added.
    pub place: usize,
}

impl Key {
    /// Is it one of those that are in use at `at`? Those before it are, too, until they retire.
    pub fn has_taken_over(&self, at: Instant) -> bool {
        self.is_active_at(at) && self.record.in_use_from() <= at
    }

    /// Of keys that take over from each other, the last is in use. Where two do so in one second, it is the one that was
    /// added later.
    pub(crate) fn turn(&self) -> (Instant, usize) {
        (self.record.in_use_from(), self.place)
    }

    /// Does its state let it sign at `at`? One that retires later signs until then.
    pub fn is_active_at(&self, at: Instant) -> bool {
        match self.state {
            KeyState::Active => true,
            KeyState::Retired => at < self.since,
            KeyState::Suspended | KeyState::Revoked => false,
        }
    }
}

/// Why an entry does not follow.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Not an entry.
    #[error("cannot read registry entry {number}")]
    Entry {
        /// Which, in the chain.
        number: u64,
        /// What is wrong with it.
        #[source]
        source: EntryError,
    },
    /// An entry of another place in the chain.
    #[error("registry entry {number} does not follow the head {head}")]
    NotNext {
        /// The number it names.
        number: u64,
        /// The present head.
        head: Digest,
    },
    /// An entry that is no genesis where one must be, or the other way round.
    #[error("a registry begins with one genesis, and has no other")]
    Genesis,
    /// A genesis that does not hold together.
    #[error("the genesis cannot stand: {reason}")]
    BadGenesis {
        /// Why.
        reason: &'static str,
    },
    /// A founder who did not sign.
    #[error("the founding administrator {principal} has not signed the genesis")]
    Founder {
        /// Who.
        principal: PrincipalId,
    },
    /// Administrators who cannot govern together.
    #[error("the new administrators cannot stand: {reason}")]
    Administrators {
        /// Why.
        reason: &'static str,
    },
    /// An administrator to be who did not say so.
    #[error("{principal} is to administer from this entry on, and has not endorsed it")]
    Consent {
        /// Who.
        principal: PrincipalId,
    },
    /// A request that does not ask for these changes of this platform.
    #[error("the administrative request does not fit the entry: its `{field}` differs")]
    Request {
        /// The field that differs.
        field: &'static str,
    },
    /// A key record that cannot stand.
    #[error("the record of key `{name}` cannot stand")]
    Record {
        /// The key's name.
        name: Space,
        /// Why.
        #[source]
        source: RecordError,
    },
    /// An issuer of ID tokens that is not there, or whose record cannot stand.
    #[error(transparent)]
    Issuer(#[from] IssuersError),
    /// Witnesses who cannot stand as they are named.
    #[error("the witnesses cannot stand: {reason}")]
    Witnesses {
        /// Why.
        reason: &'static str,
    },
    /// A key that is there already, as a whole or under its name.
    #[error("key `{name}` generation {generation} cannot be added: its public key or its place is taken")]
    KeyTaken {
        /// The key's name.
        name: Space,
        /// The generation.
        generation: u32,
    },
    /// A key that is not there.
    #[error("there is no key {key}")]
    NoKey {
        /// The key.
        key: KeyId,
    },
    /// A rule that names a group which is not there or is too small.
    #[error("a rule asks for {threshold} of group `{group}`, which has {size}")]
    Group {
        /// The group.
        group: Space,
        /// How many are asked for.
        threshold: u32,
        /// How many there are.
        size: usize,
    },
    /// Metadata of TUF that does not follow, or that its keys could not sign.
    #[error("the new {role} of TUF cannot stand: {reason}")]
    Tuf {
        /// Whose metadata.
        role: TufRole,
        /// Why.
        reason: &'static str,
    },
    /// Too few endorsements.
    #[error("registry entry {number} has too few endorsements")]
    Shortfall {
        /// Which entry.
        number: u64,
        /// What is missing.
        #[source]
        source: Shortfall,
    },
}

impl Registry {
    /// Begins with the bytes of a genesis entry.
    pub fn begin(bytes: &[u8]) -> Result<Self, RegistryError> {
        let entry = Entry::parse(bytes).map_err(|source| RegistryError::Entry { number: 0, source })?;
        if entry.number != 0 || entry.previous != Digest::ZERO || entry.request.is_some() {
            return Err(RegistryError::Genesis);
        }
        let [Change::Genesis(genesis)] = entry.changes.as_slice() else { return Err(RegistryError::Genesis) };
        let registry = Self::from_genesis(genesis, Entry::head(bytes))?;
        registry.check_founders(&entry)?;
        Ok(registry)
    }

    /// Replays a chain from its genesis.
    pub fn replay<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, RegistryError> {
        let mut entries = entries.into_iter();
        let mut registry = Self::begin(entries.next().ok_or(RegistryError::Genesis)?)?;
        for bytes in entries {
            registry.append(bytes, Moment::Replayed)?;
        }
        Ok(registry)
    }

    /// Appends the bytes of the next entry; refused entries change nothing.
    pub fn append(&mut self, bytes: &[u8], moment: Moment) -> Result<(), RegistryError> {
        let number = self.entries();
        let entry = Entry::parse(bytes).map_err(|source| RegistryError::Entry { number, source })?;
        if entry.number != number || entry.previous != self.head() {
            return Err(RegistryError::NotNext { number: entry.number, head: self.head() });
        }
        let request = entry.request.as_ref().ok_or(RegistryError::Request { field: "request" })?;
        self.check_request(request, &entry.changes)?;
        self.check_quorum(request, &entry, moment)?;
        self.check_tuf(&entry.changes, request.created)?;
        let applied = self.apply_all(&entry.changes, request.created)?;
        if let Err(error) = self.check_consent(request, &entry, moment) {
            self.take_all_back(applied);
            return Err(error);
        }
        self.heads.push(Entry::head(bytes));
        if entry.changes.iter().any(|change| matches!(change, Change::Adoption(_))) {
            self.left.extend(entry.changes.iter().filter_map(retired));
        }
        Ok(())
    }

    /// INVARIANT: all changes or none. What was applied before one that cannot be is taken back, last first: a copy of
    /// the whole state for each entry would make the replay of a long chain quadratic.
    fn apply_all(&mut self, changes: &[Change], asked: Instant) -> Result<Vec<Inverse>, RegistryError> {
        let mut applied = Vec::with_capacity(changes.len());
        for change in changes {
            match self.apply(change, asked) {
                Ok(inverse) => applied.push(inverse),
                Err(error) => {
                    self.take_all_back(applied);
                    return Err(error);
                }
            }
        }
        Ok(applied)
    }

    fn take_all_back(&mut self, applied: Vec<Inverse>) {
        applied.into_iter().rev().for_each(|inverse| self.take_back(inverse));
    }

    fn from_genesis(genesis: &Genesis, head: Digest) -> Result<Self, RegistryError> {
        let bad = |reason| Err(RegistryError::BadGenesis { reason });
        if genesis.version != 1 {
            return bad("its version is not 1");
        }
        if genesis.host.is_empty() || genesis.host.len() > 253 || genesis.host.contains(['/', ' ', ':', '\n'])
        {
            return bad("its host is not a bare host name");
        }
        let people = People::found(genesis).map_err(|error| match error {
            PeopleError::Named(reason) => RegistryError::BadGenesis { reason },
            PeopleError::Rule(error) => error,
        })?;
        if genesis.journal.algorithm() != Algorithm::Ed25519 {
            return bad("its journal key is not an Ed25519 key");
        }
        Ok(Self {
            platform: genesis.platform(),
            host: genesis.host.clone(),
            journal: genesis.journal.clone(),
            instance: genesis.instance.clone(),
            instances: vec![(0, genesis.instance.clone())],
            several_since: (people.governance == Governance::Quorum).then_some(0),
            people,
            policy: Digest::ZERO,
            heads: vec![head],
            keys: BTreeMap::new(),
            issuers: Issuers::default(),
            names: BTreeMap::new(),
            adoptions: Vec::new(),
            left: BTreeSet::new(),
            witnesses: Vec::new(),
            tuf: Tuf::default(),
        })
    }

    fn check_founders(&self, entry: &Entry) -> Result<(), RegistryError> {
        let is_endorsed = |endorsement: &Endorsement| {
            endorsement.decision == Decision::Endorse
                && endorsement.facet.is_none()
                && count::verify(self, endorsement, self.platform.digest()).is_ok()
        };
        match self.silent(entry, is_endorsed) {
            Some(principal) => Err(RegistryError::Founder { principal }),
            None => Ok(()),
        }
    }

    /// INVARIANT: nobody becomes an administrator unasked. Whoever is to govern from this entry on, the one who
    /// governed alone included, endorses it with the credential that it gives them.
    fn check_consent(&self, request: &Request, entry: &Entry, moment: Moment) -> Result<(), RegistryError> {
        if !entry.changes.iter().any(|change| matches!(change, Change::Administrators(_))) {
            return Ok(());
        }
        let digest = Request::digest(&request.encode());
        let count = Count { registry: self, request, digest: &digest, moment, own: Own::Counts };
        let is_endorsed = |endorsement: &Endorsement| {
            endorsement.decision == Decision::Endorse && count.examine(endorsement).is_ok()
        };
        match self.silent(entry, is_endorsed) {
            Some(principal) => Err(RegistryError::Consent { principal }),
            None => Ok(()),
        }
    }

    /// An administrator of whom the entry holds no such endorsement.
    fn silent(&self, entry: &Entry, is_endorsed: impl Fn(&Endorsement) -> bool) -> Option<PrincipalId> {
        let spoke = |principal: &PrincipalId| {
            let mut theirs = entry.endorsements.iter().filter(|one| one.principal == *principal);
            theirs.any(&is_endorsed)
        };
        self.people.administrating().map(|one| one.principal).find(|principal| !spoke(principal))
    }

    fn check_request(&self, request: &Request, changes: &[Change]) -> Result<(), RegistryError> {
        let differs = |field| Err(RegistryError::Request { field });
        if request.platform != self.platform {
            return differs("platform");
        }
        // An entry is asked for on top of the very head that it follows: nothing can slip in between.
        if request.registry != self.head() {
            return differs("registry");
        }
        if request.policy != self.policy {
            return differs("policy");
        }
        if request.requester.proven != Proven::Endorsement {
            return differs("requester.proven");
        }
        match &request.kind {
            Kind::Admin { changes: named } if *named == Entry::changes_digest(changes) => Ok(()),
            Kind::Admin { .. } => differs("kind.admin.changes"),
            _ => differs("kind"),
        }
    }

    fn check_quorum(&self, request: &Request, entry: &Entry, moment: Moment) -> Result<(), RegistryError> {
        let administration = &self.people.administration;
        let one_administrator = Rule {
            requirements: administration.requirements.iter().take(1).cloned().map(one_of).collect(),
            ..administration.clone()
        };
        let subtracts = !entry.changes.is_empty()
            && entry.changes.iter().all(|change| self.subtracts(change, request.created));
        let rule = if subtracts { &one_administrator } else { administration };
        let alone = subtracts || self.people.governance == Governance::Solo;
        let own = if alone { Own::Counts } else { Own::LeftOut };
        let digest = Request::digest(&request.encode());
        Count { registry: self, request, digest: &digest, moment, own }
            .of(rule, &entry.endorsements)
            .map(|_| ())
            .map_err(|source| RegistryError::Shortfall { number: entry.number, source })
    }

    /// Does the change only take away? Then one administrator is enough.
    ///
    /// INVARIANT: from a key that signs no more, a change takes away only if what stands is not believed for longer and
    /// not more of it: a stolen key's signatures do not come back to life by the word of one person. Nor does the key: only
    /// one that signs is retired at a time that is still to come when it is asked for.
    fn subtracts(&self, change: &Change, asked: Instant) -> bool {
        if let Change::IssuerState { state, .. } = change {
            return *state == IssuerState::Suspended;
        }
        let Change::KeyState { key, state, since, .. } = change else { return false };
        // A key that is not there is found missing when the change is applied.
        let adds_nothing = |known: &Key| {
            let may_wait =
                *state == KeyState::Retired && matches!(known.state, KeyState::Active | KeyState::Retired);
            let takes_away = known.state == KeyState::Active
                || (state.strictness() >= known.state.strictness() && *since <= known.since);
            takes_away && (may_wait || *since <= asked)
        };
        *state != KeyState::Active && self.keys.get(key).is_none_or(adds_nothing)
    }

    fn apply(&mut self, change: &Change, asked: Instant) -> Result<Inverse, RegistryError> {
        match change {
            Change::Genesis(_) => Err(RegistryError::Genesis),
            Change::Key(record) => self.add_key(record),
            Change::KeyState { key, state, since, .. } => {
                let known = self.keys.get_mut(key).ok_or(RegistryError::NoKey { key: *key })?;
                let inverse = Inverse::KeyState { key: *key, state: known.state, since: known.since };
                // INVARIANT: only a retirement lies ahead. What stops a key at once is not believed of a later time.
                let stops = matches!(state, KeyState::Suspended | KeyState::Revoked);
                (known.state, known.since) = (*state, if stops { asked.min(*since) } else { *since });
                Ok(inverse)
            }
            Change::Issuer(record) => {
                let previous = self.issuers.add(record)?;
                Ok(Inverse::Issuer { url: record.url.clone(), previous })
            }
            Change::IssuerState { url, state, .. } => {
                let previous = Some(self.issuers.change(url, *state)?);
                Ok(Inverse::Issuer { url: url.clone(), previous })
            }
            Change::Policy { digest } => {
                Ok(Inverse::Policy { digest: std::mem::replace(&mut self.policy, *digest) })
            }
            Change::Adoption(adoption) => {
                self.instances.push((self.heads.len(), adoption.instance.clone()));
                self.adoptions.push(adoption.clone());
                let instance = std::mem::replace(&mut self.instance, adoption.instance.clone());
                Ok(Inverse::Adoption { instance })
            }
            Change::Administrators(administrators) => self.leave_solo(administrators),
            Change::Witnesses(witnesses) => {
                witnesses.check().map_err(|reason| RegistryError::Witnesses { reason })?;
                self.witnesses.push((self.heads.len(), witnesses.clone()));
                Ok(Inverse::Witnesses)
            }
            Change::TufRoot(root) => {
                self.check_tuf_root(root)?;
                self.tuf.push_root(root);
                Ok(Inverse::TufRoot)
            }
            Change::TufTargets(targets) => {
                self.check_tuf_targets(targets)?;
                Ok(Inverse::TufTargets { previous: self.tuf.replace_targets(Some(targets.clone())) })
            }
        }
    }

    fn take_back(&mut self, inverse: Inverse) {
        match inverse {
            Inverse::Key { id, place } => {
                self.keys.remove(&id);
                self.names.remove(&place);
            }
            Inverse::KeyState { key, state, since } => {
                let known = self.keys.get_mut(&key).expect("a key whose state was changed is there");
                (known.state, known.since) = (state, since);
            }
            Inverse::Issuer { url, previous } => self.issuers.put_back(url, previous),
            Inverse::Policy { digest } => self.policy = digest,
            Inverse::Adoption { instance } => {
                self.instances.pop();
                self.adoptions.pop();
                self.instance = instance;
            }
            Inverse::Administrators { people } => {
                self.people = *people;
                self.several_since = None;
            }
            Inverse::Witnesses => drop(self.witnesses.pop()),
            Inverse::TufRoot => self.tuf.pop_root(),
            Inverse::TufTargets { previous } => drop(self.tuf.replace_targets(previous)),
        }
    }

    fn leave_solo(&mut self, administrators: &Administrators) -> Result<Inverse, RegistryError> {
        let people = self.people.joined_by(administrators).map_err(|error| match error {
            PeopleError::Named(reason) => RegistryError::Administrators { reason },
            PeopleError::Rule(error) => error,
        })?;
        // The groups of a key's rule may be other people now, and must still be enough.
        self.keys
            .values()
            .filter_map(|key| key.record.rule.as_ref())
            .try_for_each(|rule| people.check_rule(rule))?;
        self.several_since = Some(self.entries());
        Ok(Inverse::Administrators { people: Box::new(std::mem::replace(&mut self.people, people)) })
    }

    fn add_key(&mut self, record: &KeyRecord) -> Result<Inverse, RegistryError> {
        record.check().map_err(|source| RegistryError::Record { name: record.name.clone(), source })?;
        if let Some(rule) = &record.rule {
            self.people.check_rule(rule)?;
        }
        let place = (record.name.clone(), record.generation);
        let previous =
            record.generation == 1 || self.names.contains_key(&(record.name.clone(), record.generation - 1));
        if self.names.contains_key(&place) || self.keys.contains_key(&record.id()) || !previous {
            return Err(RegistryError::KeyTaken { name: record.name.clone(), generation: record.generation });
        }
        let id = record.id();
        self.names.insert(place.clone(), id);
        let key = Key {
            record: record.clone(),
            digest: record.digest(),
            state: KeyState::Active,
            since: Instant::EPOCH,
            place: self.keys.len(),
        };
        self.keys.insert(id, key);
        Ok(Inverse::Key { id, place })
    }
}

/// The key that a change retires.
const fn retired(change: &Change) -> Option<KeyId> {
    match change {
        Change::KeyState { key, state: KeyState::Retired, .. } => Some(*key),
        _ => None,
    }
}

fn one_of(requirement: Requirement) -> Requirement {
    Requirement { threshold: 1, ..requirement }
}
