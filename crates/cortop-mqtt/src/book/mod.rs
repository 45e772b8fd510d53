//! What a lab knows about all stations, collected from the broker's messages. It is bounded, because
//! anyone may write to the broker: further stations and headsets are only counted, and malformed messages
//! are counted and reported.

mod station;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use bytes::Bytes;
use tokio::time::Instant;

pub use self::station::{DepartureTime, SILENCE, Station, StationHeadset, StationPresence};
use crate::{
    payload::{
        self, Acknowledgement, HeadsetState, LOST, Malformed, StationEvent, StationMessage,
        StationState, Status, Text, VERSION,
    },
    topic::{StationName, Topic},
};

/// Maximum number of stations that are kept.
pub const MOST_STATIONS: usize = 4096;

/// Maximum number of headsets that are kept, of all stations together and of each.
pub const MOST_HEADSETS: usize = 16_384;
const MOST_OF_A_STATION: usize = 64;

/// Up to how many further stations are counted by their names.
const MOST_COUNTED: usize = 1 << 20;

/// How many malformed messages are kept, the last ones.
const MOST_NAMED: usize = 8;

/// A message as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its topic.
    pub topic: Bytes,
    /// Its payload.
    pub payload: Bytes,
    /// Whether it was published before the lab subscribed, at an unknown time.
    pub retained: bool,
    /// When it arrived.
    pub arrival: Instant,
    /// The same by the lab's clock, in seconds since 1970.
    pub wall: f64,
}

/// What a message has changed.
#[derive(Clone, Debug, PartialEq)]
pub enum BookChange {
    /// Nothing that is kept.
    Nothing,
    /// The state of a station.
    Station(StationName),
    /// The state of one of its headsets, with the alerts that it had before.
    Headset(StationName, Text, Vec<payload::StationAlert>),
    /// Something happened at a station, at this time by the lab's clock, in seconds since 1970.
    Event(StationName, f64, StationEvent),
    /// A station has answered a command.
    Acknowledged(StationName, Acknowledgement),
    /// A station speaks this later version of the contract, which cannot be read.
    Newer(StationName, u32),
    /// A message could not be read.
    Malformed,
}

/// All stations.
#[derive(Clone, Debug, Default)]
pub struct Book {
    stations: BTreeMap<StationName, Station>,
    /// How many headsets are kept.
    headsets: usize,
    /// Hashes of the names of stations that are not kept.
    beyond: HashSet<u64>,
    /// How many messages were about headsets that had no room.
    beyond_headsets: u64,
    /// Stations that speak a later version of the contract.
    newer: BTreeSet<StationName>,
    malformed: u64,
    named: VecDeque<(Text, Malformed)>,
    /// How many messages and bytes have arrived.
    received: (u64, u64),
}

impl Book {
    /// The stations, by name.
    #[must_use]
    pub const fn stations(&self) -> &BTreeMap<StationName, Station> {
        &self.stations
    }

    /// How many stations, and how many messages about headsets, had no room.
    #[must_use]
    pub fn beyond(&self) -> (usize, u64) {
        (self.beyond.len(), self.beyond_headsets)
    }

    /// How many stations speak a later version of the contract.
    #[must_use]
    pub fn newer(&self) -> usize {
        self.newer.len()
    }

    /// How many messages could not be read, and the topics and reasons of the last ones.
    #[must_use]
    pub fn malformed(&self) -> (u64, Option<&(Text, Malformed)>) {
        (self.malformed, self.named.back())
    }

    /// How many messages and bytes have arrived.
    #[must_use]
    pub const fn received(&self) -> (u64, u64) {
        self.received
    }

    /// Handles a new connection to the broker: what was heard before says nothing about the present.
    pub fn on_connected(&mut self, now: Instant) {
        for station in self.stations.values_mut() {
            station.connected = Some(now);
        }
    }

