//! JSON for programs, which no terminal can be driven by either. Knows no objects.

use std::{borrow::Cow, fmt::Write as _};

use color_eyre::eyre::Result;
use serde::Serialize;

use cortop_client::sanitize::is_harmful;

/// Indented JSON with a line end.
pub(crate) fn pretty(value: &impl Serialize) -> Result<String> {
    let json = serde_json::to_string_pretty(value)?;
    Ok(escaped(&json, |char| is_harmful(char) && char != '\n').into_owned() + "\n")
}

/// One line of JSON: what JSON lets stand and a terminal would obey is escaped, and line ends, which
/// JSON has between its values only, go.
pub(super) fn line(json: &str) -> Cow<'_, str> {
    let json = if json.contains(['\n', '\r']) {
        Cow::Owned(json.replace(['\n', '\r'], ""))
    } else {
        Cow::Borrowed(json)
    };
    match json {
        Cow::Borrowed(json) => escaped(json, is_harmful),
        Cow::Owned(json) => Cow::Owned(escaped(&json, is_harmful).into_owned()),
    }
}

/// Valid JSON has such characters in its strings only, where an escape means the same.
fn escaped(json: &str, is_harmful: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !json.contains(&is_harmful) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for char in json.chars() {
        if is_harmful(char) {
            for unit in char.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(char);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_means_the_same_and_drives_nothing(text in any::<String>(), more in "[\u{7f}-\u{9f}\u{202e}\u{e0001}]*") {
            let json = serde_json::to_string(&[&text, &more]).expect("JSON");
            let line = line(&json);
            prop_assert!(!line.contains(is_harmful));
            let back: Vec<String> = serde_json::from_str(&line).expect("JSON");
            prop_assert_eq!(back, [text, more]);
        }
    }

    #[test]
    fn it_is_one_line() {
        assert_eq!(line("[1,\r\n {\"a\":\n2}]"), "[1, {\"a\":2}]");
    }
}
