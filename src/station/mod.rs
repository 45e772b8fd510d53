//! Publishes what is known about the headsets of this computer over MQTT, for a lab on another computer
//! (docs/mqtt.md). Reads the client's events and the decoder's snapshots, and sends no commands: markers
//! of a lab are passed on like those of other programs.
//!
//! ```text
//! mod       facts to the broker, markers from it
//!  ├─ facts    events and snapshots → states of headsets, with their alerts
//!  └─ markers  which markers of a lab have been set
//! ```

mod facts;
mod markers;

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    select,
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use self::{
    facts::Facts,
    markers::{CommandKey, PendingMarkers, TOO_MANY},
};
use crate::{
    app::{AlertSettings, StationLink, StationStatus},
    exchange::OutsideMarker,
    known::Known,
};
use cortop_client::{Event, Headset, HeadsetId, Link, Moment, RecordEvent, SessionId};
use cortop_mqtt::{
    Broker, StationFact, StationReport, StationSettings, StationTask, Text,
    payload::{LabMarker, StationEvent},
};
use cortop_signal::Snapshot;

/// How often to check whether a state has changed. Changes are published at most once a second.
const LOOK: Duration = Duration::from_millis(250);

/// Maximum number of events that wait for the next check.
const MOST_EVENTS: usize = 64;

/// Maximum number of notices in the queue.
const QUEUE: usize = 16;

/// What is known from the client, and the events to publish at the next check.
#[derive(Debug, Default)]
struct Heard {
    known: Known,
    events: VecDeque<StationEvent>,
    /// Markers that Cortex has set since the last check.
    set: Vec<(SessionId, String)>,
    /// New settings of the alerts, which apply from the next check on.
    alerts: Option<AlertSettings>,
}

/// What a station reports to its owner.
#[derive(Debug)]
pub enum StationNotice {
    /// A lab sets a marker.
    Marker(OutsideMarker),
    /// A report about the connection to the broker.
    Report(StationReport),
}

/// A running station. It never blocks its owner: what does not fit in its bounded queues is dropped and
/// counted.
#[derive(Debug)]
pub struct StationService {
    name: String,
    heard: Arc<Mutex<Heard>>,
    notices: mpsc::Receiver<StationNotice>,
    link: StationLink,
    dropped: Arc<AtomicU64>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// The configuration of a station.
#[derive(Debug)]
pub struct StationOptions {
    /// The broker to which it publishes.
    pub broker: Broker,
    /// Its name and other facts that do not change.
    pub settings: StationSettings,
    /// The settings of the alerts.
    pub alerts: AlertSettings,
}

impl StationService {
    /// Starts publishing on the current runtime, until [`Self::stop`].
    #[must_use]
    pub fn spawn(options: StationOptions, snapshots: watch::Receiver<Arc<Snapshot>>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (sender, notices) = mpsc::channel(QUEUE);
        let StationOptions { broker, settings, alerts } = options;
        let heard = Arc::<Mutex<Heard>>::default();
        let runner = Runner {
            heard: Arc::clone(&heard),
            snapshots,
            facts: Facts::new(alerts),
            accepts_markers: settings.accepts_markers,
            pending: PendingMarkers::default(),
            down_since: None,
            notices: sender,
        };
        let name = settings.name.to_string();
        let task = StationTask::spawn(broker, settings);
        let dropped = Arc::clone(&task.dropped);
        let task = tokio::spawn(runner.run(task, stopped));
        Self { name, heard, notices, link: StationLink::Connecting, dropped, stop, task }
    }

