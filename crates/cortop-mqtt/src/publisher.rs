//! Decides what a station publishes, and when. Facts come in, and messages come out when they are due:
//! states only when they have changed, at most once a second for each headset, and the state of the
//! station at least every five seconds, so that its silence is noticed.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    payload::{
        Acknowledgement, HeadsetState, StationEvent, StationMessage, StationState, Status, Text,
    },
    topic::{StationName, Topic},
};

/// Minimum time between two messages on a retained topic.
const APART: Duration = Duration::from_secs(1);

/// How often the state of the station is published if it does not change.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(5);

/// Maximum number of events and acknowledgements that wait while there is no connection; the oldest are
/// dropped first.
const MOST_WAITING: usize = 64;

/// A message to be published.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OutgoingMessage {
    pub(crate) topic: Topic,
    pub(crate) payload: Vec<u8>,
    pub(crate) retain: bool,
}

/// A retained topic: the wanted and the published state.
#[derive(Clone, Debug)]
struct Slot<T> {
    wanted: T,
    published: Option<T>,
    /// When it was last published.
    last: Option<Instant>,
}

impl<T: PartialEq> Slot<T> {
    fn new(wanted: T) -> Self {
        Self { wanted, published: None, last: None }
    }

    /// When it is due: now, or a second after the last message; `None` if nothing has changed.
    fn due(&self, now: Instant) -> Option<Instant> {
        let is_new = self.published.as_ref() != Some(&self.wanted);
        is_new.then(|| self.last.map_or(now, |last| last + APART))
    }
}

/// Everything that a station publishes.
#[derive(Debug)]
pub(crate) struct Publisher {
    name: StationName,
    instance: Text,
    station: Slot<StationState>,
    headsets: BTreeMap<Topic, Slot<HeadsetState>>,
    /// Topics of headsets that are gone: an empty payload removes the retained state.
    cleared: BTreeSet<Topic>,
    waiting: VecDeque<OutgoingMessage>,
    /// How many events and acknowledgements were dropped for lack of room.
    dropped: Arc<AtomicU64>,
}

impl Publisher {
    pub(crate) fn new(name: StationName, instance: Text, station: StationState) -> Self {
        Self {
            name,
            instance,
            station: Slot::new(station),
            headsets: BTreeMap::new(),
            cleared: BTreeSet::new(),
            waiting: VecDeque::new(),
            dropped: Arc::default(),
        }
    }

    /// Changes the state of the station, except for its headsets.
    pub(crate) fn set_station(&mut self, change: impl FnOnce(&mut StationState)) {
        change(&mut self.station.wanted);
    }

    /// Replaces the states of all headsets.
    pub(crate) fn set_headsets(&mut self, states: Vec<HeadsetState>) {
        self.station.wanted.headsets = states.iter().map(|state| state.headset.clone()).collect();
        let mut before = std::mem::take(&mut self.headsets);
        for state in states {
            let topic = Topic::of_headset(&self.name, &state.headset);
            let slot = match before.remove(&topic) {
                Some(slot) => Slot { wanted: state, ..slot },
                None => Slot::new(state),
            };
            self.cleared.remove(&topic);
            self.headsets.insert(topic, slot);
        }
        self.cleared.extend(before.into_keys());
    }

    /// Handles a headset's topic that an earlier run of this station left on the broker.
    pub(crate) fn found_headset(&mut self, topic: Topic) {
        if !self.headsets.contains_key(&topic) {
            self.cleared.insert(topic);
        }
    }

    pub(crate) fn push_event(&mut self, event: StationEvent, wall: f64) {
        let payload = StationMessage::new(&self.instance, wall, event).to_json();
        self.push(Topic::Event(self.name.clone()), payload);
    }

    pub(crate) fn push_acknowledgement(&mut self, done: Acknowledgement, wall: f64) {
        let payload = StationMessage::new(&self.instance, wall, done).to_json();
        self.push(Topic::Acknowledgement(self.name.clone()), payload);
    }

