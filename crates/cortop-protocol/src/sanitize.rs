//! Makes text from the wire safe for screen and log. Every text that is read passes through here
//! before it becomes part of an event, a refusal or a log line.

use std::{borrow::Cow, fmt::Write as _};

use unicode_width::UnicodeWidthChar;

/// The longest text accepted from the wire, in bytes; the rest is cut off.
pub(crate) const MAX_TEXT: usize = 1024;

/// Replaces a character that must not reach terminal or log.
const REPLACEMENT: char = '\u{fffd}';

/// How many zero-width marks one character may carry; more could make a cell arbitrarily long.
const MARKS: usize = 2;

/// Replaces whatever could control or confuse a terminal or forge a log line: control characters
/// (including line ends), escape sequences, changes of the writing direction and invisible
/// characters become replacement glyphs.
#[must_use]
pub fn clean(text: &str) -> String {
    // The fast path for nearly every text; each frame cleans some.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut marks = 0;
    text.chars()
        .map(|char| {
            let invisible = char.width() == Some(0);
            marks = if invisible { marks + 1 } else { 0 };
            if is_harmful(char) || marks > MARKS { REPLACEMENT } else { char }
        })
        .collect()
}

/// [`clean`], cut to at most `MAX_TEXT` bytes at a character boundary.
#[must_use]
pub fn clean_bounded(text: &str) -> String {
    let cut = |text: &str| floor_char_boundary(text, MAX_TEXT);
    let mut clean = clean(&text[..cut(text)]);
    // Replacements are longer than what they replace.
    clean.truncate(cut(&clean));
    clean
}

/// The last character boundary at or before `index`, in bytes; like `str::floor_char_boundary`,
/// which is newer than the oldest supported Rust version.
#[must_use]
pub fn floor_char_boundary(text: &str, index: usize) -> usize {
    let index = index.min(text.len());
    (0..=index).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default()
}

/// Whether a character could control or confuse a terminal.
#[must_use]
pub fn is_harmful(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// JSON as one line: escapes what JSON allows but a terminal would obey, and removes line ends,
/// which JSON allows only between values.
#[must_use]
pub fn json_line(json: &str) -> Cow<'_, str> {
    if json.contains(['\n', '\r']) {
        Cow::Owned(escaped_json(&json.replace(['\n', '\r'], ""), is_harmful).into_owned())
    } else {
        escaped_json(json, is_harmful)
    }
}

/// Escapes some characters of JSON. Valid JSON contains such characters only in strings, where an
/// escape means the same.
pub fn escaped_json(json: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !json.contains(&is_escaped) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for char in json.chars() {
        if is_escaped(char) {
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
        fn what_is_clean_drives_nothing_and_stays_clean(text in any::<String>()) {
            let clean = clean(&text);
            for char in clean.chars() {
                let harmful = char.is_control() || matches!(char, '\u{202a}'..='\u{202e}');
                prop_assert!(!harmful);
            }
            prop_assert_eq!(super::clean(&clean), clean);
        }

        #[test]
        fn json_means_the_same_and_drives_nothing(text in any::<String>(), more in "[\u{7f}-\u{9f}\u{202e}\u{e0001}]*") {
            let json = serde_json::to_string(&[&text, &more]).unwrap();
            let line = json_line(&json);
            prop_assert!(!line.contains(is_harmful));
            let back: Vec<String> = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(back, [text, more]);
        }
    }

    #[test]
    fn json_is_one_line() {
        assert_eq!(json_line("[1,\r\n {\"a\":\n2}]"), "[1, {\"a\":2}]");
    }

    #[test]
    fn a_character_carries_few_marks_and_plain_text_is_left_alone() {
        let zalgo = format!("a{}", "\u{301}".repeat(1000));
        assert_eq!(clean(&zalgo).matches('\u{301}').count(), MARKS);
        assert_eq!(clean("Fp1 → 4200 µV, 頭"), "Fp1 → 4200 µV, 頭");
    }
}
