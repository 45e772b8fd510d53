//! What actions do.

use tui_logger::TuiWidgetEvent;

use super::{
    Action, App, Effect, Motion, Pane, Severity, Shown,
    dialog::{Ask, Choice, Dialog, List},
};
use crate::cortex::{
    Command, HeadsetId, Link, RecordCommand, SessionId, Step, Stream, headset::HeadsetStatus,
    session::SessionStatus,
};

impl App {
    #[expect(clippy::too_many_lines, reason = "one arm an action, so that none is forgotten")]
    pub(super) fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            _ if self.streams.shown == Shown::Inspector && self.inspect(action) => {}
            Action::NextPane => self.focus = self.focus.step(1),
            Action::PreviousPane => self.focus = self.focus.step(Pane::ALL.len() - 1),
            Action::HeadsetsPane => self.focus = Pane::Headsets,
            Action::SessionPane => self.focus = Pane::Session,
            Action::StreamsPane => self.focus = Pane::Streams,
            Action::LogPane => self.focus = Pane::Log,
            Action::Zoom => self.zoomed = !self.zoomed,
            Action::Freeze => self.freeze(),
            Action::Connect => return self.connect(),
            Action::Theme => self.theme = (self.theme + 1) % self.settings.themes.len().max(1),
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
                return self.pick(List::Records, Some(Command::Record(RecordCommand::List)));
            }
            Action::Copy => return self.copy(),
            Action::Sessions => return self.pick(List::Sessions, None),
            Action::Profiles => return self.pick_profile(),
            Action::Account => return self.pick(List::Account, None),
            Action::History => {
                let list = self.sessions.current.clone().map(List::History);
                return list.map_or_else(Vec::new, |list| self.pick(list, None));
            }
            Action::HeadsetMenu => return self.pick_for_headset(),
            Action::ChooseStreams => return self.pick_streams(),
            Action::HeadsetUp => self.step_headset(-1),
            Action::HeadsetDown => self.step_headset(1),
            Action::Overview => self.headsets.overview = !self.headsets.overview,
            Action::SortBy => self.sort_overview(),
            Action::Open | Action::Disconnect | Action::Scan => {
                return self.command_headset(action);
            }
            Action::FieldUp => self.sessions.step_field(-1),
            Action::FieldDown => self.sessions.step_field(1),
            Action::Unfold => self.sessions.unfolded = !self.sessions.unfolded,
            Action::Activate | Action::Close => return self.command_session(action),
            Action::NextSession => self.sessions.next(),
            Action::NextView => self.streams.step_view(true),
            Action::PreviousView => self.streams.step_view(false),
            Action::Contact => self.streams.toggle(Shown::One(Stream::Dev)),
            Action::Inspector => self.streams.toggle(Shown::Inspector),
            Action::Larger => self.streams.step_amplitude(-1),
            Action::Smaller => self.streams.step_amplitude(1),
            Action::AutoScale => self.streams.auto = !self.streams.auto,
            Action::Shorter => self.streams.step_window(-1),
            Action::Longer => self.streams.step_window(1),
            Action::Sweep => {
                self.streams.motion = match self.streams.motion {
                    Motion::Sweep => Motion::Scroll,
                    Motion::Scroll => Motion::Sweep,
                }
            }
            Action::HighPass => self.streams.next_high_pass(),
            Action::LowPass => self.streams.next_low_pass(),
            Action::Notch => self.streams.next_notch(),
            Action::Reference => self.streams.next_reference(),
            Action::Spectrum => self.streams.toggle(Shown::Spectrum),
            Action::Spectrogram => self.streams.toggle(Shown::Spectrogram),
            Action::AllChannels => self.streams.all_channels = !self.streams.all_channels,
            Action::ChannelUp
            | Action::ChannelDown
            | Action::HideChannel
            | Action::SoloChannel
            | Action::ChannelSmaller
            | Action::ChannelLarger
            | Action::MoveChannelUp
            | Action::MoveChannelDown
            | Action::ResetChannels => self.arrange(action),
            Action::Way => self.streams.way = self.streams.way.next(),
            Action::CursorLeft => self.move_cursor(u64::saturating_sub),
            Action::CursorRight => self.move_cursor(u64::saturating_add),
            Action::CursorBack => self.move_cursor(|at, _| at.saturating_sub(1)),
            Action::CursorOn => self.move_cursor(|at, _| at.saturating_add(1)),
            Action::SecondCursor => self.second_cursor(),
            Action::Earlier => self.travel(|end, half, _| end.saturating_sub(half)),
            Action::Later => self.travel(|end, half, _| end.saturating_add(half)),
            Action::Oldest => self.travel(|_, half, oldest| oldest + 2 * half),
            Action::Newest => self.streams.frozen = None,
            Action::LogTargets => self.log.transition(TuiWidgetEvent::HideKey),
            Action::LogFocus => self.log.transition(TuiWidgetEvent::FocusKey),
            Action::LogHide => self.log.transition(TuiWidgetEvent::SpaceKey),
            Action::LogMore => self.log.transition(TuiWidgetEvent::PlusKey),
            Action::LogLess => self.log.transition(TuiWidgetEvent::MinusKey),
            Action::LogUp => self.log.transition(TuiWidgetEvent::UpKey),
            Action::LogDown => self.log.transition(TuiWidgetEvent::DownKey),
            Action::LogShowMore => self.log.transition(TuiWidgetEvent::RightKey),
            Action::LogShowLess => self.log.transition(TuiWidgetEvent::LeftKey),
            Action::LogEarlier => self.log.transition(TuiWidgetEvent::PrevPageKey),
            Action::LogLater => self.log.transition(TuiWidgetEvent::NextPageKey),
            Action::LogFollow => self.log.transition(TuiWidgetEvent::EscapeKey),
        }
        Vec::new()
    }

    /// Has cortop try again now what it would try later.
    fn connect(&mut self) -> Vec<Effect> {
        if let Link::Up { step: Step::Streaming, .. } = self.link {
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
            let lines = vec!["Streams flow, and a scan harms them for about 20 s.".to_owned()];
            let scan = Effect::Command(Command::Scan { anyway: true });
            self.ask("Scan all the same?", lines, "scan", vec![scan]);
            return Vec::new();
        }
        let on = self.headsets.selected.as_ref().and_then(|id| self.sessions.on(id));
        if action == Action::Open
            && let Some(entry) = on
        {
            self.sessions.current = Some(entry.session.id.clone());
            self.focus = Pane::Streams;
            return Vec::new();
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
        vec![Effect::Command(Command::Open { headset: id, mode: None })]
    }

    /// Disconnects a headset, after a question where a session would die.
    pub(super) fn disconnect(&self, id: &HeadsetId) -> Choice {
        let disconnect = vec![Effect::Command(Command::Disconnect(id.clone()))];
        if self.sessions.on(id).is_none() {
            return Choice::Effects(disconnect);
        }
        let lines = vec![
            format!("Its session ends, and {id} is gone for other programs too."),
            "To end only the session, close it in the session pane.".to_owned(),
        ];
        let ask = Ask::key_for("Disconnect the headset?", lines, "disconnect", disconnect);
        Choice::Open(Box::new(Dialog::Ask(ask)))
    }

    /// The headset that keys mean; says so if there is none.
    pub(super) fn selected_headset(&mut self) -> Option<HeadsetId> {
        let selected = self.headsets.selected().map(|headset| headset.id.clone());
        if selected.is_none() {
            self.say(Severity::Problem, "no headset is selected".to_owned());
        }
        selected
    }

    /// The session shown, if it lives; else says that there is none.
    pub(super) fn live_session(&mut self) -> Option<SessionId> {
        let current = self.sessions.current().filter(|entry| self.lives(entry));
        let live = current.map(|entry| entry.session.id.clone());
        if live.is_none() {
            self.say(Severity::Problem, "there is no live session".to_owned());
        }
        live
    }

    pub(super) fn command_session(&mut self, action: Action) -> Vec<Effect> {
        let Some(id) = self.live_session() else { return Vec::new() };
        if action == Action::Close {
            return vec![Effect::Command(Command::Close(id))];
        }
        let entry = self.sessions.get(&id);
        if entry.is_some_and(|entry| entry.session.status == SessionStatus::Activated) {
            self.say(Severity::Info, "the session is activated already".to_owned());
            return Vec::new();
        }
        let left = self.licence.as_ref().and_then(|licence| licence.local_quota);
        let left = left.map_or_else(
            || "How many activations are left on this computer is not known.".to_owned(),
            |left| format!("{left} activations are left on this computer."),
        );
        let lines = vec!["This uses one activation of the licence.".to_owned(), left];
        let activate = Effect::Command(Command::Activate(id));
        self.ask("Activate the session?", lines, "activate", vec![activate]);
        Vec::new()
    }
}
