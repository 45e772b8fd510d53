//! Makes text from the wire harmless, for screen and log. Everything that is read as a text goes
//! through here before it is part of an event, a refusal or a line of the log.

use unicode_width::UnicodeWidthChar;

/// Longest text taken from the wire, in bytes; the rest is cut off.
pub(crate) const MAX_TEXT: usize = 1024;

/// Stands for a character that may reach neither terminal nor log.
const REPLACEMENT: char = '\u{fffd}';

/// Marks of no width that one character may carry; more would make a cell of any length.
const MARKS: usize = 2;

/// A text without anything that could drive or confuse a terminal or forge a line of the log:
/// control characters (line ends among them), escape sequences, changes of the writing direction
/// and invisible characters become replacement glyphs.
#[must_use]
pub fn clean(text: &str) -> String {
    // Nearly every text, of which each frame cleans some.
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
    // Replacements are longer than what they stand for.
    clean.truncate(cut(&clean));
    clean
}

/// The last boundary of a character at or before `index`, in bytes; as `str::floor_char_boundary`, which
/// is newer than the oldest Rust that compiles this.
#[must_use]
pub fn floor_char_boundary(text: &str, index: usize) -> usize {
    let index = index.min(text.len());
    (0..=index).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default()
}

/// Whether a character could drive or confuse a terminal.
#[must_use]
pub fn is_harmful(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
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
    }

    #[test]
    fn a_character_carries_few_marks_and_plain_text_is_left_alone() {
        let zalgo = format!("a{}", "\u{301}".repeat(1000));
        assert_eq!(clean(&zalgo).matches('\u{301}').count(), MARKS);
        assert_eq!(clean("Fp1 → 4200 µV, 頭"), "Fp1 → 4200 µV, 頭");
    }
}
