//! What a lab knows of all stations, made of the messages of the broker. Bounded, whoever writes there:
//! so many stations and headsets are kept, the rest is counted, and what is malformed is counted and named.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    payload::{
        self, Acknowledgement, HeadsetState, LOST, Malformed, StationEvent, StationMessage,
        StationState, Status, Text,
    },
    topic::{StationName, Topic},
};

/// Stations that are kept.
pub const MOST_STATIONS: usize = 4096;

/// Headsets that are kept, of all stations together, and of each.
pub const MOST_HEADSETS: usize = 16_384;
const MOST_OF_A_STATION: usize = 64;

/// Names of stations beyond those that are kept, which are only told apart.
const MOST_COUNTED: usize = 1 << 20;

/// Malformed messages that are named.
const MOST_NAMED: usize = 8;

/// A station that has not been heard for so long is silent: it publishes every 5 s.
pub const SILENCE: Duration = Duration::from_secs(12);

/// A broker that ends publishes the wills of all stations just before: whoever is lost for less than
/// this when the connection ends may be there.
pub const DOUBT: Duration = Duration::from_secs(1);

/// Messages from which the difference of the clocks is taken.
const DELAYS: usize = 16;

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its topic.
    pub topic: Bytes,
    /// What it says.
    pub payload: Bytes,
    /// It was published before the lab subscribed: nobody knows when.
    pub retained: bool,
    /// When it came.
    pub arrival: Instant,
    /// The same by the lab's clock, in seconds since 1970.
    pub wall: f64,
}

/// What a message changed.
#[derive(Clone, Debug, PartialEq)]
pub enum BookChange {
    /// Nothing that is kept.
    Nothing,
    /// The state of a station.
    Station(StationName),
    /// The state of one of its headsets; the alerts that it had before.
    Headset(StationName, Text, Vec<payload::StationAlert>),
    /// Something happened at a station: when, by the lab's clock.
    Event(StationName, f64, StationEvent),
    /// A station did what a command asks.
    Acknowledged(StationName, Acknowledgement),
    /// A message could not be read.
    Malformed,
}

/// What has become of a station, as far as the lab knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StationPresence {
    /// It is heard.
    Live,
    /// The broker has its state, and nothing was heard of it yet.
    Unconfirmed,
    /// It has not been heard since then, if ever, and nobody said why.
    Silent(Option<Instant>),
    /// It has ended or was lost: when, in seconds since 1970 by the lab's clock, if the lab was there.
    Gone(Option<f64>),
}

/// A station.
#[derive(Clone, Debug, Default)]
pub struct Station {
    /// What it says of itself; `None` while only its headsets are known.
    pub state: Option<StationState>,
    /// Its headsets, by the level of their topic.
    headsets: BTreeMap<String, StationHeadset>,
    instance: Text,
    /// When it was heard last.
    heard: Option<Instant>,
    /// Since when there is a connection over which it can be heard.
    connected: Option<Instant>,
    /// When it went, by the lab's clock.
    gone: Option<f64>,
    /// When its last will came, and what was known of it before.
    lost: Option<(Instant, StationState)>,
    /// Seconds from its clock to the arrival of its last messages.
    delays: VecDeque<f64>,
}

/// A headset of a station.
#[derive(Clone, Debug)]
pub struct StationHeadset {
    /// What the station says of it.
    pub state: HeadsetState,
    /// Of which run of the station.
    instance: Text,
    /// When that came, by the lab's clock; `None` if it was there before.
    pub since: Option<f64>,
}

impl Station {
    /// What has become of it.
    #[must_use]
    pub fn presence(&self, now: Instant) -> StationPresence {
        if self.state.as_ref().is_some_and(|state| state.status == Status::Gone) {
            return StationPresence::Gone(self.gone);
        }
        let Some(connected) = self.connected else { return StationPresence::Unconfirmed };
        let heard = self.heard.filter(|heard| *heard >= connected);
        if now.saturating_duration_since(heard.unwrap_or(connected)) > SILENCE {
            return StationPresence::Silent(self.heard);
        }
        if heard.is_some() { StationPresence::Live } else { StationPresence::Unconfirmed }
    }

    /// Whether its last will has just come, which may be that of all stations: the broker ends.
    #[must_use]
    pub fn is_in_doubt(&self, now: Instant) -> bool {
        self.lost.as_ref().is_some_and(|(at, _)| now.saturating_duration_since(*at) < DOUBT)
    }

    /// When it was heard last.
    #[must_use]
    pub const fn heard(&self) -> Option<Instant> {
        self.heard
    }

