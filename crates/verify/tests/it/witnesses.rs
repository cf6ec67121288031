//! Receipts of a platform whose books are witnessed: who saw the checkpoints, and what it means that too few did.

use model::receipt::{JournalEntry, Receipt, Sighting};
use model::{Digest, told};
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

    /// What one of them was shown of the journal that a leaf stands in, and cosigned.
    fn saw(&self, platform: &Platform, entry: &JournalEntry, by: usize) -> Sighting {
        let (pair, key) = &self.0[by];
        let witness = Witness { name: key.name().to_owned(), key: pair.public() };
        let origin = platform.registry.journal_shown_to(&witness);
        let index = usize::try_from(entry.index).unwrap();
        let (path, checkpoint) = platform.journalled(&origin, &entry.leaf.0, index);
        Sighting { checkpoint: self.cosign(&checkpoint, &[by]), path }
    }

    /// The receipt with cosignatures under the checkpoint of its log, and with what these saw of its journal.
    fn witnessed(
        &self,
        platform: &Platform,
        mut receipt: Receipt,
        log: &[usize],
        journal: &[usize],
    ) -> Receipt {
        for item in &mut receipt.items {
            let entry = item.log.as_mut().unwrap();
            entry.checkpoint = self.cosign(&entry.checkpoint, log);
            let entry = item.journal.as_mut().unwrap();
            entry.witnessed = journal.iter().map(|by| self.saw(platform, entry, *by)).collect();
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

    let good = asked(&town.witnessed(&platform, receipt.clone(), &[0, 2], &[1, 2])).unwrap();
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
    let few = town.witnessed(&platform, receipt.clone(), &[0, 1, 2], &[1]);
    let open = shown(&few);
    assert!(open.not_checked().contains(&NotChecked::NotWitnessed { what: "journal", found: 1, needed: 2 }));
    let refused = asked(&few).unwrap_err();
    assert!(matches!(refused, Refused::CannotCheck { part: Part::Journal, .. }), "{refused:?}");
    let said = told(&refused);
    assert!(said.contains("witness.example.test/1, witness.example.test/3"), "who is missing: {said}");
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

/// What a witness was shown of the journal counts for that witness, for that intent, and once.
#[test]
fn a_sighting_of_the_journal_that_is_bent_in_any_part_is_bad_or_no_sighting() {
    let (mut platform, town) = (Platform::new(), Town::new());
    platform.change(vec![town.named(&[Book::Journal])], at(110));
    let receipt = platform.sign(&["default/governed"], at(120));
    let bent = |bend: &dyn Fn(&mut Vec<Sighting>)| {
        let mut receipt = town.witnessed(&platform, receipt.clone(), &[], &[0, 1]);
        bend(&mut receipt.items[0].journal.as_mut().unwrap().witnessed);
        judge(&platform, &receipt, WitnessExpectation::AsShown)
    };
    let found = |judged: Result<Verified, Refused>| {
        let judged = judged.unwrap();
        let open = judged.not_checked().iter().find_map(|one| match one {
            NotChecked::NotWitnessed { what: "journal", found, needed: 2 } => Some(*found),
            _ => None,
        });
        open.unwrap_or(2)
    };
    assert_eq!(found(bent(&|_| ())), 2);
    assert_eq!(found(bent(&|witnessed| witnessed.truncate(1))), 1);
    assert_eq!(found(bent(&|witnessed| witnessed[1] = witnessed[0].clone())), 1, "one twice is one");
    let strangers = Town::new();
    assert_eq!(
        found(bent(&|witnessed| witnessed[0].checkpoint = strangers.cosign(&witnessed[0].checkpoint, &[0]))),
        2
    );
    // The journal's own word, without the witness's.
    let (entry, key) = (receipt.items[0].journal.clone().unwrap(), &town.0[0]);
    let witness = Witness { name: key.1.name().to_owned(), key: key.0.public() };
    let origin = platform.registry.journal_shown_to(&witness);
    let index = usize::try_from(entry.index).unwrap();
    let (path, plain) = platform.journalled(&origin, &entry.leaf.0, index);
    assert_eq!(found(bent(&|witnessed| witnessed[0].checkpoint.clone_from(&plain))), 1);
    // What another was shown, under the cosignature of this one; another tree; another path; another leaf's place.
    let (_, other) = platform.journalled(&origin, b"another leaf", index);
    for bad in [
        bent(&|witnessed| witnessed[0].checkpoint = witnessed[0].checkpoint.replace("\n3\n", "\n4\n")),
        bent(&|witnessed| witnessed[0].checkpoint = town.cosign(&other, &[0])),
        bent(&|witnessed| witnessed[0].path[0] = Digest::of(b"bent")),
        bent(&|witnessed| witnessed[0].path.clear()),
        bent(&|witnessed| {
            let line = town.cosign(&other, &[0]).lines().last().unwrap().to_owned();
            witnessed[0].checkpoint = format!("{plain}{line}\n");
        }),
        bent(&|witnessed| *witnessed = vec![witnessed[0].clone(); 33]),
    ] {
        let refused = bad.unwrap_err();
        assert!(matches!(refused, Refused::Bad { part: Part::Journal, .. }), "{refused:?}");
    }
    assert!(!path.is_empty());
}
