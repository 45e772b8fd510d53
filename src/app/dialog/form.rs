//! Values to be filled in, one below the other.

use std::time::Duration;

use jiff::Timestamp;

use super::{DialogEvent, TextInput};
use crate::app::Key;
use cortop_client::{HeadsetId, Moment, RecordId, SessionId};

/// A form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// What it is about, in a few words.
    pub(in crate::app) title: String,
    /// What to know before, a sentence each.
    pub(in crate::app) notes: Vec<String>,
    /// Its fields.
    pub(in crate::app) fields: Vec<FormField>,
    /// The selected field.
    pub(in crate::app) at: usize,
    /// What is wrong with which entry, until a key changes something.
    pub(in crate::app) complaint: Option<(usize, String)>,
    /// What it is for.
    pub(in crate::app) kind: FormKind,
}

/// What a form does, and to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormKind {
    /// Start a record.
    StartRecord(SessionId),
    /// Record a headset to files.
    RecordFiles {
        /// Which.
        headset: HeadsetId,
        /// Hz of the mains, as far as the notch in use shows.
        mains: Option<u16>,
    },
    /// Change what a record is called.
    ChangeRecord(RecordId),
    /// Delete a record, which cannot be taken back: the word has to be typed.
    DeleteRecord(RecordId),
    /// Write a record to files.
    ExportRecord(RecordId),
    /// Give a headset a name.
    NameHeadset(HeadsetId),
    /// Move activations from the licence to this computer, and activate a session.
    Debit(SessionId),
    /// Show only lines of the log with a text.
    FilterLog,
    /// Write what crosses the socket to a file.
    Capture,
    /// Go to a place in a capture.
    GoTo {
        /// Where it is, from its start.
        position: Duration,
        /// How long it is.
        length: Duration,
    },
    /// No marker can be set: there is no record to set it in.
    NoRecord,
    /// Set a marker at the moment the key was pressed.
    Mark {
        /// In which session's record.
        session: SessionId,
        /// When.
        at: Moment,
        /// Where no record runs: when by the headset's clock, for the files that are recorded.
        beside: Option<Timestamp>,
        /// The labels of the digits, from 1 on.
        labels: Vec<String>,
    },
}

/// One value to be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormField {
    /// Its name.
    pub label: &'static str,
    /// What is expected, in a sentence.
    pub help: &'static str,
    /// What is filled in.
    pub value: FieldValue,
}

/// What is filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// A text.
    Text(TextInput),
    /// One of these.
    OneOf {
        /// All there are; at least one.
        options: Vec<String>,
        /// The one chosen.
        at: usize,
    },
}

impl FormField {
    /// A text, filled in already with `text`.
    #[must_use]
    pub fn text(label: &'static str, help: &'static str, text: &str) -> Self {
        Self { label, help, value: FieldValue::Text(text.into()) }
    }

    /// A text filled in with a proposal, which typing replaces.
    #[must_use]
    pub(in crate::app) fn proposal(label: &'static str, help: &'static str, text: &str) -> Self {
        Self { label, help, value: FieldValue::Text(TextInput::proposal(text)) }
    }

    /// One of `options`, at first that at `at`.
    #[must_use]
    pub fn choice(
        label: &'static str,
        help: &'static str,
        options: Vec<String>,
        at: usize,
    ) -> Self {
        Self { label, help, value: FieldValue::OneOf { options, at } }
    }

    /// What is filled in, trimmed.
    #[must_use]
    pub fn filled(&self) -> &str {
        match &self.value {
            FieldValue::Text(line) => line.text().trim(),
            FieldValue::OneOf { options, at } => options.get(*at).map_or("", String::as_str),
        }
    }

    /// The place of the option chosen; 0 for a text.
    #[must_use]
    pub fn chosen(&self) -> usize {
        match self.value {
            FieldValue::Text(_) => 0,
            FieldValue::OneOf { at, .. } => at,
        }
    }
}

impl Form {
    /// An empty form for a kind.
    #[must_use]
    pub fn new(title: String, kind: FormKind, fields: Vec<FormField>) -> Self {
        Self { title, notes: Vec::new(), fields, at: 0, complaint: None, kind }
    }

    /// What it is about, in a few words.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// What to know before, a sentence each.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Its fields.
    pub(crate) fn fields(&self) -> &[FormField] {
        &self.fields
    }

    /// The selected field's place among them.
    pub(crate) fn selected(&self) -> usize {
        self.at
    }

    /// What is wrong with an entry.
    pub(crate) fn complaint(&self) -> Option<&str> {
        self.complaint.as_ref().map(|(_, complaint)| complaint.as_str())
    }

    /// What it is for.
    pub(crate) fn kind(&self) -> &FormKind {
        &self.kind
    }

    pub(super) fn on_key(&mut self, key: Key) -> DialogEvent {
        let last = self.fields.len().saturating_sub(1);
        match key {
            Key::ENTER => return DialogEvent::Submitted,
            Key::TAB | Key::DOWN => self.at = if self.at < last { self.at + 1 } else { 0 },
            Key::BACK_TAB | Key::UP => self.at = self.at.checked_sub(1).unwrap_or(last),
            _ => {
                self.complaint = None;
                let at = self.at;
                if self.fields.get_mut(at).is_some_and(|entry| !entry.value.on_key(key)) {
                    self.complain((at, "left and right choose another".to_owned()));
                }
            }
        }
        DialogEvent::Open
    }

    /// Says what is wrong with a field, and selects it.
    pub(in crate::app) fn complain(&mut self, (at, complaint): (usize, String)) {
        self.at = at;
        self.complaint = Some((at, complaint));
    }

    /// The text of the selected field, if it is one.
    pub(super) fn line(&mut self) -> Option<&mut TextInput> {
        self.complaint = None;
        match &mut self.fields.get_mut(self.at)?.value {
            FieldValue::Text(line) => Some(line),
            FieldValue::OneOf { .. } => None,
        }
    }
}

impl FieldValue {
    /// Takes a key in; false where that leaves it as it was, though something was typed.
    fn on_key(&mut self, key: Key) -> bool {
        match self {
            Self::Text(line) => {
                line.on_key(key);
            }
            Self::OneOf { options, at } => match key {
                Key::RIGHT | Key::SPACE => *at = (*at + 1) % options.len().max(1),
                Key::LEFT => *at = at.checked_sub(1).unwrap_or(options.len().saturating_sub(1)),
                _ => return key.typed().is_none(),
            },
        }
        true
    }
}
