//! What actions do.

use super::{
    Action, App, Effect, Pane, SessionField, Severity, Shown, Streams,
    dialog::{Confirm, Dialog, DialogAction, Form, FormField, Menu},
    forms::FormKind,
};
use cortop_client::{
    Command, HeadsetId, Link, RecordCommand, SessionId, Step, Stream, headset::HeadsetStatus,
    session::SessionStatus,
};

/// Said before anything is done to another program's session.
pub(super) const OF_ANOTHER: &str = "The session belongs to another program.";

impl App {
    #[expect(clippy::too_many_lines, reason = "one arm an action, so that none is forgotten")]
    pub(super) fn perform(&mut self, action: Action) -> Vec<Effect> {
        match action {
            _ if self.streams.shown == Shown::Inspector && self.inspect(action) => {}
            _ if !self.shows(action) => self.say_not_shown(action),
            Action::NextPane => self.focus = self.focus.next(),
            Action::PreviousPane => self.focus = self.focus.previous(),
            Action::HeadsetsPane => self.focus = Pane::Headsets,
            Action::SessionPane => self.focus = Pane::Session,
            Action::StreamsPane => self.focus = Pane::Streams,
            Action::LogPane => self.focus = Pane::Log,
            Action::Zoom => self.zoomed = !self.zoomed,
            Action::Freeze => self.freeze(),
            Action::Connect => return self.connect(),
            Action::Theme => {
                self.theme = (self.theme + 1) % self.settings.themes.len().max(1);
                if let Some(name) = self.settings.themes.get(self.theme) {
                    self.say(Severity::Info, format!("theme {name}"));
                }
            }
            Action::Help => {
                self.help = !self.help;
                self.help_page = 0;
            }
            Action::Commands => return self.pick_command(),
            Action::Redraw => return vec![Effect::Redraw],
            Action::Suspend => return vec![Effect::Suspend],
            Action::Quit => return self.quit(),
            Action::Record => self.record(),
            // By its name a numbered one has no number: it asks for one.
            Action::Mark | Action::MarkNow => self.mark(),
            Action::EndMarker => return self.end_marker(),
            Action::Records => {
                return self.pick(Menu::Records, Some(Command::Record(RecordCommand::List)));
            }
            Action::Copy => return self.copy(),
            Action::Sessions => return self.pick(Menu::Sessions, None),
            Action::Profiles => return self.pick_profile(),
            Action::Account => return self.pick(Menu::Account, None),
            Action::History => {
                let list = self.sessions.current.clone().map(Menu::History);
                return list.map_or_else(Vec::new, |list| self.pick(list, None));
            }
            Action::HeadsetMenu => return self.pick_for_headset(),
            Action::ChooseStreams => return self.pick_streams(),
            Action::HeadsetUp => self.step_headset(-1),
            Action::HeadsetDown => self.step_headset(1),
            Action::Overview => self.headsets.overview = !self.headsets.overview,
            Action::SortBy => self.sort_overview(),
            Action::CallOff => return self.call_off(),
            Action::Open | Action::Disconnect | Action::Scan => {
                return self.command_headset(action);
            }
            Action::FieldUp => self.sessions.step_field(-1),
            Action::FieldDown => self.sessions.step_field(1),
            Action::Unfold => return self.unfold(),
            Action::FieldEarlier => self.page_field(false),
            Action::FieldLater => self.page_field(true),
            Action::Activate | Action::Close => return self.command_session(action),
            Action::NextSession => self.sessions.next(),
            Action::NextView => self.streams.step_view(true),
            Action::PreviousView => self.streams.step_view(false),
            Action::Contact => self.streams.toggle(Shown::One(Stream::Dev)),
            Action::Inspector => self.streams.toggle(Shown::Inspector),
            Action::Larger => self.set(action, |streams| streams.step_amplitude(-1)),
            Action::Smaller => self.set(action, |streams| streams.step_amplitude(1)),
            Action::AutoScale => self.set(action, |streams| streams.auto = !streams.auto),
            Action::Shorter => self.set(action, |streams| streams.step_window(-1)),
            Action::Longer => self.set(action, |streams| streams.step_window(1)),
            Action::Sweep => self.set(action, Streams::next_scroll_mode),
            Action::HighPass => self.set(action, Streams::next_high_pass),
            Action::LowPass => self.set(action, Streams::next_low_pass),
            Action::Notch => self.set(action, Streams::next_notch),
            Action::Reference => self.set(action, Streams::next_reference),
            Action::Spectrum => self.streams.toggle(Shown::Spectrum),
            Action::Spectrogram => self.streams.toggle(Shown::Spectrogram),
            Action::AllChannels => {
                self.set(action, |streams| streams.all_channels = !streams.all_channels);
            }
            Action::Level => self.set_level(),
            Action::ChannelUp
            | Action::ChannelDown
            | Action::HideChannel
            | Action::SoloChannel
            | Action::ChannelSmaller
            | Action::ChannelLarger
            | Action::MoveChannelUp
            | Action::MoveChannelDown
            | Action::ResetChannels => self.arrange(action),
            Action::GlyphSet => {
                self.set(action, |streams| streams.glyph_set = streams.glyph_set.next());
            }
            Action::CursorLeft => self.move_cursor(u64::saturating_sub),
            Action::CursorRight => self.move_cursor(u64::saturating_add),
            Action::CursorBack => self.move_cursor(|at, _| at.saturating_sub(1)),
            Action::CursorOn => self.move_cursor(|at, _| at.saturating_add(1)),
            Action::SecondCursor => self.second_cursor(),
            Action::Earlier => self.travel(|end, half, _| end.saturating_sub(half)),
            Action::Later => self.travel(|end, half, _| end.saturating_add(half)),
            Action::Oldest => self.travel(|_, half, oldest| oldest + 2 * half),
            Action::Newest => self.streams.frozen = None,
            Action::LogFilter => self.ask_log_filter(),
            Action::LogTargets
            | Action::LogFocus
            | Action::LogCapture
            | Action::LogShow
            | Action::LogUp
            | Action::LogDown
            | Action::LogEarlier
            | Action::LogLater
            | Action::LogOldest
            | Action::LogFollow => self.act_on_log(action),
        }
        Vec::new()
    }

