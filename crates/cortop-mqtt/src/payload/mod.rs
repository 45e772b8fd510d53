//! The payloads of the contract (docs/mqtt.md): JSON of version 1. Unknown members are ignored. Whoever
//! may write to the broker is not trusted: sizes are bounded, and texts are made harmless when they are
//! read.
//!
//! ```text
//! mod     the envelope of every payload, and reading payloads
//!  ├─ state   a station, its headsets, its events
//!  ├─ marker  a lab's only command, and its acknowledgement
//!  ├─ text    bounded texts that cannot drive a terminal
//!  └─ bounds  bounds of numbers and lists
//! ```

mod bounds;
mod marker;
mod state;
#[cfg(test)]
mod tests;
mod text;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use self::bounds::{id, not_negative};
pub use self::{
    bounds::MOST_EXACT,
    marker::{Acknowledgement, BadLabel, CommandText, LONGEST_LABEL, LabMarker},
    state::{
        HeadsetCondition, HeadsetState, LOST, MOST_HEADSETS, MOST_SENSORS, SensorState,
        SessionState, StationAlert, StationEvent, StationState, Status, StreamReport,
    },
    text::Text,
};

/// The version of all payloads; others cannot be read.
pub const VERSION: u32 = 1;

/// Maximum length of a payload that is read, in bytes; longer than any that is written.
pub const LONGEST: usize = 32 << 10;

/// What every payload has, and what it says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StationMessage<T> {
    /// Version of the contract: 1.
    #[schemars(extend("const" = VERSION))]
    pub version: u32,
    /// The run of the program that sent it: an id of its own for each start.
    #[serde(deserialize_with = "id")]
    pub instance: Text,
    /// When it was sent, in seconds since 1970 by the sender's clock.
    #[serde(deserialize_with = "not_negative")]
    #[schemars(range(min = 0.0))]
    pub sent: f64,
    /// What it says.
    #[serde(flatten)]
    pub body: T,
}

impl<T> StationMessage<T> {
    /// Creates a message of this version.
    #[must_use]
    pub fn new(instance: &Text, sent: f64, body: T) -> Self {
        Self { version: VERSION, instance: instance.clone(), sent, body }
    }
}

impl<T: Serialize> StationMessage<T> {
    /// The JSON to publish.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Cannot fail: there are no maps with keys other than strings, and no I/O.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Why a payload was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The topic is not in the contract.
    #[error("no such topic")]
    Topic,
    /// Longer than [`LONGEST`].
    #[error("{0} bytes, of which {LONGEST} are allowed")]
    Size(usize),
    /// Another version.
    #[error("version {0}, where this program reads {VERSION}")]
    Version(u32),
    /// It is not the JSON that the contract has for the topic.
    #[error("{0}")]
    Json(String),
}

/// Reads a payload.
///
/// # Errors
/// It is too long, of another version, or not what the contract has for the topic.
pub fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<StationMessage<T>, Malformed> {
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }

    if payload.len() > LONGEST {
        return Err(Malformed::Size(payload.len()));
    }
    let read = serde_json::from_slice::<StationMessage<T>>(payload);
    let version = match &read {
        Ok(envelope) => Some(envelope.version),
        // A payload of a later version may not match these types.
        Err(_) => serde_json::from_slice::<Version>(payload).ok().map(|own| own.version),
    };
    match (read, version) {
        (_, Some(version)) if version != VERSION => Err(Malformed::Version(version)),
        (Ok(envelope), _) => Ok(envelope),
        (Err(error), _) => Err(Malformed::Json(Text::new(&error.to_string()).to_string())),
    }
}
