//! Randomness from a seed, so that a failure comes back with its seed.

use std::cell::Cell;

/// `SplitMix64` (Steele, Lea, Flood 2014): small, and spread well enough to choose interleavings.
#[derive(Debug)]
pub struct Random(Cell<u64>);

impl Random {
    /// The sequence that `seed` names.
    pub fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    /// The next number of the sequence.
    pub fn number(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.0.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number less than `bound`, which is more than 0.
    pub fn below(&self, bound: u64) -> u64 {
        self.number() % bound
    }

    /// An index into something of `length` elements, which is more than 0.
    pub fn index(&self, length: usize) -> usize {
        // OK because the remainder is less than a length, which is a `usize`.
        usize::try_from(self.below(length as u64)).expect("less than a usize")
    }

    /// True in `percent` of a hundred cases.
    pub fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// Fresh bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        std::array::from_fn(|_| self.number().to_le_bytes()[0])
    }
}