    /// Has cortop try again now what it would try later.
    fn connect(&mut self) -> Vec<Effect> {
        if let Link::Up { step: Step::Streaming | Step::Watching, .. } = self.link {
            self.say(Severity::Info, "connected: nothing is waited for".to_owned());
            return Vec::new();
        }
        self.say(Severity::Info, "trying again now".to_owned());
        vec![Effect::Command(Command::Connect)]
    }

    pub(super) fn command_headset(&mut self, action: Action) -> Vec<Effect> {
        if matches!(self.link, Link::Waiting { .. }) && action != Action::Disconnect {
            return self.connect();
        }
        if action == Action::Scan {
            let flows = self.sessions.live().any(|entry| !entry.subscribed.is_empty());
            if !flows {
                return vec![Effect::Command(Command::Scan { anyway: false })];
            }
            let lines = vec!["Scanning disturbs running streams for about 20 s.".to_owned()];
            let scan = Effect::Command(Command::Scan { anyway: true });
            self.ask("Scan anyway?", lines, "scan", vec![scan]);
            return Vec::new();
        }
        let on = self.headsets.selected.as_ref().and_then(|id| self.sessions.on(id));
        if action == Action::Open
            && let Some(entry) = on
            && entry.closing.is_some()
        {
            let headset = entry.session.headset.id.clone();
            self.say(
                Severity::Info,
                format!("{headset} is opened again once its session is closed"),
            );
            return vec![Effect::Command(Command::Open { headset, mode: None })];
        }
        if action == Action::Open
            && let Some(entry) = on
        {
            self.sessions.current = Some(entry.session.id.clone());
            self.focus = Pane::Streams;
            return Vec::new();
        }
        if action == Action::Open
            && let Some(id) = self.headsets.selected.clone()
        {
            self.sessions.show_on(&id);
        }
        let Some(id) = self.selected_headset() else { return Vec::new() };
        if action == Action::Disconnect {
            let selected = self.headsets.selected();
            if selected.is_some_and(|headset| headset.status == HeadsetStatus::Discovered) {
                self.say(Severity::Info, format!("{id} is not connected"));
                return Vec::new();
            }
            let disconnect = self.disconnect(&id);
            return self.choose(disconnect);
        }
        self.called_off = None;
        let text = match self.link {
            Link::Up {
                step:
                    Step::Greeting
                    | Step::Login
                    | Step::OtherUser
                    | Step::Approval
                    | Step::Agreement
                    | Step::Authorizing,
                ..
            } => format!("{id} will be opened when cortop is signed in"),
            _ => format!("opening {id}"),
        };
        self.say(Severity::Info, text);
        vec![Effect::Command(Command::Open { headset: id, mode: None })]
    }

