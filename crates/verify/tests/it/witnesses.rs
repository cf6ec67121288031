//! Receipts of a platform whose books are witnessed: who saw the checkpoints, and what it means that too few did.

use model::Digest;
use model::receipt::Receipt;
use quorum::{Book, Change, Witness, Witnesses};
use tlog::{Cosignature, SignedCheckpoint, VerifierKey, note};
use verify::{
    Artifact, Evidence, Expectations, NotChecked, Part, Present, Proven, Refused, TimeSource, Verified,
    WitnessExpectation, verify_receipt,
};

use crate::platform::{FILE, Pair, Platform, at};

const TWO_KEYS: [&str; 2] = ["default/blob", "default/governed"];

struct Town(Vec<(Pair, VerifierKey)>);

impl Town {
    fn new() -> Self {
        let one = |n| {
            let pair = Pair::ed25519();
            let key = VerifierKey::of_witness(&format!("witness.example.test/{n}"), &pair.public()).unwrap();
            (pair, key)
        };
        Self((1..=3).map(one).collect())
    }

    fn named(&self, books: &[Book]) -> Change {
        let one =
            |(pair, key): &(Pair, VerifierKey)| Witness { name: key.name().to_owned(), key: pair.public() };
        let witnesses = self.0.iter().map(one).collect();
        Change::Witnesses(Witnesses { threshold: 2, witnesses, books: books.to_vec() })
    }

    /// A checkpoint with the cosignatures of these.
    fn cosign(&self, note: &str, by: &[usize]) -> String {
        let text = &note[..=note.find("\n\n").unwrap()];
        let checkpoint = tlog::Checkpoint::parse(text).unwrap();
        by.iter().fold(note.to_owned(), |note, at| {
            let (pair, key) = &self.0[*at];
            let time = self::at(200 + u64::try_from(*at).unwrap());
            let signature = pair.sign(&Cosignature::to_be_signed(&checkpoint, time));
            let signature = [&time.seconds().to_be_bytes()[..], &signature].concat();
            note + &note::signature_line(text, key, &signature).unwrap()
        })
    }

    /// The receipt with cosignatures under the checkpoints of its log and of its journal.
    fn witnessed(&self, mut receipt: Receipt, log: &[usize], journal: &[usize]) -> Receipt {
        for item in &mut receipt.items {
            let entry = item.log.as_mut().unwrap();
            entry.checkpoint = self.cosign(&entry.checkpoint, log);
            let entry = item.journal.as_mut().unwrap();
            entry.checkpoint = entry.checkpoint.as_ref().map(|note| self.cosign(note, journal));
        }
        receipt
    }
}

fn judge(platform: &Platform, receipt: &Receipt, witnesses: WitnessExpectation) -> Result<Verified, Refused> {
    let expectations = Expectations { witnesses, log: Evidence::Required, ..Expectations::default() };
    let file = Artifact { digests: Digest::of(FILE).into(), name: Some("firmware.bin".to_owned()) };
    let present = Present { at: at(3_600), source: TimeSource::Named };
    verify_receipt(&file, receipt, &platform.trust_root(), &expectations, present)
}

#[test]
fn a_verdict_names_the_witnesses_of_log_and_journal_or_says_that_they_are_missing() {
    let (mut platform, town) = (Platform::new(), Town::new());
    let before = platform.sign(&TWO_KEYS, at(100));
    platform.change(vec![town.named(&[Book::Log, Book::Journal])], at(110));
    let receipt = platform.sign(&TWO_KEYS, at(120));
    let asked = |receipt: &Receipt| judge(&platform, receipt, WitnessExpectation::Required);
    let shown = |receipt: &Receipt| judge(&platform, receipt, WitnessExpectation::AsShown).unwrap();

    let good = asked(&town.witnessed(receipt.clone(), &[0, 2], &[1, 2])).unwrap();
    for item in good.items() {
        let by: Vec<_> = item
            .proven()
            .iter()
            .filter_map(|one| match one {
                Proven::Witnessed { by, at, .. } => Some((by.join(" "), at.seconds())),
                _ => None,
            })
            .collect();
        let name = |n: u8| format!("witness.example.test/{n}");
        let last = at(202).seconds();
        assert_eq!(
            by,
            [(format!("{} {}", name(1), name(3)), last), (format!("{} {}", name(2), name(3)), last)]
        );
    }

    // Too few: the verdict says so, and where they are asked for it cannot be checked.
    let few = town.witnessed(receipt.clone(), &[0, 1, 2], &[1]);
    let open = shown(&few);
    assert!(open.not_checked().contains(&NotChecked::NotWitnessed { what: "journal", found: 1, needed: 2 }));
    let refused = asked(&few).unwrap_err();
    assert!(matches!(refused, Refused::CannotCheck { part: Part::Journal, .. }), "{refused:?}");
    let refused = asked(&receipt).unwrap_err();
    assert!(matches!(refused, Refused::CannotCheck { part: Part::Checkpoint, .. }), "{refused:?}");

    // What was signed before there were witnesses is what it was.
    let open = shown(&before);
    for what in ["log", "journal"] {
        let unanchored = NotChecked::Unanchored { what };
        assert_eq!(open.not_checked().iter().filter(|one| **one == unanchored).count(), 1, "{what}");
    }
    assert!(matches!(asked(&before), Err(Refused::CannotCheck { .. })));
}

#[test]
fn a_cosignature_that_does_not_verify_is_bad_and_a_strangers_is_none() {
    let (mut platform, town) = (Platform::new(), Town::new());
    platform.change(vec![town.named(&[Book::Log])], at(110));
    let receipt = platform.sign(&["default/blob"], at(120));
    let with = |note: String| {
        let mut receipt = receipt.clone();
        receipt.items[0].log.as_mut().unwrap().checkpoint = note;
        receipt
    };
    let plain = receipt.items[0].log.as_ref().unwrap().checkpoint.clone();
    let moved = {
        let other = SignedCheckpoint::open(&plain, platform.trust_root().logs().next().unwrap()).unwrap();
        let text = other.checkpoint().text().replacen("\n3\n", "\n4\n", 1);
        let foreign = town.cosign(&format!("{text}\n\u{2014} x AAAAAAAA\n"), &[0]);
        format!(
            "{plain}{}",
            foreign.rsplit_once('\u{2014}').map(|(_, line)| format!("\u{2014}{line}")).unwrap()
        )
    };
    let refused = judge(&platform, &with(moved), WitnessExpectation::AsShown).unwrap_err();
    assert!(matches!(refused, Refused::Bad { part: Part::Checkpoint, .. }), "{refused:?}");
    let strangers = with(Town::new().cosign(&plain, &[0, 1, 2]));
    let open = judge(&platform, &strangers, WitnessExpectation::AsShown).unwrap();
    let none = NotChecked::NotWitnessed { what: "log", found: 0, needed: 2 };
    assert!(open.not_checked().contains(&none), "{:?}", open.not_checked());
    // One witness twice is one.
    let twice = with(town.cosign(&town.cosign(&plain, &[0]), &[0]));
    let open = judge(&platform, &twice, WitnessExpectation::AsShown).unwrap();
    assert!(open.not_checked().contains(&NotChecked::NotWitnessed { what: "log", found: 1, needed: 2 }));
}
