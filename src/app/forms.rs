//! What forms are for: what comes of their fields.

use std::path::PathBuf;

use super::{
    Effect, Key,
    dialog::{DialogAction, FormField},
    recording,
};
use cortop_client::{
    Command, HeadsetCommand, HeadsetId, Moment, RecordCommand, RecordId, SessionId,
    marker::MarkerValue,
    record::{Export, ExportFormat, NewRecord, RecordChange},
    settings::CustomInfo,
};

/// Characters of a subject's name (docs/protocol.md §3.6).
const SUBJECT: usize = 30;

/// What a form is for, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormKind {
    /// Start a record.
    StartRecord(SessionId),
    /// Change what a record is called.
    ChangeRecord(RecordId),
    /// Write a record to files.
    ExportRecord(RecordId),
    /// Give a headset a name.
    NameHeadset(HeadsetId),
    /// Move activations from the licence to this computer, and activate a session.
    Debit(SessionId),
    /// Show only lines of the log with a text.
    FilterLog,
    /// Set a marker at the moment the key was pressed.
    Mark {
        /// In which session's record; none where no record is running.
        session: Option<SessionId>,
        /// When.
        at: Moment,
        /// What the digits stand for.
        labels: Vec<String>,
    },
}

/// What is wrong with which entry.
type Complaint = (usize, String);

impl FormKind {
    /// What comes of the fields.
    ///
    /// # Errors
    /// The place of the entry that cannot be so, and a sentence with what it can be.
    pub(super) fn answer(&self, fields: &[FormField]) -> Result<DialogAction, Complaint> {
        let filled = |at: usize| fields.get(at).map_or("", FormField::filled);
        let effect = match self {
            Self::StartRecord(session) => {
                let subject = Some(filled(1)).filter(|name| !name.is_empty());
                if subject.is_some_and(|name| name.chars().count() > SUBJECT) {
                    return Err((1, format!("a name has {SUBJECT} characters at most")));
                }
                let new = NewRecord {
                    title: needed(fields, 0)?,
                    subject: subject.map(str::to_owned),
                    description: filled(2).to_owned(),
                    tags: words(filled(3)),
                };
                record(RecordCommand::Start(session.clone(), new))
            }
            Self::ChangeRecord(id) => {
                let change = RecordChange {
                    title: Some(needed(fields, 0)?),
                    description: Some(filled(1).to_owned()),
                    tags: Some(words(filled(2))),
                };
                record(RecordCommand::Update(id.clone(), change))
            }
            Self::ExportRecord(id) => {
                let folder = PathBuf::from(needed(fields, 0)?);
                if !folder.is_absolute() {
                    return Err((
                        0,
                        "the whole path is needed: Cortex writes the files".to_owned(),
                    ));
                }
                let format = fields.get(1).map_or(0, FormField::chosen);
                let format = ExportFormat::ALL.get(format).copied().unwrap_or(ExportFormat::CsvV2);
                let export = Export { folder, format, streams: format.streams().to_vec() };
                record(RecordCommand::Export(id.clone(), export))
            }
            Self::NameHeadset(id) => {
                let info = CustomInfo { name: Some(filled(0).to_owned()), headband: None };
                let set = HeadsetCommand::SetInfo(id.clone(), info);
                Effect::Command(Command::Headset(set))
            }
            Self::Debit(session) => {
                let number = needed(fields, 0)?.parse().ok().filter(|&number| number > 0);
                let activations = number.ok_or((0, "a whole number from 1 up".to_owned()))?;
                let session = session.clone();
                Effect::Command(Command::Debit { session, activations })
            }
            Self::FilterLog => return Ok(DialogAction::FilterLog(filled(0).to_owned())),
            Self::Mark { session: None, .. } => return Err((0, recording::NO_RECORD.to_owned())),
            Self::Mark { session: Some(session), at, .. } => {
                let label = needed(fields, 0)?;
                let value = MarkerValue::Text(label.clone());
                recording::mark(session.clone(), label, value, *at)
            }
        };
        Ok(DialogAction::Effects(vec![effect]))
    }

    /// Whether it is a marker for which no record is running.
    pub(super) fn is_without_record(&self) -> bool {
        matches!(self, Self::Mark { session: None, .. })
    }

    /// What a key does at once, before anything is filled in.
    pub(super) fn at_once(&self, key: Key, fields: &[FormField]) -> Option<DialogAction> {
        let Self::Mark { session: Some(session), at, labels } = self else { return None };
        let empty = fields.iter().all(|entry| entry.filled().is_empty());
        let number = key.typed().filter(|_| empty)?.to_digit(10)?;
        let label = labels.get(usize::try_from(number).ok()?.checked_sub(1)?)?.clone();
        let value = MarkerValue::Number(number.into());
        Some(DialogAction::Effects(vec![recording::mark(session.clone(), label, value, *at)]))
    }
}

fn record(command: RecordCommand) -> Effect {
    Effect::Command(Command::Record(command))
}

fn needed(fields: &[FormField], at: usize) -> Result<String, Complaint> {
    let filled = fields.get(at).map_or("", FormField::filled);
    if filled.is_empty() { Err((at, "this is needed".to_owned())) } else { Ok(filled.to_owned()) }
}

fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
