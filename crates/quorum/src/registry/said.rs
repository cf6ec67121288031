//! What the registry says.

use model::{Digest, Form, Instant, KeyId, PersonId, PlatformId, PrincipalId, PublicKey, Space};

use super::{Key, Registry};
use crate::people::People;
use crate::{Adoption, Book, Governance, Issuers, KeyState, Principal, Rule, Tuf, Witness, Witnesses};

impl Registry {
    pub(crate) const fn people(&self) -> &People {
        &self.people
    }

    /// The platform.
    pub const fn platform(&self) -> PlatformId {
        self.platform
    }

    /// The name from which all other names derive.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The key process that keeps it.
    pub const fn instance(&self) -> &Space {
        &self.instance
    }

    /// The key that signs the journal's checkpoints, under whatever origin.
    pub const fn journal_key(&self) -> &PublicKey {
        &self.journal
    }

    /// The origins that the journal has had, the present one last.
    pub fn journal_origins(&self) -> impl DoubleEndedIterator<Item = String> {
        self.instances.iter().map(|(_, instance)| self.journal_origin(instance))
    }

    /// The origin that the journal had when this was the head; `None` if it never was.
    pub fn journal_origin_under(&self, head: &Digest) -> Option<String> {
        Some(self.journal_origin(self.instance_under(head)?))
    }

    /// The origin under which the journal's checkpoints are shown to a witness.
    ///
    /// INVARIANT: it is this witness's alone, and no checkpoint goes out under it but to that witness. So nobody has one that
    /// would move a witness further than it was led: not from a receipt, not from another witness.
    pub fn journal_shown_to(&self, witness: &Witness) -> String {
        self.shown_origin(self.instance(), witness)
    }

    /// The same, as it was when this was the head; `None` if it never was.
    pub fn journal_shown_under(&self, head: &Digest, witness: &Witness) -> Option<String> {
        Some(self.shown_origin(self.instance_under(head)?, witness))
    }

    fn instance_under(&self, head: &Digest) -> Option<&Space> {
        let number = self.heads.iter().position(|known| known == head)?;
        self.instances.iter().rev().find(|(from, _)| *from <= number).map(|(_, instance)| instance)
    }

    fn journal_origin(&self, instance: &Space) -> String {
        format!("{}/journal/{instance}", self.host)
    }

    fn shown_origin(&self, instance: &Space, witness: &Witness) -> String {
        format!("{}/witnessed/{}/{instance}", self.host, witness.mark())
    }

    /// Does one person govern, or several?
    pub const fn governance(&self) -> Governance {
        self.people.governance
    }

    /// The number of the entry from which on several govern; `None` while one person does.
    pub const fn several_since(&self) -> Option<u64> {
        self.several_since
    }

    /// What a change asks for.
    pub const fn administration(&self) -> &Rule {
        &self.people.administration
    }

    /// The digest of the policy in force; zeros before the first.
    pub const fn policy(&self) -> Digest {
        self.policy
    }

    /// How many entries there are.
    pub fn entries(&self) -> u64 {
        u64::try_from(self.heads.len()).unwrap_or(u64::MAX)
    }

    /// The present head.
    pub fn head(&self) -> Digest {
        self.heads.last().copied().unwrap_or(Digest::ZERO)
    }

    /// Is this the present head, or was it once?
    pub fn knows_head(&self, head: &Digest) -> bool {
        self.heads.contains(head)
    }

    /// A key by its id.
    pub fn key(&self, id: &KeyId) -> Option<&Key> {
        self.keys.get(id)
    }

    /// The issuers of ID tokens.
    pub const fn issuers(&self) -> &Issuers {
        &self.issuers
    }

    /// A generation of a key by its name.
    pub fn key_named(&self, name: &Space, generation: u32) -> Option<&Key> {
        self.keys.get(self.names.get(&(name.clone(), generation))?)
    }

    /// The newest active generation under a name.
    pub fn active_key(&self, name: &Space) -> Option<&Key> {
        let generations = self.names.range((name.clone(), 0)..=(name.clone(), u32::MAX));
        generations.rev().filter_map(|(_, id)| self.keys.get(id)).find(|key| key.state == KeyState::Active)
    }

