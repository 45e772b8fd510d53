//! The state machine: `update(Message)` gives new state and effects. No I/O, no clock, no drawing.

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
    CommandId, ConnectionStep, Error, HeadsetId, Link, Moment, Session, SessionPolicy, Stream,
    account::{CortexInfo, Licence, UserLogin},
    mapping::StoredMapping,
};
use cortop_files::{capture::CaptureState, recorder::RecorderState};
use cortop_signal::{BadChannel, Snapshot, Traces, view::ViewEnd};

/// What changes only when the configuration is read again.
#[derive(Clone, Debug, Default)]
pub struct AppSettings {
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
    /// Whether the mouse is on from the start.
    pub mouse: bool,
    /// The labels of the markers 1 to 9.
    pub markers: Vec<String>,
    /// What is alerted about.
    pub alerts: AlertSettings,
    /// Whether cortop ends with the connection of its terminal: over SSH, and in no multiplexer.
    pub fragile: bool,
    /// In which mode sessions are opened.
    pub session: SessionPolicy,
    /// The folder proposed for exports.
    pub folder: String,
    /// The targets of the log.
    pub log: LogTargets,
    /// The zone of times; UTC if `None`.
    pub zone: Option<TimeZone>,
}

/// The whole state of the monitor.
pub struct App {
    /// What was configured.
    pub(crate) settings: AppSettings,
    /// The moment of the last tick.
    pub(crate) now: Moment,
    /// The connection to the service.
    pub(crate) link: Link,
    /// Since when it has been in this state.
    pub(crate) link_since: Moment,
    /// The service's version.
    pub(crate) service: Option<CortexInfo>,
    /// The user, `Some(None)` when nobody is logged in.
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
    /// The Flex mappings that Cortex keeps, once asked for.
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
    /// The snapshot whose numbers are shown, and since when.
    held: (Instant, Arc<Snapshot>),
    /// Actions typed ahead of the picture that they work on, which has been asked for.
    ahead: VecDeque<Action>,
    /// What goes to the terminal.
    pub(crate) throughput: Throughput,
    /// What is served by LSL.
    pub lsl: Option<LslState>,
    /// What is recorded to files.
    pub(crate) recorder: Option<RecorderState>,
    /// The last marker in those files, until it has an end.
    file_marker: Option<recording::FileMarker>,
    /// The capture that is being played in place of a service.
    pub playback: Option<PlaybackState>,
    /// The capture that is being written.
    pub capture: Option<CaptureState>,
    /// The station beside the monitor, if there is one.
    pub station: Option<StationStatus>,
    /// The pane with the focus.
    pub(crate) focus: Pane,
    /// Whether the terminal reports what the mouse does.
    pub(crate) mouse: bool,
    /// Whether it has the whole screen.
    pub(crate) zoomed: bool,
    /// The help, while it is open.
    pub(crate) help: Option<HelpPane>,
    /// The open dialog.
    pub(crate) dialog: Option<Dialog>,
    /// The forms whose commands have not been answered yet, oldest first, bounded.
    sent: VecDeque<(CommandId, Form)>,
    /// The headset whose session is being activated in place of a lost one.
    pub(crate) activating: Option<HeadsetId>,
    /// Activations of the licence that cortop has used since it started.
    pub(crate) activations: u64,
    /// Those of them that took the place of sessions that were lost.
    pub(crate) reactivations: u64,
    /// Commands with an id so far.
    tracked: u64,
    /// Place in [`AppSettings::themes`].
    pub(crate) theme: usize,
    /// The last notice.
    pub(crate) notice: Option<Notice>,
    /// Notices that stay until they have been seen, oldest first, bounded.
    pub(crate) unseen: VecDeque<Notice>,
    /// The last refusal, until the way to streaming goes on.
    refusal: Option<Error>,
    /// The headset whose opening was called off, until Cortex has answered what was asked before.
    pub(crate) called_off: Option<HeadsetId>,
    /// The refusals that stopped headsets, each whatever the others do.
    stopped: BTreeMap<HeadsetId, Error>,
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

