//! Keys that act on headsets and sessions.

use super::{
    Action, App, Effect, Pane, SessionEntry, SessionField, Severity,
    dialog::{Dialog, DialogAction, Form, FormField, FormKind, Question},
    events::is_signing_in,
    notice::Condition,
};
use cortop_client::{
    Command, ConnectionStep, FOREIGN_SESSION, FOREIGN_SESSION_NEXT, HeadsetId, Link, RecordCommand,
    SessionId, headset::HeadsetStatus, session::SessionStatus,
};

impl App {
    /// Retries immediately what cortop would retry later.
    pub(super) fn connect(&mut self) -> Vec<Effect> {
        if self.is_streaming() {
            let text = match self.sessions.current().and_then(Self::owner_has_it) {
                Some(text) => text,
                None => "connected: there is nothing to try again".to_owned(),
            };
            self.notify(Severity::Info, text);
            return Vec::new();
        }
        if let Link::Up { step: ConnectionStep::Searching | ConnectionStep::Missing(_), .. } =
            self.link
        {
            return self.scan();
        }
        let text = match self.stopped_by() {
            Some(refusal) => format!("trying again what was refused: {}", refusal.headline()),
            None => "trying again now".to_owned(),
        };
        self.notify_while(Condition::Link(self.link.clone()), Severity::Info, text);
        vec![Effect::Command(Command::Connect)]
    }

    /// Scans for headsets; asks first if streams are running.
    pub(super) fn scan(&mut self) -> Vec<Effect> {
        if matches!(self.link, Link::Waiting { .. }) {
            return self.connect();
        }
        let confirm = self.confirmation(&Question::Scan);
        let asks = confirm.is_some();
        self.dialog = confirm.map(Dialog::Confirm);
        let scan = Effect::Command(Command::Scan { anyway: false });
        Some(scan).filter(|_| !asks).into_iter().collect()
    }

    /// Opens a session on the selected headset, or shows the session it has.
    pub(super) fn open_selected(&mut self) -> Vec<Effect> {
        if matches!(self.link, Link::Waiting { .. }) {
            return self.connect();
        }
        let on = self.headsets.selected.as_ref().and_then(|id| self.sessions.on(id));
        if let Some(entry) = on {
            if entry.closing.is_some() {
                let headset = entry.session.headset.id.clone();
                let text = format!("{headset} is opened again once its session is closed");
                self.notify(Severity::Info, text);
                return vec![Effect::Command(Command::Open { headset, mode: None })];
            }
            let owned = Self::owner_has_it(entry);
            self.sessions.current = Some(entry.session.id.clone());
            self.focus = Pane::Streams;
            if let Some(text) = owned {
                self.notify(Severity::Info, text);
            }
            return Vec::new();
        }
        let Some(id) = self.selected_headset() else { return Vec::new() };
        self.sessions.show_on(&id);
        self.called_off = None;
        let text = match self.link {
            _ if is_signing_in(&self.link) => {
                format!("{id} will be opened when cortop is signed in")
            }
            _ => format!("opening {id}"),
        };
        self.notify_while(Condition::NoSessionOn(vec![id.clone()]), Severity::Info, text);
        vec![Effect::Command(Command::Open { headset: id, mode: None })]
    }

    /// Shows a session that was chosen from a list.
    pub(super) fn show_session(&mut self, id: SessionId) {
        let text = match self.sessions.get(&id) {
            Some(entry) => Self::owner_has_it(entry)
                .unwrap_or_else(|| format!("the session on {} is shown", entry.session.headset.id)),
            None => return,
        };
        self.sessions.current = Some(id);
        self.notify(Severity::Info, text);
    }

    /// Why no samples of a session arrive here, and what to do, if they go to the program that opened it.
    pub(super) fn owner_has_it(entry: &SessionEntry) -> Option<String> {
        let is_theirs = entry.foreign && entry.closed.is_none() && entry.subscribed.is_empty();
        is_theirs.then(|| format!("followed already: {FOREIGN_SESSION} → {FOREIGN_SESSION_NEXT}"))
    }

    /// Cancels the opening of a session on the selected headset.
    pub(super) fn cancel_opening(&mut self) -> Vec<Effect> {
        let Some(id) = self.selected_headset() else { return Vec::new() };
        let key = |action| self.settings.keymap.keys(action).first();
        if self.sessions.on(&id).is_some() {
            let close = key(Action::Close);
            let close =
                close.map_or_else(String::new, |key| format!(": {key} in pane 2 closes it"));
            self.notify(Severity::Info, format!("{id} has a session{close}"));
            return Vec::new();
        }
        let open = key(Action::Open);
        let open = open.map_or_else(String::new, |key| format!("; {key} on it opens one"));
        let text = format!("cancelled: no session will be opened on {id}{open}");
        self.notify_while(Condition::NoSessionOn(vec![id.clone()]), Severity::Info, text);
        self.called_off = Some(id.clone());
        vec![Effect::Command(Command::CallOff(id))]
    }

