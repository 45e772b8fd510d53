//! The profiles of mental commands and facial expressions: which there are, and which headset uses
//! which.

use std::collections::BTreeMap;

use cortop_client::{HeadsetId, Profile, profile::Loaded};

/// What is known of profiles.
#[derive(Clone, Debug, Default)]
pub struct ProfileState {
    /// The stored ones, once asked for.
    pub(super) stored: Option<Vec<Profile>>,
    /// The profile of each headset, `None` where it uses none; absent where Cortex has not answered.
    pub loaded: BTreeMap<HeadsetId, Option<Loaded>>,
}
