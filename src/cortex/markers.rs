//! Markers: put into the running record of a session at the time of a key press (§2.9, §3.5).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{MarkerId, lenient::Members};

/// A marker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Marker {
    /// Its id.
    pub uuid: MarkerId,
    /// What it is.
    pub label: String,
    /// Its value.
    pub value: MarkerValue,
    /// When it is, in epoch seconds as the `time` of samples.
    pub start: f64,
    /// When it ends: for an instance, at its start.
    pub end: f64,
}

/// A text or a whole number from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MarkerValue {
    /// A number.
    Number(u64),
    /// A text.
    Text(String),
}

impl Default for MarkerValue {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl Marker {
    /// Whether it has a length.
    #[must_use]
    pub fn is_interval(&self) -> bool {
        self.end > self.start
    }
}
