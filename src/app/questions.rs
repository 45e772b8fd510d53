//! Questions before something that costs, ends a record or affects other programs. An open question is
//! renewed after each change, and withdrawn if nothing is left to ask.

use std::path::Path;

use super::{
    App, Effect,
    dialog::{Confirm, Dialog, DialogAction, Question},
    records::RunningRecord,
};
use cortop_client::{
    Command, HeadsetId, RecordCommand, SessionId, SessionPolicy, account::Licence,
    headset::HeadsetStatus, session::SessionStatus,
};

impl App {
    /// Asks a question, if there is anything to ask.
    pub(super) fn ask(&mut self, question: &Question) {
        self.dialog = self.confirmation(question).map(Dialog::Confirm);
    }

    /// Quits; asks first if a record of ours is running or has just been ordered.
    pub(super) fn quit(&mut self) -> Vec<Effect> {
        if self.records_ended().is_empty() && self.recorder.is_none() {
            return vec![Effect::Quit];
        }
        self.ask(&Question::Quit);
        Vec::new()
    }

    /// A question in the current state; `None` if there is nothing to ask.
    pub(super) fn confirmation(&self, question: &Question) -> Option<Confirm> {
        let mut lines = Vec::new();
        let (title, yes, then) = match question {
            Question::Quit => {
                let (sessions, ends): (Vec<_>, Vec<_>) = self.records_ended().into_iter().unzip();
                if self.recorder.is_some() {
                    lines.push("The recording to files ends; what it has is kept.".to_owned());
                } else if ends.is_empty() {
                    lines.push("The record has ended: nothing is lost.".to_owned());
                }
                lines.extend(ends);
                lines.extend(self.records_continued());
                let ends = !sessions.is_empty() || self.recorder.is_some();
                let yes = if ends { "stop and quit" } else { "quit" };
                let running = sessions.into_iter().filter(|id| self.records.is_running_in(id));
                ("Quit?", yes, running.map(stop_record).chain([Effect::Quit]).collect())
            }
            Question::StopRecord(session) => {
                let running = self.records.running_in(session)?;
                lines.push(format!("The record \"{}\" ends.", running.record.title));
                if running.foreign {
                    lines.push("Another program started it.".to_owned());
                }
                lines.extend(self.ownership(session));
                ("Stop the record?", "stop", vec![stop_record(session.clone())])
            }
            Question::StopFiles => {
                let files = &self.recorder.as_ref()?.status.files;
                let folder = files.first().and_then(|file| file.path.parent());
                lines.extend(folder.map(|own| format!("In {}:", own.display())));
                let folder = folder.unwrap_or(Path::new(""));
                let within =
                    |path: &Path| path.strip_prefix(folder).unwrap_or(path).display().to_string();
                lines.extend(files.iter().map(|file| within(&file.path)));
                let stop = vec![Effect::Recorder(None)];
                ("Stop the recording to files?", "stop", stop)
            }
            Question::Record(session) => {
                self.sessions.get(session).filter(|entry| entry.closed.is_none())?;
                lines.extend(self.ownership(session));
                lines.push("Its session object shows the record there too.".to_owned());
                let form = Dialog::Form(self.record_form(session.clone()));
                return Some(Confirm {
                    question: question.clone(),
                    title: "Record in the session of another program?",
                    lines,
                    yes: "record",
                    then: DialogAction::Open(Box::new(form)),
                });
            }
            Question::CloseSession(session) => {
                let entry = self.sessions.get(session).filter(|entry| entry.closed.is_none())?;
                let (title, yes, command) = if entry.foreign {
                    lines.extend([
                        "Another program of this application opened it, and keeps it.".to_owned(),
                        "cortop unsubscribes its own streams and no longer looks at it.".to_owned(),
                    ]);
                    let release = Command::Release(session.clone());
                    ("Leave the session of another program?", "leave", release)
                } else {
                    lines.extend([
                        format!("Its streams end; {} stays connected.", entry.session.headset.id),
                        "A closed session cannot be used again.".to_owned(),
                    ]);
                    ("Close the session?", "close", Command::Close(session.clone()))
                };
                lines.extend(self.record_ended(session));
                (title, yes, vec![Effect::Command(command)])
            }
            Question::OpenHeadsets(wanted) => return self.confirm_opening(question, wanted),
            Question::Activate(session) => {
                self.sessions.get(session).filter(|entry| {
                    entry.closed.is_none() && entry.session.status != SessionStatus::Activated
                })?;
                lines.extend(self.ownership(session));
                lines.push("This uses one activation of the licence.".to_owned());
                lines.push(self.activations_sentence());
                lines.extend(self.activation_brings());
                let activate = Command::Activate(session.clone());
                ("Activate the session?", "activate", vec![Effect::Command(activate)])
            }
            Question::Disconnect(id) => {
                let entry = self.sessions.on(id).filter(|_| self.is_connected(id))?;
                lines.extend([
                    format!("Its session ends, and {id} is disconnected for other programs too."),
                    "To end only the session, close it in the session pane.".to_owned(),
                ]);
                lines.extend(self.ownership(&entry.session.id));
                lines.extend(self.record_ended(&entry.session.id));
                let disconnect = Command::Disconnect(id.clone());
                ("Disconnect the headset?", "disconnect", vec![Effect::Command(disconnect)])
            }
            Question::Scan => {
                self.sessions.live().find(|entry| !entry.subscribed.is_empty())?;
                lines.push("Scanning disturbs running streams for about 20 s.".to_owned());
                let scan = Command::Scan { anyway: true };
                ("Scan anyway?", "scan", vec![Effect::Command(scan)])
            }
        };
        let then = DialogAction::Effects(then);
        Some(Confirm { question: question.clone(), title, lines, yes, then })
    }

