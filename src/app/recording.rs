//! Keys for records and markers.

use jiff::Timestamp;

use super::{
    Action, App, Effect, Key, Severity, TerminalPlace,
    dialog::{Dialog, Form, FormField, FormKind, Question},
    forms::mark,
    notice::Condition,
};
use crate::exchange::OutsideMarker;
use cortop_client::{
    Command, HeadsetId, Link, Marker, MarkerCommand, MarkerId, RecordEvent, RecordId, SessionId,
    marker::{MarkerText, MarkerValue},
    session::SessionStatus,
};

/// A marker in the recorded files.
#[derive(Clone, Debug)]
pub(super) struct FileMarker {
    headset: HeadsetId,
    /// Its id, if it is in a record.
    id: Option<MarkerId>,
    /// When it was set, by the headset's clock.
    time: Timestamp,
    text: MarkerText,
}

impl App {
    /// Starts a record in the current session, or asks whether to stop the running one.
    pub(super) fn record(&mut self) {
        let Some(entry) = self.sessions.current().filter(|entry| self.is_live(entry)) else {
            let text = "there is no live session to record";
            return self.notify_while(Condition::NoSession, Severity::Problem, text);
        };
        let id = entry.session.id.clone();
        if self.records.is_running_in(&id) {
            self.ask(&Question::StopRecord(id));
        } else if entry.session.status != SessionStatus::Activated {
            let text = "a record needs an activated session: activate it in the session pane";
            self.notify_while(Condition::NotActivated, Severity::Problem, text);
        } else if entry.foreign {
            self.ask(&Question::Record(id));
        } else {
            self.dialog = Some(Dialog::Form(self.record_form(id)));
        }
    }

    /// The form to fill in before a record is started.
    pub(super) fn record_form(&self, session: SessionId) -> Form {
        let title = self.now.wall.to_zoned(self.zone()).strftime("%F %H:%M").to_string();
        let mut form = Form::new(
            "start a record".to_owned(),
            FormKind::StartRecord(session),
            vec![
                FormField::proposal("title", "what it is called; typing replaces it", &title),
                FormField::text("subject", "who is recorded; may be empty", ""),
                FormField::text("description", "what is recorded; may be empty", ""),
                FormField::text("tags", "words to find it by, separated by commas", ""),
            ],
        );
        if self.settings.terminal == TerminalPlace::OverSsh {
            form.notes.push(
                "This terminal runs over SSH: when its connection is lost, cortop ends and the \
                 record with it. In tmux or screen it goes on."
                    .to_owned(),
            );
        }
        form
    }

    /// Asks for the label of a marker at this moment. Without a record the form opens too, but has no fields
    /// and says why: what is typed next must not act as commands.
    pub(super) fn mark(&mut self) {
        self.dialog = Some(Dialog::Form(self.mark_form()));
    }

    /// The form for a marker at this moment.
    fn mark_form(&self) -> Form {
        let Some((session, beside)) = self.marked_session() else {
            let kind = FormKind::NoRecord;
            let mut form = Form::new("no record is running".to_owned(), kind, Vec::new());
            form.notes.push(self.no_record());
            return form;
        };
        let named = self.settings.markers.iter().zip(1_u8..);
        let named = named.filter(|(label, number)| **label != number.to_string());
        let named: Vec<_> = named.map(|(label, number)| format!("{number} {label}")).collect();
        let mut form = Form::new(
            "marker".to_owned(),
            FormKind::Mark { session, at: self.now, beside, labels: self.settings.markers.clone() },
            vec![FormField::text(
                "label",
                "1 to 9 set that marker at once; or a text, then Enter",
                "",
            )],
        );
        if !named.is_empty() {
            form.notes.push(named.join(" · "));
        }
        form
    }

