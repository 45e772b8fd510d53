//! The rows of the overview: each is a headset of a station, or a station without headsets.

use strum::VariantArray;

use cortop_mqtt::{
    StationName,
    book::{Station, StationHeadset, StationPresence},
    payload::{HeadsetCondition, HeadsetState, StreamReport},
};

/// The column by which rows are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, VariantArray)]
pub enum LabSort {
    /// By station and headset.
    #[default]
    Station,
    /// By headset.
    Headset,
    /// By custom name.
    Name,
    /// By model.
    Model,
    /// Gone and stale first, streaming last.
    State,
    /// The emptiest first.
    Battery,
    /// The worst overall contact first.
    Overall,
    /// The worst sensor first.
    Contact,
    /// The furthest below the nominal rate first.
    Rate,
    /// The highest loss first.
    Loss,
    /// Silent stations first, then those that are gone or have not been heard yet.
    Age,
    /// Recording, activated, opened, none.
    Session,
}

impl LabSort {
    pub(super) fn next(self) -> Self {
        Self::VARIANTS[(self as usize + 1) % Self::VARIANTS.len()]
    }
}

/// A row: a headset, or a station without headsets.
#[derive(Clone, Copy, Debug)]
pub struct LabRow<'a> {
    /// The station's name.
    pub name: &'a StationName,
    /// The station.
    pub station: &'a Station,
    /// Whether the station is live, silent or gone.
    pub presence: StationPresence,
    /// The headset.
    pub headset: Option<&'a StationHeadset>,
}

/// The stream that carries contact and battery.
pub const DEVICE: &str = "dev";

/// Whether a stream is not known to have stopped.
pub(super) fn is_flowing(state: &HeadsetState, stream: &str) -> bool {
    let is_it = |own: &&StreamReport| *own.name == *stream;
    state.streams.iter().find(is_it).is_none_or(|own| own.stale_since.is_none())
}

/// The streams of a headset that have stopped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Staleness<'a> {
    /// The stream that stopped first; `None` if all have stopped.
    pub stream: Option<&'a str>,
    /// When its last sample came, in seconds since 1970 by the lab's clock.
    pub since: f64,
}

/// The main stream: EEG, or motion if there is no EEG.
#[must_use]
pub fn main_stream(state: &HeadsetState) -> Option<&StreamReport> {
    let of = |name: &str| state.streams.iter().find(|own| &*own.name == name);
    of("eeg").or_else(|| of("mot"))
}

