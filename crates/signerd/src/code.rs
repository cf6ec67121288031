//! Code signing: the checks of an order for an item of a request, in their order.

use envelope::{Chosen, ToBeSigned};
use keystore::Stores;
use model::journal::{Intent, endorsements_digest};
use model::{
    Digest, ItemError, Kind, Purpose, Request, RequestedItem, Signing, from_canonical, limits, told,
};
use quorum::{Counted, Endorsement, Key, Moment, Registry};
use signer::{Refusal, RefusalCode, SignOrder};

use crate::certificate;
use crate::guard::Reading;
use crate::intended::{Intended, Prepared, PrivateKey, Recall};
use crate::journal::Work;
use crate::standing::{Remembered, check_clock, check_key, check_rate, check_room, refuse, registry};
use crate::state::{self, State};

/// An order whose bytes are a request and an item of it, for this platform and in its time.
struct Asked<'a> {
    order: &'a SignOrder,
    registry: &'a Registry,
    request: Request,
    digest: Digest,
    item: RequestedItem,
}

/// An order that the registry allows: the key may sign this item.
struct Allowed<'a> {
    asked: Asked<'a>,
    key: &'a Key,
}

/// An order that has everything: where the key is governed, the quorum was there.
struct Cleared<'a> {
    allowed: Allowed<'a>,
    _quorum: Quorum,
}

/// Did people have to agree?
enum Quorum {
    /// The key's record asks nobody.
    NotAsked,
    /// They did; only counting makes this.
    Met { _counted: Counted },
}

/// Takes an order as far as its intent, or says why not. Nothing is changed.
pub(crate) fn prepare(
    state: &State,
    keys: &Stores,
    order: &SignOrder,
    now: Reading,
) -> Result<Prepared, Refusal> {
    let asked = Asked::parse(state, order)?;
    let known = state.signings.get(&(asked.digest, asked.item.index));
    if let Some(signed) = known.and_then(Prepared::kept) {
        // The request digest covers the item, so the same (digest, item) is the same order: the same bytes go back,
        // whatever happened to key, policy or clock since they were made. Past the deadline too, as long as they are
        // remembered: a signature that exists is to be logged, and not lost between a crash and a deadline.
        return Ok(signed);
    }
    asked.check_time(now)?;
    // Endorsements of a key without a rule are not looked at; the intent names their digest all the same.
    let cleared = asked.allow(now)?.clear(now)?;
    if known.is_none() {
        // An intent that is there was counted when it was made.
        check_rate(state, cleared.allowed.key, now.time)?;
        check_room(state.signings.len(), Remembered::Request)?;
    }
    cleared.intend(state, keys, known, now)
}

impl<'a> Asked<'a> {
    fn parse(state: &'a State, order: &'a SignOrder) -> Result<Self, Refusal> {
        let malformed = |error: &dyn std::error::Error| refuse(RefusalCode::Malformed, told(error));
        let registry = registry(state)?;
        if order.endorsements.len() > limits::ENDORSEMENTS_MAX {
            let text = format!(
                "{} endorsements, where at most {} are read",
                order.endorsements.len(),
                limits::ENDORSEMENTS_MAX
            );
            return Err(refuse(RefusalCode::Malformed, text));
        }
        let request = Request::parse(&order.request).map_err(|error| malformed(&error))?;
        if request.platform != registry.platform() {
            let text =
                format!("the request is for {}, and this is {}", request.platform, registry.platform());
            return Err(refuse(RefusalCode::OtherPlatform, text));
        }
        let digest = Request::digest(&order.request);
        let item = code_signing(&request)?.items.open(&order.item, &order.path);
        let item = item.map_err(|error| match error {
            ItemError::NotRequested { .. } => refuse(RefusalCode::NotInRequest, told(&error)),
            other => malformed(&other),
        })?;
        Ok(Self { order, registry, request, digest, item })
    }

    fn check_time(&self, now: Reading) -> Result<(), Refusal> {
        let Request { created, deadline, .. } = self.request;
        if created <= now.time && now.time < deadline {
            return Ok(());
        }
        let text = format!("the request may be signed from {created} until {deadline}; it is {}", now.time);
        Err(refuse(RefusalCode::Expired, text))
    }