    /// Its headsets. Those of an earlier run, which it has not taken off the broker yet, are none.
    pub fn headsets(&self) -> impl Iterator<Item = &StationHeadset> {
        self.headsets.values().filter(|own| self.state.is_none() || own.instance == self.instance)
    }

    /// One of them, by its id.
    #[must_use]
    pub fn headset(&self, id: &str) -> Option<&StationHeadset> {
        self.headsets().find(|own| &*own.state.headset == id)
    }

    /// A moment by the station's clock as the lab's clock has it: the soonest of its last messages had
    /// the shortest way, which is the error.
    #[must_use]
    pub fn lab_time(&self, time: f64) -> Option<f64> {
        let soonest = self.delays.iter().copied().reduce(f64::min)?;
        Some(time + soonest)
    }

    /// By how many seconds the station's clock is behind the lab's, the way of a message included.
    #[must_use]
    pub fn clock_behind(&self) -> Option<f64> {
        self.lab_time(0.0)
    }

    /// A message of it that was sent just now.
    fn note_arrival<T>(&mut self, message: &Received, envelope: &StationMessage<T>) {
        if message.retained {
            return;
        }
        // It may have been stamped before the connection was noticed.
        self.heard = self.connected.max(Some(message.arrival));
        if envelope.sent.is_finite() {
            self.delays.truncate(DELAYS - 1);
            self.delays.push_front(message.wall - envelope.sent);
        }
    }
}

/// All stations.
#[derive(Clone, Debug, Default)]
pub struct Book {
    stations: BTreeMap<StationName, Station>,
    /// How many headsets are kept.
    headsets: usize,
    /// Hashes of the names of stations that are not kept.
    beyond: HashSet<u64>,
    /// Headsets for which there was no room.
    beyond_headsets: u64,
    malformed: u64,
    named: VecDeque<(Text, Malformed)>,
    /// Messages and bytes that came.
    received: (u64, u64),
}

impl Book {
    /// The stations, by name.
    #[must_use]
    pub const fn stations(&self) -> &BTreeMap<StationName, Station> {
        &self.stations
    }

    /// Stations that are counted only, and headsets.
    #[must_use]
    pub fn beyond(&self) -> (usize, u64) {
        (self.beyond.len(), self.beyond_headsets)
    }

    /// Messages that could not be read, and the last of them: topic and reason.
    #[must_use]
    pub fn malformed(&self) -> (u64, Option<&(Text, Malformed)>) {
        (self.malformed, self.named.back())
    }

    /// Messages and bytes that came.
    #[must_use]
    pub const fn received(&self) -> (u64, u64) {
        self.received
    }

    /// There is a new connection to the broker: what was heard before says nothing of now.
    pub fn on_connected(&mut self, now: Instant) {
        for station in self.stations.values_mut() {
            station.connected = Some(now);
        }
    }

    /// There is no connection. What became of those whose last will came right before is unknown.
    pub fn on_disconnected(&mut self, now: Instant) {
        for station in self.stations.values_mut() {
            station.connected = None;
            let is_in_doubt = station.is_in_doubt(now);
            if let Some((_, state)) = station.lost.take().filter(|_| is_in_doubt) {
                (station.state, station.gone) = (Some(state), None);
            }
        }
    }

    /// Takes a message.
    pub fn on_message(&mut self, message: &Received) -> BookChange {
        self.received.0 += 1;
        self.received.1 += (message.topic.len() + message.payload.len()) as u64;
        let topic = str::from_utf8(&message.topic).ok().and_then(Topic::parse);
        let done = match topic {
            None => Err(Malformed::Topic),
            // What a lab says itself.
            Some(Topic::Marker) => Ok(BookChange::Nothing),
            Some(Topic::State(name)) => self.on_state(name, message),
            Some(Topic::Headset(name, level)) => self.on_headset(name, level, message),
            Some(Topic::Event(name)) => self.on_event(name, message),
            Some(Topic::Acknowledgement(name)) => self.on_acknowledgement(name, message),
        };
        done.unwrap_or_else(|why| {
            self.malformed += 1;
            if self.named.len() == MOST_NAMED {
                self.named.pop_front();
            }
            let topic = Text::new(&String::from_utf8_lossy(&message.topic));
            self.named.push_back((topic, why));
            BookChange::Malformed
        })
    }