    /// All keys, by name and generation.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.names.values().filter_map(|id| self.keys.get(id))
    }

    /// The key of a form that only the platform itself has, such as its timestamp key, that is in use at `at`: of those
    /// that may sign, the one that took over last.
    pub fn in_use(&self, form: Form, at: Instant) -> Option<&Key> {
        in_turn(self.keys().filter(|key| key.record.form == form && key.has_taken_over(at)))
    }

    /// Of these keys, the one that is in use at `at`.
    pub fn in_use_of<'a>(
        &'a self,
        keys: impl IntoIterator<Item = &'a KeyId>,
        at: Instant,
    ) -> Option<&'a Key> {
        in_turn(keys.into_iter().filter_map(|id| self.key(id)).filter(|key| key.has_taken_over(at)))
    }

    /// The keys of a form that only the platform itself has, of which one is in use at `at` and the others are to follow.
    pub fn in_use_or_next(&self, form: Form, at: Instant) -> impl Iterator<Item = &Key> {
        let from = self.in_use(form, at).map(Key::turn);
        let of_form = self.keys().filter(move |key| key.record.form == form && key.is_active_at(at));
        of_form.filter(move |key| from.is_none_or(|from| from <= key.turn()))
    }

    /// The newest active key of a form that only the platform itself has, in use or about to be.
    pub fn platform_key(&self, form: Form) -> Option<&Key> {
        in_turn(self.keys().filter(|key| key.record.form == form && key.state == KeyState::Active))
    }

    /// Somebody who endorses.
    pub fn principal(&self, principal: &PrincipalId) -> Option<&Principal> {
        self.people.principal(principal)
    }

    /// Everybody who endorses.
    pub fn principals(&self) -> impl Iterator<Item = &Principal> {
        self.people.principals()
    }

    /// Everybody who administers.
    pub fn administrators(&self) -> impl Iterator<Item = &Principal> {
        self.people.administrating()
    }

    /// Is this person in this group?
    pub fn is_member(&self, group: &Space, person: &PersonId) -> bool {
        self.people.is_member(group, person)
    }

    /// The witnesses of a book; `None` while it is unanchored.
    pub fn witnesses(&self, book: Book) -> Option<&Witnesses> {
        self.witnesses.last().map(|(_, witnesses)| witnesses).filter(|witnesses| witnesses.cosign(book))
    }

    /// The witnesses that a book had when this was the head; `None` where it had none, or it never was.
    pub fn witnesses_under(&self, head: &Digest, book: Book) -> Option<&Witnesses> {
        let number = self.heads.iter().position(|known| known == head)?;
        let (_, witnesses) = self.witnesses.iter().rev().find(|(from, _)| *from <= number)?;
        Some(witnesses).filter(|witnesses| witnesses.cosign(book))
    }

    /// All witnesses that a book ever had: what they cosigned then still counts as what it was.
    pub fn all_witnesses(&self, book: Book) -> impl Iterator<Item = &Witness> {
        let of_book = self.witnesses.iter().filter(move |(_, witnesses)| witnesses.cosign(book));
        of_book.flat_map(|(_, witnesses)| &witnesses.witnesses)
    }

    /// What people decided of the TUF metadata.
    pub const fn tuf(&self) -> &Tuf {
        &self.tuf
    }

    /// Did an adoption leave the log of this origin behind, with the state that was lost?
    ///
    /// INVARIANT: only a log whose key the adoption itself retired. One that another followed before was complete, and is
    /// held against what the key process signed of it for ever.
    pub fn has_left(&self, origin: &str) -> bool {
        let mut left = self.left.iter().filter_map(|id| self.key(id));
        left.any(|key| key.record.origin.as_deref() == Some(origin))
    }

    /// The adoptions so far: each is a gap in the journal that stays visible.
    pub fn adoptions(&self) -> &[Adoption] {
        &self.adoptions
    }
}

fn in_turn<'a>(keys: impl Iterator<Item = &'a Key>) -> Option<&'a Key> {
    keys.max_by_key(|key| key.turn())
}
