//! The profile object (§4.7), and which profile a headset uses (§3.7).

use serde_json::Value;

use crate::tolerant::Members;

/// A stored profile (§4.7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Its id.
    pub uuid: String,
    /// Its name.
    pub name: String,
    /// Whether it is an older profile: for live use on 14 channels only.
    pub read_only: bool,
    /// The channels it was trained with; empty if Cortex did not say.
    pub channels: Vec<String>,
}

impl From<Value> for Profile {
    fn from(value: Value) -> Self {
        let mut members = Members::of("profile", value);
        Self {
            uuid: members.text("uuid"),
            name: members.text("name"),
            read_only: members.flag("readOnly"),
            channels: members.texts("eegChannels"),
        }
    }
}

/// The profile that a headset uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadedProfile {
    /// Its name.
    pub name: String,
    /// Whether this application loaded it; `None` if Cortex did not say.
    pub by_us: Option<bool>,
}