    /// The place of a station, if there is room for it.
    fn place(&mut self, name: &StationName, now: Instant) -> Option<&mut Station> {
        if !self.stations.contains_key(name) {
            if self.stations.len() == MOST_STATIONS {
                let mut hasher = DefaultHasher::new();
                name.hash(&mut hasher);
                if self.beyond.len() < MOST_COUNTED {
                    self.beyond.insert(hasher.finish());
                }
                return None;
            }
            let station = Station { connected: Some(now), ..Station::default() };
            self.stations.insert(name.clone(), station);
        }
        self.stations.get_mut(name)
    }

    fn on_state(&mut self, name: StationName, message: &Received) -> Result<BookChange, Malformed> {
        if message.payload.is_empty() {
            // Whoever runs the broker took a station away for good.
            if let Some(station) = self.stations.remove(&name) {
                self.headsets -= station.headsets.len();
            }
            return Ok(BookChange::Station(name));
        }
        let envelope = payload::read::<StationState>(&message.payload)?;
        let status = envelope.body.status;
        if status == Status::Joining {
            return Ok(BookChange::Nothing);
        }
        let Some(station) = self.place(&name, message.arrival) else {
            return Ok(BookChange::Nothing);
        };
        let is_known = station.state.is_some();
        // The last will of one that was refused the name, or of a connection that was given up.
        let is_other = is_known && station.instance != envelope.instance;
        if status == Status::Gone && is_other && !message.retained {
            return Ok(BookChange::Nothing);
        }
        if status == Status::Gone {
            // The last will was written when the connection began.
            station.gone = if message.retained { station.gone } else { Some(message.wall) };
            let is_will = envelope.body.why.as_deref() == Some(LOST) && !message.retained;
            let before = station.state.take().filter(|own| own.status != Status::Gone);
            station.lost = before.filter(|_| is_will).map(|own| (message.arrival, own));
        } else {
            (station.gone, station.lost) = (None, None);
            station.note_arrival(message, &envelope);
        }
        if is_other {
            station.delays.clear();
        }
        station.instance = envelope.instance;
        station.state = Some(envelope.body);
        Ok(BookChange::Station(name))
    }

    fn on_headset(
        &mut self,
        name: StationName,
        level: String,
        message: &Received,
    ) -> Result<BookChange, Malformed> {
        if message.payload.is_empty() {
            let station = self.stations.get_mut(&name);
            let removed = station.and_then(|station| station.headsets.remove(&level));
            self.headsets -= usize::from(removed.is_some());
            return Ok(match removed {
                Some(own) => BookChange::Headset(name, own.state.headset, own.state.alerts),
                None => BookChange::Nothing,
            });
        }
        let envelope = payload::read::<HeadsetState>(&message.payload)?;
        let is_full = self.headsets >= MOST_HEADSETS;
        let Some(station) = self.place(&name, message.arrival) else {
            return Ok(BookChange::Nothing);
        };
        if station.state.is_some() && station.instance == envelope.instance {
            station.note_arrival(message, &envelope);
        }
        let StationMessage { instance, body, .. } = envelope;
        let id = body.headset.clone();
        let since = (!message.retained).then_some(message.wall);
        let has_room = !is_full && station.headsets.len() < MOST_OF_A_STATION;
        let alerts = match station.headsets.get_mut(&level) {
            Some(own) => {
                let before = std::mem::replace(&mut own.state, body);
                (own.instance, own.since) = (instance, since);
                before.alerts
            }
            None if has_room => {
                station.headsets.insert(level, StationHeadset { state: body, instance, since });
                self.headsets += 1;
                Vec::new()
            }
            None => {
                self.beyond_headsets += 1;
                return Ok(BookChange::Nothing);
            }
        };
        Ok(BookChange::Headset(name, id, alerts))
    }

    fn on_event(&mut self, name: StationName, message: &Received) -> Result<BookChange, Malformed> {
        let envelope = payload::read::<StationEvent>(&message.payload)?;
        if message.retained {
            // Nobody knows when that was: events are not retained.
            return Ok(BookChange::Nothing);
        }
        // One that has no state is none.
        let Some(station) = self.stations.get_mut(&name) else { return Ok(BookChange::Nothing) };
        station.note_arrival(message, &envelope);
        // By the way of this message: the event may be older than what is known of the clocks.
        let age = (envelope.sent - envelope.body.at).clamp(0.0, 3600.0);
        let at = if age.is_finite() { message.wall - age } else { message.wall };
        Ok(BookChange::Event(name, at, envelope.body))
    }

