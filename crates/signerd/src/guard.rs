//! The clock guard: wall time is believed as long as it agrees with the time since boot and with the journal.
//!
//! Within a run, wall time may leave the line on which it began by 60 s, and by a thousandth of the time that
//! passed, which is twice what a disciplined clock is ever slewed. Whoever sets it further stops everything that
//! bears a time, until the clock is back on its line or the process starts anew. Against a clock that was wrong at
//! the start already, backwards stands the journal's mark; forwards, only witnesses help.

use std::time::Duration;

use model::Instant;

/// How far wall time may be off.
const TOLERANCE: Duration = Duration::from_secs(60);

/// Holds wall time against the time since boot.
#[derive(Debug)]
pub(crate) struct ClockGuard {
    /// Where the process began: by the mark of the journal, until wall time could be believed once.
    line: Line,
    standing: Standing,
}

#[derive(Debug, Clone, Copy)]
struct Line {
    wall: Instant,
    boot: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Wall time was once believed, and is the line.
    Anchored,
    /// Wall time was behind the journal ever since the start.
    Waiting,
}

/// What time it is, and whether the clock that says so is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The time to use. It never goes back, not even when the clock does.
    pub(crate) time: Instant,
    /// Is the clock believed?
    pub(crate) belief: Belief,
}

/// Is the clock believed?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Belief {
    /// It is.
    Believed,
    /// It says this time, and should say about the reading's.
    Doubted { wall: Instant },
}

impl ClockGuard {
    /// Starts with what the clocks say, and the latest time that the journal knows.
    pub(crate) fn new(wall: Instant, boot: Duration, mark: Instant) -> Self {
        if wall.after(TOLERANCE) >= mark {
            Self { line: Line { wall, boot }, standing: Standing::Anchored }
        } else {
            Self { line: Line { wall: mark, boot }, standing: Standing::Waiting }
        }
    }

    /// Reads the clocks. `mark` is the latest time that the journal knows.
    pub(crate) fn read(&mut self, wall: Instant, boot: Duration, mark: Instant) -> Reading {
        let passed = boot.saturating_sub(self.line.boot);
        let expected = self.line.wall.after(passed);
        let off = wall.since(expected).max(expected.since(wall));
        let believed = match self.standing {
            Standing::Anchored => off <= TOLERANCE + passed / 1_000 && wall.after(TOLERANCE) >= mark,
            // A machine without a clock of its own begins in 1970 and learns the time later: that is no jump.
            Standing::Waiting => wall.after(TOLERANCE) >= mark,
        };
        if believed && self.standing == Standing::Waiting {
            *self = Self { line: Line { wall, boot }, standing: Standing::Anchored };
        }
        if believed {
            Reading { time: wall.max(mark), belief: Belief::Believed }
        } else {
            Reading { time: expected.max(mark), belief: Belief::Doubted { wall } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: Instant = Instant::from_seconds(1_795_165_602);
    const HOUR: Duration = Duration::from_secs(3_600);

    fn guard() -> ClockGuard {
        ClockGuard::new(BEGIN, HOUR, Instant::EPOCH)
    }

    fn is_believed(reading: Reading) -> bool {
        reading.belief == Belief::Believed
    }

    #[test]
    fn a_jump_either_way_is_doubted_while_it_lasts_and_time_goes_on_by_the_other_clock() {
        let mut guard = guard();
        for jumped in [BEGIN.after(HOUR), BEGIN.before(HOUR), BEGIN.after(8_760 * HOUR), Instant::EPOCH] {
            let reading = guard.read(jumped, HOUR + Duration::from_secs(5), BEGIN);
            assert_eq!(reading.belief, Belief::Doubted { wall: jumped });
            assert_eq!(reading.time, BEGIN.after(Duration::from_secs(5)));
        }
        assert!(is_believed(guard.read(BEGIN.after(HOUR), 2 * HOUR, BEGIN)));
    }

    #[test]
    fn a_minute_either_way_is_no_jump_and_time_does_not_go_back() {
        let mut guard = guard();
        assert!(is_believed(guard.read(BEGIN.after(Duration::from_secs(60)), HOUR, BEGIN)));
        let back = guard.read(BEGIN.before(Duration::from_secs(59)), HOUR, BEGIN);
        assert_eq!(back, Reading { time: BEGIN, belief: Belief::Believed });
        assert!(!is_believed(guard.read(BEGIN.after(Duration::from_secs(61)), HOUR, BEGIN)));
    }

    #[test]
    fn a_slow_drift_over_months_is_no_jump() {
        let mut guard = guard();
        let month = 720 * HOUR;
        assert!(is_believed(guard.read(BEGIN.after(month + month / 2_000), HOUR + month, BEGIN)));
    }

    #[test]
    fn a_clock_behind_the_journal_at_the_start_is_doubted_until_it_catches_up() {
        let mut guard = ClockGuard::new(Instant::EPOCH, HOUR, BEGIN);
        let early = guard.read(Instant::EPOCH, HOUR, BEGIN);
        assert_eq!(early, Reading { time: BEGIN, belief: Belief::Doubted { wall: Instant::EPOCH } });
        assert!(is_believed(guard.read(BEGIN.after(10 * HOUR), HOUR, BEGIN)));
        assert!(!is_believed(guard.read(BEGIN, HOUR, BEGIN)));
    }
}
