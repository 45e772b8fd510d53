//! What keys do about records and markers.

use super::{
    App, Effect, Key, RunningRecord, Severity,
    actions::OF_ANOTHER,
    dialog::{Confirm, Dialog, DialogAction, Form, FormField},
    forms::FormKind,
};
use cortop_client::{
    Command, Marker, MarkerCommand, Moment, RecordCommand, RecordEvent, RecordId, SessionId,
    marker::MarkerValue, session::SessionStatus,
};

/// Why there is no marker to be set.
pub(super) const NO_RECORD: &str = "markers need a running record: start one first (R)";

impl App {
    /// Starts a record in the current session, or asks whether the one that runs shall end.
    pub(super) fn record(&mut self) {
        let Some(entry) = self.sessions.current().filter(|entry| self.is_live(entry)) else {
            return self.say(Severity::Problem, "there is no live session to record".to_owned());
        };
        let id = entry.session.id.clone();
        if let Some(ask) = self.ask_to_stop(&id) {
            self.dialog = Some(Dialog::Confirm(ask));
            return;
        }
        if entry.session.status != SessionStatus::Activated {
            let text = "a record needs an activated session: activate it in the session pane";
            return self.say(Severity::Problem, text.to_owned());
        }
        let foreign = entry.foreign;
        let title = self.now.wall.to_zoned(self.zone());
        let mut form = Form::new(
            "start a record".to_owned(),
            FormKind::StartRecord(id),
            vec![
                FormField::proposal(
                    "title",
                    "what it is called; typing replaces it",
                    &title.strftime("%F %H:%M").to_string(),
                ),
                FormField::text("subject", "who is recorded; may be empty", ""),
                FormField::text("description", "what is recorded; may be empty", ""),
                FormField::text("tags", "words to find it by, with commas between", ""),
            ],
        );
        if self.settings.fragile {
            form.notes.push(
                "This terminal runs over SSH: when its connection is lost, cortop ends and the \
                 record with it. In tmux or screen it goes on."
                    .to_owned(),
            );
        }
        let form = Dialog::Form(form);
        self.dialog = Some(if foreign {
            Dialog::Confirm(Confirm {
                title: "Record in the session of another program?".to_owned(),
                lines: vec![
                    OF_ANOTHER.to_owned(),
                    "Its session object shows the record there too.".to_owned(),
                ],
                yes: "record",
                then: DialogAction::Open(Box::new(form)),
            })
        } else {
            form
        });
    }

    /// The question before the record of a session is stopped; nothing where none runs.
    pub(super) fn ask_to_stop(&self, id: &SessionId) -> Option<Confirm> {
        let running = self.records.running.get(id)?;
        let mut lines = vec![format!("The record \"{}\" ends.", running.record.title)];
        if running.foreign {
            lines.push("Another program started it.".to_owned());
        }
        if self.sessions.get(id).is_some_and(|entry| entry.foreign) {
            lines.push(OF_ANOTHER.to_owned());
        }
        let stop = Effect::Command(Command::Record(RecordCommand::Stop(id.clone())));
        Some(Confirm::new("Stop the record?", lines, "stop", vec![stop]))
    }

    /// Asks for the label of a marker at this moment. Without a record the form says so: what is
    /// typed after the key must not become commands.
    pub(super) fn mark(&mut self) {
        let current = self.sessions.current.clone();
        let session = current.filter(|id| self.records.running.contains_key(id));
        let named = self.settings.markers.iter().zip(1_u8..);
        let named = named.filter(|(label, number)| **label != number.to_string());
        let named: Vec<_> = named.map(|(label, number)| format!("{number} {label}")).collect();
        let mut form = Form::new(
            "marker".to_owned(),
            FormKind::Mark { session, at: self.moment(), labels: self.settings.markers.clone() },
            vec![FormField::text(
                "label",
                "1 to 9 set that marker at once; or a text, then Enter",
                "",
            )],
        );
        if !named.is_empty() {
            form.notes.push(named.join(" · "));
        }
        if form.kind.is_without_record() {
            form.notes.push(NO_RECORD.to_owned());
        }
        self.dialog = Some(Dialog::Form(form));
    }

    /// Sets the marker of a function key.
    pub(super) fn mark_now(&mut self, key: Key) -> Vec<Effect> {
        let Some(label) = key.function().and_then(|number| {
            Some((u64::from(number), self.settings.markers.get(usize::from(number) - 1)?.clone()))
        }) else {
            return Vec::new();
        };
        let Some(session) = self.recorded() else { return Vec::new() };
        vec![mark(session, label.1, MarkerValue::Number(label.0), self.moment())]
    }

    /// Makes an interval of the last marker.
    pub(super) fn end_marker(&mut self) -> Vec<Effect> {
        let Some(session) = self.recorded() else { return Vec::new() };
        let last = self.records.running.get(&session).and_then(|running| running.last.as_ref());
        let Some(marker) = last.filter(|last| !last.is_interval()).map(|last| last.uuid.clone())
        else {
            self.say(Severity::Problem, "there is no marker to be ended".to_owned());
            return Vec::new();
        };
        let end = MarkerCommand::End { session, marker, at: self.moment() };
        vec![Effect::Command(Command::Marker(end))]
    }

