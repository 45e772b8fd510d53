//! The state machine: `update(Message)` changes the state and returns effects. It does no I/O, reads no
//! clock, and draws nothing.

mod action;
mod actions;
mod alerts;
mod capture;
mod channel_layout;
mod channels;
mod commands;
mod copy;
pub mod dialog;
mod events;
mod exchange;
mod features;
mod files;
mod forms;
mod headsets;
mod help;
mod history;
mod input;
mod key;
mod keymap;
mod level;
mod log;
mod log_targets;
mod menu_items;
mod menus;
mod message;
mod mouse;
mod notice;
mod overview;
mod pane;
mod playback;
mod profiles;
mod questions;
mod recording;
mod records;
mod reload;
mod scroll;
mod session_entry;
mod sessions;
mod station;
mod stream_view;
mod streams;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use jiff::tz::TimeZone;
use tokio::time::Instant;

pub use self::{
    action::{Action, Binding, Feature, TABLE, section_name, sections},
    alerts::{AlertSettings, AlertWhen, NotificationProtocol},
    channel_layout::ChannelLayout,
    help::HelpPane,
    key::Key,
    keymap::{BindingError, Keymap},
    log::{FormatLine, level_name, newest_record},
    log_targets::{LogTargets, TARGETS},
    message::{Effect, Message, MouseInput, MouseTarget, ReloadedSettings, Throughput},
    notice::{Notice, Severity},
    overview::{HeadsetRow, OverviewState, Sort},
    pane::Pane,
    scroll::Scroll,
    session_entry::{SessionEntry, SessionField},
    station::{StationLink, StationStatus},
    stream_view::StreamView,
    streams::{AMPLITUDES, FrozenPicture, GlyphSet, ScrollMode, SpectrumChannels},
};
use self::{
    alerts::AlertState,
    dialog::{Dialog, Form},
    headsets::HeadsetsPane,
    log::LogPane,
    profiles::ProfileState,
    records::RecordState,
    sessions::SessionPane,
    streams::StreamsPane,
};
use crate::{exchange::LslState, playback::PlaybackState};
use cortop_client::{
    CommandId, ConnectionStep, DEFAULT_URL, Error, HeadsetId, Link, Moment, Session, SessionPolicy,
    Stream,
    account::{CortexInfo, Licence, UserLogin},
    mapping::StoredMapping,
};
use cortop_files::{capture::CaptureState, recorder::RecorderState};
use cortop_signal::{BadChannel, Snapshot, Traces, view::ViewEnd};

/// Where the terminal is, as seen from this computer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TerminalPlace {
    /// At this computer.
    #[default]
    Here,
    /// At the other end of an SSH connection, with which cortop ends.
    OverSsh,
    /// The same, but in a multiplexer, which keeps cortop running.
    Multiplexed,
}

/// Settings that change only when the configuration is read again.
#[derive(Clone, Debug, Default)]
pub struct AppSettings {
    /// The keys in force.
    pub keymap: Keymap,
    /// The names of the themes, in the order in which the key cycles through them.
    pub themes: Vec<String>,
    /// The index of the first theme to show.
    pub theme: usize,
    /// The URL of the service.
    pub url: String,
    /// Whether the service is the embedded simulator.
    pub demo: bool,
    /// Requested frames per second; 0 if not set.
    pub fps: u16,
    /// Whether the mouse is on at the start.
    pub mouse: bool,
    /// The labels of the markers 1 to 9.
    pub markers: Vec<String>,
    /// What is alerted about.
    pub alerts: AlertSettings,
    /// Where the terminal is.
    pub terminal: TerminalPlace,
    /// The mode in which sessions are opened.
    pub session: SessionPolicy,
    /// The folder proposed for exports.
    pub folder: String,
    /// The targets of the log.
    pub log: LogTargets,
    /// The time zone of displayed times; UTC if `None`.
    pub zone: Option<TimeZone>,
}

