//! Ids of sessions, records, markers, profiles and mappings: UUIDs of version 4.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use uuid::Builder;

/// Generates ids; the same seed gives the same ids in the same order.
pub(super) struct Ids(StdRng);

impl Ids {
    pub(super) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// The next id.
    pub(super) fn uuid(&mut self) -> String {
        Builder::from_random_bytes(self.0.random()).into_uuid().to_string()
    }
}