    fn allow(self, now: Reading) -> Result<Allowed<'a>, Refusal> {
        if !self.registry.knows_head(&self.request.registry) {
            let text = format!(
                "the registry never had the head {}; compose the request again",
                self.request.registry
            );
            return Err(refuse(RefusalCode::Stale, text));
        }
        if self.request.policy != self.registry.policy() {
            let text =
                format!("the policy in force is {}; compose the request again", self.registry.policy());
            return Err(refuse(RefusalCode::Stale, text));
        }
        let key = self.find_key()?;
        check_key(key, now.time)?;
        self.check_record(key)?;
        Ok(Allowed { asked: self, key })
    }

    fn find_key(&self) -> Result<&'a Key, Refusal> {
        let named = &self.item.key;
        let key = self.registry.key_named(&named.name, named.generation);
        let key = key.ok_or_else(|| {
            let text = format!("the registry knows no key `{}` generation {}", named.name, named.generation);
            refuse(RefusalCode::Key, text)
        })?;
        if key.digest != named.record {
            let text =
                format!("the record of key `{}` is {}; compose the request again", named.name, key.digest);
            return Err(refuse(RefusalCode::Stale, text));
        }
        Ok(key)
    }

    fn check_record(&self, key: &Key) -> Result<(), Refusal> {
        let (record, class) = (&key.record, code_signing(&self.request)?.class);
        // INVARIANT: one key, one form; and a key of the platform's own signs nothing that a request asks for.
        if record.form != self.item.form || record.purpose != Purpose::Code {
            let text =
                format!("key `{}` signs form {}, and not {}", record.name, record.form, self.item.form);
            return Err(refuse(RefusalCode::Key, text));
        }
        let namespace = self.item.parameters.namespace.as_deref();
        if !record.signs_in(namespace) {
            let namespace = namespace.unwrap_or_default();
            let text = format!("key `{}` does not sign in the namespace `{namespace}`", record.name);
            return Err(refuse(RefusalCode::Key, text));
        }
        if !record.classes.contains(&class) {
            let text = format!("key `{}` signs nothing of class {class}", record.name);
            return Err(refuse(RefusalCode::Key, text));
        }
        Ok(())
    }
}

/// What the request asks of keys for code.
fn code_signing(request: &Request) -> Result<&Signing, Refusal> {
    match &request.kind {
        Kind::Sign(signing) if signing.purpose == Purpose::Code => Ok(signing),
        Kind::Sign(signing) => {
            let text = format!("requests are signed with keys for code, not for {}", signing.purpose);
            Err(refuse(RefusalCode::Key, text))
        }
        _ => Err(refuse(RefusalCode::Malformed, "the request does not ask for a signature")),
    }
}

impl<'a> Allowed<'a> {
    fn clear(self, now: Reading) -> Result<Cleared<'a>, Refusal> {
        let Asked { registry, request, digest, order, .. } = &self.asked;
        let Some(rule) = &self.key.record.rule else {
            check_unendorsed_period(request)?;
            return Ok(Cleared { allowed: self, _quorum: Quorum::NotAsked });
        };
        check_clock(now)?;
        let endorsements = parse_endorsements(order)?;
        // INVARIANT: a governed key signs nothing without this count, which leaves out the requester's person and
        // takes everybody once. Nothing else makes a `Counted`.
        let counted = quorum::count(registry, rule, request, digest, &endorsements, Moment::Live(now.time))
            .map_err(|shortfall| refuse(RefusalCode::Quorum, told(&shortfall)))?;
        Ok(Cleared { allowed: self, _quorum: Quorum::Met { _counted: counted } })
    }
}

/// Where nobody is asked, a request may not stay open: what may be ordered again has to be remembered.
fn check_unendorsed_period(request: &Request) -> Result<(), Refusal> {
    let open = request.deadline.since(request.created);
    if open.as_secs() <= limits::UNENDORSED_PERIOD_S_MAX {
        return Ok(());
    }
    let text = format!(
        "the request is open for {} s, where {} s are allowed for a key that asks for no endorsements",
        open.as_secs(),
        limits::UNENDORSED_PERIOD_S_MAX
    );
    Err(refuse(RefusalCode::Expired, text))
}

