//! The profiles of mental commands and facial expressions: which there are, and which headset uses
//! which.

use std::collections::BTreeMap;

use cortop_client::{HeadsetId, Profile, profile::Loaded};

/// What is known of profiles.
#[derive(Clone, Debug, Default)]
pub struct Profiles {
    /// The stored ones, once asked for.
    pub stored: Option<Vec<Profile>>,
    /// What each headset uses; `None` where it uses none, nothing where Cortex has not told.
    pub loaded: BTreeMap<HeadsetId, Option<Loaded>>,
}
