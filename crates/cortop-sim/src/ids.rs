//! Ids of sessions, records, markers, profiles and mappings: UUIDs of version 4.

use std::fmt::Write as _;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// Makes ids, one after the other.
pub(super) struct Ids(StdRng);

impl Ids {
    /// The same seed gives the same ids in the same order.
    pub(super) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// The next one.
    pub(super) fn uuid(&mut self) -> String {
        let bits: u128 = self.0.random();
        let bits = bits & !(0xF << 76) | 4 << 76;
        let bits = bits & !(3 << 62) | 2 << 62;
        let hex = format!("{bits:032x}");
        let mut text = String::with_capacity(36);
        for (place, digit) in hex.char_indices() {
            let dash = if matches!(place, 8 | 12 | 16 | 20) { "-" } else { "" };
            // Writing to a `String` cannot fail.
            let _ = write!(text, "{dash}{digit}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_of_version_four() {
        let id = Ids::new(1).uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&id.as_bytes()[19]));
    }
}
