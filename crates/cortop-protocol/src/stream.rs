//! The nine data streams (§5) and what each requires.

use std::{fmt, str::FromStr};

use crate::Headset;

/// One of the nine data streams of the Cortex API (§5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// EEG samples in microvolts, including the DC offset.
    Eeg,
    /// Motion: quaternion or gyroscope, accelerometer, magnetometer.
    Mot,
    /// Device: battery, link and contact quality by sensor.
    Dev,
    /// EEG quality by sensor.
    Eq,
    /// Band power by sensor, µV²/Hz.
    Pow,
    /// Performance metrics, 0..1.
    Met,
    /// Mental command: action and power.
    Com,
    /// Facial expression: eyes, upper and lower face.
    Fac,
    /// Training events.
    Sys,
}

impl Stream {
    /// All nine, in display order.
    pub const ALL: [Self; 9] = [
        Self::Eeg,
        Self::Mot,
        Self::Dev,
        Self::Eq,
        Self::Pow,
        Self::Met,
        Self::Com,
        Self::Fac,
        Self::Sys,
    ];

    /// Its row in the table: everything that distinguishes it from the others.
    const fn row(self) -> StreamRow {
        let (name, title, shape, rate) = match self {
            Self::Eeg => ("eeg", "EEG", Shape::Numbers, Rate::Eeg),
            Self::Mot => ("mot", "motion", Shape::Numbers, Rate::Motion),
            Self::Dev => ("dev", "contact quality", Shape::Groups, Rate::Fixed(2.0)),
            Self::Eq => ("eq", "EEG quality", Shape::Numbers, Rate::Fixed(2.0)),
            Self::Pow => ("pow", "band power", Shape::Numbers, Rate::Fixed(8.0)),
            Self::Met => ("met", "performance metrics", Shape::Numbers, Rate::Metrics),
            Self::Com => ("com", "mental command", Shape::Words, Rate::Fixed(8.0)),
            Self::Fac => ("fac", "facial expression", Shape::Words, Rate::Fixed(32.0)),
            Self::Sys => ("sys", "training events", Shape::Words, Rate::Events),
        };
        StreamRow { name, title, shape, rate }
    }

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The stream with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stream| stream.name() == name)
    }

    /// A title of two or three words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row().title
    }

    /// What its array of values contains.
    #[must_use]
    pub const fn shape(self) -> Shape {
        self.row().shape
    }

    /// Samples per second that Cortex is expected to send (§5.1); `None` for events (`sys`), and if
    /// the headset does not say. `fast_met`: the session was activated with scope `pm` before the
    /// subscription, so that `met` comes at 2 Hz instead of 0.1 Hz.
    #[must_use]
    pub fn nominal_rate(self, headset: &Headset, fast_met: bool) -> Option<f64> {
        match self.row().rate {
            Rate::Eeg => headset.settings.eeg_rate.filter(|&hz| hz > 0.0),
            Rate::Motion => headset.settings.mems_rate.filter(|&hz| hz > 0.0),
            Rate::Fixed(hz) => Some(hz),
            Rate::Metrics => Some(if fast_met { 2.0 } else { SLOW_METRICS_HZ }),
            Rate::Events => None,
        }
    }

    /// Whether its samples come at regular intervals.
    #[must_use]
    pub const fn is_even(self) -> bool {
        !matches!(self.row().rate, Rate::Metrics | Rate::Events)
    }

    /// Whether its values are drawn as traces over time.
    #[must_use]
    pub const fn is_trace(self) -> bool {
        matches!(self.row().rate, Rate::Eeg | Rate::Motion)
    }
}

/// The properties of a stream.
struct StreamRow {
    name: &'static str,
    title: &'static str,
    shape: Shape,
    rate: Rate,
}

/// What the array of values of a stream contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Numbers, one per column; some may be booleans or nulls.
    Numbers,
    /// Numbers, some of them in nested arrays (§5.4).
    Groups,
    /// Words and numbers.
    Words,
}

/// How often samples of a stream come (§5.1).
#[derive(Clone, Copy)]
enum Rate {
    /// According to the headset's settings.
    Eeg,
    Motion,
    /// This many per second.
    Fixed(f64),
    /// Fast or slow, depending on licence and session.
    Metrics,
    /// When something happens.
    Events,
}

/// The rate of performance metrics without a licence that covers them (§5.1).
pub const SLOW_METRICS_HZ: f64 = 0.1;

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Stream {
    type Err = String;

    /// # Errors
    /// A sentence naming the unknown stream and the nine known ones.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_name(text).ok_or_else(|| {
            format!(
                "there is no stream \"{text}\"; the streams are eeg mot dev eq pow met com fac sys"
            )
        })
    }
}
