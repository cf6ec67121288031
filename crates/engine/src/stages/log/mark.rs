//! Where the transparency log stood.

/// Where the transparency log stood: which of the platform's logs it was, and how many entries it had. A row keeps it in one
/// number; that of a platform's first log is its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogMark(u64);

/// No log is longer.
const SIZE_BITS: u32 = 40;

impl LogMark {
    pub(crate) const fn new(log: u64, size: u64) -> Self {
        Self(log << SIZE_BITS | size)
    }

    /// What a row keeps.
    pub(crate) const fn number(self) -> u64 {
        self.0
    }

    /// As a row kept it.
    pub(crate) const fn read(number: u64) -> Self {
        Self(number)
    }

    pub(crate) const fn size(self) -> u64 {
        self.0 & ((1 << SIZE_BITS) - 1)
    }

    /// From which entry of this log on something may stand that was in flight then.
    ///
    /// INVARIANT: a number of entries is that of one log. What was in flight when another followed may stand anywhere in that
    /// one, from its beginning on.
    pub(crate) const fn in_log(self, log: u64) -> u64 {
        if self.0 >> SIZE_BITS == log { self.size() } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_in_flight_in_another_log_may_stand_anywhere_in_this_one() {
        let mark = LogMark::read(LogMark::new(2, 40).number());
        assert_eq!((mark.size(), mark.in_log(2)), (40, 40));
        assert_eq!([mark.in_log(0), mark.in_log(1), mark.in_log(3)], [0; 3]);
        assert_eq!(LogMark::new(0, 7).number(), 7);
    }
}