    /// Has cortop open no session on the selected headset.
    fn call_off(&mut self) -> Vec<Effect> {
        let Some(id) = self.selected_headset() else { return Vec::new() };
        if self.sessions.on(&id).is_some() {
            let close = self.settings.keymap.keys(Action::Close).first();
            let close =
                close.map_or_else(String::new, |key| format!(": {key} in pane 2 closes it"));
            self.say(Severity::Info, format!("{id} has a session{close}"));
            return Vec::new();
        }
        let open = self.settings.keymap.keys(Action::Open).first();
        let open = open.map_or_else(String::new, |key| format!("; {key} on it does"));
        self.say(Severity::Info, format!("cortop opens no session on {id} now{open}"));
        self.called_off = Some(id.clone());
        vec![Effect::Command(Command::CallOff(id))]
    }

    /// Disconnects a headset, after a question where a session would die.
    pub(super) fn disconnect(&self, id: &HeadsetId) -> DialogAction {
        let disconnect = vec![Effect::Command(Command::Disconnect(id.clone()))];
        if self.sessions.on(id).is_none() {
            return DialogAction::Effects(disconnect);
        }
        let mut lines = vec![
            format!("Its session ends, and {id} is disconnected for other programs too."),
            "To end only the session, close it in the session pane.".to_owned(),
        ];
        if self.sessions.on(id).is_some_and(|entry| entry.foreign) {
            lines.push(OF_ANOTHER.to_owned());
        }
        lines.extend(self.sessions.on(id).and_then(|entry| self.record_ends(&entry.session.id)));
        let ask = Confirm::new("Disconnect the headset?", lines, "disconnect", disconnect);
        DialogAction::Open(Box::new(Dialog::Confirm(ask)))
    }

    /// The question before a session is closed.
    pub(super) fn close(&self, id: &SessionId) -> Confirm {
        if self.sessions.get(id).is_some_and(|entry| entry.foreign) {
            let mut lines = vec![
                "Another program of this application opened it, and keeps it.".to_owned(),
                "cortop unsubscribes its own streams and no longer looks at it.".to_owned(),
            ];
            lines.extend(self.record_ends(id));
            let release = vec![Effect::Command(Command::Release(id.clone()))];
            return Confirm::new("Leave the session of another program?", lines, "leave", release);
        }
        let headset = self.sessions.get(id).map(|entry| entry.session.headset.id.clone());
        let headset = headset.unwrap_or_default();
        let mut lines = vec![
            format!("Its streams end; {headset} stays connected."),
            "A closed session cannot be used again.".to_owned(),
        ];
        lines.extend(self.record_ends(id));
        let close = vec![Effect::Command(Command::Close(id.clone()))];
        Confirm::new("Close the session?", lines, "close", close)
    }

