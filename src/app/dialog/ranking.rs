//! Ranks how well typed text matches a name, for lists that are filtered by typing.

/// How well a text matches, best first. Of several words the worst match counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// The text is the whole name.
    Exact,
    /// The name begins with it.
    Prefix,
    /// A word of the name begins with it.
    WordStart,
    /// A word of the note begins with it.
    NoteWordStart,
    /// The name or the note contains it.
    Within,
    /// The name contains its letters in their order.
    Subsequence,
}

/// How well typed text matches a name or the note beside it; `None` if it does not.
#[must_use]
pub fn rank(typed: &str, name: &str, note: &str) -> Option<Rank> {
    let [typed, name, note] = [typed.trim(), name, note].map(str::to_lowercase);
    let of_word = |word: &str| match () {
        () if name.starts_with(word) => Some(Rank::Prefix),
        () if has_word_start(&name, word) => Some(Rank::WordStart),
        () if has_word_start(&note, word) => Some(Rank::NoteWordStart),
        () if name.contains(word) || note.contains(word) => Some(Rank::Within),
        () if is_subsequence(word, &name) => Some(Rank::Subsequence),
        () => None,
    };
    match () {
        () if name == typed => Some(Rank::Exact),
        () if name.starts_with(&typed) => Some(Rank::Prefix),
        // No single word matches as well as the whole text.
        () => typed
            .split_whitespace()
            .try_fold(Rank::WordStart, |worst, word| of_word(word).map(|own| own.max(worst))),
    }
}

/// Whether a word of a text begins with `start`.
fn has_word_start(text: &str, start: &str) -> bool {
    let mut found = text.match_indices(start);
    found.any(|(at, _)| !text[..at].chars().next_back().is_some_and(char::is_alphanumeric))
}

/// Whether a text contains all letters of a word in their order.
fn is_subsequence(word: &str, text: &str) -> bool {
    let mut rest = text.chars();
    word.chars().all(|char| rest.any(|other| other == char))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_before_what_has_its_letters_somewhere() {
        for (typed, name, note, expected) in [
            ("lose", "lose", "samples are lost", Some(Rank::Exact)),
            (" Lo ", "lose", "", Some(Rank::Prefix)),
            ("", "lose", "", Some(Rank::Prefix)),
            ("gone", "headset-gone", "", Some(Rank::WordStart)),
            ("gone head", "headset-gone", "", Some(Rank::WordStart)),
            ("short", "streams.shorter", "", Some(Rank::WordStart)),
            ("out", "headset-gone", "goes out of reach", Some(Rank::NoteWordStart)),
            ("lose", "drop", "with a close frame", Some(Rank::Within)),
            ("hdst", "headset-gone", "", Some(Rank::Subsequence)),
            ("gone hdst", "headset-gone", "", Some(Rank::Subsequence)),
            ("zebra", "headset-gone", "", None),
            ("gone zebra", "headset-gone", "", None),
        ] {
            assert_eq!(rank(typed, name, note), expected, "{typed} in {name}");
        }
    }
}
