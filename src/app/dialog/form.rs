//! A form: values to fill in, one below the other.

use std::time::Duration;

use jiff::Timestamp;

use super::{DialogEvent, TextInput};
use crate::app::Key;
use cortop_client::{HeadsetId, Moment, RecordId, SessionId};

/// A form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// The title, a few words.
    pub(in crate::app) title: String,
    /// What to know beforehand, one sentence each.
    pub(in crate::app) notes: Vec<String>,
    /// Its fields.
    pub(in crate::app) fields: Vec<FormField>,
    /// The index of the selected field.
    pub(in crate::app) at: usize,
    /// The field that cannot be accepted and why, until a key changes something.
    pub(in crate::app) complaint: Option<(usize, String)>,
    /// What submitting it does.
    pub(in crate::app) kind: FormKind,
}

/// What submitting a form does, and to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormKind {
    /// Start a record.
    StartRecord(SessionId),
    /// Record a headset to files.
    RecordFiles {
        /// The headset.
        headset: HeadsetId,
        /// The mains frequency in Hz, if the notch filter in use tells it.
        mains: Option<u16>,
    },
    /// Change the title, description or tags of a record.
    ChangeRecord(RecordId),
    /// Delete a record, which cannot be undone: the user has to type the word.
    DeleteRecord(RecordId),
    /// Export a record to files.
    ExportRecord(RecordId),
    /// Name a headset.
    NameHeadset(HeadsetId),
    /// Move activations from the licence to this computer, then activate a session.
    Debit(SessionId),
    /// Show only log lines that contain a text.
    FilterLog,
    /// Capture what crosses the socket to a file.
    Capture,
    /// Seek in a capture.
    GoTo {
        /// The current position from the start.
        position: Duration,
        /// The length of the capture.
        length: Duration,
    },
    /// Explains that no marker can be set, as no record is running.
    NoRecord,
    /// Set a marker at the moment when the key was pressed.
    Mark {
        /// The session whose record gets it.
        session: SessionId,
        /// The moment.
        at: Moment,
        /// The moment by the headset's clock, for the recorded files; set if no record is running.
        beside: Option<Timestamp>,
        /// The labels that the digits stand for, from 1 on.
        labels: Vec<String>,
    },
}

/// A field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormField {
    /// Its name.
    pub label: &'static str,
    /// What is expected, in one sentence.
    pub help: &'static str,
    /// Its value.
    pub value: FieldValue,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// A text.
    Text(TextInput),
    /// One of several options.
    OneOf {
        /// The options; at least one.
        options: Vec<String>,
        /// The index of the chosen option.
        at: usize,
    },
}

impl FormField {
    /// A text field that contains `text`.
    #[must_use]
    pub fn text(label: &'static str, help: &'static str, text: &str) -> Self {
        Self { label, help, value: FieldValue::Text(text.into()) }
    }

    /// A text field with a proposal, which typing replaces.
    #[must_use]
    pub(in crate::app) fn proposal(label: &'static str, help: &'static str, text: &str) -> Self {
        Self { label, help, value: FieldValue::Text(TextInput::proposal(text)) }
    }

    /// A choice among `options`, initially the one at `at`.
    #[must_use]
    pub fn choice(
        label: &'static str,
        help: &'static str,
        options: Vec<String>,
        at: usize,
    ) -> Self {
        Self { label, help, value: FieldValue::OneOf { options, at } }
    }

    /// The value, trimmed.
    #[must_use]
    pub fn filled(&self) -> &str {
        match &self.value {
            FieldValue::Text(line) => line.text().trim(),
            FieldValue::OneOf { options, at } => options.get(*at).map_or("", String::as_str),
        }
    }

    /// The index of the chosen option; 0 for a text.
    #[must_use]
    pub fn chosen(&self) -> usize {
        match self.value {
            FieldValue::Text(_) => 0,
            FieldValue::OneOf { at, .. } => at,
        }
    }
}

impl Form {
    /// A form of a kind.
    #[must_use]
    pub fn new(title: String, kind: FormKind, fields: Vec<FormField>) -> Self {
        Self { title, notes: Vec::new(), fields, at: 0, complaint: None, kind }
    }

    /// The title, a few words.
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// What to know beforehand, one sentence each.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Its fields.
    pub(crate) fn fields(&self) -> &[FormField] {
        &self.fields
    }

    /// The index of the selected field.
    pub(crate) fn selected(&self) -> usize {
        self.at
    }

    /// Why a field cannot be accepted.
    pub(crate) fn complaint(&self) -> Option<&str> {
        self.complaint.as_ref().map(|(_, complaint)| complaint.as_str())
    }

    /// What submitting it does.
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

    /// Shows why a field cannot be accepted, and selects the field.
    pub(in crate::app) fn complain(&mut self, (at, complaint): (usize, String)) {
        self.at = at;
        self.complaint = Some((at, complaint));
    }

    /// The input of the selected field, if that is a text.
    pub(super) fn line(&mut self) -> Option<&mut TextInput> {
        self.complaint = None;
        match &mut self.fields.get_mut(self.at)?.value {
            FieldValue::Text(line) => Some(line),
            FieldValue::OneOf { .. } => None,
        }
    }
}

impl FieldValue {
    /// Handles a key; returns false if a typed key changed nothing.
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