    /// Updates an open marker form: its record may have ended, or one may have started.
    pub(super) fn refresh_mark(&mut self) {
        let Some(Dialog::Form(Form { kind, .. })) = &self.dialog else { return };
        let is_outdated = match kind {
            FormKind::Mark { session, beside, .. } => {
                self.records.is_running_in(session) != beside.is_none()
            }
            FormKind::NoRecord => true,
            _ => false,
        };
        if is_outdated {
            self.mark();
        }
    }

    /// Why no marker can be set, and the next step.
    fn no_record(&self) -> String {
        let spell = |action| {
            let key = self.settings.keymap.keys(action).first();
            key.map(|key| format!(" ({key})")).unwrap_or_default()
        };
        let why = match self.sessions.current() {
            _ if !matches!(self.link, Link::Up { .. }) => {
                "there is no connection to the service; wait for it to come back".to_owned()
            }
            Some(entry) if entry.closed.is_none() => {
                if entry.session.status == SessionStatus::Activated {
                    format!("start one first{}", spell(Action::Record))
                } else {
                    let activate = spell(Action::Activate);
                    format!("activate the session in pane 2 first{activate}, then start one")
                }
            }
            _ => format!("open a headset in pane 1 first{}, then start one", spell(Action::Open)),
        };
        format!("markers need a running record: {why}")
    }

    /// Sets the marker of a function key.
    pub(super) fn mark_now(&mut self, key: Key) -> Vec<Effect> {
        let Some((session, beside)) = self.marked_session() else {
            self.notify_no_record();
            return Vec::new();
        };
        let number = key.function().unwrap_or_default();
        let label = usize::from(number).checked_sub(1).and_then(|at| self.settings.markers.get(at));
        let Some(label) = label.cloned() else {
            self.notify(Severity::Problem, format!("no marker has the key {key}"));
            return Vec::new();
        };
        let value = MarkerValue::Number(number.into());
        if beside.is_some() {
            // Cortex has no record, so it will not confirm the marker.
            self.notify(Severity::Info, format!("marker {label} set in the files"));
        }
        let marker = OutsideMarker { label, value, at: self.now };
        vec![mark(session, marker, beside)]
    }

    /// Turns the last marker into an interval.
    pub(super) fn end_marker(&mut self) -> Vec<Effect> {
        let Some(effect) = self.open_marker() else {
            if self.marked_session().is_some() {
                self.notify(Severity::Problem, "there is no marker to end");
            } else {
                self.notify_no_record();
            }
            return Vec::new();
        };
        if let (Effect::Mark { .. }, Some(own)) = (&effect, &self.file_marker) {
            let text = format!("marker {} ended in the files", own.text);
            self.notify(Severity::Info, text);
        }
        vec![effect]
    }

    /// The effect that ends the last marker, if it has no end yet: in the record of the current session, or
    /// else in the files, even if the connection was lost since it was set.
    pub(super) fn open_marker(&self) -> Option<Effect> {
        let (session, beside) = self.marked_session()?;
        let last = self.records.running_in(&session).and_then(|running| running.last.as_ref());
        if let Some(last) = last.filter(|last| !last.is_interval()) {
            let end = MarkerCommand::End { session, marker: last.uuid.clone(), at: self.now };
            return Some(Effect::Command(Command::Marker(end)));
        }
        let headset = self.sessions.headset()?;
        let own = self.file_marker.as_ref().filter(|own| own.headset == *headset)?;
        let end = beside.filter(|_| self.is_recorded(headset))?;
        let FileMarker { id, time, text, .. } = own.clone();
        Some(Effect::Mark { session, id, time, end: Some(end), text })
    }

    /// Remembers which marker in the files can be ended.
    pub(super) fn note_marker_in_files(&mut self, effect: &Effect) {
        let Effect::Mark { session, id, time, end, text } = effect else { return };
        let entry = self.sessions.get(session).filter(|_| end.is_none());
        self.file_marker = entry.map(|entry| FileMarker {
            headset: entry.session.headset.id.clone(),
            id: id.clone(),
            time: *time,
            text: text.clone(),
        });
    }