/// The whole state of the monitor.
pub struct App {
    /// The configuration.
    pub(crate) settings: AppSettings,
    /// The moment of the last tick.
    pub(crate) now: Moment,
    /// The connection to the service.
    pub(crate) link: Link,
    /// Since when the connection has been in this state, or has awaited this step over several
    /// connections that were lost in vain.
    pub(crate) link_since: Moment,
    /// The step that the last connection awaited, and since when.
    awaited: Option<(ConnectionStep, Moment)>,
    /// The service's version.
    pub(crate) service: Option<CortexInfo>,
    /// The user; `Some(None)` if nobody is logged in.
    #[expect(clippy::option_option, reason = "unknown, nobody, or somebody")]
    pub(crate) user: Option<Option<UserLogin>>,
    /// The licence.
    pub(crate) licence: Option<Licence>,
    /// The headsets pane.
    pub(crate) headsets: HeadsetsPane,
    /// The session pane.
    pub(crate) sessions: SessionPane,
    /// Records and markers.
    pub(crate) records: RecordState,
    /// The profiles.
    pub(crate) profiles: ProfileState,
    /// The Flex mappings stored by Cortex, once requested.
    mappings: Vec<StoredMapping>,
    /// All live sessions of this application, as Cortex last listed them.
    found: Vec<Session>,
    /// The streams pane.
    pub(crate) streams: StreamsPane,
    /// What is known of alerts.
    pub(crate) alerts: AlertState,
    /// The log pane.
    pub(crate) log: LogPane,
    /// The newest snapshot of the signals.
    pub(crate) snapshot: Arc<Snapshot>,
    /// The snapshot whose numbers are shown, and when it was taken.
    held: (Instant, Arc<Snapshot>),
    /// Actions typed ahead, which wait for the picture that they work on.
    ahead: VecDeque<Action>,
    /// The output to the terminal.
    pub(crate) throughput: Throughput,
    /// What is being served over LSL.
    pub lsl: Option<LslState>,
    /// What is being recorded to files.
    pub(crate) recorder: Option<RecorderState>,
    /// The last marker in those files, as long as it has no end.
    file_marker: Option<recording::FileMarker>,
    /// The capture that is being played instead of connecting to a service.
    pub playback: Option<PlaybackState>,
    /// The capture that is being written.
    pub capture: Option<CaptureState>,
    /// The station that runs with the monitor, if there is one.
    pub station: Option<StationStatus>,
    /// The pane with the focus.
    pub(crate) focus: Pane,
    /// Whether the terminal reports mouse events.
    pub(crate) mouse: bool,
    /// Whether the focused pane fills the screen.
    pub(crate) zoomed: bool,
    /// The help, while it is open.
    pub(crate) help: Option<HelpPane>,
    /// The open dialog.
    pub(crate) dialog: Option<Dialog>,
    /// Submitted forms whose commands have not been answered yet, oldest first, bounded.
    sent: VecDeque<(CommandId, Form)>,
    /// The last submitted form that starts files on this computer.
    starting: Option<Form>,
    /// The headset whose session is being activated to replace a lost one.
    pub(crate) activating: Option<HeadsetId>,
    /// Activations of the licence that cortop has used since its start.
    pub(crate) activations: u64,
    /// How many of those were for sessions that replaced lost ones.
    pub(crate) reactivations: u64,
    /// The number of commands that have got an id so far.
    tracked: u64,
    /// Index into [`AppSettings::themes`].
    pub(crate) theme: usize,
    /// The last notice.
    pub(crate) notice: Option<Notice>,
    /// Notices that stay until they have been seen, oldest first, bounded.
    pub(crate) unseen: VecDeque<Notice>,
    /// The last refusal, and since when it has been repeated, until there is progress towards streaming.
    refusal: Option<(Error, Moment)>,
    /// The headset whose opening was cancelled, until Cortex has answered the pending requests.
    pub(crate) called_off: Option<HeadsetId>,
    /// The refusal that stopped each headset, independently of the others, and since when it has been
    /// repeated.
    stopped: BTreeMap<HeadsetId, (Error, Moment)>,
}

impl App {
    /// The state before anything is known of the service.
    #[must_use]
    pub fn new(settings: AppSettings, now: Moment) -> Self {
        let theme = settings.theme;
        let mouse = settings.mouse;
        let log = LogPane::new(settings.log.clone());
        let snapshot = Arc::default();
        Self {
            settings,
            now,
            link: Link::Connecting,
            link_since: now,
            awaited: None,
            service: None,
            user: None,
            licence: None,
            headsets: HeadsetsPane::default(),
            sessions: SessionPane::default(),
            records: RecordState::default(),
            profiles: ProfileState::default(),
            mappings: Vec::new(),
            found: Vec::new(),
            streams: StreamsPane::default(),
            alerts: AlertState::default(),
            log,
            held: (now.instant, Arc::clone(&snapshot)),
            snapshot,
            ahead: VecDeque::new(),
            throughput: Throughput::default(),
            lsl: None,
            recorder: None,
            file_marker: None,
            playback: None,
            capture: None,
            station: None,
            focus: Pane::Streams,
            mouse,
            zoomed: false,
            help: None,
            dialog: None,
            sent: VecDeque::new(),
            starting: None,
            activating: None,
            activations: 0,
            reactivations: 0,
            tracked: 0,
            theme,
            notice: None,
            unseen: VecDeque::new(),
            refusal: None,
            called_off: None,
            stopped: BTreeMap::new(),
        }
    }

