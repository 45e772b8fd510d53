//! The state of the simulated service and what happens in it over time. A state machine without
//! I/O: time is handed in, warnings are collected for whoever sends them. The methods stand beside
//! it by area, see [`sim`](super).

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;
use tokio::sync::{broadcast, watch};

use super::{
    Delays,
    account::{Applications, Login, USER},
    clock::Clock,
    export::{Files, PendingExport},
    faults::{self, FaultInjector},
    headsets::SimulatedHeadset,
    ids::Ids,
    licence::LicenceState,
    mappings::Stored,
    outgoing::{Notification, NotificationKind, Payload},
    profile::StoredProfile,
    record::StoredRecord,
    sessions::LiveSession,
    settings::Setting,
    subjects::Subjects,
    token::Token,
};
use cortop_protocol::SessionId;

/// Warnings that may wait for a connection; one that is slower loses the oldest.
const NEWS: usize = 64;

/// Everything the service knows.
pub(super) struct Service {
    pub(super) clock: Clock,
    pub(super) delays: Delays,
    pub(super) trouble: FaultInjector,
    pub(super) licence: LicenceState,
    pub(super) headsets: Vec<SimulatedHeadset>,
    pub(super) sessions: Vec<LiveSession>,
    /// Who is logged in, under which name, since which service time.
    pub(super) login: Login,
    pub(super) user: String,
    pub(super) logged_in_at: f64,
    /// The licence agreement has been accepted.
    pub(super) eula: bool,
    pub(super) apps: Applications,
    /// Apps are approved without asking.
    pub(super) approve_all: bool,
    pub(super) ids: Ids,
    /// Tokens handed out, the newest last.
    pub(super) tokens: Vec<Token>,
    /// The user's records, the newest last.
    pub(super) records: Vec<StoredRecord>,
    pub(super) subjects: Subjects,
    pub(super) profiles: Vec<StoredProfile>,
    /// Stored Flex mappings, and the service time of their last change.
    pub(super) mappings: Vec<Stored>,
    pub(super) mappings_updated: f64,
    /// What the request in hand has ordered to be written.
    pub(super) export: Option<PendingExport>,
    pub(super) files: Arc<Files>,
    /// Samples thrown away because a client did not read.
    pub(super) dropped: u64,
    /// Connections open now.
    pub(super) connections: usize,
    agenda: Vec<(f64, ScheduledEvent)>,
    news: Vec<Notification>,
}

/// What happens by itself some time after it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ScheduledEvent {
    /// The user approves an application, by client id.
    Approval(String),
    /// A scan for headsets ends.
    ScanEnd,
    /// A headset, by its place in the list, is connected.
    Connected(usize),
    /// A headset is disconnected on request.
    Disconnected(usize),
    /// A headset has been silent for too long.
    Silence(usize),
    /// A headset cannot be connected, for a reason that is a warning's code.
    Unconnectable(usize, i64),
    /// A headset has other settings, or the code of the warning that says why not.
    Adjusted(usize, Result<Setting, i64>),
    /// A record's post-processing ends, by its id.
    Processed(String),
    /// A session's training ends.
    Trained(SessionId),
    /// A connection that is gone loses its profiles.
    ProfilesLeft(u64),
}

impl Service {
    pub(super) fn new(
        clock: Clock,
        delays: Delays,
        licence: LicenceState,
        headsets: Vec<SimulatedHeadset>,
        approve_all: bool,
        ids: Ids,
    ) -> Self {
        Self {
            clock,
            delays,
            trouble: FaultInjector::default(),
            licence,
            headsets,
            sessions: Vec::new(),
            login: Login::Same,
            user: USER.to_owned(),
            logged_in_at: 0.0,
            eula: true,
            apps: Applications::new(),
            approve_all,
            ids,
            tokens: Vec::new(),
            records: Vec::new(),
            subjects: Subjects::new(),
            profiles: Vec::new(),
            mappings: Vec::new(),
            mappings_updated: 0.0,
            export: None,
            files: Arc::default(),
            dropped: 0,
            connections: 0,
            agenda: Vec::new(),
            news: Vec::new(),
        }
    }

    /// Has something happen at a time; the same thing already planned is replaced.
    pub(super) fn plan(&mut self, time: f64, happening: ScheduledEvent) {
        self.cancel(&happening);
        self.agenda.push((time, happening));
    }