    fn on_acknowledgement(
        &mut self,
        name: StationName,
        message: &Received,
    ) -> Result<BookChange, Malformed> {
        let envelope = payload::read::<Acknowledgement>(&message.payload)?;
        let Some(station) = self.stations.get_mut(&name) else { return Ok(BookChange::Nothing) };
        station.note_arrival(message, &envelope);
        Ok(BookChange::Acknowledged(name, envelope.body))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A message of a station.
    fn send<T: serde::Serialize>(
        book: &mut Book,
        (topic, instance): (&str, &str),
        (sent, arrival, retained): (f64, (Instant, f64), bool),
        body: T,
    ) -> BookChange {
        let payload = StationMessage::new(&instance.into(), sent, body).to_json();
        let (arrival, wall) = arrival;
        let (topic, payload) = (topic.to_owned().into(), payload.into());
        book.on_message(&Received { topic, payload, retained, arrival, wall })
    }

    fn state(status: Status) -> StationState {
        StationState { status, ..StationState::default() }
    }

    fn name() -> StationName {
        "PC".parse().unwrap()
    }

    const STATE: &str = "cortop/v1/PC/state";
    const HEADSET: &str = "cortop/v1/PC/headset/E/state";

    #[tokio::test(start_paused = true)]
    async fn what_was_retained_is_not_live_until_it_is_heard_and_silence_ends_that() {
        let mut book = Book::default();
        let start = Instant::now();
        let presence = |book: &Book, seconds| {
            book.stations()[&name()].presence(start + Duration::from_secs(seconds))
        };
        send(&mut book, (STATE, "a"), (5.0, (start, 100.0), true), state(Status::Online));
        assert_eq!(presence(&book, 0), StationPresence::Unconfirmed);
        send(&mut book, (STATE, "a"), (5.0, (start, 100.0), false), state(Status::Online));
        assert_eq!(presence(&book, 12), StationPresence::Live);
        assert_eq!(presence(&book, 13), StationPresence::Silent(Some(start)));
        // Whoever is not heard over a new connection is silent in the end, since when it was heard last.
        book.on_disconnected(start + Duration::from_secs(14));
        assert_eq!(presence(&book, 99), StationPresence::Unconfirmed);
        book.on_connected(start + Duration::from_secs(20));
        assert_eq!(presence(&book, 32), StationPresence::Unconfirmed);
        assert_eq!(presence(&book, 33), StationPresence::Silent(Some(start)));
        send(&mut book, (STATE, "a"), (5.0, (start, 123.0), false), state(Status::Gone));
        assert_eq!(presence(&book, 99), StationPresence::Gone(Some(123.0)));
        // One that went before the lab came: nobody knows when.
        let mut book = Book::default();
        send(&mut book, (STATE, "a"), (5.0, (start, 100.0), true), state(Status::Gone));
        assert_eq!(presence(&book, 0), StationPresence::Gone(None));
        // One that never says more than what the broker kept.
        let mut book = Book::default();
        send(&mut book, (STATE, "a"), (5.0, (start, 100.0), true), state(Status::Online));
        assert_eq!(presence(&book, 13), StationPresence::Silent(None));
    }

    #[tokio::test(start_paused = true)]
    async fn wills_of_a_broker_that_ends_say_nothing_of_stations() {
        let start = Instant::now();
        let presence_after = |millis| {
            let mut book = Book::default();
            let will = StationState { why: Some(LOST.into()), ..state(Status::Gone) };
            send(&mut book, (STATE, "a"), (5.0, (start, 100.0), false), state(Status::Online));
            send(&mut book, (STATE, "a"), (5.0, (start, 100.0), false), will);
            let end = start + Duration::from_millis(millis);
            book.on_disconnected(end);
            book.stations()[&name()].presence(end)
        };
        assert_eq!(presence_after(20), StationPresence::Unconfirmed);
        assert_eq!(presence_after(1500), StationPresence::Gone(Some(100.0)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_station_that_was_refused_a_name_changes_nothing() {
        let mut book = Book::default();
        let now = (Instant::now(), 100.0);
        send(&mut book, (STATE, "a"), (5.0, now, false), state(Status::Online));
        for status in [Status::Joining, Status::Gone] {
            let change = send(&mut book, (STATE, "b"), (5.0, now, false), state(status));
            assert_eq!(change, BookChange::Nothing);
        }
        assert_eq!(book.stations()[&name()].presence(now.0), StationPresence::Live);
    }

    #[tokio::test(start_paused = true)]
    async fn headsets_of_an_earlier_run_are_none() {
        let mut book = Book::default();
        let now = (Instant::now(), 100.0);
        let body = || HeadsetState { headset: "E".into(), ..HeadsetState::default() };
        send(&mut book, (HEADSET, "a"), (5.0, now, true), body());
        assert_eq!(book.stations()[&name()].headsets().count(), 1, "its station is not known yet");
        send(&mut book, (STATE, "b"), (5.0, now, true), state(Status::Online));
        assert_eq!(book.stations()[&name()].headsets().count(), 0);
        send(&mut book, (HEADSET, "b"), (5.0, now, false), body());
        assert!(book.stations()[&name()].headset("E").is_some());
        let gone = Received {
            topic: HEADSET.into(),
            payload: Bytes::new(),
            retained: false,
            arrival: now.0,
            wall: 0.0,
        };
        assert!(matches!(book.on_message(&gone), BookChange::Headset(..)));
        assert_eq!((book.stations()[&name()].headsets().count(), book.headsets), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn times_are_corrected_by_the_soonest_arrival() {
        let mut book = Book::default();
        let now = Instant::now();
        // Its clock is 1000 s behind; the messages take 0.4, 0.1 and 0.3 s.
        for (sent, wall) in [(10.0, 1010.4), (20.0, 1020.1), (30.0, 1030.3)] {
            send(&mut book, (STATE, "a"), (sent, (now, wall), false), state(Status::Online));
        }
        let station = &book.stations()[&name()];
        assert!((station.lab_time(25.0).unwrap() - 1025.1).abs() < 1e-9);
        let event = StationEvent { at: 39.0, ..StationEvent::default() };
        let topic = ("cortop/v1/PC/event", "a");
        let change = send(&mut book, topic, (40.0, (now, 1040.2), false), event);
        let BookChange::Event(_, at, _) = change else { panic!("{change:?}") };
        assert!((at - 1039.2).abs() < 1e-9, "{at}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_million_stations_are_counted_and_4096_kept() {
        let mut book = Book::default();
        let arrival = Instant::now();
        let payload = StationMessage::new(&"a".into(), 0.0, state(Status::Online)).to_json();
        let payload = Bytes::from(payload);
        for number in 0..1_000_000 {
            let topic = format!("cortop/v1/{number}/state");
            let topic = Bytes::from(topic);
            // The first ones say it twice.
            for _ in 0..=usize::from(number < 10_000) {
                let (topic, payload) = (topic.clone(), payload.clone());
                book.on_message(&Received { topic, payload, retained: false, arrival, wall: 0.0 });
            }
        }
        assert_eq!(book.stations().len(), MOST_STATIONS);
        assert_eq!(book.beyond().0, 1_000_000 - MOST_STATIONS);
        let state = HeadsetState { headset: "E".into(), ..HeadsetState::default() };
        let payload = Bytes::from(StationMessage::new(&"a".into(), 0.0, state).to_json());
        for number in 0..100 {
            let topic = format!("cortop/v1/0/headset/{number}/state").into();
            let payload = payload.clone();
            book.on_message(&Received { topic, payload, retained: false, arrival, wall: 0.0 });
        }
        assert_eq!(book.stations()[&"0".parse().unwrap()].headsets().count(), MOST_OF_A_STATION);
        assert_eq!(book.beyond().1, 36);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_malformed_is_counted_and_named() {
        let mut book = Book::default();
        let arrival = Instant::now();
        for (topic, payload, says) in [
            ("cortop/v1/PC/other", &b"{}"[..], "no such topic"),
            ("cortop/v1/PC/state", b"{}", "missing field"),
            ("cortop/v1/PC/state", b"{\"version\":2}", "version 2"),
        ] {
            let (topic, payload) = (topic.into(), payload.into());
            let message = Received { topic, payload, retained: true, arrival, wall: 0.0 };
            assert_eq!(book.on_message(&message), BookChange::Malformed);
            let (_, last) = book.malformed();
            let (_, why) = last.expect("one");
            assert!(why.to_string().contains(says), "{why}");
        }
        assert_eq!(book.malformed().0, 3);
        assert!(book.stations().is_empty());
    }

    proptest! {
        #[test]
        fn any_message_is_taken(
            topic in "(cortop/v1/)?[A-Z]{0,2}/?(state|event|headset/x/state|acknowledgement)?",
            payload in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..64),
                any::<String>().prop_map(String::into_bytes),
                "\\{\"version\":1,\"instance\":\"a\",\"sent\":[0-9e]{1,3}(,\"at\":1e309)?\\}"
                    .prop_map(String::into_bytes),
            ],
            retained in any::<bool>(),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let mut book = Book::default();
                let (topic, payload) = (topic.into(), payload.into());
                let arrival = Instant::now();
                book.on_message(&Received { topic, payload, retained, arrival, wall: 0.0 });
            });
        }
    }
}