    /// Handles the loss of the connection. Stations whose last will arrived right before may still be
    /// running, so they are not considered gone.
    pub fn on_disconnected(&mut self, now: Instant) {
        for station in self.stations.values_mut() {
            station.connected = None;
            let is_in_doubt = station.is_in_doubt(now);
            if let Some((_, state)) = station.lost.take().filter(|_| is_in_doubt) {
                (station.state, station.gone) = (Some(state), None);
            }
        }
    }

    /// Handles a message.
    pub fn on_message(&mut self, message: &Received) -> BookChange {
        self.received.0 += 1;
        self.received.1 += (message.topic.len() + message.payload.len()) as u64;
        let topic = str::from_utf8(&message.topic).ok().and_then(Topic::parse);
        let done = match topic {
            None => Err(Malformed::Topic),
            // Sent by a lab.
            Some(Topic::Marker) => Ok(BookChange::Nothing),
            Some(Topic::State(name)) => self.on_state(name, message),
            Some(Topic::Headset(name, level)) => self.on_headset(name, level, message),
            Some(Topic::Event(name)) => self.on_event(name, message),
            Some(Topic::Acknowledgement(name)) => self.on_acknowledgement(name, message),
        };
        done.unwrap_or_else(|why| {
            let topic = Text::new(&String::from_utf8_lossy(&message.topic));
            if let Malformed::Version(version) = why
                && version > VERSION
                && let Some(name) = Topic::parse(&topic).and_then(Topic::into_station)
                && (self.newer.len() < MOST_STATIONS || self.newer.contains(&name))
            {
                self.newer.insert(name.clone());
                return BookChange::Newer(name, version);
            }
            self.malformed += 1;
            if self.named.len() == MOST_NAMED {
                self.named.pop_front();
            }
            self.named.push_back((topic, why));
            BookChange::Malformed
        })
    }

    /// The station of this name, which is added if there is room.
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
            self.stations.insert(name.clone(), Station::new(now));
        }
        self.stations.get_mut(name)
    }

    fn on_state(&mut self, name: StationName, message: &Received) -> Result<BookChange, Malformed> {
        if message.payload.is_empty() {
            // An administrator has removed the station from the broker for good.
            if let Some(station) = self.stations.remove(&name) {
                self.headsets -= station.headsets.len();
            }
            return Ok(BookChange::Station(name));
        }
        let envelope = payload::read::<StationState>(&message.payload)?;
        self.newer.remove(&name);
        let status = envelope.body.status;
        if status == Status::Joining {
            return Ok(BookChange::Nothing);
        }
        let Some(station) = self.place(&name, message.arrival) else {
            return Ok(BookChange::Nothing);
        };
        let is_known = station.state.is_some();
        // The last will of a station that was refused the name, or of an abandoned connection.
        let is_other = is_known && station.instance != envelope.instance;
        if status == Status::Gone && is_other && !message.retained {
            return Ok(BookChange::Nothing);
        }
        if status == Status::Gone {
            let known = station.gone.filter(|_| !is_other);
            station.gone = Some(match (message.retained, known) {
                (false, _) => DepartureTime::At(message.wall),
                (true, Some(known)) => known,
                (true, None) => station.kept_departure(&envelope, message.wall),
            });
            let is_will = envelope.body.why.as_deref() == Some(LOST) && !message.retained;
            let before = station.state.take().filter(|own| own.status != Status::Gone);
            station.lost = before.filter(|_| is_will).map(|own| (message.arrival, own));
        } else {
            (station.gone, station.lost) = (None, None);
            if message.retained {
                station.kept = Some(envelope.sent);
            }
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
            // The contract does not retain events, and the time of this one is unknown.
            return Ok(BookChange::Nothing);
        }
        // A station needs a state to count as one.
        let Some(station) = self.stations.get_mut(&name) else { return Ok(BookChange::Nothing) };
        station.note_arrival(message, &envelope);
        // Derive the time from this message: the event may be older than what is known about the clocks.
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
