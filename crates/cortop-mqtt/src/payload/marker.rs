//! Markers of a lab, the only command, and what became of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    bounds::{bounded, not_negative},
    state::MOST_HEADSETS,
    text::Text,
};

/// Bytes of a marker's label, and of its value, at most.
pub const LONGEST_LABEL: usize = 64;

/// A marker for every station that accepts markers and records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LabMarker {
    /// Which command of this `instance`, each its own; acknowledgements repeat it.
    pub id: Text,
    /// The marker's label.
    #[schemars(length(max = LONGEST_LABEL))]
    pub label: Text,
    /// Its value; the label again if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = LONGEST_LABEL))]
    pub value: Option<Text>,
}

impl LabMarker {
    /// Why a station refuses it, if it does.
    ///
    /// # Errors
    /// Label or value cannot be those of a marker.
    pub fn check(&self) -> Result<(), BadLabel> {
        check_label(&self.label)?;
        self.value.as_deref().map_or(Ok(()), check_label)
    }
}

/// Why a text cannot be a marker's label or value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLabel {
    /// Nothing is in it.
    #[error("a marker needs a label")]
    Empty,
    /// It is longer than [`LONGEST_LABEL`].
    #[error("a marker's label and value have at most {LONGEST_LABEL} bytes, this one has {0}")]
    Long(usize),
}

/// Checks a marker's label or value as it was typed.
///
/// # Errors
/// It is empty, or too long.
pub fn check_label(text: &str) -> Result<(), BadLabel> {
    match text.trim().len() {
        0 => Err(BadLabel::Empty),
        1..=LONGEST_LABEL => Ok(()),
        length => Err(BadLabel::Long(length)),
    }
}

/// What a station did with a command.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Acknowledgement {
    /// Which command.
    pub id: Text,
    /// The headsets in whose record Cortex has set the marker.
    #[serde(deserialize_with = "bounded::<_, _, MOST_HEADSETS>")]
    #[schemars(length(max = MOST_HEADSETS))]
    pub headsets: Vec<Text>,
    /// Why it stands in no record, or not in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Text>,
    /// When the command came, in seconds since 1970 by the station's clock: the time of the marker.
    #[serde(deserialize_with = "not_negative")]
    #[schemars(range(min = 0.0))]
    pub received: f64,
    /// Seconds from then to this acknowledgement.
    #[serde(deserialize_with = "not_negative")]
    #[schemars(range(min = 0.0))]
    pub took: f64,
}
