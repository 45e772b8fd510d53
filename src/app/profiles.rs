//! The profiles of mental commands and facial expressions: the stored ones, and the one loaded on each
//! headset.

use std::collections::BTreeMap;

use cortop_client::{HeadsetId, Profile, profile::LoadedProfile};

/// The state of profiles.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProfileState {
    /// The stored profiles, once requested.
    pub(crate) stored: Option<Vec<Profile>>,
    /// The profile of each headset, `None` if it has none; absent until Cortex has answered.
    loaded: BTreeMap<HeadsetId, Option<LoadedProfile>>,
}

impl ProfileState {
    /// The profile of a headset; the inner `None` if it has none.
    pub(crate) fn loaded_on(&self, headset: &HeadsetId) -> Option<&Option<LoadedProfile>> {
        self.loaded.get(headset)
    }

    /// Notes the profile of a headset.
    pub(super) fn set_loaded(&mut self, headset: HeadsetId, loaded: Option<LoadedProfile>) {
        self.loaded.insert(headset, loaded);
    }
}
