//! The profiles of mental commands and facial expressions: which there are, and which headset uses
//! which.

use std::collections::BTreeMap;

use cortop_client::{HeadsetId, Profile, profile::Loaded};

/// What is known of profiles.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProfileState {
    /// The stored ones, once asked for.
    pub(super) stored: Option<Vec<Profile>>,
    /// The profile of each headset, `None` where it uses none; absent where Cortex has not answered.
    loaded: BTreeMap<HeadsetId, Option<Loaded>>,
}

impl ProfileState {
    /// The profile of a headset, `None` within where it uses none.
    pub(crate) fn loaded_on(&self, headset: &HeadsetId) -> Option<&Option<Loaded>> {
        self.loaded.get(headset)
    }

    /// Notes which profile a headset uses.
    pub(super) fn set_loaded(&mut self, headset: HeadsetId, loaded: Option<Loaded>) {
        self.loaded.insert(headset, loaded);
    }
}
