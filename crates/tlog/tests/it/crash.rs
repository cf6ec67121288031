//! The log on storage that fails: nothing that was acknowledged is lost, and nothing ever forks.

use model::Digest;
use tlog::proof::verify_consistency;
use tlog::{Committed, Durability, LockError, Log, LogError, SignedCheckpoint};

use crate::keys::Signer;
use crate::log::{append, audit, create, entries, newest, open};
use crate::memory::{Fault, Memory};

/// Batches that fill tiles, leave them partial and rewrite them, on two levels.
const BATCHES: [usize; 8] = [1, 3, 250, 2, 1, 258, 1, 600];

/// What a client was told.
#[derive(Default)]
struct Acknowledged {
    heads: Vec<SignedCheckpoint>,
    entries: Vec<(u64, Vec<u8>)>,
}

impl Acknowledged {
    fn note(&mut self, committed: &Committed, batch: &[Vec<u8>]) {
        self.heads.push(committed.checkpoint.clone());
        self.entries.extend(committed.entries.iter().map(|logged| logged.index).zip(batch.iter().cloned()));
    }

    /// Everything that was told is so in the log as it is now.
    fn check(&self, log: &Log, memory: &Memory) {
        let found = audit(memory, newest(log));
        for (index, entry) in &self.entries {
            assert_eq!(found.get(*index as usize), Some(entry), "acknowledged entry {index}");
        }
        for head in &self.heads {
            let newest = newest(log);
            let proof = log.consistency(head.size(), newest.size()).unwrap();
            verify_consistency(head.size(), head.root(), newest.size(), newest.root(), &proof).unwrap();
        }
    }
}

/// The key as its process guards it: it signs nothing that does not extend what it signed last, and that again.
struct Guarded {
    last: (u64, Digest),
}

impl Guarded {
    fn new() -> Self {
        Self { last: (0, Digest::of(&[])) }
    }

    fn append(&mut self, log: &mut Log, batch: &[Vec<u8>]) -> Result<Committed, LogError> {
        log.swap(log.stage(batch)?)?;
        self.seal(log)
    }

    fn seal(&mut self, log: &mut Log) -> Result<Committed, LogError> {
        let pending = log.pending().expect("something was swapped in");
        let (size, root) = (pending.checkpoint().size(), *pending.checkpoint().root());
        if self.last != (size, root) {
            verify_consistency(self.last.0, &self.last.1, size, &root, pending.consistency())
                .expect("nothing is ever pending that the key cannot sign");
            self.last = (size, root);
        }
        let signature = Signer::log().sign(&pending.to_be_signed());
        log.seal(&signature)
    }

    fn open(&mut self, memory: &Memory) -> Result<Log, LogError> {
        let mut log = Log::open(Signer::log().key, memory.tiles(), memory.lock())?;
        if log.pending().is_some() {
            self.seal(&mut log)?;
        }
        Ok(log)
    }
}

/// Appends all batches; after an error it opens the log again and goes on with the same batch.
fn run(memory: &Memory, mut log: Log) -> (Log, Acknowledged, u64) {
    let (mut acknowledged, mut failures, mut from) = (Acknowledged::default(), 0, 0);
    let mut key = Guarded::new();
    for count in BATCHES {
        let batch = entries(from, count);
        from += count;
        loop {
            let before = memory.locked();
            match key.append(&mut log, &batch) {
                Ok(committed) => {
                    acknowledged.note(&committed, &batch);
                    break;
                }
                Err(error) => {
                    failures += 1;
                    memory.mend();
                    if error.durability() == Durability::Nothing {
                        assert_eq!(memory.locked(), before, "{error}");
                        log.stage(&batch).unwrap();
                    } else {
                        assert!(matches!(log.stage(&batch), Err(LogError::Stopped { .. })));
                        assert!(matches!(log.inclusion(0), Err(LogError::Stopped { .. })));
                        log = key.open(memory).unwrap();
                        acknowledged.check(&log, memory);
                        if newest(&log).size() == from as u64 {
                            // The batch is in, although nobody was told: the caller finds it there.
                            assert_eq!(log.entry(newest(&log).size() - 1).unwrap(), batch[count - 1]);
                            break;
                        }
                    }
                }
            }
        }
    }
    (log, acknowledged, failures)
}

