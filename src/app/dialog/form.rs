//! Values to be filled in, one below the other.

use super::{Answer, Purpose, TextLine};
use crate::app::Key;

/// A form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// What it is about, in a few words.
    pub title: String,
    /// What to know before, a sentence each.
    pub notes: Vec<String>,
    /// Its entries.
    pub entries: Vec<Entry>,
    /// The entry that keys mean.
    pub at: usize,
    /// What is wrong with which entry, until a key changes something.
    pub complaint: Option<(usize, String)>,
    /// What it is for.
    pub purpose: Purpose,
}

/// One value to be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub label: &'static str,
    /// What is expected, in a sentence.
    pub help: &'static str,
    /// What is filled in.
    pub value: Value,
}

/// What is filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(TextLine),
    /// One of these.
    Choice {
        /// All there are; at least one.
        options: Vec<String>,
        /// The one chosen.
        at: usize,
    },
}

impl Entry {
    /// A text, filled in already with `text`.
    #[must_use]
    pub fn text(label: &'static str, help: &'static str, text: &str) -> Self {
        Self { label, help, value: Value::Text(text.into()) }
    }

    /// A text filled in with a proposal, which typing replaces.
    #[must_use]
    pub fn proposal(label: &'static str, help: &'static str, text: &str) -> Self {
        Self { label, help, value: Value::Text(TextLine::proposal(text)) }
    }

    /// One of `options`, at first that at `at`.
    #[must_use]
    pub fn choice(
        label: &'static str,
        help: &'static str,
        options: Vec<String>,
        at: usize,
    ) -> Self {
        Self { label, help, value: Value::Choice { options, at } }
    }

    /// What is filled in, trimmed.
    #[must_use]
    pub fn filled(&self) -> &str {
        match &self.value {
            Value::Text(line) => line.text().trim(),
            Value::Choice { options, at } => options.get(*at).map_or("", String::as_str),
        }
    }

    /// The place of the option chosen; 0 for a text.
    #[must_use]
    pub fn chosen(&self) -> usize {
        match self.value {
            Value::Text(_) => 0,
            Value::Choice { at, .. } => at,
        }
    }
}

impl Form {
    /// An empty form for a purpose.
    #[must_use]
    pub fn new(title: String, purpose: Purpose, entries: Vec<Entry>) -> Self {
        Self { title, notes: Vec::new(), entries, at: 0, complaint: None, purpose }
    }

    pub(super) fn key(&mut self, key: Key) -> Answer {
        let last = self.entries.len().saturating_sub(1);
        if let Some(choice) = self.purpose.at_once(key, &self.entries) {
            return Answer::Chosen(choice);
        }
        match key {
            Key::ENTER => {
                return match self.purpose.answer(&self.entries) {
                    Ok(choice) => Answer::Chosen(choice),
                    Err((at, complaint)) => {
                        self.at = at;
                        self.complaint = Some((at, complaint));
                        Answer::Stays
                    }
                };
            }
            Key::TAB | Key::DOWN => self.at = if self.at < last { self.at + 1 } else { 0 },
            Key::BACK_TAB | Key::UP => self.at = self.at.checked_sub(1).unwrap_or(last),
            _ => {
                self.complaint = None;
                if let Some(entry) = self.entries.get_mut(self.at) {
                    entry.value.key(key);
                }
            }
        }
        Answer::Stays
    }

    /// The text that is being typed, if the entry is one.
    pub(super) fn line(&mut self) -> Option<&mut TextLine> {
        self.complaint = None;
        match &mut self.entries.get_mut(self.at)?.value {
            Value::Text(line) => Some(line),
            Value::Choice { .. } => None,
        }
    }
}

impl Value {
    fn key(&mut self, key: Key) {
        match self {
            Self::Text(line) => {
                line.key(key);
            }
            Self::Choice { options, at } => match key {
                Key::RIGHT | Key::SPACE => *at = (*at + 1) % options.len().max(1),
                Key::LEFT => *at = at.checked_sub(1).unwrap_or(options.len().saturating_sub(1)),
                _ => {}
            },
        }
    }
}