impl<'a> LabRow<'a> {
    /// The headset's state, as reported by the station.
    #[must_use]
    pub fn state(&self) -> Option<&'a HeadsetState> {
        self.headset.map(|own| &own.state)
    }

    /// The headset's id.
    #[must_use]
    pub fn id(&self) -> &'a str {
        self.headset.map_or("", |own| &*own.state.headset)
    }

    /// Whether the row shows the present: its station is live.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        matches!(self.presence, StationPresence::Live)
    }

    /// When the last sample of a stream came, in seconds since 1970 by the lab's clock; `None` unless
    /// the stream has stopped.
    #[must_use]
    pub fn stale_since(&self, stream: &StreamReport) -> Option<f64> {
        let since = stream.stale_since?;
        Some(self.station.lab_time(since).unwrap_or(since))
    }

    /// Which streams have stopped, and since when; `None` if none has.
    #[must_use]
    pub fn staleness(&self) -> Option<Staleness<'a>> {
        let streams = &self.state()?.streams;
        let stale = streams.iter().filter_map(|own| Some((own, self.stale_since(own)?)));
        let (first, since) = stale.clone().min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let is_all = stale.count() == streams.len();
        Some(Staleness { stream: (!is_all).then_some(&first.name), since })
    }

    /// Whether values from a stream are current.
    #[must_use]
    pub fn has_fresh(&self, stream: &str) -> bool {
        self.is_live() && self.state().is_none_or(|state| is_flowing(state, stream))
    }

    /// The worst sensor: its name, its level, and what is wrong with its signal.
    #[must_use]
    pub fn worst(&self) -> Option<(&'a str, Option<u8>, Option<&'a str>)> {
        let sensors = self.state()?.sensors.iter();
        let worst = sensors.min_by_key(|own| (own.defect.is_none(), own.level.unwrap_or(4)))?;
        Some((&worst.name, worst.level, worst.defect.as_deref()))
    }

    /// Whether the row matches a filter, which is in lower case.
    pub(super) fn has(&self, filter: &str) -> bool {
        let names = [self.name.as_str(), self.id(), self.state().map_or("", |own| &own.name)];
        let words = [self.state_word()];
        names.iter().chain(&words).any(|text| text.to_lowercase().contains(filter))
    }

    /// If the station is live but cannot reach Cortex: since when, in seconds since 1970 by the lab's
    /// clock, and why.
    #[must_use]
    pub fn outage(&self) -> Option<(f64, &'a str)> {
        let state = self.station.state.as_ref().filter(|_| self.is_live())?;
        let since = state.cortex_down_since?;
        Some((self.station.lab_time(since).unwrap_or(since), &state.cortex))
    }

    /// The row's state, in a word.
    #[must_use]
    pub fn state_word(&self) -> &'static str {
        match self.presence {
            StationPresence::Gone(_) => "gone",
            StationPresence::Silent(_) => "silent",
            StationPresence::Unconfirmed => "not heard",
            StationPresence::Live if self.outage().is_some() => {
                condition_word(HeadsetCondition::NoService)
            }
            StationPresence::Live => {
                self.state().map_or("no headset", |own| condition_word(own.condition))
            }
        }
    }

    /// Its text in the column by which rows are sorted, if that is a column of texts. Rows without a
    /// text come last.
    pub(super) fn text_key(&self, sort: LabSort) -> Option<(bool, &'a str)> {
        let text = match sort {
            LabSort::Headset => self.id(),
            LabSort::Name => self.state().map_or("", |own| &own.name),
            LabSort::Model => self.state().map_or("", |own| &own.model),
            _ => return None,
        };
        Some((text.is_empty(), text))
    }

    /// Its number in the column by which rows are sorted, smallest first. Rows without a known number
    /// come last.
    pub(super) fn key(&self, sort: LabSort) -> f64 {
        let state = self.state().filter(|_| self.is_live());
        let device = state.filter(|_| self.has_fresh(DEVICE));
        let main = state.and_then(main_stream);
        let known = match sort {
            LabSort::Station | LabSort::Headset | LabSort::Name | LabSort::Model => None,
            LabSort::State => Some(match self.presence {
                StationPresence::Gone(_) => 0.0,
                StationPresence::Silent(_) => 1.0,
                StationPresence::Live if self.outage().is_some() => 2.0,
                StationPresence::Live => {
                    self.state().map_or(20.0, |own| 2.0 + f64::from(own.condition as u8))
                }
                StationPresence::Unconfirmed => 21.0,
            }),
            LabSort::Battery => device.and_then(|own| own.battery).map(f64::from),
            LabSort::Overall => device.and_then(|own| own.contact).map(f64::from),
            LabSort::Contact => device.and(self.worst()).map(|(_, level, defect)| {
                if defect.is_some() { -1.0 } else { level.map_or(3.5, f64::from) }
            }),
            LabSort::Rate => main.and_then(|own| {
                let rate = if own.stale_since.is_some() { 0.0 } else { own.rate? };
                Some(f64::from((100.0 * rate / own.nominal?).round()))
            }),
            LabSort::Loss => main
                .filter(|own| own.stale_since.is_none())
                .and_then(|own| own.loss)
                .map(|loss| -f64::from(loss)),
            LabSort::Age => match self.presence {
                StationPresence::Live => None,
                StationPresence::Silent(_) => Some(0.0),
                StationPresence::Gone(_) | StationPresence::Unconfirmed => Some(1.0),
            },
            LabSort::Session => {
                state.and_then(|own| own.session.as_ref()).map(|own| match &*own.status {
                    _ if own.recording => 0.0,
                    "activated" => 1.0,
                    _ => 2.0,
                })
            }
        };
        known.filter(|key| !key.is_nan()).unwrap_or(f64::INFINITY)
    }
}

/// A condition, in a word.
#[must_use]
pub const fn condition_word(condition: HeadsetCondition) -> &'static str {
    match condition {
        HeadsetCondition::NoService => "no Cortex",
        HeadsetCondition::Stale => "STALE",
        HeadsetCondition::RateOff => "rate off",
        HeadsetCondition::UsbCable => "usb cable",
        HeadsetCondition::NoData => "no data",
        HeadsetCondition::Connecting => "connecting",
        HeadsetCondition::Connected => "connected",
        HeadsetCondition::Discovered => "discovered",
        HeadsetCondition::Streaming => "streaming",
        HeadsetCondition::Unknown => "unknown",
    }
}
