//! The state machine: `update(Message)` gives new state and effects. No I/O, no clock, no drawing.

mod action;
mod arrange;
mod channels;
mod choosers;
mod copy;
pub mod dialog;
mod forms;
mod headsets;
mod key;
mod keymap;
mod lists;
mod message;
mod overview;
mod profiles;
mod recording;
mod records;
mod sessions;
mod streams;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use jiff::tz::TimeZone;
use tokio::time::Instant;
use tui_logger::{TuiWidgetEvent, TuiWidgetState};

use self::dialog::{Answer, Ask, Choice, Dialog, Form, List, Pick};
pub use self::{
    action::{Action, Binding, Scope, TABLE},
    channels::Channels,
    forms::Purpose,
    headsets::Headsets,
    key::Key,
    keymap::Keymap,
    message::{Effect, Message, Now, Throughput},
    overview::{Row, Sort, Standing},
    profiles::Profiles,
    records::{Records, Running},
    sessions::{Entry, Field, Sessions},
    streams::{
        AMPLITUDES, Frozen, HIGH_PASSES, LOW_PASSES, Motion, NOTCHES, Shown, Streams, WINDOWS, Way,
    },
};
use crate::{
    cortex::{
        Command, Event, Link, RecordCommand, Refusal, Sample, Session, Step, Stream, Warning,
        account::{CortexInfo, Licence, UserLogin},
        code,
        headset::HeadsetStatus,
        session::SessionStatus,
        settings::StoredMapping,
    },
    signal::{Snapshot, Traces, inspect, view::End},
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
    /// Frames a second asked for; 0 where nobody asked.
    pub fps: u16,
    /// The labels of the markers 1 to 9.
    pub markers: Vec<String>,
    /// Whether cortop ends with the connection of its terminal: over SSH, and in no multiplexer.
    pub fragile: bool,
    /// The folder proposed for exports.
    pub folder: String,
    /// The zone of times; UTC if `None`.
    pub zone: Option<TimeZone>,
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
    /// Records and markers.
    pub records: Records,
    /// The profiles.
    pub profiles: Profiles,
    /// The Flex mappings that Cortex keeps, once asked for.
    pub mappings: Vec<StoredMapping>,
    /// All live sessions of this application, as last told.
    pub found: Vec<Session>,
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
    /// The page of it, counted on past the last, after which the first comes again.
    pub help_page: usize,
    /// What is being asked of the user.
    pub dialog: Option<Dialog>,
    /// The form that was filled in last, until it is known that it was not in vain.
    sent: Option<Form>,
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
        let snapshot = Arc::default();
        Self {
            settings,
            now,
            link: Link::Connecting,
            service: None,
            user: None,
            licence: None,
            headsets: Headsets::default(),
            sessions: Sessions::default(),
            records: Records::default(),
            profiles: Profiles::default(),
            mappings: Vec::new(),
            found: Vec::new(),
            streams: Streams::default(),
            log,
            held: (now.instant, Arc::clone(&snapshot)),
            snapshot,
            throughput: Throughput::default(),
            focus: Pane::Streams,
            zoomed: false,
            help: false,
            help_page: 0,
            dialog: None,
            sent: None,
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
            Message::Tick(now) => {
                self.now = now;
                self.hold();
            }
            Message::Key(key) => effects = self.press(key),
            Message::Action(action) => effects = self.act(action),
            Message::Paste(text) => {
                self.dialog.iter_mut().for_each(|dialog| dialog.paste(&text));
            }
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

    /// What a key does: what the dialog makes of it if one is open, else the focused pane's or a
    /// global action. With the help open, its own key, the quit key and Esc close it. What concerns
    /// the screen works everywhere.
    fn press(&mut self, key: Key) -> Vec<Effect> {
        let action = self.settings.keymap.action(self.focus.scope(), key);
        let Some(mut dialog) = self.dialog.take() else {
            if self.help && matches!(key, Key::DOWN | Key::PAGE_DOWN | Key::SPACE) {
                self.help_page += 1;
                return Vec::new();
            }
            return match self.action(key) {
                Some(Action::MarkNow) => self.mark_now(key),
                Some(action) => self.act(action),
                None => Vec::new(),
            };
        };
        if let Some(action @ (Action::Redraw | Action::Suspend)) = action
            && key.typed().is_none()
        {
            self.dialog = Some(dialog);
            return self.act(action);
        }
        let items = match &dialog {
            Dialog::Pick(pick) => self.items(&pick.list),
            _ => Vec::new(),
        };
        let answer = dialog.key(key, &items);
        if let (Answer::Chosen(_), Dialog::Form(form)) = (&answer, &dialog) {
            self.sent = Some(form.clone());
        }
        if matches!(answer, Answer::Stays | Answer::Kept(_)) {
            self.dialog = Some(dialog);
        }
        match answer {
            Answer::Stays | Answer::Closed => Vec::new(),
            Answer::Chosen(choice) | Answer::Kept(choice) => self.choose(choice),
        }
    }

    fn choose(&mut self, choice: Choice) -> Vec<Effect> {
        match choice {
            Choice::Action(action) => self.act(action),
            Choice::Effects(effects) => effects,
            Choice::Show(session) => {
                self.sessions.current = Some(session);
                Vec::new()
            }
            Choice::Open(dialog) => {
                self.dialog = Some(*dialog);
                Vec::new()
            }
        }
    }

    /// Shows a form again whose request was refused: what was typed is not lost.
    fn reopen(&mut self, refusal: &Refusal) {
        let refused = |form: &mut Form| form.purpose.method() == refusal.method;
        if let Some(mut form) = self.sent.take_if(refused)
            && self.dialog.is_none()
        {
            form.complaint = Some((form.at, refusal.to_string()));
            self.dialog = Some(Dialog::Form(form));
        }
    }

    /// Asks before something is done.
    fn ask(&mut self, title: &str, lines: Vec<String>, yes: &'static str, then: Effect) {
        let (title, then) = (title.to_owned(), Choice::Effects(vec![then]));
        self.dialog = Some(Dialog::Ask(Ask { title, lines, yes, word: None, then }));
    }

    fn action(&self, key: Key) -> Option<Action> {
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

    /// The same, but always of the moment: what tells whether the data can be trusted never stands
    /// still.
    #[must_use]
    pub fn latest(&self) -> &Snapshot {
        &self.held.1
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
        let asked = |snapshot: &Snapshot| (snapshot.view.session.clone(), snapshot.view.inspect);
        let other = asked(&snapshot) != asked(&self.held.1);
        self.snapshot = snapshot;
        if other || self.snapshot.stale() != self.held.1.stale() {
            self.held = (self.now.instant, Arc::clone(&self.snapshot));
        }
        self.hold();
    }

    /// Takes the newest numbers over when those shown have stood long enough.
    fn hold(&mut self) {
        let now = self.now.instant;
        if now.saturating_duration_since(self.held.0) >= NUMBERS
            && !Arc::ptr_eq(&self.held.1, &self.snapshot)
        {
            self.held = (now, Arc::clone(&self.snapshot));
        }
    }

    fn hear(&mut self, event: Event) {
        let now = self.now.instant;
        match event {
            Event::Link(link) => {
                if !matches!(link, Link::Up { .. }) && matches!(self.link, Link::Up { .. }) {
                    self.headsets.forget();
                    self.records.disconnected();
                    self.found.clear();
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
            Event::Opened { session, mode, why } => {
                self.sessions.note(&session, self.now, format!("{mode}: {why}"));
                self.sessions.opened(&session, mode, why);
            }
            Event::Closed { session, why } => {
                self.sessions.note(&session, self.now, format!("closed: {why}"));
                self.say(Severity::Problem, format!("session closed: {why}"));
                self.sessions.closed(&session, why, now);
            }
            Event::Subscribed { session, streams, refused } => {
                if let Some((_, refusal)) = refused.first() {
                    self.say(Severity::Problem, refusal.to_string());
                }
                self.sessions.subscribed(&session, streams, refused);
            }
            Event::Unsubscribed { session, streams } => {
                self.sessions.unsubscribed(&session, &streams);
            }
            Event::Record(event) => self.hear_of_record(&event),
            Event::Records(stored) => self.records.stored = Some(stored),
            Event::Marker { session, marker, .. } => self.confirm(&session, marker),
            Event::Updated(headset) => {
                self.say(Severity::Info, format!("{headset} has been updated"));
            }
            Event::Clock { headset, adjustment } => {
                self.headsets.clocks.insert(headset, adjustment);
            }
            Event::Mappings(mappings) => self.mappings = mappings,
            Event::Sessions(found) => self.found = found,
            Event::Profiles(stored) => self.profiles.stored = Some(stored),
            Event::Profile { headset, loaded } => {
                self.profiles.loaded.insert(headset, loaded);
            }
            Event::Warning(warning) => self.warn(&warning),
            Event::Refused(refusal) => {
                self.say(Severity::Problem, refusal.to_string());
                self.reopen(&refusal);
                if !is_stopped(&self.link) {
                    self.refusal = Some(refusal);
                }
            }
        }
    }

    fn act(&mut self, action: Action) -> Vec<Effect> {
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
            Action::Theme => self.theme = (self.theme + 1) % self.settings.themes.len().max(1),
            Action::Help => {
                self.help = !self.help;
                self.help_page = 0;
            }
            Action::Commands => self.dialog = Some(Dialog::Pick(Pick::filtered(List::Commands))),
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

    fn command_headset(&mut self, action: Action) -> Vec<Effect> {
        if action == Action::Scan {
            let flows = self.sessions.live().any(|entry| !entry.subscribed.is_empty());
            if !flows {
                return vec![Effect::Command(Command::Scan { anyway: false })];
            }
            let lines = vec!["Streams flow, and a scan harms them for about 20 s.".to_owned()];
            let scan = Effect::Command(Command::Scan { anyway: true });
            self.ask("Scan all the same?", lines, "scan", scan);
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
            let disconnect = Effect::Command(Command::Disconnect(id.clone()));
            if self.sessions.on(&id).is_none() {
                return vec![disconnect];
            }
            let lines = vec![
                format!("Its session ends, and {id} is gone for other programs too."),
                "To end only the session, close it in the session pane.".to_owned(),
            ];
            self.ask("Disconnect the headset?", lines, "disconnect", disconnect);
            return Vec::new();
        }
        vec![Effect::Command(Command::Open { headset: id, mode: None })]
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
        let left = self.licence.as_ref().and_then(|licence| licence.local_quota);
        let left = left.map_or_else(
            || "How many activations are left on this computer is not known.".to_owned(),
            |left| format!("{left} activations are left on this computer."),
        );
        let lines = vec!["This uses one activation of the licence.".to_owned(), left];
        let activate = Effect::Command(Command::Activate(id));
        self.ask("Activate the session?", lines, "activate", activate);
        Vec::new()
    }

    fn zone(&self) -> TimeZone {
        self.settings.zone.clone().unwrap_or(TimeZone::UTC)
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
            at: traces.map_or(0, |traces| traces.end),
            end: traces.map_or(0, |traces| traces.end),
            cursor: None,
            second: None,
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

    /// What moves through channels and history elsewhere moves through streams and lines in the
    /// inspector; false if it is another action.
    fn inspect(&mut self, action: Action) -> bool {
        const PAGE: usize = 10;
        let line = self.streams.first_line;
        let to = match action {
            Action::ChannelUp | Action::ChannelDown => {
                self.streams.step_inspected(if action == Action::ChannelUp { -1 } else { 1 });
                return true;
            }
            Action::Earlier => line.saturating_sub(PAGE),
            Action::Later => line.saturating_add(PAGE),
            Action::Oldest => 0,
            Action::Newest => usize::MAX,
            _ => return false,
        };
        let lines = self.inspected().map_or(0, |message| inspect::items(message).len());
        self.streams.first_line = to.min(lines.saturating_sub(1));
        true
    }

    /// The message in the inspector.
    #[must_use]
    pub fn inspected(&self) -> Option<&Sample> {
        let own = |sample: &&Sample| sample.subscription.stream == self.streams.inspected;
        self.numbers().messages.iter().find(own)
    }

    /// Says what a warning means. Cortex's own words are in the log.
    fn warn(&mut self, warning: &Warning) {
        let code = warning.code;
        let (severity, text) = match code::warning(code) {
            Some(row) if row.next.is_empty() => (Severity::Info, row.meaning.to_owned()),
            Some(row) => (Severity::Problem, format!("{} → {}", row.meaning, row.next)),
            None => (Severity::Info, warning.text()),
        };
        self.say(severity, format!("Cortex {code}: {text}"));
    }

    fn say(&mut self, severity: Severity, text: String) {
        self.notice = Some(Notice { text, severity, at: self.now });
    }
}

fn is_stopped(link: &Link) -> bool {
    matches!(link, Link::Up { step: Step::Stopped, .. })
}
