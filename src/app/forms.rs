//! Turns submitted forms into actions.

use std::path::PathBuf;

use jiff::Timestamp;

use super::{
    Action, Effect, Key,
    dialog::{DialogAction, Form, FormField, FormKind},
    files::record_files,
    playback::parse_place,
};
use crate::{exchange::OutsideMarker, playback::PlaybackCommand};
use cortop_client::{
    Command, HeadsetCommand, MarkerCommand, RecordCommand, SessionId,
    marker::MarkerValue,
    record::{Export, ExportFormat, NewRecord, RecordChange},
    settings::CustomInfo,
};

/// Maximum length of a subject's name in characters (docs/protocol.md §3.6).
const SUBJECT: usize = 30;

/// The word to type before a record is deleted.
pub(super) const DELETE: &str = "delete";

/// The index of a field, and what is wrong with it.
type Complaint = (usize, String);

/// What a submitted form leads to.
///
/// # Errors
/// The index of the invalid field, and a sentence that says what it accepts.
pub(super) fn submit(form: &Form) -> Result<DialogAction, Complaint> {
    let fields = &form.fields;
    let filled = |at: usize| fields.get(at).map_or("", FormField::filled);
    let effect = match &form.kind {
        FormKind::StartRecord(session) => {
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
        FormKind::RecordFiles { headset, mains } => {
            record_files(headset, *mains, [filled(0), filled(1), filled(2), filled(3)])?
        }
        FormKind::ChangeRecord(id) => {
            let change = RecordChange {
                title: Some(needed(fields, 0)?),
                description: Some(filled(1).to_owned()),
                tags: Some(words(filled(2))),
            };
            record(RecordCommand::Update(id.clone(), change))
        }
        FormKind::DeleteRecord(id) if filled(0) == DELETE => {
            record(RecordCommand::Delete(id.clone()))
        }
        FormKind::DeleteRecord(_) => {
            return Err((0, format!("type {DELETE}, or press Esc to keep the record")));
        }
        FormKind::ExportRecord(id) => {
            let folder = PathBuf::from(needed(fields, 0)?);
            if !folder.is_absolute() {
                return Err((0, "the whole path is needed: Cortex writes the files".to_owned()));
            }
            let format = fields.get(1).map_or(0, FormField::chosen);
            let format = ExportFormat::ALL.get(format).copied().unwrap_or(ExportFormat::CsvV2);
            let export = Export { folder, format, streams: format.streams().to_vec() };
            record(RecordCommand::Export(id.clone(), export))
        }
        FormKind::NameHeadset(id) => {
            let info = CustomInfo { name: Some(filled(0).to_owned()), headband: None };
            Effect::Command(Command::Headset(HeadsetCommand::SetInfo(id.clone(), info)))
        }
        FormKind::Debit(session) => {
            let number = needed(fields, 0)?.parse().ok().filter(|&number| number > 0);
            let activations = number.ok_or((0, "a whole number from 1 up".to_owned()))?;
            Effect::Command(Command::Debit { session: session.clone(), activations })
        }
        FormKind::FilterLog => return Ok(DialogAction::FilterLog(filled(0).to_owned())),
        FormKind::GoTo { position, length } => {
            let place = parse_place(&needed(fields, 0)?, *position, *length);
            Effect::Playback(PlaybackCommand::Seek(place.map_err(|why| (0, why))?))
        }
        FormKind::Capture => Effect::Capture(Some(PathBuf::from(needed(fields, 0)?))),
        FormKind::NoRecord => return Ok(DialogAction::Action(Action::Record)),
        FormKind::Mark { session, at, beside, .. } => {
            let label = needed(fields, 0)?;
            let value = MarkerValue::Text(label.clone());
            let marker = OutsideMarker { label, value, at: *at };
            mark(session.clone(), marker, *beside)
        }
    };
    Ok(DialogAction::Effects(vec![effect]))
}

/// The action of a shortcut key before anything is filled in. `action`: what the key does outside of the
/// form.
pub(super) fn shortcut(form: &Form, key: Key, action: Option<Action>) -> Option<DialogAction> {
    if form.kind == FormKind::NoRecord {
        return action.filter(|action| *action == Action::Record).map(DialogAction::Action);
    }
    let FormKind::Mark { session, at, beside, labels } = &form.kind else { return None };
    let empty = form.fields.iter().all(|field| field.filled().is_empty());
    let number = key.typed().filter(|_| empty)?.to_digit(10)?;
    let label = labels.get(usize::try_from(number).ok()?.checked_sub(1)?)?.clone();
    let value = MarkerValue::Number(number.into());
    let marker = OutsideMarker { label, value, at: *at };
    Some(DialogAction::Effects(vec![mark(session.clone(), marker, *beside)]))
}

/// The effect that sets a marker: in the record of a session or, if none is running, among its samples, at a
/// time by the headset's clock.
pub(super) fn mark(session: SessionId, marker: OutsideMarker, beside: Option<Timestamp>) -> Effect {
    if let Some(time) = beside {
        let text = marker.text();
        return Effect::Mark { session, id: None, time, end: None, text };
    }
    let OutsideMarker { label, value, at } = marker;
    Effect::Command(Command::Marker(MarkerCommand::Mark { session, label, value, at }))
}

fn record(command: RecordCommand) -> Effect {
    Effect::Command(Command::Record(command))
}

fn needed(fields: &[FormField], at: usize) -> Result<String, Complaint> {
    let filled = fields.get(at).map_or("", FormField::filled);
    if filled.is_empty() { Err((at, "required".to_owned())) } else { Ok(filled.to_owned()) }
}

fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
