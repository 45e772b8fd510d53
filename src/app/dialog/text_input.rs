//! A line of text being typed, with the keys of a shell.

use tui_input::{Input, InputRequest};

use crate::app::Key;

/// Maximum length in characters.
const MOST: usize = 400;

/// A line being typed.
#[derive(Clone, Debug, Default)]
pub struct TextInput {
    input: Input,
    /// Whether the text is a proposal, which typing replaces.
    proposed: bool,
}

impl PartialEq for TextInput {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text() && self.input.cursor() == other.input.cursor()
    }
}

impl Eq for TextInput {}

impl From<&str> for TextInput {
    fn from(text: &str) -> Self {
        Self { input: Input::new(text.to_owned()), proposed: false }
    }
}

impl TextInput {
    /// A line with a proposal: typing or deleting replaces it, a cursor key keeps it for editing.
    #[must_use]
    pub(super) fn proposal(text: &str) -> Self {
        Self { proposed: true, ..text.into() }
    }

    /// Whether the text is still the proposal.
    #[must_use]
    pub fn is_proposed(&self) -> bool {
        self.proposed
    }

    /// The text typed so far.
    #[must_use]
    pub fn text(&self) -> &str {
        self.input.value()
    }

    /// The column of the cursor from the start of the text, and how many columns are scrolled out on the left
    /// in a field of this width.
    #[must_use]
    pub fn cursor(&self, width: usize) -> (usize, usize) {
        (self.input.visual_cursor(), self.input.visual_scroll(width))
    }

    /// Handles a key; returns false if the key has no meaning in a line.
    pub(crate) fn on_key(&mut self, key: Key) -> bool {
        let request = match key {
            Key::LEFT => InputRequest::GoToPrevChar,
            Key::RIGHT => InputRequest::GoToNextChar,
            Key::HOME => InputRequest::GoToStart,
            Key::END => InputRequest::GoToEnd,
            Key::BACKSPACE => InputRequest::DeletePrevChar,
            Key::DELETE => InputRequest::DeleteNextChar,
            _ if key == Key::ctrl('a') => InputRequest::GoToStart,
            _ if key == Key::ctrl('e') => InputRequest::GoToEnd,
            _ if key == Key::ctrl('w') => InputRequest::DeletePrevWord,
            _ if key == Key::ctrl('u') => InputRequest::DeleteFromStart,
            _ if key == Key::ctrl('k') => InputRequest::DeleteTillEnd,
            _ => match key.typed() {
                Some(char) => return self.insert(char),
                None => return false,
            },
        };
        let deletes = matches!(key, Key::BACKSPACE | Key::DELETE);
        if std::mem::take(&mut self.proposed) && deletes {
            self.input.reset();
        }
        self.input.handle(request);
        true
    }

    /// Inserts pasted text; line breaks and control characters become spaces.
    pub(crate) fn paste(&mut self, text: &str) {
        let shown = |char: char| if char.is_control() { ' ' } else { char };
        text.trim_end().chars().take(MOST).map(shown).for_each(|char| {
            self.insert(char);
        });
    }

    fn insert(&mut self, char: char) -> bool {
        if std::mem::take(&mut self.proposed) {
            self.input.reset();
        }
        if self.text().chars().count() < MOST {
            self.input.handle(InputRequest::InsertChar(char));
        }
        true
    }
}
