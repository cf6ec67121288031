//! The entries of the log of certificates: each is a precertificate that the key process signed and timestamped, and
//! every timestamp that it gave has its entry.

use std::collections::{BTreeMap, HashMap};

use model::{Digest, Instant, KeyId, PublicKey};
use pki::{Certificate, sct};
use signerd::OrderKind;
use tlog::{CertificateEntry, VerifierKey};

use super::journal::Journal;
use super::log::EachEntry;
use super::{Finding, Origin, Remark, Report};

/// The journal, while the entries of a log of certificates are read.
pub(super) struct Certificates<'a> {
    journal: &'a Journal,
    key: &'a VerifierKey,
    /// The certificates of the platform's own keys.
    own: BTreeMap<KeyId, Certificate>,
    /// The intents of steps to certificates, by key and the digest of what is signed. Those that no entry asked for are left.
    intents: HashMap<(KeyId, Digest), u64>,
    /// Where each precertificate stands.
    places: HashMap<Digest, u64>,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    older: usize,
    lost: usize,
    without_timestamp: usize,
}

impl<'a> Certificates<'a> {
    pub(super) fn new(journal: &'a Journal, key: &'a VerifierKey) -> Self {
        // An authority for holders of ID tokens stands by itself.
        let own = journal.inspection.certificates.iter();
        let own = own.filter_map(|(key, by)| Some((*key, Certificate::from_der(by.get(key)?).ok()?)));
        let own = own.collect();
        let steps = journal.inspection.intents.iter().filter(|(_, known)| known.order == OrderKind::Holder);
        let intents =
            steps.map(|(leaf, known)| ((known.intent.key, known.intent.to_be_signed), *leaf)).collect();
        Self { journal, key, own, intents, places: HashMap::new(), counts: Counts::default() }
    }

    /// The entry by itself: a precertificate under one of our authorities, and of it what the log hashes.
    fn check(&self, entry: &CertificateEntry<'_>) -> Result<Held, &'static str> {
        let authority = KeyId::new(entry.issuer);
        let issuer = self.own.get(&authority).ok_or("names an issuer that is no key of this platform")?;
        let precertificate = Certificate::from_der(entry.precertificate)
            .map_err(|_| "holds a precertificate that cannot be read")?;
        precertificate
            .verify_signature_by(issuer)
            .map_err(|_| "holds a precertificate that the authority did not sign")?;
        if precertificate.precertified_tbs().ok().as_deref() != Some(entry.tbs) {
            return Err("is not of the precertificate that it holds");
        }
        let above: Vec<Digest> = self.own.values().map(Certificate::fingerprint).collect();
        let is_chain = entry.chain.first() == Some(&issuer.fingerprint());
        if !is_chain || entry.chain.iter().any(|one| !above.contains(one)) {
            return Err("names other certificates above it than those of this platform");
        }
        let extension = sct::leaf_index(entry.index).ok_or("stands beyond the end of any log")?;
        let key = issuer.public_key().map_err(|_| "names an issuer whose key is not known here")?;
        let timestamped = sct::to_be_signed(entry.time, &key, entry.tbs, &extension);
        Ok(Held {
            precertified: (authority, Digest::of(&precertificate.tbs_der())),
            timestamped: (self.log(), Digest::of(&timestamped)),
            time: entry.time,
        })
    }

    fn log(&self) -> KeyId {
        PublicKey::id(self.key.public_key())
    }

    /// Looks up both of its intents.
    fn look_up(&mut self, held: &Held) -> Result<(), &'static str> {
        let precertified = self.intents.contains_key(&held.precertified);
        let timestamped = self.intents.remove(&held.timestamped).is_some();
        match (precertified, timestamped) {
            (true, true) => {}
            (true, false) => self.counts.without_timestamp += 1,
            _ if self.journal.has_left(self.key.name()) => self.counts.lost += 1,
            _ if self.is_older(held.time) => self.counts.older += 1,
            _ => return Err("is a precertificate for which the journal holds no intent"),
        }
        Ok(())
    }

    /// Were its intents perhaps written before the first leaf that the files hold?
    fn is_older(&self, time: Instant) -> bool {
        let since = self.journal.held_since();
        self.journal.inspection.held_from > 0
            && since.is_none_or(|since| sct::milliseconds(time) <= sct::milliseconds(since))
    }
}

/// What the journal must know of an entry: which key signed what.
struct Held {
    precertified: (KeyId, Digest),
    timestamped: (KeyId, Digest),
    time: Instant,
}

impl EachEntry for Certificates<'_> {
    fn see(&mut self, index: u64, entry: &[u8], report: &mut Report) {
        let origin = || self.key.name().to_owned();
        let Some(entry) = CertificateEntry::parse(entry) else {
            let fault = "is no entry of a log of certificates";
            report.findings.push(Finding::CertificateEntry { origin: origin(), index, fault });
            return;
        };
        // INVARIANT: one token has one leaf.
        if let Some(first) = self.places.insert(Digest::of(entry.tbs), index) {
            report.findings.push(Finding::EntryTwice { origin: origin(), first, second: index });
        }
        let origin = origin();
        if let Err(fault) = self.check(&entry).and_then(|held| self.look_up(&held)) {
            report.findings.push(Finding::CertificateEntry { origin, index, fault });
        }
    }

    fn end(&mut self, report: &mut Report) {
        let (log, origin) = (self.log(), self.key.name());
        let mut without: Vec<u64> =
            self.intents.iter().filter(|((key, _), _)| *key == log).map(|(_, leaf)| *leaf).collect();
        without.sort_unstable();
        let remark = |count: usize, remark: fn(String, usize) -> Remark| {
            (count > 0).then(|| remark(origin.to_owned(), count))
        };
        if self.journal.origin == Origin::Copy || self.journal.has_left(origin) {
            let told = |origin, count| Remark::TimestampsCopiedLater { origin, count };
            report.remarks.extend(remark(without.len(), told));
        } else {
            let finding = |leaf| Finding::TimestampWithoutEntry { origin: origin.to_owned(), leaf };
            report.findings.extend(without.into_iter().map(finding));
        }
        let Counts { older, lost, without_timestamp } = self.counts;
        let remarks = [
            remark(older, |origin, count| Remark::CertificatesOlderThanJournal { origin, count }),
            remark(lost, |origin, count| Remark::CertificateIntentsLost { origin, count }),
            remark(without_timestamp, |origin, count| Remark::EntriesWithoutTimestamp { origin, count }),
        ];
        report.remarks.extend(remarks.into_iter().flatten());
    }
}
