//! Tolerant parsing of objects from the wire, member by member (§4, §9.2): a member that is
//! missing, null, of another type, too long or too many loses its value, but never invalidates the
//! object or the list that contains it.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use serde_json::{Map, Value};

use crate::sanitize::clean_bounded;

/// Ten times the highest rate of any headset, in samples per second (§5.1): anything above is not a
/// rate.
pub const MAX_RATE_HZ: f64 = 2560.0;

/// How many entries of a list, and how many unknown members of an object, are accepted.
const ENTRIES: usize = 256;

/// Members of an unexpected type since the start of the program.
static MALFORMED: AtomicU64 = AtomicU64::new(0);

/// The members of an object, taken out one by one; what is left is unknown.
pub struct Members {
    object: &'static str,
    map: Map<String, Value>,
}

impl Members {
    /// `object` is its name in the log. Anything but an object has no members.
    #[must_use]
    pub fn of(object: &'static str, value: Value) -> Self {
        let map = match value {
            Value::Object(map) => map,
            other => {
                note(object, "", "an object", &other);
                Map::new()
            }
        };
        Self { object, map }
    }

    fn take<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl FnOnce(Value) -> Result<T, Value>,
    ) -> Option<T> {
        let value = self.map.remove(name)?;
        read(value).map_err(|found| note(self.object, name, expected, &found)).ok()
    }

    /// A text, or `None`. A number is converted to its digits.
    pub fn optional_text(&mut self, name: &str) -> Option<String> {
        self.take(name, "a string", text)
    }

    /// A text; empty if missing.
    pub fn text(&mut self, name: &str) -> String {
        self.optional_text(name).unwrap_or_default()
    }

    /// A list of texts, or `None`; entries of another type are left out.
    pub fn optional_texts(&mut self, name: &str) -> Option<Vec<String>> {
        let object = self.object;
        let entries = self.take(name, "an array", array)?;
        let texts = entries.into_iter().filter_map(|entry| {
            text(entry).map_err(|found| note(object, name, "strings", &found)).ok()
        });
        Some(texts.collect())
    }

    /// A list of texts; empty if missing.
    pub fn texts(&mut self, name: &str) -> Vec<String> {
        self.optional_texts(name).unwrap_or_default()
    }

    /// A number in any notation.
    pub fn number(&mut self, name: &str) -> Option<f64> {
        self.take(name, "a number", |value| value.as_f64().ok_or(value))
    }

    /// A flag, or `None`.
    pub fn optional_flag(&mut self, name: &str) -> Option<bool> {
        self.take(name, "a boolean", |value| value.as_bool().ok_or(value))
    }

    /// Samples per second, within what a headset may have.
    pub fn rate(&mut self, name: &str) -> Option<f64> {
        let rate = |value: &Value| value.as_f64().filter(|hz| (0.0..=MAX_RATE_HZ).contains(hz));
        self.take(name, "a rate", |value| rate(&value).ok_or(value))
    }

    /// A flag; `false` if missing.
    pub fn flag(&mut self, name: &str) -> bool {
        self.optional_flag(name).unwrap_or_default()
    }

    /// An object, or `None`.
    pub fn optional_object<T: From<Value>>(&mut self, name: &str) -> Option<T> {
        self.take(name, "an object", |value| if value.is_object() { Ok(value) } else { Err(value) })
            .map(T::from)
    }

    /// An object; its default if missing.
    pub fn object<T: From<Value> + Default>(&mut self, name: &str) -> T {
        self.optional_object(name).unwrap_or_default()
    }

    /// All members that are texts, by name.
    #[must_use]
    pub fn all_texts(mut self) -> BTreeMap<String, String> {
        let names: Vec<_> = self.map.keys().take(ENTRIES).cloned().collect();
        names
            .iter()
            .filter_map(|name| Some((clean_bounded(name), self.optional_text(name)?)))
            .collect()
    }

    /// The members that have not been taken, as received.
    #[must_use]
    pub fn rest(self) -> Map<String, Value> {
        self.map.into_iter().take(ENTRIES).collect()
    }
}

/// The objects of a list; entries that are not objects are left out.
#[must_use]
pub fn objects<T: From<Value>>(list: &'static str, value: Value) -> Vec<T> {
    array(value)
        .map_err(|found| note(list, "", "an array", &found))
        .unwrap_or_default()
        .into_iter()
        .filter_map(|entry| {
            if entry.is_object() {
                Some(T::from(entry))
            } else {
                note(list, "", "objects", &entry);
                None
            }
        })
        .collect()
}

/// A code: an integer, also if sent as a float or as digits in a string.
#[must_use]
pub fn code(value: &Value) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "a float's whole part is what is meant")]
    value
        .as_i64()
        .or_else(|| value.as_f64().map(|float| float as i64))
        .or_else(|| value.as_str()?.parse().ok())
}

/// Parses a whole text, for callers that need the position of an error.
///
/// # Errors
/// The text is not JSON; the error names line and column.
pub fn parse<T: From<Value>>(json: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str::<Value>(json).map(T::from)
}

fn text(value: Value) -> Result<String, Value> {
    match value {
        Value::String(text) => Ok(clean_bounded(&text)),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(other),
    }
}

fn array(value: Value) -> Result<Vec<Value>, Value> {
    match value {
        Value::Array(mut entries) => {
            entries.truncate(ENTRIES);
            Ok(entries)
        }
        other => Err(other),
    }
}

/// Logs a malformed member: the first as a warning, then whenever their count has doubled. Null is
/// not malformed: Cortex uses it for "none" (§4.6).
fn note(object: &str, member: &str, expected: &str, found: &Value) {
    if found.is_null() {
        return;
    }
    let count = MALFORMED.fetch_add(1, Ordering::Relaxed) + 1;
    if count == 1 {
        tracing::warn!("member {member} of a {object} is not a {expected}");
    } else if count.is_power_of_two() {
        tracing::debug!(
            "{count} members of unexpected types so far, the last {member} of a {object}"
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sanitize::MAX_TEXT;

    #[test]
    fn every_member_survives_the_wrong_type_of_the_others() {
        let mut members = Members::of(
            "test",
            json!({"a": 7, "b": ["x", null, {}, 2], "c": "no", "d": null, "e": [], "f": 1.0}),
        );
        assert_eq!(members.text("a"), "7");
        assert_eq!(members.texts("b"), ["x", "2"]);
        assert_eq!(members.number("c"), None);
        assert_eq!(members.optional_text("d"), None);
        assert!(!members.flag("e"));
        assert_eq!(members.number("f"), Some(1.0));
        assert_eq!(members.text("absent"), "");
        assert!(members.rest().is_empty());
    }

    #[test]
    fn texts_and_lists_are_bounded() {
        let long = "ä".repeat(MAX_TEXT);
        let mut members =
            Members::of("test", json!({"a": long, "b": vec!["x"; ENTRIES * 2], "c": long}));
        assert_eq!(members.text("a").len(), MAX_TEXT);
        assert_eq!(members.texts("b").len(), ENTRIES);
    }

    #[test]
    fn codes_come_in_any_notation() {
        assert_eq!(code(&json!(-32016)), Some(-32016));
        assert_eq!(code(&json!(-32016.0)), Some(-32016));
        assert_eq!(code(&json!("142")), Some(142));
        assert_eq!(code(&json!([])), None);
    }
}