    /// The headset that keys mean; says so if there is none.
    pub(super) fn selected_headset(&mut self) -> Option<HeadsetId> {
        let selected = self.headsets.selected().map(|headset| headset.id.clone());
        if selected.is_none() {
            self.say(Severity::Problem, "no headset is selected".to_owned());
        }
        selected
    }

    /// The session shown, if it is open; else says why nothing can be done with it.
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
        self.say(Severity::Problem, text.to_owned());
        None
    }

    /// Shows the selected field whole, or short again. Records are asked for by name.
    fn unfold(&mut self) -> Vec<Effect> {
        self.sessions.unfold();
        let ids = self.sessions.current().and_then(|entry| entry.session.record_ids.as_ref());
        let unnamed =
            ids.into_iter().flatten().any(|id| self.records.get(&id.as_str().into()).is_none());
        let asks =
            self.sessions.unfolded && self.sessions.field() == SessionField::RecordIds && unnamed;
        let list = Effect::Command(Command::Record(RecordCommand::List));
        Some(list).filter(|_| asks && matches!(self.link, Link::Up { .. })).into_iter().collect()
    }

    fn page_field(&mut self, forward: bool) {
        if self.sessions.unfolded {
            self.sessions.scroll.page(forward);
        } else {
            self.say(Severity::Info, "unfold the field first (Enter)".to_owned());
        }
    }

    pub(super) fn command_session(&mut self, action: Action) -> Vec<Effect> {
        let Some(id) = self.live_session() else { return Vec::new() };
        if action == Action::Close {
            if self.sessions.get(&id).is_some_and(|entry| entry.closing.is_some()) {
                let text = "the session is being closed: Cortex has not answered yet";
                self.say(Severity::Info, text.to_owned());
                return Vec::new();
            }
            let ask = self.close(&id);
            self.dialog = Some(Dialog::Confirm(ask));
            return Vec::new();
        }
        let entry = self.sessions.get(&id);
        if entry.is_some_and(|entry| entry.session.status == SessionStatus::Activated) {
            self.say(Severity::Info, "the session is activated already".to_owned());
            return Vec::new();
        }
        let left = self.licence.as_ref().and_then(|licence| licence.local_quota);
        if left.is_some_and(|left| left < 1.0) {
            let form = self.debit_form(id);
            self.dialog = Some(Dialog::Form(form));
            return Vec::new();
        }
        let left = left.map_or_else(
            || "How many activations are left on this computer is not known.".to_owned(),
            |left| format!("{left} activations are left on this computer."),
        );
        let mut lines = vec!["This uses one activation of the licence.".to_owned(), left];
        if entry.is_some_and(|entry| entry.foreign) {
            lines.insert(0, OF_ANOTHER.to_owned());
        }
        let activate = Effect::Command(Command::Activate(id));
        self.ask("Activate the session?", lines, "activate", vec![activate]);
        Vec::new()
    }

    /// How many activations to move here where none is left, and what that costs.
    fn debit_form(&self, session: SessionId) -> Form {
        let mut notes = vec![
            "No activation is left on this computer.".to_owned(),
            "This moves N activations from the licence to this computer (authorize with debit N), \
             then activates the session, which uses one of them."
                .to_owned(),
        ];
        if self.sessions.get(&session).is_some_and(|entry| entry.foreign) {
            notes.insert(0, OF_ANOTHER.to_owned());
        }
        if self.licence.as_ref().is_some_and(|licence| !licence.has_scope("eeg")) {
            notes.push("The licence has no scope eeg: there will be no EEG.".to_owned());
        }
        let number =
            FormField::proposal("activations", "N: how many to move to this computer", "1");
        let title = "move activations here, then activate".to_owned();
        Form { notes, ..Form::new(title, FormKind::Debit(session), vec![number]) }
    }
}
