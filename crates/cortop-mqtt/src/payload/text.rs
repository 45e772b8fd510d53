//! Texts of payloads, which are bounded in length and harmless to a terminal.

use std::{fmt, ops::Deref};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use cortop_protocol::sanitize::{clean, floor_char_boundary};

/// Maximum length of a text, in bytes.
pub(super) const LONGEST_TEXT: usize = 200;

/// A text of at most 200 bytes that cannot control a terminal; the rest is cut off.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Text(String);

impl Text {
    /// Creates one from any text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let cut = |text: &str| floor_char_boundary(text, LONGEST_TEXT);
        let mut clean = clean(&text[..cut(text)]);
        // Replacements are longer than the characters they replace.
        clean.truncate(cut(&clean));
        Self(clean)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self::new(&text))
    }
}

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "maxLength": LONGEST_TEXT })
    }
}