    /// Handles a message; returns the effects.
    pub fn update(&mut self, message: Message) -> Vec<Effect> {
        let looked_at = self.sessions.headset().cloned();
        let shown = self.streams.shown;
        // Messages that come with every frame change neither lists nor questions.
        let routine = matches!(
            message,
            Message::Tick(_)
                | Message::Snapshot(_)
                | Message::Throughput(_)
                | Message::Lsl(_)
                | Message::Capture(_)
                | Message::Playback(_)
                | Message::Station(_)
                | Message::Notice(_)
        );
        let tells_facts =
            matches!(message, Message::Tick(_) | Message::Snapshot(_) | Message::Cortex(_));
        if matches!(message, Message::Key(_) | Message::Mouse(..)) {
            self.see_notices();
        }
        let mut effects = Vec::new();
        match message {
            Message::Tick(now) => {
                self.now = now;
                self.sessions.expire(now.instant);
                self.refresh_numbers();
            }
            Message::Key(key) => effects = self.on_key(key),
            Message::Action(action) => effects = self.apply(action),
            Message::Mouse(target, input) => effects = self.on_mouse(target, input),
            Message::Paste(text) => {
                self.dialog.iter_mut().for_each(|dialog| dialog.paste(&text));
            }
            Message::Cortex(event) => self.on_event(event),
            Message::ClientEnded => effects.push(Effect::Quit),
            Message::Snapshot(snapshot) => {
                self.on_snapshot(snapshot);
                effects = self.apply_ahead();
            }
            Message::Throughput(throughput) => self.throughput = throughput,
            Message::Reloaded(reloaded) => effects = self.on_reloaded(reloaded),
            Message::Lsl(state) => self.lsl = state,
            Message::Recorder(state) => self.on_recorder(state),
            Message::Capture(state) => self.on_capture(state),
            Message::Playback(state) => self.playback = Some(state),
            Message::Station(status) => self.on_station(status),
            Message::OutsideMarker(marker) => effects = self.on_outside_marker(&marker),
            Message::Notice(text) => self.notify(Severity::Problem, text),
            Message::NotStarted(why) => self.on_not_started(&why),
        }
        let elsewhere = self.sessions.headset() != looked_at.as_ref();
        if elsewhere {
            // A frozen picture belongs to a headset, whichever session it has.
            self.streams.frozen = None;
        }
        if elsewhere || self.streams.shown != shown {
            self.ahead.clear();
        }
        if !routine {
            self.refresh_dialog();
            self.withdraw_notice();
        }
        if tells_facts {
            effects.extend(self.check_alerts());
        }
        for effect in &effects {
            self.note_marker_in_files(effect);
        }
        effects
    }

    /// The notice to show, while it is fresh.
    #[must_use]
    pub fn notice(&self) -> Option<&str> {
        self.fresh_notice().map(|notice| notice.text.as_str())
    }

    pub(crate) fn fresh_notice(&self) -> Option<&Notice> {
        let is_fresh = |notice: &&Notice| {
            self.now.instant.saturating_duration_since(notice.at.instant) < notice.severity.stays()
        };
        self.notice.as_ref().filter(is_fresh)
    }

    /// The sessions that are not closed, oldest first.
    pub fn live_sessions(&self) -> impl Iterator<Item = &Session> {
        self.sessions.live().map(|entry| &entry.session)
    }

    /// What happened to the sessions, oldest first.
    pub fn history_notes(&self) -> impl Iterator<Item = &str> {
        self.sessions.list.iter().flat_map(|entry| &entry.history).map(|(_, what)| what.as_str())
    }

    /// The titles of the running records.
    pub fn running_records(&self) -> impl Iterator<Item = &str> {
        self.records.running().map(|(_, running)| running.record.title.as_str())
    }

