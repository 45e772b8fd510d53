//! Warnings: what Cortex says unasked (§6.2).

use serde_json::Value;

/// A warning; `message` is any JSON value, by code and version (§1.4).
#[derive(Clone, Debug, PartialEq)]
pub struct Warning {
    /// The code of §6.2.
    pub code: i64,
    /// What came with it.
    pub message: Value,
}

impl Warning {
    /// The text to show: the string itself, or `behavior`, or `message`, or the compact JSON (§6.2).
    #[must_use]
    pub fn text(&self) -> String {
        [Some(&self.message), self.message.get("behavior"), self.message.get("message")]
            .into_iter()
            .flatten()
            .find_map(Value::as_str)
            .map_or_else(|| self.message.to_string(), str::to_owned)
    }
}
