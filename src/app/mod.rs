//! The state machine: `update(Message)` gives new state and effects. No I/O, no clock, no drawing.

mod action;
mod headsets;
mod key;
mod keymap;
mod message;
mod sessions;
mod streams;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tui_logger::{TuiWidgetEvent, TuiWidgetState};

pub use self::{
    action::{Action, Binding, Scope, TABLE},
    headsets::Headsets,
    key::Key,
    keymap::Keymap,
    message::{Effect, Message, Now, Throughput},
    sessions::{Entry, Field, Sessions},
    streams::{
        AMPLITUDES, Frozen, HIGH_PASSES, LOW_PASSES, Motion, NOTCHES, Shown, Streams, WINDOWS,
    },
};
use crate::{
    cortex::{
        Command, Event, Link, Refusal, Step, Stream,
        account::{CortexInfo, Licence, UserLogin},
        headset::HeadsetStatus,
        session::SessionStatus,
    },
    signal::{Snapshot, Traces, bands::by_sensor, view::End},
};

/// How long written numbers stand.
const NUMBERS: Duration = Duration::from_millis(500);

/// The four panes, in the order of their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    /// 1
    Headsets,
    /// 2
    Session,
    /// 3
    Streams,
    /// 4
    Log,
}

impl Pane {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Headsets, Self::Session, Self::Streams, Self::Log];

    /// The scope of its keys.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::Headsets => Scope::Headsets,
            Self::Session => Scope::Session,
            Self::Streams => Scope::Streams,
            Self::Log => Scope::Log,
        }
    }

    fn step(self, step: usize) -> Self {
        Self::ALL[(self as usize + step) % Self::ALL.len()]
    }
}

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something was refused or is off.
    Problem,
}

/// A sentence for the user, shown until the next one or until it is old.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The sentence.
    pub text: String,
    /// How much it matters.
    pub severity: Severity,
    /// When it came.
    pub at: Now,
}

/// What does not change while the program runs.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The keys in force.
    pub keymap: Keymap,
    /// The names of the themes, in the order of the key.
    pub themes: Vec<String>,
    /// The first theme's place among them.
    pub theme: usize,
    /// Where the service is expected.
    pub url: String,
    /// Whether the service is the embedded simulator.
    pub demo: bool,
}

/// The whole state of the monitor.
pub struct App {
    /// What does not change.
    pub settings: Settings,
    /// The moment of the last tick.
    pub now: Now,
    /// The connection to the service.
    pub link: Link,
    /// The service's version.
    pub service: Option<CortexInfo>,
    /// The user, `Some(None)` when nobody is logged in.
    pub user: Option<Option<UserLogin>>,
    /// The licence.
    pub licence: Option<Licence>,
    /// The headsets pane.
    pub headsets: Headsets,
    /// The session pane.
    pub sessions: Sessions,
    /// The streams pane.
    pub streams: Streams,
    /// The log pane: tui-logger's own state.
    pub log: TuiWidgetState,
    /// The newest picture of the signals.
    pub snapshot: Arc<Snapshot>,
    /// The one whose numbers are shown, and since when.
    held: (Instant, Arc<Snapshot>),
    /// What goes to the terminal.
    pub throughput: Throughput,
    /// The pane that keys mean.
    pub focus: Pane,
    /// Whether it has the whole screen.
    pub zoomed: bool,
    /// Whether the help is open.
    pub help: bool,
    /// Place in [`Settings::themes`].
    pub theme: usize,
    /// The last thing to say.
    pub notice: Option<Notice>,
    /// The refusal that came last, until the flow goes on.
    refusal: Option<Refusal>,
}

impl App {
    /// The state before anything was heard of the service.
    #[must_use]
    pub fn new(settings: Settings, now: Now) -> Self {
        let theme = settings.theme;
        let log = TuiWidgetState::new();
        // The list of targets takes room, and is one key away.
        log.transition(TuiWidgetEvent::HideKey);
        Self {
            settings,
            now,
            link: Link::Connecting,
            service: None,
            user: None,
            licence: None,
            headsets: Headsets::default(),
            sessions: Sessions::default(),
            streams: Streams::default(),
            log,
            snapshot: Arc::default(),
            held: (now.instant, Arc::default()),
            throughput: Throughput::default(),
            focus: Pane::Streams,
            zoomed: false,
            help: false,
            theme,
            notice: None,
            refusal: None,
        }
    }