    /// Handles a message; returns what has to be done.
    pub fn update(&mut self, message: Message) -> Vec<Effect> {
        let looked_at = self.sessions.headset().cloned();
        let shown = self.streams.shown;
        // What comes with every frame changes neither lists nor questions.
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
        }
        let elsewhere = self.sessions.headset() != looked_at.as_ref();
        if elsewhere {
            // A frozen picture is one of a headset, whichever session it has.
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

    /// The sentence for the user, while it is fresh.
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

    /// The sessions that are not closed, in the order in which they came.
    pub fn live_sessions(&self) -> impl Iterator<Item = &Session> {
        self.sessions.live().map(|entry| &entry.session)
    }

    /// What happened to the sessions, oldest first.
    pub fn history_notes(&self) -> impl Iterator<Item = &str> {
        self.sessions.list.iter().flat_map(|entry| &entry.history).map(|(_, what)| what.as_str())
    }

    /// The titles of the records that run.
    pub fn running_records(&self) -> impl Iterator<Item = &str> {
        self.records.running().map(|(_, running)| running.record.title.as_str())
    }

    /// The view of the streams pane.
    #[must_use]
    pub fn view(&self) -> &'static StreamView {
        self.streams.shown
    }

    /// The headset whose streams are shown, by its session, else by its samples.
    #[must_use]
    pub fn headset(&self) -> Option<&HeadsetId> {
        let session = &self.sessions.current()?.session;
        let id = Some(&session.headset.id).filter(|id| !id.as_str().is_empty());
        id.or_else(|| Some(&self.snapshot.health_in(&session.id).first()?.headset))
    }

    /// Whether a stream of the headset shown has a picture: it flows, or did until it was lost.
    #[must_use]
    pub fn has_picture(&self, stream: Stream) -> bool {
        self.sessions.current().is_some_and(|entry| entry.pictured.contains(&stream))
    }

    /// The stream of the picture: the one chosen, or the one shown in its place.
    #[must_use]
    pub fn stream(&self) -> Stream {
        let streams = self.streams.shown.streams;
        let pictured = streams.iter().find(|&&stream| self.has_picture(stream));
        // Any that has no traces, of a view that is drawn from whatever comes.
        pictured.or(streams.first()).copied().unwrap_or(Stream::Sys)
    }

    /// The refusal that stopped the way from connection to streaming, if one did; that of the selected
    /// headset, where several are stopped.
    #[must_use]
    pub fn stopped_by(&self) -> Option<&Error> {
        let selected = self.headsets.selected.as_ref().and_then(|id| self.stopped_on(id));
        let of_headset = selected.or_else(|| self.stopped.values().next());
        self.refusal.as_ref().or(of_headset).filter(|_| events::is_stopped(&self.link))
    }

    /// The refusal that stopped a headset.
    #[must_use]
    pub fn stopped_on(&self, headset: &HeadsetId) -> Option<&Error> {
        self.stopped.get(headset)
    }

    /// Whether data of a session can still come: it is not closed, and there is a connection.
    #[must_use]
    pub fn is_live(&self, entry: &SessionEntry) -> bool {
        entry.closed.is_none() && matches!(self.link, Link::Up { .. })
    }

    /// Whether samples come, or another program's session is looked at: nothing is waited for.
    pub(crate) const fn is_streaming(&self) -> bool {
        matches!(
            self.link,
            Link::Up { step: ConnectionStep::Streaming | ConnectionStep::Watching, .. }
        )
    }

    /// The picture whose numbers are written out: of the moment, at most twice a second, for
    /// fourteen changing numbers cost a terminal as much as all traces (docs/performance.md); or of the
    /// frozen one.
    #[must_use]
    pub fn numbers(&self) -> &Snapshot {
        self.streams.frozen.as_ref().map_or(&self.held.1, |frozen| &frozen.snapshot)
    }

    /// The same, but never frozen: it shows whether the data can be trusted now.
    #[must_use]
    pub fn latest(&self) -> &Snapshot {
        &self.held.1
    }

    /// The traces to draw: of the moment, or of the frozen one.
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

    /// The readings to draw: of the moment, or of the frozen one.
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