    /// Handles an event of the client.
    pub fn on_event(&self, event: &Event) {
        let mut heard = self.heard();
        if let Event::Marker { session, marker, .. } = event
            && heard.set.len() < MOST_EVENTS
        {
            heard.set.push((session.clone(), marker.label.clone()));
        }
        for event in station_events(&heard.known, event) {
            if heard.events.len() == MOST_EVENTS {
                heard.events.pop_front();
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
            heard.events.push_back(event);
        }
        heard.known.on_event(event);
    }

    /// Changes the settings of the alerts.
    pub fn set_alerts(&self, alerts: AlertSettings) {
        self.heard().alerts = Some(alerts);
    }

    /// Waits for the next notice; `None` once the station has ended. Cancel safe.
    pub async fn next(&mut self) -> Option<StationNotice> {
        let notice = self.notices.recv().await;
        if let Some(StationNotice::Report(report)) = &notice {
            match report {
                StationReport::Online => self.link = StationLink::Online,
                StationReport::Offline(error) | StationReport::NameTaken(error) => {
                    self.link = StationLink::Offline(error.to_string());
                }
                StationReport::Refused(error) => tracing::warn!("{error}"),
                StationReport::NameKept { host } => tracing::warn!(
                    "another station asked for this one's name and was refused: {host}"
                ),
                StationReport::Marker { .. } => {}
            }
        }
        notice
    }

    /// The current status.
    #[must_use]
    pub fn status(&self) -> StationStatus {
        let dropped = self.dropped.load(Ordering::Relaxed);
        StationStatus { name: self.name.clone(), link: self.link.clone(), dropped }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says goodbye to the broker, and ends.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// The events to publish for an event of the client.
fn station_events(known: &Known, event: &Event) -> Vec<StationEvent> {
    let of = |session: &SessionId| {
        let session = known.sessions.iter().find(|own| own.id == *session)?;
        Some(Text::new(session.headset.id.as_str()))
    };
    let one = |kind, headset, text: &str| vec![station_event(kind, headset, text)];
    match event {
        Event::Marker { session, marker, .. } if !marker.is_interval() => {
            one("marker", of(session), &format!("marker {}", marker.label))
        }
        Event::Opened { session, mode, .. } => {
            one("session", of(session), &format!("session {mode}"))
        }
        Event::Closed { session, why, .. } => {
            one("session", of(session), &format!("session ended: {why}"))
        }
        Event::Record(RecordEvent::Started { session, .. }) => {
            one("record", of(session), "a record has started")
        }
        Event::Record(RecordEvent::Ended { session, ordered, .. }) => {
            let why = if *ordered { "" } else { ", which nobody here ordered" };
            one("record", of(session), &format!("a record has ended{why}"))
        }
        Event::Headsets(headsets) => {
            let came = missing(headsets, &known.headsets).map(|id| (id, "headset seen"));
            let went = missing(&known.headsets, headsets).map(|id| (id, "headset out of reach"));
            came.chain(went)
                .map(|(id, text)| station_event("headset", Some(Text::new(id.as_str())), text))
                .collect()
        }
        Event::Link(Link::Waiting { error, attempt: 1, .. }) => {
            one("service", None, &format!("Cortex: {}", error.message()))
        }
        _ => Vec::new(),
    }
}

/// The headsets in the first list that are missing from the second.
fn missing<'a>(of: &'a [Headset], others: &'a [Headset]) -> impl Iterator<Item = &'a HeadsetId> {
    let is_in_others = |id: &HeadsetId| others.iter().any(|other| other.id == *id);
    of.iter().map(|own| &own.id).filter(move |id| !is_in_others(id))
}

fn station_event(kind: &str, headset: Option<Text>, text: &str) -> StationEvent {
    StationEvent { at: wall(), kind: kind.into(), headset, text: Text::new(text) }
}

struct Runner {
    heard: Arc<Mutex<Heard>>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    facts: Facts,
    accepts_markers: bool,
    pending: PendingMarkers,
    /// Since when Cortex is not reached.
    down_since: Option<f64>,
    notices: mpsc::Sender<StationNotice>,
}

impl Runner {
    async fn run(mut self, mut task: StationTask, mut stopped: oneshot::Receiver<()>) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let facts = select! {
                _ = &mut stopped => break,
                _ = looks.tick() => self.look(),
                report = task.reports.recv() => match report {
                    Some(StationReport::Marker { instance, command, received }) => {
                        self.on_marker(instance, &command, received)
                    }
                    Some(report) => {
                        // If the owner does not keep up, reports are dropped.
                        let _ = self.notices.try_send(StationNotice::Report(report));
                        Vec::new()
                    }
                    None => break,
                },
            };
            for fact in facts {
                if task.facts.send(fact).await.is_err() {
                    return;
                }
            }
        }
        task.stop().await;
    }

    fn look(&mut self) -> Vec<StationFact> {
        let snapshot = Arc::clone(&self.snapshots.borrow());
        let now = Moment::now();
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(alerts) = heard.alerts.take() {
            self.facts.set_alerts(alerts);
        }
        for (session, label) in std::mem::take(&mut heard.set) {
            self.pending.on_set(&session, &label);
        }
        self.down_since = heard.known.is_down.then(|| self.down_since.unwrap_or_else(wall));
        let mut facts = vec![
            StationFact::Cortex {
                words: heard.known.connection.clone(),
                down_since: self.down_since,
            },
            StationFact::Headsets(self.facts.states(&heard.known, &snapshot, now)),
        ];
        facts.extend(heard.events.drain(..).map(StationFact::Event));
        facts.extend(self.pending.done(now.instant).into_iter().map(StationFact::Acknowledged));
        facts
    }

    /// Sets a lab's marker in each record that runs here; without one, it is among the samples only. Returns
    /// the answer if it is known already.
    fn on_marker(
        &mut self,
        instance: Text,
        command: &LabMarker,
        received: Timestamp,
    ) -> Vec<StationFact> {
        let key = CommandKey { instance, id: command.id.clone() };
        if let Err(again) = self.pending.on_command(key.clone()) {
            return again.map(StationFact::Acknowledged).into_iter().collect();
        }
        let at = Moment { wall: received, ..Moment::now() };
        let handed = self.hand_on(command, at);
        let known = &self.heard.lock().unwrap_or_else(PoisonError::into_inner).known;
        self.pending
            .order(key, handed.as_deref().map_err(String::as_str), known, at)
            .into_iter()
            .map(StationFact::Acknowledged)
            .collect()
    }

    /// Passes a marker on. Returns the label with which it is set, or why it is refused.
    fn hand_on(&self, command: &LabMarker, at: Moment) -> Result<String, String> {
        let (label, value) = command.texts().map_err(|why| why.to_string())?;
        let marker = OutsideMarker::new(label, value, at);
        let marker = marker.filter(|_| self.accepts_markers);
        let marker = marker.ok_or("this station does not accept markers")?;
        // Do not set a marker that could not be acknowledged.
        if self.pending.is_full() {
            return Err(TOO_MANY.to_owned());
        }
        let label = marker.label.clone();
        let sent = self.notices.try_send(StationNotice::Marker(marker));
        sent.map(|()| label).map_err(|_| TOO_MANY.to_owned())
    }
}

/// Seconds since 1970.
fn wall() -> f64 {
    Timestamp::now().as_duration().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cortop_client::Session;

    #[test]
    fn a_marker_that_is_one_too_many_is_not_set() {
        let (sender, mut notices) = mpsc::channel(64);
        let mut heard = Heard::default();
        let session = Session { id: "s".into(), recording: Some(true), ..Session::default() };
        heard.known.on_event(&Event::Session(session));
        let mut runner = Runner {
            heard: Arc::new(Mutex::new(heard)),
            snapshots: watch::channel(Arc::default()).1,
            facts: Facts::new(AlertSettings::default()),
            accepts_markers: true,
            pending: PendingMarkers::default(),
            down_since: None,
            notices: sender,
        };
        let mut answers = Vec::new();
        for number in 0..17 {
            let id = Text::new(&number.to_string());
            let command = LabMarker { id, label: "go".into(), value: None };
            answers.extend(runner.on_marker("lab".into(), &command, Timestamp::now()));
        }
        let [StationFact::Acknowledged(refused)] = &answers[..] else { panic!("{answers:?}") };
        assert_eq!((&*refused.id, refused.problem.as_deref()), ("16", Some(TOO_MANY)));
        let handed = std::iter::from_fn(|| notices.try_recv().ok()).count();
        assert_eq!(handed, 16);
    }
}