#[test]
fn a_failure_at_every_step_and_of_every_kind_loses_no_acknowledged_entry() {
    for fault in Fault::ALL {
        for step in 0.. {
            let memory = Memory::default();
            let log = create(&memory);
            memory.fail_at(step, fault);
            let (log, acknowledged, failures) = run(&memory, log);
            assert!(!memory.mend(), "{fault:?} at step {step} went unnoticed");
            acknowledged.check(&log, &memory);
            acknowledged.check(&open(&memory).unwrap(), &memory);
            assert_eq!(audit(&memory, newest(&log)), entries(0, BATCHES.iter().sum()), "nothing twice");
            if failures == 0 {
                assert!(step > 30, "a run has more steps than {step}");
                break;
            }
        }
    }
}

#[test]
fn a_failure_at_every_step_of_opening_leaves_a_log_that_opens() {
    for fault in Fault::ALL {
        for step in 0.. {
            let memory = Memory::default();
            let mut log = create(&memory);
            append(&mut log, entries(0, 300)).unwrap();
            append(&mut log, entries(300, 5)).unwrap();
            memory.fail_at(step, fault);
            let opened = open(&memory);
            if !memory.mend() {
                assert!(opened.is_ok());
                break;
            }
            assert!(opened.is_err(), "{fault:?} at step {step} went unnoticed");
            assert_eq!(audit(&memory, newest(&open(&memory).unwrap())), entries(0, 305));
        }
    }
}

#[test]
fn staged_tiles_that_never_reached_the_store_are_written_when_the_log_is_opened() {
    let memory = Memory::default();
    let mut log = create(&memory);
    append(&mut log, entries(0, 254)).unwrap();
    let before = memory.stored();
    // Step 0 is the swap; from step 1 on the tiles are written.
    memory.fail_at(1, Fault::Cut);
    let error = append(&mut log, entries(254, 300)).unwrap_err();
    assert!(matches!(error, LogError::Publish { .. }), "{error}");
    assert_eq!(error.durability(), Durability::Unknown);
    memory.mend();
    assert_eq!(memory.stored(), before);
    let log = open(&memory).unwrap();
    assert_eq!(newest(&log).size(), 554);
    assert_eq!(audit(&memory, newest(&log)), entries(0, 554));
}

#[test]
fn two_writers_on_one_lock_never_fork() {
    let memory = Memory::default();
    create(&memory);
    let mut acknowledged = Acknowledged::default();
    let mut writers = [open(&memory).unwrap(), open(&memory).unwrap()];
    let mut refusals = 0;
    for turn in 0..60 {
        let writer = &mut writers[turn % 2];
        let batch = vec![format!("writer {} turn {turn}", turn % 2).into_bytes(); 1 + turn % 9];
        match append(writer, batch.clone()) {
            Ok(committed) => acknowledged.note(&committed, &batch),
            Err(error) => {
                assert!(matches!(error, LogError::Lock { source: LockError::Conflict, .. }), "{error}");
                assert_eq!(error.durability(), Durability::Nothing);
                assert!(matches!(writer.stage(&batch), Err(LogError::Stopped { .. })));
                *writer = open(&memory).unwrap();
                refusals += 1;
            }
        }
    }
    assert!(refusals >= 20, "the two writers never met");
    acknowledged.check(&open(&memory).unwrap(), &memory);
    for pair in acknowledged.heads.windows(2) {
        assert!(pair[0].size() < pair[1].size());
    }
}

#[test]
fn two_writers_that_staged_onto_one_checkpoint_commit_once() {
    let memory = Memory::default();
    create(&memory);
    let (mut one, mut two) = (open(&memory).unwrap(), open(&memory).unwrap());
    let (a, b) = (one.stage(&entries(0, 4)).unwrap(), two.stage(&entries(50, 4)).unwrap());
    two.swap(b).unwrap();
    assert!(matches!(one.swap(a), Err(LogError::Lock { source: LockError::Conflict, .. })));
    assert_eq!(audit(&memory, newest(&open(&memory).unwrap())), entries(50, 4));
}

#[test]
fn creating_a_log_whose_answer_was_lost_leaves_a_log_that_opens() {
    for fault in Fault::ALL {
        let memory = Memory::default();
        memory.fail_at(0, fault);
        let error = Log::create(Signer::log().key, memory.tiles(), memory.lock()).err().unwrap();
        memory.mend();
        let known = if fault == Fault::Untouched { Durability::Nothing } else { Durability::Unknown };
        assert_eq!(error.durability(), known);
        assert_eq!(open(&memory).is_ok(), fault == Fault::Done);
    }
}
