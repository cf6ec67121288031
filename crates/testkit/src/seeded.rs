//! Bytes that look random and are the same every time.

/// A source of bytes that a seed determines (SplitMix64). For tests alone: anybody can predict it.
#[derive(Debug, Clone)]
pub struct Seeded {
    state: u64,
}

impl Seeded {
    /// From a seed. Different seeds give different bytes.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        // Slightly uneven, by less than a test can notice.
        self.number() % end
    }

    /// Fills a buffer.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        for part in buffer.chunks_mut(8) {
            let bytes = self.number().to_le_bytes();
            part.iter_mut().zip(bytes).for_each(|(byte, random)| *byte = random);
        }
    }

    /// The next `N` bytes: a nonce, a salt, an id.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_bytes_every_time_and_another_gives_others() {
        assert_eq!(Seeded::new(7).bytes::<33>(), Seeded::new(7).bytes::<33>());
        assert_ne!(Seeded::new(7).bytes::<33>(), Seeded::new(8).bytes::<33>());
        // Published first output of SplitMix64 for the seed 1234567.
        assert_eq!(Seeded::new(1_234_567).number(), 6_457_827_717_110_365_317);
    }

    #[test]
    fn numbers_stay_below_their_end() {
        let mut seeded = Seeded::new(1);
        assert!((0..1000).all(|_| seeded.below(3) < 3));
    }
}
