//! The states of a station and of its headsets, and events.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    bounds::{
        MOST_EXACT, absent_or_at_most, absent_or_exact, absent_or_not_negative, bounded,
        not_negative,
    },
    text::Text,
};

/// Why a station is gone, according to its last will.
pub const LOST: &str = "lost";

/// Maximum number of headsets of a station.
pub const MOST_HEADSETS: usize = 64;

/// Maximum number of sensors of a headset.
pub const MOST_SENSORS: usize = 128;

/// Maximum rate in samples a second.
const MOST_RATE: u16 = 10_000;

const MOST_STREAMS: usize = 16;
const MOST_ALERTS: usize = 16;

/// What has become of a station.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Asks whether another station has its name; not retained. Whoever is online keeps it, and repeats
    /// its state.
    Joining,
    /// It publishes.
    #[default]
    Online,
    /// It has ended, or the broker lost it: the last will. Of another `instance` than the one that is
    /// online it means nothing: that of a station that was refused the name.
    Gone,
}

/// The state of a station: retained, after each change and every 5 s, so that its silence is noticed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StationState {
    /// What has become of it.
    pub status: Status,
    /// Why it is gone: `stopped`, or `lost` in the last will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Text>,
    /// When it was started, in seconds since 1970 by its clock.
    #[serde(deserialize_with = "not_negative")]
    #[schemars(range(min = 0.0))]
    pub since: f64,
    /// The computer's name.
    pub host: Text,
    /// The program and its version.
    pub program: Text,
    /// How far the connection to Cortex is, in words; why, where it is not reached.
    pub cortex: Text,
    /// Since when Cortex is not reached, in seconds since 1970 by its clock; absent while it is, and
    /// before the first try has failed.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "absent_or_not_negative"
    )]
    #[schemars(range(min = 0.0))]
    pub cortex_down_since: Option<f64>,
    /// Whether it takes markers of a lab.
    #[serde(default)]
    pub accepts_markers: bool,
    /// The ids of its headsets, whose states have topics of their own.
    #[serde(deserialize_with = "bounded::<_, _, MOST_HEADSETS>")]
    #[schemars(length(max = MOST_HEADSETS))]
    pub headsets: Vec<Text>,
}

/// How a headset is, the worst first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum HeadsetCondition {
    /// Cortex is not reached, or has not listed it again: nothing else is known of it.
    NoService,
    /// A stream has stopped.
    Stale,
    /// The rate is more than 3 % beside the nominal one.
    RateOff,
    /// On a USB cable, over which nothing streams.
    UsbCable,
    /// It has a session, and no sample has come yet.
    NoData,
    /// On its way to Cortex.
    Connecting,
    /// Without a session.
    Connected,
    /// Seen, not connected.
    Discovered,
    /// Its streams flow.
    Streaming,
    /// A word of a later version.
    #[default]
    #[serde(other)]
    Unknown,
}

/// The state of a headset: retained, after a change, at most once a second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HeadsetState {
    /// Its id.
    pub headset: Text,
    /// Its name, if it was given one.
    #[serde(default, skip_serializing_if = "str_is_empty")]
    pub name: Text,
    /// Its model, such as `EPOC X`.
    #[serde(default, skip_serializing_if = "str_is_empty")]
    pub model: Text,
    /// Its firmware.
    #[serde(default, skip_serializing_if = "str_is_empty")]
    pub firmware: Text,
    /// How it is.
    pub condition: HeadsetCondition,
    /// What is left in the battery, in per cent; of two, the emptier.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "absent_or_at_most::<_, _, 100>"
    )]
    #[schemars(range(max = 100))]
    pub battery: Option<u8>,
    /// Overall contact, in per cent.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "absent_or_at_most::<_, _, 100>"
    )]
    #[schemars(range(max = 100))]
    pub contact: Option<u8>,
    /// Contact of each sensor, in Cortex's order.
    #[serde(default, deserialize_with = "bounded::<_, _, MOST_SENSORS>")]
    #[schemars(length(max = MOST_SENSORS))]
    pub sensors: Vec<SensorState>,
    /// Its streams.
    #[serde(default, deserialize_with = "bounded::<_, _, MOST_STREAMS>")]
    #[schemars(length(max = MOST_STREAMS))]
    pub streams: Vec<StreamReport>,
    /// Its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionState>,
    /// What is wrong with it, by the station's own thresholds.
    #[serde(default, deserialize_with = "bounded::<_, _, MOST_ALERTS>")]
    #[schemars(length(max = MOST_ALERTS))]
    pub alerts: Vec<StationAlert>,
}

/// The contact of a sensor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SensorState {
    /// Its name, such as `AF3`.
    pub name: Text,
    /// 0 none, 1 very bad, 2 poor, 3 fair, 4 good; absent if unknown.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "absent_or_at_most::<_, _, 4>"
    )]
    #[schemars(range(max = 4))]
    pub level: Option<u8>,
    /// Why its raw signal cannot be EEG: `railed`, `flat`, `off level`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defect: Option<Text>,
}

/// How a stream flows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StreamReport {
    /// Its name, such as `eeg`.
    pub name: Text,
    /// Samples a second that it should have.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "absent_or_at_most::<_, _, MOST_RATE>"
    )]
    #[schemars(range(min = 0.0, max = MOST_RATE))]
    pub nominal: Option<f32>,
    /// Samples a second, whole ones; absent while it is stale.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "absent_or_at_most::<_, _, MOST_RATE>"
    )]
    #[schemars(range(min = 0.0, max = MOST_RATE))]
    pub rate: Option<f32>,
    /// Samples of the last 10 s that were lost, in per cent; of `eeg` and `mot` only.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "absent_or_at_most::<_, _, 100>"
    )]
    #[schemars(range(min = 0.0, max = 100))]
    pub loss: Option<f32>,
    /// Samples lost since the subscription; of `eeg` and `mot` only.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "absent_or_exact"
    )]
    #[schemars(range(max = MOST_EXACT))]
    pub lost: Option<u64>,
    /// When the last sample came, in seconds since 1970 by the station's clock; only while it is
    /// stale.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "absent_or_not_negative"
    )]
    #[schemars(range(min = 0.0))]
    pub stale_since: Option<f64>,
}

/// A session, without any id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionState {
    /// `opened` or `activated`.
    pub status: Text,
    /// When it was created, ISO 8601.
    #[serde(default, skip_serializing_if = "str_is_empty")]
    pub started: Text,
    /// Whether a record of Cortex runs in it.
    pub recording: bool,
}

/// Something that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StationAlert {
    /// `stale`, `loss`, `contact`, `rail`, `battery`.
    pub kind: Text,
    /// In words.
    pub text: Text,
}

/// Something that happened: not retained.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StationEvent {
    /// When, in seconds since 1970 by the station's clock.
    #[serde(deserialize_with = "not_negative")]
    #[schemars(range(min = 0.0))]
    pub at: f64,
    /// `marker`, `session`, `headset`, `record`, `service`, `name`.
    pub kind: Text,
    /// Which headset, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headset: Option<Text>,
    /// In words.
    pub text: Text,
}

fn str_is_empty(text: &Text) -> bool {
    text.is_empty()
}
