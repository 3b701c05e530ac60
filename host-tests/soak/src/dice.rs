//! Whatever is random: all of it follows from one number, however many threads draw.

use std::time::Duration;

use testkit::SplitMix64;

/// A stream of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Dice(SplitMix64);

impl Dice {
    /// Stream `number` of a seed: each user has one, and so has the plan.
    #[must_use]
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        let seed = seed ^ number.wrapping_mul(0xd134_2543_de82_ef95);
        let mut dice = Self(SplitMix64(seed));
        dice.draw();
        dice
    }

    /// The next number.
    pub(crate) fn draw(&mut self) -> u64 {
        self.0.draw()
    }

    /// Less than `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap();
        usize::try_from(self.draw() % end).unwrap()
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of these, of which there is at least one.
    pub(crate) fn among<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// Of what is written beside its weight.
    pub(crate) fn weighed<T: Copy>(&mut self, all: &[(usize, T)]) -> T {
        let sum = all.iter().map(|(weight, _)| weight).sum();
        let mut at = self.below(sum);
        for (weight, one) in all {
            match at.checked_sub(*weight) {
                None => return *one,
                Some(rest) => at = rest,
            }
        }
        unreachable!("below the sum of all weights")
    }

    /// From `least` to `most`, to the millisecond.
    pub(crate) fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let span = usize::try_from((most - least).as_millis()).unwrap();
        least + Duration::from_millis(u64::try_from(self.below(span + 1)).unwrap())
    }

    /// In another order.
    pub(crate) fn shuffle<T>(&mut self, all: &mut [T]) {
        for end in (1..all.len()).rev() {
            let other = self.below(end + 1);
            all.swap(end, other);
        }
    }
}