    fn push(&mut self, topic: Topic, payload: Vec<u8>) {
        if self.waiting.len() == MOST_WAITING {
            self.waiting.pop_front();
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        self.waiting.push_back(OutgoingMessage { topic, payload, retain: false });
    }

    /// How many events and acknowledgements were dropped so far for lack of room.
    pub(crate) fn dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.dropped)
    }

    /// Handles a new connection: everything is due again.
    pub(crate) fn on_connected(&mut self) {
        self.station.published = None;
        self.station.last = None;
        for slot in self.headsets.values_mut() {
            (slot.published, slot.last) = (None, None);
        }
    }

    /// Makes the state of the station due now, because somebody asked for it or overwrote it.
    pub(crate) fn repeat(&mut self) {
        (self.station.published, self.station.last) = (None, None);
    }

    /// The next message that is due, which then counts as published. The station comes first, because
    /// readers believe its headsets only once they have its state.
    pub(crate) fn next(&mut self, now: Instant, wall: f64) -> Option<OutgoingMessage> {
        let heartbeat = self.heartbeat().is_some_and(|at| at <= now);
        if heartbeat || self.station.due(now).is_some_and(|at| at <= now) {
            self.station.published = Some(self.station.wanted.clone());
            self.station.last = Some(now);
            return Some(self.state(Status::Online, None, wall));
        }
        if let Some(topic) = self.cleared.pop_first() {
            return Some(OutgoingMessage { topic, payload: Vec::new(), retain: true });
        }
        if let Some(message) = self.waiting.pop_front() {
            return Some(message);
        }
        let due = |slot: &Slot<HeadsetState>| slot.due(now).is_some_and(|at| at <= now);
        let (topic, slot) = self.headsets.iter_mut().find(|(_, slot)| due(slot))?;
        slot.published = Some(slot.wanted.clone());
        slot.last = Some(now);
        let payload = StationMessage::new(&self.instance, wall, &slot.wanted).to_json();
        Some(OutgoingMessage { topic: topic.clone(), payload, retain: true })
    }

    /// When the next message is due.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        if !self.cleared.is_empty() || !self.waiting.is_empty() {
            return Some(now);
        }
        let headsets = self.headsets.values().filter_map(|slot| slot.due(now));
        headsets.chain(self.station.due(now)).chain(self.heartbeat()).min()
    }

    fn heartbeat(&self) -> Option<Instant> {
        self.station.last.map(|last| last + HEARTBEAT)
    }

    /// The message with the station's state under another status.
    pub(crate) fn state(&self, status: Status, why: Option<&str>, wall: f64) -> OutgoingMessage {
        let state = StationState { status, why: why.map(Text::new), ..self.station.wanted.clone() };
        OutgoingMessage {
            topic: Topic::State(self.name.clone()),
            payload: StationMessage::new(&self.instance, wall, state).to_json(),
            retain: status != Status::Joining,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload;

    fn headset(id: &str, battery: u8) -> HeadsetState {
        HeadsetState { headset: id.into(), battery: Some(battery), ..HeadsetState::default() }
    }

    fn publisher() -> Publisher {
        let name = "PC-03".parse().unwrap();
        Publisher::new(name, "run".into(), StationState::default())
    }

    /// The topics of all messages that are due.
    fn drain(publisher: &mut Publisher, now: Instant) -> Vec<String> {
        let next = std::iter::from_fn(|| publisher.next(now, 7.0));
        next.map(|message| message.topic.to_string().replace("cortop/v1/PC-03/", "")).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn it_publishes_changes_only_and_one_message_a_second_a_headset() {
        let mut publisher = publisher();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        publisher.set_headsets(vec![headset("A", 90), headset("B", 90)]);
        assert_eq!(drain(&mut publisher, at(0)), ["state", "headset/A/state", "headset/B/state"]);
        publisher.set_headsets(vec![headset("A", 90), headset("B", 89)]);
        publisher.set_headsets(vec![headset("A", 90), headset("B", 88)]);
        assert_eq!(drain(&mut publisher, at(900)), Vec::<String>::new());
        assert_eq!(publisher.due(at(900)), Some(at(1000)));
        let message = publisher.next(at(1000), 9.0).unwrap();
        assert!(message.retain);
        let read = payload::read::<HeadsetState>(&message.payload).unwrap();
        assert_eq!((read.body.battery, read.sent, &*read.instance), (Some(88), 9.0, "run"));
        assert_eq!(drain(&mut publisher, at(1000)), Vec::<String>::new());
        // The heartbeat is due although nothing changes.
        assert_eq!(publisher.due(at(1000)), Some(at(5000)));
        assert_eq!(drain(&mut publisher, at(5000)), ["state"]);
        // On a new connection, everything is published again.
        publisher.on_connected();
        assert_eq!(
            drain(&mut publisher, at(5001)),
            ["state", "headset/A/state", "headset/B/state"]
        );
    }

    #[test]
    fn the_first_state_is_due_while_the_clock_runs() {
        let mut publisher = publisher();
        publisher.set_headsets(vec![headset("A", 90)]);
        assert_eq!(drain(&mut publisher, Instant::now()), ["state", "headset/A/state"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_headset_that_is_gone_is_taken_off_the_broker() {
        let mut publisher = publisher();
        let now = Instant::now();
        let left = Topic::of_headset(&"PC-03".parse().unwrap(), "OLD");
        publisher.set_headsets(vec![headset("A", 90)]);
        publisher.found_headset(left);
        publisher.found_headset(Topic::of_headset(&"PC-03".parse().unwrap(), "A"));
        assert_eq!(drain(&mut publisher, now), ["state", "headset/OLD/state", "headset/A/state"]);
        publisher.set_headsets(Vec::new());
        let later = now + APART;
        let messages: Vec<_> = std::iter::from_fn(|| publisher.next(later, 0.0)).collect();
        assert_eq!(messages.len(), 2);
        assert!(messages[1].payload.is_empty() && messages[1].retain);
        // A headset that returns before that is not cleared.
        publisher.set_headsets(vec![headset("A", 1)]);
        publisher.set_headsets(Vec::new());
        publisher.set_headsets(vec![headset("A", 2)]);
        assert_eq!(drain(&mut publisher, later + APART), ["state", "headset/A/state"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_a_connection_is_bounded() {
        let mut publisher = publisher();
        for number in 0..1000 {
            publisher.push_event(StationEvent { at: f64::from(number), ..Default::default() }, 0.0);
        }
        let messages: Vec<_> = std::iter::from_fn(|| publisher.next(Instant::now(), 0.0)).collect();
        assert_eq!(messages.len(), 1 + MOST_WAITING);
        assert_eq!(publisher.dropped().load(Ordering::Relaxed), 1000 - MOST_WAITING as u64);
        let last = payload::read::<StationEvent>(&messages[MOST_WAITING].payload).unwrap();
        assert!((last.body.at - 999.0).abs() < f64::EPSILON);
    }
}
