//! Rates: how often a key signed lately.

use std::collections::VecDeque;

use model::Instant;
use model::layout::{LayoutError, Reader, Writer};
use quorum::Rate;

/// A period is counted in so many parts: the window is never shorter than the rate says, and longer by one part at
/// most.
const PARTS: u64 = 32;

/// The signatures of one key within its period, by parts of the period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Window {
    /// The second in which a part ends, and how many signatures are in it; oldest first.
    parts: VecDeque<(u64, u64)>,
}

impl Window {
    /// One more.
    pub(crate) fn add(&mut self, rate: &Rate, at: Instant) {
        let width = rate.period_s.div_ceil(PARTS).max(1);
        let end = (at.seconds() / width + 1).saturating_mul(width);
        self.parts.retain(|(end, _)| end.saturating_add(rate.period_s) > at.seconds());
        match self.parts.back_mut() {
            Some((last, count)) if *last >= end => *count += 1,
            _ => self.parts.push_back((end, 1)),
        }
    }

    /// How many signatures may be within the period before `at`.
    pub(crate) fn count(&self, rate: &Rate, at: Instant) -> u64 {
        let within = self.parts.iter().filter(|(end, _)| end.saturating_add(rate.period_s) > at.seconds());
        within.map(|(_, count)| count).sum()
    }

    pub(crate) fn put(&self, writer: &mut Writer) {
        writer.count(self.parts.len());
        for (end, count) in &self.parts {
            writer.long(*end).long(*count);
        }
    }

    pub(crate) fn take(reader: &mut Reader<'_>) -> Result<Self, LayoutError> {
        let parts = reader.list("parts", 1_024, |reader| {
            Ok::<_, LayoutError>((reader.long("end")?, reader.long("count")?))
        })?;
        Ok(Self { parts: parts.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { signatures_max: 3, period_s: 3_600 };

    #[test]
    fn a_window_is_never_shorter_than_its_period() {
        let mut window = Window::default();
        let begin = 1_795_165_602;
        for second in [0, 10, 2_000] {
            window.add(&RATE, Instant::from_seconds(begin + second));
        }
        assert_eq!(window.count(&RATE, Instant::from_seconds(begin + 3_599)), 3);
        assert_eq!(window.count(&RATE, Instant::from_seconds(begin + 3_600 + 10 + 113)), 1);
        assert_eq!(window.count(&RATE, Instant::from_seconds(begin + 8_000)), 0);
    }

    #[test]
    fn a_window_holds_a_bounded_number_of_parts_and_reads_back_as_itself() {
        let mut window = Window::default();
        for second in 0..20_000 {
            window.add(&RATE, Instant::from_seconds(1_795_165_602 + second));
        }
        assert!(window.parts.len() <= 34, "{}", window.parts.len());
        let mut writer = Writer::new();
        window.put(&mut writer);
        assert_eq!(Window::take(&mut Reader::new(&writer.finish())), Ok(window));
    }
}
