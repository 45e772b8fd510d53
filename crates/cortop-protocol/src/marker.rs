//! The marker object (§4.4).

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{MarkerId, sanitize, tolerant::Members};

/// A marker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Marker {
    /// Its id.
    pub uuid: MarkerId,
    /// Its label.
    pub label: String,
    /// Its value.
    pub value: MarkerValue,
    /// Its start in epoch seconds, on the time scale of samples.
    pub start: f64,
    /// Its end in epoch seconds; that of an instance equals its start.
    pub end: f64,
}

/// A text or a non-negative whole number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MarkerValue {
    /// A number.
    Number(u64),
    /// A text.
    Text(String),
}

impl From<Value> for MarkerValue {
    fn from(value: Value) -> Self {
        match value.as_u64() {
            Some(number) => Self::Number(number),
            None => Self::Text(
                value.as_str().map_or_else(|| value.to_string(), sanitize::clean_bounded),
            ),
        }
    }
}

impl Default for MarkerValue {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl Marker {
    /// Whether it has a duration.
    #[must_use]
    pub fn is_interval(&self) -> bool {
        self.end > self.start
    }
}

/// The label and value of a marker. Without a value of its own, the label is also the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkerText {
    /// Its label.
    pub label: String,
    /// Its value.
    pub value: MarkerValue,
}

impl From<&Marker> for MarkerText {
    fn from(marker: &Marker) -> Self {
        Self { label: marker.label.clone(), value: marker.value.clone() }
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        MarkerText::from(self).fmt(f)
    }
}

/// As in the `MARKERS` of a sample: the label, followed by the value if that adds information.
impl fmt::Display for MarkerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = match &self.value {
            MarkerValue::Number(number) => number.to_string(),
            MarkerValue::Text(text) => text.clone(),
        };
        f.write_str(&self.label)?;
        if value == self.label { Ok(()) } else { write!(f, " {value}") }
    }
}

impl From<Value> for Marker {
    fn from(mut value: Value) -> Self {
        let own = value.get_mut("value").map(Value::take).unwrap_or_default();
        let mut members = Members::of("marker", value);
        let mut time = |name| {
            let stamp = members.text(name).parse::<Timestamp>();
            stamp.map(|stamp| stamp.as_duration().as_secs_f64()).unwrap_or_default()
        };
        let (start, end) = (time("startDatetime"), time("endDatetime"));
        Self {
            uuid: members.text("uuid").into(),
            label: members.text("label"),
            value: own.into(),
            start,
            end,
        }
    }
}