    /// Asks whether to open sessions that may debit the licence.
    fn confirm_opening(&self, question: &Question, wanted: &[HeadsetId]) -> Option<Confirm> {
        let ids = self.openable(|id| wanted.contains(id));
        if ids.is_empty() {
            return None;
        }
        let most = ids.len() as f64;
        let used = self.activations_left().map_or(most, |left| left.min(most));
        let names: Vec<_> = ids.iter().map(HeadsetId::as_str).collect();
        let lines = vec![
            format!("A session is opened on each of {}: {}.", ids.len(), names.join(", ")),
            format!("That may use up to {} of the licence.", activations(used)),
            self.activations_sentence(),
        ];
        Some(Confirm {
            question: question.clone(),
            title: "Open all these headsets?",
            lines,
            yes: "open",
            then: DialogAction::OpenHeadsets(ids),
        })
    }

    fn activations_left(&self) -> Option<f64> {
        self.licence.as_ref().and_then(|licence| licence.local_quota)
    }

    fn activations_sentence(&self) -> String {
        self.activations_left().map_or_else(
            || "How many activations are left on this computer is unknown.".to_owned(),
            |left| {
                let activations = activations(left);
                let verb = if activations.ends_with('s') { "are" } else { "is" };
                format!("{activations} {verb} left on this computer.")
            },
        )
    }

    /// What an activation brings, if the licence has no scope eeg.
    pub(super) fn activation_brings(&self) -> Option<String> {
        let licence = self.licence.as_ref().filter(|licence| !licence.has_scope("eeg"))?;
        let metrics = if licence.has_scope("pm") { ", and metrics at 2 Hz" } else { "" };
        Some(format!(
            "The licence has no scope eeg: there will be no EEG. It brings records with \
             markers{metrics}."
        ))
    }

    /// Whether opening a session may use an activation: sessions are not opened without the licence, and the
    /// licence is not known to have none left.
    pub(super) fn may_debit(&self) -> bool {
        let has_use = |licence: &Licence| {
            let scope = licence.has_scope("eeg") || licence.has_scope("pm");
            scope && !licence.expired && licence.local_quota.is_none_or(|left| left >= 1.0)
        };
        match self.settings.session {
            SessionPolicy::Open => false,
            SessionPolicy::Active => true,
            SessionPolicy::Auto => self.licence.as_ref().is_none_or(has_use),
        }
    }

    /// A sentence on whose session it is, if it is not ours.
    pub(super) fn ownership(&self, session: &SessionId) -> Option<String> {
        let is_foreign = self.sessions.get(session).is_some_and(|entry| entry.foreign);
        is_foreign.then(|| "The session belongs to another program.".to_owned())
    }

    /// Whether a headset is connected, or not listed at all.
    fn is_connected(&self, id: &HeadsetId) -> bool {
        let mut listed = self.headsets.list.iter().filter(|headset| headset.id == *id);
        listed.all(|headset| headset.status != HeadsetStatus::Discovered)
    }

    /// The live sessions whose record would end with cortop, with a sentence about each.
    fn records_ended(&self) -> Vec<(SessionId, String)> {
        let live = self.sessions.live().map(|entry| &entry.session.id);
        live.filter_map(|id| Some((id.clone(), self.record_ended(id)?))).collect()
    }

    /// A sentence about each record that continues without cortop.
    fn records_continued(&self) -> impl Iterator<Item = String> {
        let running = self.records.running();
        running.filter(|(session, running)| self.is_continued(session, running)).map(
            |(_, running)| {
                format!("The record \"{}\" of another program goes on.", running.record.title)
            },
        )
    }

    /// Whether the record of a session continues without cortop: it is another program's, in its own session.
    fn is_continued(&self, session: &SessionId, running: &RunningRecord) -> bool {
        running.foreign && self.sessions.get(session).is_some_and(|entry| entry.foreign)
    }

    /// What happens to a session's record when the session is closed or left; `None` if no record ends.
    fn record_ended(&self, session: &SessionId) -> Option<String> {
        if let Some(running) = self.records.running_in(session) {
            if self.is_continued(session, running) {
                return None;
            }
            let whose = if running.foreign { ", started by another program" } else { "" };
            let title = &running.record.title;
            // Our record in another program's session is stopped automatically.
            let foreign = self.sessions.get(session).is_some_and(|entry| entry.foreign);
            let how = if foreign { "it is stopped" } else { "it ends with the session" };
            return Some(format!("A record is running, \"{title}\"{whose}: {how}."));
        }
        let ordered = self.records.ordered(session, self.now.instant)?;
        Some(format!("A record is being started, \"{ordered}\": it ends with the session."))
    }
}

fn activations(count: f64) -> String {
    match format!("{count}").as_str() {
        "1" => "1 activation".to_owned(),
        count => format!("{count} activations"),
    }
}

fn stop_record(session: SessionId) -> Effect {
    Effect::Command(Command::Record(RecordCommand::Stop(session)))
}
