//! What a lab knows about a station: its state, when it was heard, and whether it is live, silent or
//! gone.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use super::Received;
use crate::payload::{HeadsetState, LOST, StationMessage, StationState, Text};

/// A station that has not been heard for this long is silent: it publishes every 5 s.
pub const SILENCE: Duration = Duration::from_secs(12);

/// A broker that is stopped publishes the wills of all stations just before: a station whose will arrived
/// less than this before the end of the connection may still be running.
const DOUBT: Duration = Duration::from_secs(1);

/// How many messages are used to determine the difference of the clocks.
const DELAYS: usize = 16;

/// Whether a station is live, silent or gone, as far as the lab knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StationPresence {
    /// It has been heard recently.
    Live,
    /// The broker has its state, but it has not been heard yet.
    Unconfirmed,
    /// It has not been heard since then, or never, for an unknown reason.
    Silent(Option<Instant>),
    /// It has ended or the broker has lost it.
    Gone(DepartureTime),
}

/// When a station went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DepartureTime {
    /// At this time, in seconds since 1970 by the lab's clock.
    At(f64),
    /// Before the lab connected. The broker kept the station's goodbye, with the time by the station's
    /// clock.
    Told {
        /// The time of the goodbye, in seconds since 1970 by the station's clock.
        own_clock: f64,
        /// The latest possible time, in seconds since 1970 by the lab's clock.
        latest: f64,
    },
    /// Before this time, in seconds since 1970 by the lab's clock. The broker kept the station's last
    /// will, which does not say when: it was written when the station connected.
    Before(f64),
}

/// A station.
#[derive(Clone, Debug, Default)]
pub struct Station {
    /// Its state; `None` while only its headsets are known.
    pub state: Option<StationState>,
    /// Its headsets, by the level of their topic.
    pub(super) headsets: BTreeMap<String, StationHeadset>,
    pub(super) instance: Text,
    /// When it was last heard.
    heard: Option<Instant>,
    /// Since when it can be heard: the start of the lab's connection.
    pub(super) connected: Option<Instant>,
    /// When it went; `None` if it is not gone.
    pub(super) gone: Option<DepartureTime>,
    /// When the state that the broker kept was sent, by the station's clock.
    pub(super) kept: Option<f64>,
    /// When its last will arrived, and the state before.
    pub(super) lost: Option<(Instant, StationState)>,
    /// Seconds from the sending of its last messages, by its clock, to their arrival, by the lab's.
    pub(super) delays: VecDeque<f64>,
}

/// A headset of a station.
#[derive(Clone, Debug)]
pub struct StationHeadset {
    /// Its state, as reported by the station.
    pub state: HeadsetState,
    /// The run of the station that reported it.
    pub(super) instance: Text,
    /// When the state arrived, in seconds since 1970 by the lab's clock; `None` if it was retained.
    pub since: Option<f64>,
}

impl Station {
    /// A station of which nothing is known, except since when it can be heard.
    pub(super) fn new(connected: Instant) -> Self {
        Self { connected: Some(connected), ..Self::default() }
    }

    /// Whether it is live, silent or gone.
    #[must_use]
    pub fn presence(&self, now: Instant) -> StationPresence {
        if let Some(departure) = self.gone {
            return StationPresence::Gone(departure);
        }
        let Some(connected) = self.connected else { return StationPresence::Unconfirmed };
        let heard = self.heard.filter(|heard| *heard >= connected);
        if now.saturating_duration_since(heard.unwrap_or(connected)) > SILENCE {
            return StationPresence::Silent(self.heard);
        }
        if heard.is_some() { StationPresence::Live } else { StationPresence::Unconfirmed }
    }

    /// Whether its last will has just arrived, so that it may still be running: a broker that is stopped
    /// publishes the wills of all stations.
    #[must_use]
    pub fn is_in_doubt(&self, now: Instant) -> bool {
        self.lost.as_ref().is_some_and(|(at, _)| now.saturating_duration_since(*at) < DOUBT)
    }

    /// When it was last heard.
    #[must_use]
    pub const fn heard(&self) -> Option<Instant> {
        self.heard
    }

    /// When the state that the broker kept was sent, in seconds since 1970 by the station's clock: all that
    /// is known about when a station was running that was never heard.
    #[must_use]
    pub const fn kept(&self) -> Option<f64> {
        self.kept
    }

    /// When the station went, if the broker kept that it is gone. `now` is in seconds since 1970 by the
    /// lab's clock.
    pub(super) fn kept_departure(
        &self,
        envelope: &StationMessage<StationState>,
        now: f64,
    ) -> DepartureTime {
        if envelope.body.why.as_deref() == Some(LOST) {
            return DepartureTime::Before(now);
        }
        let is_same_run = self.instance == envelope.instance;
        match self.lab_time(envelope.sent).filter(|_| is_same_run) {
            Some(at) => DepartureTime::At(at.min(now)),
            None => DepartureTime::Told { own_clock: envelope.sent, latest: now },
        }
    }

    /// Its headsets, without those of an earlier run that are still on the broker.
    pub fn headsets(&self) -> impl Iterator<Item = &StationHeadset> {
        self.headsets.values().filter(|own| self.state.is_none() || own.instance == self.instance)
    }

    /// The headset with this id.
    #[must_use]
    pub fn headset(&self, id: &str) -> Option<&StationHeadset> {
        self.headsets().find(|own| &*own.state.headset == id)
    }

    /// Converts a time from the station's clock to the lab's, both in seconds since 1970. The error is
    /// the shortest delay of the station's last messages.
    #[must_use]
    pub fn lab_time(&self, time: f64) -> Option<f64> {
        let soonest = self.delays.iter().copied().reduce(f64::min)?;
        Some(time + soonest)
    }

    /// By how many seconds the station's clock is behind the lab's, plus the delay of a message.
    #[must_use]
    pub fn clock_behind(&self) -> Option<f64> {
        self.lab_time(0.0)
    }

    /// Notes when a message of the station arrived, unless the message is retained.
    pub(super) fn note_arrival<T>(&mut self, message: &Received, envelope: &StationMessage<T>) {
        if message.retained {
            return;
        }
        // The message may have been stamped before the connection was noticed.
        self.heard = self.connected.max(Some(message.arrival));
        if envelope.sent.is_finite() {
            self.delays.truncate(DELAYS - 1);
            self.delays.push_front(message.wall - envelope.sent);
        }
    }
}