    /// The current session, if markers can be set in it: in its record or, with a time by the headset's
    /// clock, only in the recorded files.
    pub(super) fn marked_session(&self) -> Option<(SessionId, Option<Timestamp>)> {
        if let Some(session) = self.recorded_session() {
            return Some((session, None));
        }
        let entry = self.sessions.current().filter(|entry| self.is_live(entry))?;
        let headset = &entry.session.headset.id;
        let time = self.is_recorded(headset).then(|| self.headset_time(headset, self.now))?;
        Some((entry.session.id.clone(), Some(time)))
    }

    /// The current session, if a record is running in it.
    fn recorded_session(&self) -> Option<SessionId> {
        self.sessions.current.clone().filter(|id| self.records.is_running_in(id))
    }

    fn notify_no_record(&mut self) {
        let text = self.no_record();
        self.notify_while(Condition::NoRecord, Severity::Problem, text);
    }

    /// Whether a record, or any record for `None`, is being exported to files: its export has not been
    /// answered.
    #[must_use]
    pub fn is_exporting(&self, id: Option<&RecordId>) -> bool {
        let mut sent = self.sent.iter().map(|(_, form)| &form.kind);
        sent.any(
            |kind| matches!(kind, FormKind::ExportRecord(own) if id.is_none_or(|id| id == own)),
        )
    }

    /// Notes what happened to a record, and notifies the user.
    pub(super) fn on_record_event(&mut self, event: &RecordEvent) {
        let text = event.to_string();
        if let RecordEvent::Started { session, .. }
        | RecordEvent::OutOfSight { session, .. }
        | RecordEvent::Ended { session, .. } = event
        {
            self.sessions.note(session, self.now, text.clone());
        }
        if let RecordEvent::Ended { session, .. } = event {
            self.note_end_of_record(session, text.clone());
        }
        if let RecordEvent::Ended { session, record, why, ordered: false } = event {
            let text = self.lost_record(session, &record.title, why);
            self.notify_until_seen(text);
        } else {
            self.notify(Severity::Info, text);
        }
        self.records.on_event(event, self.now);
    }

    /// What happened to a record that nobody here stopped.
    fn lost_record(&self, session: &SessionId, title: &str, why: &str) -> String {
        let entry = self.sessions.get(session);
        let headset = entry.map(|entry| format!(" of {}", entry.session.headset.id));
        let running = self.records.running_in(session);
        let age = running.map(|running| {
            let age = self.now.instant.saturating_duration_since(running.since.instant);
            format!(" after {} s", age.as_secs())
        });
        let key = self.settings.keymap.keys(Action::Record).first();
        let next = key.map(|key| format!("; {key} starts another once its streams run"));
        format!(
            "record \"{title}\"{} has ended{}: {why}. Nothing is recorded now{}",
            headset.unwrap_or_default(),
            age.unwrap_or_default(),
            next.unwrap_or_default(),
        )
    }

    /// Notifies the user of a marker that Cortex has set.
    pub(super) fn on_marker(&mut self, session: &SessionId, marker: Marker) {
        let text = if marker.is_interval() {
            format!("marker {} ended after {:.1} s", marker.label, marker.end - marker.start)
        } else {
            format!("marker {} set", marker.label)
        };
        let entry = self.sessions.get(session).filter(|_| !marker.is_interval());
        self.file_marker = entry.and_then(|entry| {
            let since = jiff::SignedDuration::try_from_secs_f64(marker.start).ok()?;
            Some(FileMarker {
                headset: entry.session.headset.id.clone(),
                id: Some(marker.uuid.clone()),
                time: Timestamp::from_duration(since).ok()?,
                text: MarkerText::from(&marker),
            })
        });
        self.records.mark(session, marker);
        self.notify(Severity::Info, text);
    }
}
