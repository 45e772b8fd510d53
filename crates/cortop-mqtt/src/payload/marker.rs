//! Markers of a lab, the only command, and their acknowledgements.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    bounds::{bounded, id, not_negative},
    state::MOST_HEADSETS,
    text::Text,
};

/// Maximum length of a marker's label, and of its value, in bytes.
pub const LONGEST_LABEL: usize = 64;

/// A marker for every station that accepts markers and records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LabMarker {
    /// Which command of this `instance`, each its own; acknowledgements repeat it.
    #[serde(deserialize_with = "id")]
    pub id: Text,
    /// The marker's label.
    pub label: CommandText,
    /// Its value; the label again if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<CommandText>,
}

impl LabMarker {
    /// Label and value of the marker.
    ///
    /// # Errors
    /// A marker cannot have this label or value.
    pub fn texts(&self) -> Result<(&Text, &Text), BadLabel> {
        let label = self.label.check()?;
        let value = self.value.as_ref().map_or(Ok(label), CommandText::check)?;
        Ok((label, value))
    }
}

/// A marker's label or value as received, without the blanks around it. The original length is kept, so
/// that the refusal of one that is too long can name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandText {
    text: Text,
    bytes: usize,
}

impl CommandText {
    /// Creates one from any text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let text = text.trim();
        Self { text: Text::new(text), bytes: text.len() }
    }

    /// The text, if a marker can have it.
    ///
    /// # Errors
    /// It is empty, or too long.
    pub const fn check(&self) -> Result<&Text, BadLabel> {
        match self.bytes {
            0 => Err(BadLabel::Empty),
            1..=LONGEST_LABEL => Ok(&self.text),
            length => Err(BadLabel::Long(length)),
        }
    }
}

impl From<&str> for CommandText {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl Serialize for CommandText {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(to)
    }
}

impl<'de> Deserialize<'de> for CommandText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self::new(&text))
    }
}

impl JsonSchema for CommandText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CommandText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": LONGEST_LABEL })
    }
}

/// Why a text cannot be a marker's label or value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLabel {
    /// It is empty.
    #[error("a marker's label or value is empty")]
    Empty,
    /// It is longer than [`LONGEST_LABEL`].
    #[error("a marker's label and value have at most {LONGEST_LABEL} bytes, this one has {0}")]
    Long(usize),
}

/// What a station did with a command.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Acknowledgement {
    /// Which command.
    #[serde(deserialize_with = "id")]
    pub id: Text,
    /// The headsets in whose record Cortex has set the marker.
    #[serde(deserialize_with = "bounded::<_, _, MOST_HEADSETS>")]
    #[schemars(length(max = MOST_HEADSETS))]
    pub headsets: Vec<Text>,
    /// Why it stands in no record, or not in all, or was refused.
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