    /// Quits, or asks first while a record of ours runs or has just been ordered.
    pub(super) fn quit(&mut self) -> Vec<Effect> {
        let Some(ask) = self.ask_to_quit() else { return vec![Effect::Quit] };
        self.dialog = Some(Dialog::Confirm(ask));
        Vec::new()
    }

    /// The question before quitting; nothing where that ends no record.
    pub(super) fn ask_to_quit(&self) -> Option<Confirm> {
        let sessions = self.sessions.live().map(|entry| entry.session.id.clone());
        let ends: Vec<_> =
            sessions.filter_map(|id| self.record_ends(&id).map(|line| (id, line))).collect();
        if ends.is_empty() {
            return None;
        }
        let (sessions, mut lines): (Vec<_>, Vec<_>) = ends.into_iter().unzip();
        lines.extend(self.records.running.iter().filter(|(id, own)| self.goes_on(id, own)).map(
            |(_, running)| {
                format!("The record \"{}\" of another program goes on.", running.record.title)
            },
        ));
        let running = sessions.into_iter().filter(|id| self.records.running.contains_key(id));
        let stops =
            running.map(|session| Effect::Command(Command::Record(RecordCommand::Stop(session))));
        let then = stops.chain([Effect::Quit]).collect();
        Some(Confirm::new("Quit?", lines, "stop and quit", then))
    }

    /// Whether the record of a session goes on without cortop: another program's in its own session.
    fn goes_on(&self, session: &SessionId, running: &RunningRecord) -> bool {
        running.foreign && self.sessions.get(session).is_some_and(|entry| entry.foreign)
    }

    /// What to say of a session's record before cortop ends it; nothing where it ends none.
    pub(super) fn record_ends(&self, session: &SessionId) -> Option<String> {
        if let Some(running) = self.records.running.get(session) {
            let whose = if running.foreign { ", started by another program" } else { "" };
            return (!self.goes_on(session, running)).then(|| {
                let title = &running.record.title;
                // Ours in another program's session is stopped for itself.
                let foreign = self.sessions.get(session).is_some_and(|entry| entry.foreign);
                let how = if foreign { "it is stopped" } else { "it ends with the session" };
                format!("A record is running, \"{title}\"{whose}: {how}.")
            });
        }
        let ordered = self.records.ordered(session, self.now.instant)?;
        Some(format!("A record has just been ordered, \"{ordered}\": it ends with the session."))
    }

    /// The current session, if a record runs in it; else says what to do.
    fn recorded(&mut self) -> Option<SessionId> {
        let current = self.sessions.current.clone();
        let session = current.filter(|id| self.records.running.contains_key(id));
        if session.is_none() {
            self.say(Severity::Problem, NO_RECORD.to_owned());
        }
        session
    }

    fn moment(&self) -> Moment {
        Moment { wall: self.now.wall, instant: self.now.instant }
    }

    /// Whether a record, or any, is being written to files: its export has not been answered.
    #[must_use]
    pub fn is_exporting(&self, id: Option<&RecordId>) -> bool {
        let mut sent = self.sent.iter().map(|(_, form)| &form.kind);
        sent.any(
            |kind| matches!(kind, FormKind::ExportRecord(own) if id.is_none_or(|id| id == own)),
        )
    }

    /// Takes in what became of a record, and says so.
    pub(super) fn hear_of_record(&mut self, event: &RecordEvent) {
        let text = match (event, &self.records.processing) {
            (RecordEvent::Ready(id), Some(record)) if record.uuid == *id => {
                format!("record {} is ready for export", record.title)
            }
            (RecordEvent::Exported { record, folder }, _) => {
                let known = self.records.get(record).map(|record| record.title.clone());
                let name = known.unwrap_or_else(|| record.to_string());
                format!("record {name} has been written to {}", folder.display())
            }
            _ => event.to_string(),
        };
        if let RecordEvent::Started { session, .. }
        | RecordEvent::OutOfSight { session, .. }
        | RecordEvent::Ended { session, .. } = event
        {
            self.sessions.note(session, self.now, text.clone());
        }
        self.records.hear(event, self.now);
        self.say(Severity::Info, text);
    }

    /// What to say of a marker that Cortex has set.
    pub(super) fn confirm(&mut self, session: &SessionId, marker: Marker) {
        let text = if marker.is_interval() {
            format!("marker {} ended after {:.1} s", marker.label, marker.end - marker.start)
        } else {
            format!("marker {} set", marker.label)
        };
        self.records.mark(session, marker);
        self.say(Severity::Info, text);
    }
}

/// The effect that sets a marker.
pub(super) fn mark(session: SessionId, label: String, value: MarkerValue, at: Moment) -> Effect {
    Effect::Command(Command::Marker(MarkerCommand::Mark { session, label, value, at }))
}

/// A question before a record is deleted.
pub(super) fn ask_to_delete(id: RecordId, title: &str) -> Confirm {
    let lines = vec![format!("{title} is deleted for good, here and in the cloud's list.")];
    let delete = Effect::Command(Command::Record(RecordCommand::Delete(id)));
    Confirm::new("Delete the record?", lines, "delete", vec![delete])
}