    /// Takes in a message and tells what is to be done.
    pub fn update(&mut self, message: Message) -> Vec<Effect> {
        let looked_at = self.sessions.current.clone();
        let mut effects = Vec::new();
        match message {
            Message::Tick(now) => self.now = now,
            Message::Action(action) => effects = self.act(action),
            Message::Cortex(event) => self.hear(event),
            Message::ClientEnded => effects.push(Effect::Quit),
            Message::Snapshot(snapshot) => self.show(snapshot),
            Message::Throughput(throughput) => self.throughput = throughput,
            Message::Notice(text) => self.say(Severity::Problem, text),
        }
        if self.sessions.current != looked_at {
            // A frozen picture is one of a session.
            self.streams.frozen = None;
        }
        effects
    }

    /// What a key does now: the focused pane's or a global action. With the help open, its own key,
    /// the quit key and Esc close it, and only what concerns the screen works besides.
    #[must_use]
    pub fn action(&self, key: Key) -> Option<Action> {
        let action = self.settings.keymap.action(self.focus.scope(), key);
        if !self.help {
            return action;
        }
        match action {
            Some(Action::Quit) => Some(Action::Help),
            Some(Action::Help | Action::Redraw | Action::Suspend | Action::Theme) => action,
            _ => (key == Key::ESC).then_some(Action::Help),
        }
    }

    /// The refusal that the flow from connection to streaming stands still at, if it does.
    #[must_use]
    pub fn stopped_by(&self) -> Option<&Refusal> {
        self.refusal.as_ref().filter(|_| is_stopped(&self.link))
    }

    /// Whether a session's data can still come: it is not closed, and the connection stands.
    #[must_use]
    pub fn lives(&self, entry: &Entry) -> bool {
        entry.closed.is_none() && matches!(self.link, Link::Up { .. })
    }

    /// The picture whose numbers are written out: of the moment, at most twice a second, for
    /// fourteen changing numbers cost a terminal as much as all traces (performance.md); or of the
    /// frozen one.
    #[must_use]
    pub fn numbers(&self) -> &Snapshot {
        self.streams.frozen.as_ref().map_or(&self.held.1, |frozen| &frozen.snapshot)
    }

    /// The traces to draw: of the moment, or of the frozen one.
    #[must_use]
    pub fn traces(&self) -> Option<&Traces> {
        let newest = self.snapshot.traces.as_ref();
        match &self.streams.frozen {
            Some(frozen) if self.snapshot.view.end != End::At(frozen.end) => {
                frozen.snapshot.traces.as_ref()
            }
            _ => newest,
        }
    }

    /// The readings to draw: of the moment, or of the frozen one.
    #[must_use]
    pub fn picture(&self) -> &Snapshot {
        self.streams.frozen.as_ref().map_or(&self.snapshot, |frozen| &frozen.snapshot)
    }

    fn show(&mut self, snapshot: Arc<Snapshot>) {
        let now = self.now.instant;
        let other = snapshot.view.session != self.held.1.view.session;
        if other || now.saturating_duration_since(self.held.0) >= NUMBERS {
            self.held = (now, Arc::clone(&snapshot));
        }
        self.snapshot = snapshot;
    }

    fn hear(&mut self, event: Event) {
        let now = self.now.instant;
        match event {
            Event::Link(link) => {
                if !matches!(link, Link::Up { .. }) && matches!(self.link, Link::Up { .. }) {
                    self.headsets.forget();
                }
                if !is_stopped(&link) {
                    self.refusal = None;
                }
                self.link = link;
            }
            Event::Service(info) => self.service = Some(info),
            Event::User(user) => self.user = Some(user),
            Event::Licence(licence) => self.licence = Some(licence),
            Event::Headsets(list) => self.headsets.replace(list, now),
            Event::Scan(running) => self.headsets.scanning = running,
            Event::Session(session) => self.sessions.put(session, now),
            Event::Opened { session, mode, why } => self.sessions.opened(&session, mode, why),
            Event::Closed { session, why } => {
                self.say(Severity::Problem, format!("session closed: {why}"));
                self.sessions.closed(&session, why, now);
            }
            Event::Subscribed { session, streams, refused } => {
                if let Some((_, refusal)) = refused.first() {
                    self.say(Severity::Problem, refusal.to_string());
                }
                self.sessions.subscribed(&session, streams, refused);
            }
            Event::Warning(warning) => {
                self.say(Severity::Info, format!("Cortex {}: {}", warning.code, warning.text()));
            }
            Event::Refused(refusal) => {
                self.say(Severity::Problem, refusal.to_string());
                if !is_stopped(&self.link) {
                    self.refusal = Some(refusal);
                }
            }
        }
    }

    fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::NextPane => self.focus = self.focus.step(1),
            Action::PreviousPane => self.focus = self.focus.step(Pane::ALL.len() - 1),
            Action::HeadsetsPane => self.focus = Pane::Headsets,
            Action::SessionPane => self.focus = Pane::Session,
            Action::StreamsPane => self.focus = Pane::Streams,
            Action::LogPane => self.focus = Pane::Log,
            Action::Zoom => self.zoomed = !self.zoomed,
            Action::Freeze => self.freeze(),
            Action::Theme => self.theme = (self.theme + 1) % self.settings.themes.len().max(1),
            Action::Help => self.help = !self.help,
            Action::Redraw => return vec![Effect::Redraw],
            Action::Suspend => return vec![Effect::Suspend],
            Action::Quit => return vec![Effect::Quit],
            Action::HeadsetUp => self.headsets.step(-1),
            Action::HeadsetDown => self.headsets.step(1),
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
            Action::ChannelUp => self.step_channel(-1),
            Action::ChannelDown => self.step_channel(1),
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

    fn command_headset(&mut self, action: Action) -> Vec<Effect> {
        if action == Action::Scan {
            return vec![Effect::Command(Command::Scan)];
        }
        let Some(headset) = self.headsets.selected() else {
            self.say(Severity::Problem, "no headset is selected".to_owned());
            return Vec::new();
        };
        let id = headset.id.clone();
        if action == Action::Disconnect {
            if headset.status == HeadsetStatus::Discovered {
                self.say(Severity::Info, format!("{id} is not connected"));
                return Vec::new();
            }
            return vec![Effect::Command(Command::Disconnect(id))];
        }
        if let Some(entry) = self.sessions.on(&id) {
            self.sessions.current = Some(entry.session.id.clone());
            self.focus = Pane::Streams;
            return Vec::new();
        }
        vec![Effect::Command(Command::Open(id))]
    }

    fn command_session(&mut self, action: Action) -> Vec<Effect> {
        let Some(entry) = self.sessions.current().filter(|entry| entry.closed.is_none()) else {
            self.say(Severity::Problem, "there is no live session".to_owned());
            return Vec::new();
        };
        let id = entry.session.id.clone();
        if action == Action::Close {
            return vec![Effect::Command(Command::Close(id))];
        }
        if entry.session.status == SessionStatus::Activated {
            self.say(Severity::Info, "the session is activated already".to_owned());
            return Vec::new();
        }
        vec![Effect::Command(Command::Activate(id))]
    }

    fn freeze(&mut self) {
        if self.streams.frozen.take().is_some() {
            return;
        }
        let traces = self.snapshot.traces.as_ref();
        let empty = traces.is_none() && self.snapshot.view.stream.is_trace();
        if empty || self.snapshot.health.is_empty() {
            return self.say(Severity::Info, "there is nothing to freeze yet".to_owned());
        }
        self.streams.frozen = Some(Frozen {
            since: self.now,
            snapshot: Arc::clone(&self.snapshot),
            end: traces.map_or(0, |traces| traces.end),
        });
    }

    /// Moves the end of the picture through the history; at the newest sample it goes on by itself.
    /// `to` gets the present end, half a window and the oldest index, in samples.
    fn travel(&mut self, to: impl FnOnce(u64, u64, u64) -> u64) {
        let Some(traces) = self.traces() else { return };
        let (half, oldest, newest) = (traces.bins.samples / 2, traces.oldest, traces.newest);
        let end = to(traces.end, half, oldest).max((oldest + half).min(newest));
        if end >= newest {
            self.streams.frozen = None;
            return;
        }
        if self.streams.frozen.is_none() {
            self.freeze();
        }
        if let Some(frozen) = &mut self.streams.frozen {
            frozen.end = end;
        }
    }

    fn step_channel(&mut self, step: isize) {
        let sensors = self.picture().readings.pow.as_deref().map(|table| by_sensor(table).len());
        let channels = self.traces().map(|traces| traces.channels_in_all);
        let count = match self.streams.shown {
            Shown::One(Stream::Pow) => sensors.or(channels),
            _ => channels,
        };
        let fit = self.traces().map_or(1, |traces| traces.channels.len());
        self.streams.step_channel(step, count.unwrap_or_default(), fit);
    }

    fn say(&mut self, severity: Severity, text: String) {
        self.notice = Some(Notice { text, severity, at: self.now });
    }
}

fn is_stopped(link: &Link) -> bool {
    matches!(link, Link::Up { step: Step::Stopped, .. })
}