    pub(super) fn disconnect_selected(&mut self) -> Vec<Effect> {
        let Some(id) = self.selected_headset() else { return Vec::new() };
        let selected = self.headsets.selected();
        if selected.is_some_and(|headset| headset.status == HeadsetStatus::Discovered) {
            self.notify(Severity::Info, format!("{id} is not connected"));
            return Vec::new();
        }
        let disconnect = self.disconnect(&id);
        self.follow(disconnect)
    }

    /// Disconnects a headset; asks first if that would end its session.
    pub(super) fn disconnect(&self, id: &HeadsetId) -> DialogAction {
        match self.confirmation(&Question::Disconnect(id.clone())) {
            Some(confirm) => DialogAction::Open(Box::new(Dialog::Confirm(confirm))),
            None => DialogAction::Effects(vec![Effect::Command(Command::Disconnect(id.clone()))]),
        }
    }

    /// The selected headset; notifies the user if there is none.
    pub(super) fn selected_headset(&mut self) -> Option<HeadsetId> {
        let selected = self.headsets.selected().map(|headset| headset.id.clone());
        if selected.is_none() {
            let text = "no headset is selected";
            self.notify_while(Condition::NoSelection, Severity::Problem, text);
        }
        selected
    }

    /// The session shown, if it is open; otherwise notifies the user why it cannot be used.
    pub(super) fn live_session(&mut self) -> Option<SessionId> {
        let current = self.sessions.current();
        if let Some(entry) = current.filter(|entry| self.is_live(entry)) {
            return Some(entry.session.id.clone());
        }
        let text = match current {
            Some(entry) if entry.closed.is_some() => {
                "this session is closed and cannot be used again; Enter on its headset in pane 1 \
                 opens a new one"
            }
            Some(_) => "there is no connection to the service",
            None => {
                "there is no session: create one before you subscribe; Enter on a headset in \
                 pane 1 does"
            }
        };
        self.notify_while(Condition::NoSession, Severity::Problem, text);
        None
    }

    /// Unfolds or folds the selected field; requests the titles of records for it.
    pub(super) fn unfold(&mut self) -> Vec<Effect> {
        self.sessions.unfold();
        let ids = self.sessions.current().and_then(|entry| entry.session.record_ids.as_ref());
        let unnamed =
            ids.into_iter().flatten().any(|id| self.records.get(&id.as_str().into()).is_none());
        let asks =
            self.sessions.unfolded && self.sessions.field() == SessionField::RecordIds && unnamed;
        let list = Effect::Command(Command::Record(RecordCommand::List));
        Some(list).filter(|_| asks && matches!(self.link, Link::Up { .. })).into_iter().collect()
    }

    pub(super) fn page_field(&mut self, forward: bool) {
        if self.sessions.unfolded {
            self.sessions.scroll.page(forward);
        } else {
            self.notify(Severity::Info, "unfold the field first (Enter)");
        }
    }

    /// Asks whether to close the session shown, or to leave it if it is another program's.
    pub(super) fn close(&mut self) {
        let Some(id) = self.live_session() else { return };
        if self.sessions.get(&id).is_some_and(|entry| entry.closing.is_some()) {
            let text = "the session is being closed: Cortex has not answered yet";
            return self.notify_while(Condition::Closing(id), Severity::Info, text);
        }
        self.ask(&Question::CloseSession(id));
    }

    /// Asks whether to activate the session shown; if no activation is left on this computer, asks how many
    /// to move here.
    pub(super) fn activate(&mut self) {
        let Some(id) = self.live_session() else { return };
        let entry = self.sessions.get(&id);
        if entry.is_some_and(|entry| entry.session.status == SessionStatus::Activated) {
            return self.notify(Severity::Info, "the session is activated already");
        }
        let left = self.licence.as_ref().and_then(|licence| licence.local_quota);
        if left.is_some_and(|left| left < 1.0) {
            let form = self.debit_form(id);
            self.dialog = Some(Dialog::Form(form));
        } else {
            self.ask(&Question::Activate(id));
        }
    }

    /// The form that asks how many activations to move here if none is left, and states the cost.
    fn debit_form(&self, session: SessionId) -> Form {
        let mut notes = vec![
            "No activation is left on this computer.".to_owned(),
            "This moves N activations from the licence to this computer (authorize with debit N), \
             then activates the session, which uses one of them."
                .to_owned(),
        ];
        notes.splice(0..0, self.ownership(&session));
        notes.extend(self.activation_brings());
        let number = FormField::proposal("activations", "N: how many to move here", "1");
        let title = "move activations here, then activate".to_owned();
        Form { notes, ..Form::new(title, FormKind::Debit(session), vec![number]) }
    }
}