    /// The current view of the streams pane.
    #[must_use]
    pub fn view(&self) -> &'static StreamView {
        self.streams.shown
    }

    /// The headset whose streams are shown: that of the session shown or, without one, that of the samples.
    #[must_use]
    pub fn headset(&self) -> Option<&HeadsetId> {
        let session = &self.sessions.current()?.session;
        let id = Some(&session.headset.id).filter(|id| !id.as_str().is_empty());
        id.or_else(|| Some(&self.snapshot.health_in(&session.id).first()?.headset))
    }

    /// Whether a stream of the headset shown has a picture: it is flowing, or was until it was lost.
    #[must_use]
    pub fn has_picture(&self, stream: Stream) -> bool {
        self.sessions.current().is_some_and(|entry| entry.pictured.contains(&stream))
    }

    /// The stream of the picture: the chosen one, or the one shown instead.
    #[must_use]
    pub fn stream(&self) -> Stream {
        let streams = self.streams.shown.streams;
        let pictured = streams.iter().find(|&&stream| self.has_picture(stream));
        // For a view that can be drawn from any stream: any stream without traces.
        pictured.or(streams.first()).copied().unwrap_or(Stream::Sys)
    }

    /// The refusal that stopped the connection on its way to streaming, if any; if several headsets are
    /// stopped, that of the selected one.
    #[must_use]
    pub fn stopped_by(&self) -> Option<&Error> {
        let selected = self.headsets.selected.as_ref().and_then(|id| self.stopped_on(id));
        let of_headset =
            selected.or_else(|| self.stopped.values().map(|(refusal, _)| refusal).next());
        let refusal = self.refusal.as_ref().map(|(refusal, _)| refusal);
        refusal.or(of_headset).filter(|_| events::is_stopped(&self.link))
    }

    /// How Cortex refuses what cortop is asking for again and again, and since when.
    #[must_use]
    pub fn refused_again(&self) -> Option<(&Error, Moment)> {
        let Link::Up { step, .. } = &self.link else { return None };
        let (refusal, since) = self.refusal.as_ref()?;
        step.is_held_up_by(refusal).then_some((refusal, *since))
    }

    /// The refusal that stopped a headset.
    #[must_use]
    pub fn stopped_on(&self, headset: &HeadsetId) -> Option<&Error> {
        self.stopped.get(headset).map(|(refusal, _)| refusal)
    }

    /// A next step in terms of the monitor: the client and the commands without a screen speak of flags, for
    /// which the monitor has keys; and commands need the address of its service.
    #[must_use]
    pub fn in_monitor(&self, next: &str) -> String {
        let key = |action| {
            let keys = self.settings.keymap.keys(action);
            keys.first().map_or_else(|| "the key".to_owned(), ToString::to_string)
        };
        let url = &self.settings.url;
        let service = if url == DEFAULT_URL { String::new() } else { format!(" --url {url}") };
        next.replace("`cortop login`", &format!("`cortop login{service}`"))
            .replace("`cortop trust`", &format!("`cortop trust{service}`"))
            .replace("--debit N", &format!("{} in pane 2", key(Action::Activate)))
            .replace("--session open", &format!("{} in pane 1", key(Action::HeadsetMenu)))
            .replace(" with --out", "")
    }

    /// Whether a session can still deliver data: it is not closed, and there is a connection.
    #[must_use]
    pub fn is_live(&self, entry: &SessionEntry) -> bool {
        entry.closed.is_none() && matches!(self.link, Link::Up { .. })
    }

    /// Whether nothing is awaited: samples arrive, or the session shown is another program's.
    pub(crate) const fn is_streaming(&self) -> bool {
        matches!(
            self.link,
            Link::Up { step: ConnectionStep::Streaming | ConnectionStep::Watching, .. }
        )
    }

    /// The snapshot whose numbers are shown as text: the current one, updated at most twice a second, or the
    /// frozen one. Fourteen changing numbers cost a terminal as much as all traces (docs/performance.md).
    #[must_use]
    pub fn numbers(&self) -> &Snapshot {
        self.streams.frozen.as_ref().map_or(&self.held.1, |frozen| &frozen.snapshot)
    }

    /// The same, but never frozen: it shows whether the data can be trusted now.
    #[must_use]
    pub fn latest(&self) -> &Snapshot {
        &self.held.1
    }

    /// The traces to draw: the current or the frozen ones.
    #[must_use]
    pub fn traces(&self) -> Option<&Traces> {
        let newest = self.snapshot.traces.as_ref();
        match &self.streams.frozen {
            Some(frozen) if self.snapshot.view.end != ViewEnd::At(frozen.end) => {
                frozen.snapshot.traces.as_ref()
            }
            _ => newest,
        }
    }

    /// The readings to draw: the current or the frozen ones.
    #[must_use]
    pub fn picture(&self) -> &Snapshot {
        self.streams.frozen.as_ref().map_or(&self.snapshot, |frozen| &frozen.snapshot)
    }

    /// The bad channels of the session shown at the moment of [`App::numbers`].
    #[must_use]
    pub fn bad_channels(&self) -> &[BadChannel] {
        let session = self.sessions.current.as_ref();
        let health = session.and_then(|id| self.numbers().health_of(id, Stream::Eeg));
        health.map_or(&[], |health| &health.bad_channels)
    }

    fn zone(&self) -> TimeZone {
        self.settings.zone.clone().unwrap_or(TimeZone::UTC)
    }
}
