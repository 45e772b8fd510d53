//! JSON output, without control characters that could drive a terminal. Knows no objects.

use color_eyre::eyre::Result;
use serde::Serialize;

use cortop_client::sanitize::{escaped_json, is_harmful};

/// Indented JSON with a line end.
pub(crate) fn pretty(value: &impl Serialize) -> Result<String> {
    let json = serde_json::to_string_pretty(value)?;
    Ok(escaped_json(&json, |char| is_harmful(char) && char != '\n').into_owned() + "\n")
}