    /// Takes a planned happening back.
    pub(super) fn cancel(&mut self, happening: &ScheduledEvent) {
        self.agenda.retain(|(_, planned)| planned != happening);
    }

    /// When the next planned thing happens.
    fn next(&self) -> Option<f64> {
        let planned = self.agenda.iter().map(|(time, _)| *time);
        planned.chain(self.trouble.next()).min_by(f64::total_cmp)
    }

    /// Lets everything happen that is due; whether anything was.
    fn advance(&mut self, now: f64) -> bool {
        // A hair more than now, or a rounded wake-up comes too early for ever on a paused clock.
        let hair = now + 1e-6;
        if self.next().is_none_or(|time| time > hair) {
            return false;
        }
        self.agenda.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.begin_due(hair);
        let due = self.agenda.partition_point(|(time, _)| *time <= hair);
        for (at, happening) in self.agenda.drain(..due).collect::<Vec<_>>() {
            match happening {
                ScheduledEvent::Approval(app) => self.answer_access(&app, true),
                ScheduledEvent::ScanEnd => self.scan_ended(),
                ScheduledEvent::Connected(place) => self.connected(place, at),
                ScheduledEvent::Disconnected(place) => self.disconnected(place, at),
                ScheduledEvent::Silence(place) => self.silent_too_long(place, at),
                ScheduledEvent::Unconnectable(place, code) => self.unconnectable(place, code),
                ScheduledEvent::Adjusted(place, outcome) => self.adjusted(place, outcome),
                ScheduledEvent::Processed(record) => self.processed(&record),
                ScheduledEvent::Trained(session) => self.trained(&session, at),
                ScheduledEvent::ProfilesLeft(connection) => self.profiles_left(connection),
            }
        }
        true
    }

    /// Tells all clients something unasked (§6.2).
    pub(super) fn warn(&mut self, code: i64, message: &Value) {
        let text = faults::warning(code, message);
        self.announce(Notification {
            client: None,
            what: NotificationKind::Say(Payload::Text(text)),
        });
    }

    /// Has something happen to clients.
    pub(super) fn announce(&mut self, news: Notification) {
        self.news.push(news);
    }
}

/// The service as its connections, its acceptor and [`Control`](super::Control) share it. The lock
/// is held for one call at a time and never across a wait.
#[derive(Clone)]
pub(super) struct SharedService {
    service: Arc<Mutex<Service>>,
    news: broadcast::Sender<Notification>,
    changed: watch::Sender<()>,
    ending: watch::Sender<bool>,
}

impl fmt::Debug for SharedService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Tokens live in here: nothing of it is printed.
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl SharedService {
    pub(super) fn new(service: Service) -> Self {
        Self {
            service: Arc::new(Mutex::new(service)),
            news: broadcast::Sender::new(NEWS),
            changed: watch::Sender::new(()),
            ending: watch::Sender::new(false),
        }
    }

    /// Does something with the service at the present time, then wakes all who may be concerned.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Service, f64) -> T) -> T {
        let done = self.quietly(act);
        self.changed.send_replace(());
        done
    }

    /// As [`with`](Self::with), for acts that concern nobody else: nobody is woken, unless
    /// something planned happens first, after which a connection may have something to send.
    pub(super) fn quietly<T>(&self, act: impl FnOnce(&mut Service, f64) -> T) -> T {
        let mut service = self.service.lock().unwrap_or_else(PoisonError::into_inner);
        let now = service.clock.now();
        if service.advance(now) {
            self.changed.send_replace(());
        }
        let done = act(&mut service, now);
        for news in service.news.drain(..) {
            // Without connections there is nobody to tell.
            let _ = self.news.send(news);
        }
        done
    }

    /// Has all connections close.
    pub(super) fn end(&self) {
        self.ending.send_replace(true);
        self.changed.send_replace(());
    }

    /// Whether all connections are to close.
    pub(super) fn is_ending(&self) -> bool {
        *self.ending.borrow()
    }

    /// The moment of the next planned happening.
    pub(super) fn next(&self) -> Option<tokio::time::Instant> {
        self.quietly(|service, _| service.next().map(|time| service.clock.instant(time)))
    }

    /// What happens to clients from now on.
    pub(super) fn news(&self) -> broadcast::Receiver<Notification> {
        self.news.subscribe()
    }

    /// Changes from now on.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}
