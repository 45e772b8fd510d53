//! A station as a lab knows it: what it says, when it was heard, and what has become of it.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use super::Received;
use crate::payload::{HeadsetState, LOST, StationMessage, StationState, Text};

/// A station that has not been heard for so long is silent: it publishes every 5 s.
pub const SILENCE: Duration = Duration::from_secs(12);

/// A broker that ends publishes the wills of all stations just before: whoever is lost for less than
/// this when the connection ends may be there.
const DOUBT: Duration = Duration::from_secs(1);

/// Messages from which the difference of the clocks is taken.
const DELAYS: usize = 16;

/// What has become of a station, as far as the lab knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StationPresence {
    /// It is heard.
    Live,
    /// The broker has its state, and nothing was heard of it yet.
    Unconfirmed,
    /// It has not been heard since then, if ever, and nobody said why.
    Silent(Option<Instant>),
    /// It has ended or was lost.
    Gone(DepartureTime),
}

/// When a station went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DepartureTime {
    /// Then, in seconds since 1970 by the lab's clock.
    At(f64),
    /// The broker kept its goodbye, so only the station's clock says when; it was gone when the lab came,
    /// by the lab's clock.
    Told {
        /// When, in seconds since 1970 by the station's clock.
        own_clock: f64,
        /// By then, by the lab's clock.
        latest: f64,
    },
    /// The broker kept its last will, which was written when the connection began: it was gone when the
    /// lab came, by the lab's clock.
    Before(f64),
}

/// A station.
#[derive(Clone, Debug, Default)]
pub struct Station {
    /// What it says of itself; `None` while only its headsets are known.
    pub state: Option<StationState>,
    /// Its headsets, by the level of their topic.
    pub(super) headsets: BTreeMap<String, StationHeadset>,
    pub(super) instance: Text,
    /// When it was heard last.
    heard: Option<Instant>,
    /// Since when there is a connection over which it can be heard.
    pub(super) connected: Option<Instant>,
    /// When it went; `None` while it has not.
    pub(super) gone: Option<DepartureTime>,
    /// When the state that the broker kept of it was sent, by its clock.
    pub(super) kept: Option<f64>,
    /// When its last will came, and what was known of it before.
    pub(super) lost: Option<(Instant, StationState)>,
    /// Seconds from its clock to the arrival of its last messages.
    pub(super) delays: VecDeque<f64>,
}

/// A headset of a station.
#[derive(Clone, Debug)]
pub struct StationHeadset {
    /// What the station says of it.
    pub state: HeadsetState,
    /// Of which run of the station.
    pub(super) instance: Text,
    /// When that came, by the lab's clock; `None` if it was there before.
    pub since: Option<f64>,
}

impl Station {
    /// One of which nothing is known but that it can be heard since then.
    pub(super) fn new(connected: Instant) -> Self {
        Self { connected: Some(connected), ..Self::default() }
    }

    /// What has become of it.
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

    /// When the state that the broker kept of it was sent, in seconds since 1970 by its clock: the last
    /// that is known of one that was never heard.
    #[must_use]
    pub const fn kept(&self) -> Option<f64> {
        self.kept
    }

    /// When one went of which the broker kept that it is gone.
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
    pub(super) fn note_arrival<T>(&mut self, message: &Received, envelope: &StationMessage<T>) {
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
