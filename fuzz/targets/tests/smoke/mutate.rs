//! Small changes to an input, by chance and yet the same for the same seed.

use crate::kept::Kept;

/// Bytes that are special to somebody.
const SPECIAL: &[u8] = b"\0\x01\x7f\x80\xff\n\r \"'\\/{}[](),:;@#%-+.0159Tz";

/// Inputs do not grow beyond this.
const LONGEST: usize = 64 << 10;

pub(crate) struct Mutator<'k> {
    state: u64,
    kept: &'k Kept,
}

impl<'k> Mutator<'k> {
    /// Changes that depend on the seed and on the number of the input alone.
    pub(crate) fn new(seed: u64, number: u64, kept: &'k Kept) -> Self {
        let state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.rotate_left(32);
        Self { state, kept }
    }

    /// The input after one to six changes.
    pub(crate) fn mutate(&mut self, input: &[u8]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..=self.below(6) {
            self.change(&mut bytes);
        }
        bytes.truncate(LONGEST);
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        match self.below(10) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
            1 if !bytes.is_empty() => bytes[at] = SPECIAL[self.below(SPECIAL.len())],
            2 if !bytes.is_empty() => bytes[at] = self.next().to_le_bytes()[0],
            3 => bytes.truncate(at),
            4 => {
                let end = at + self.below(bytes.len() - at + 1).min(64);
                bytes.drain(at..end);
            }
            5 => {
                let end = at + self.below(bytes.len() - at + 1).min(256);
                let copy = bytes[at..end].to_vec();
                let to = self.below(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            6 => self.number(bytes, at),
            7 => {
                let other = &self.kept.inputs[self.below(self.kept.inputs.len())].1;
                let from = self.below(other.len());
                let to = from + self.below(other.len() - from + 1).min(512);
                let end = at + self.below(bytes.len() - at + 1).min(64);
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            _ if self.kept.words.is_empty() => bytes.insert(at, b'0'),
            _ => {
                let word = &self.kept.words[self.below(self.kept.words.len())];
                let end = if self.below(2) == 0 {
                    at
                } else {
                    (at + word.len()).min(bytes.len())
                };
                bytes.splice(at..end, word.iter().copied());
            }
        }
    }

    /// Another number where there is one.
    fn number(&mut self, bytes: &mut Vec<u8>, at: usize) {
        const NUMBERS: [&str; 8] = [
            "0",
            "-1",
            "1e999",
            "2147483648",
            "9223372036854775807",
            "-9223372036854775808",
            "18446744073709551616",
            "0.5",
        ];
        let Some(begin) = (at..bytes.len()).find(|at| bytes[*at].is_ascii_digit()) else {
            return;
        };
        let is_of_number = |at: &usize| bytes[*at].is_ascii_digit();
        let end = (begin..bytes.len()).take_while(is_of_number).count() + begin;
        let number = NUMBERS[self.below(NUMBERS.len())];
        bytes.splice(begin..end, number.bytes());
    }

    /// A number below `bound`; 0 below 0.
    fn below(&mut self, bound: usize) -> usize {
        let bound = (bound as u64).max(1);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    /// The next number of splitmix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