fn parse_endorsements(order: &SignOrder) -> Result<Vec<Endorsement>, Refusal> {
    let parse = |bytes: &Vec<u8>| from_canonical(bytes, limits::ENDORSEMENT_BYTES_MAX);
    let parsed: Result<_, _> = order.endorsements.iter().map(parse).collect();
    parsed.map_err(|error| {
        refuse(RefusalCode::Malformed, format!("an endorsement cannot be read: {}", told(&error)))
    })
}

impl Cleared<'_> {
    fn intend(
        self,
        state: &State,
        keys: &Stores,
        known: Option<&state::Signing>,
        now: Reading,
    ) -> Result<Prepared, Refusal> {
        let Allowed { asked, key } = &self.allowed;
        let record = &key.record;
        let chosen = self.choose(known, now)?;
        // What was intended once names the certificate of then.
        let at = known.map_or(now.time, |signing| signing.intent.time);
        let certified = record.form.is_certified();
        let certificate = certified.then(|| certificate::shown(state, key, at)).transpose()?;
        // INVARIANT: the order carries no bytes to sign; they are composed here, from the request's own item.
        let to_be_signed = envelope::compose(&asked.item, &chosen, certificate.as_ref())
            .map_err(|error| refuse(RefusalCode::Malformed, told(&error)))?;
        check_signable(key, &to_be_signed)?;
        let private = PrivateKey::of(record, keys)?;
        if let Some(signing) = known {
            // CRASH: the intent is durable and has no outcome: perhaps it was signed, and the answer was lost with
            // the outcome. The same bytes are composed from it, and the journal keeps showing one intent.
            if signing.intent.to_be_signed != to_be_signed.sha256() {
                let text = "the bytes differ from those of the intent in the journal; compose a new request";
                return Err(refuse(RefusalCode::Stale, text));
            }
            let intent = signing.intent.clone();
            return Ok(Prepared::Resumed(Intended {
                intent,
                to_be_signed,
                key: private,
                recall: Recall::Remembered,
            }));
        }
        let intent = Intent {
            sequence: state.next(),
            time: now.time,
            key: record.id(),
            record: key.digest,
            registry: asked.registry.head(),
            request: asked.digest,
            item: asked.item.index,
            to_be_signed: to_be_signed.sha256(),
            endorsements: endorsements_digest(&asked.order.endorsements),
            chosen: chosen.encode(),
        };
        let work = Work::Remembered { deadline: asked.request.deadline };
        Ok(Prepared::Intended(
            work,
            Intended { intent, to_be_signed, key: private, recall: Recall::Remembered },
        ))
    }

    /// What the form leaves to choose; after a crash, what was chosen then.
    fn choose(&self, known: Option<&state::Signing>, now: Reading) -> Result<Chosen, Refusal> {
        if let Some(signing) = known {
            return Chosen::decode(&signing.intent.chosen).map_err(|error| {
                refuse(RefusalCode::Journal, format!("the journal's intent: {}", told(&error)))
            });
        }
        let record = &self.allowed.key.record;
        let form = self.allowed.asked.item.form;
        let chosen = Chosen::for_item(form, &record.public_key, record.not_before, now.time);
        if chosen.signing_time().is_some() {
            // A signing time is a time that others believe.
            check_clock(now)?;
        }
        Ok(chosen)
    }
}

/// Algorithms that hash by themselves sign messages only.
fn check_signable(key: &Key, to_be_signed: &ToBeSigned) -> Result<(), Refusal> {
    let algorithm = key.record.public_key.algorithm();
    match to_be_signed {
        ToBeSigned::Hashed(hashed) if algorithm.hash() != Some(hashed.hash()) => {
            let (name, hash) = (&key.record.name, hashed.hash());
            let text = format!("key `{name}` is {algorithm}, which signs no {hash} digests");
            Err(refuse(RefusalCode::Key, text))
        }
        _ => Ok(()),
    }
}
