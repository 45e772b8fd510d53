//! The nine data streams (§5) and what each needs.

use std::{fmt, str::FromStr};

use crate::Headset;

/// One of the nine data streams of the Cortex API (§5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// EEG samples in microvolt, DC offset included.
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
    /// All nine, in the order in which they are shown.
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

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eeg => "eeg",
            Self::Mot => "mot",
            Self::Dev => "dev",
            Self::Eq => "eq",
            Self::Pow => "pow",
            Self::Met => "met",
            Self::Com => "com",
            Self::Fac => "fac",
            Self::Sys => "sys",
        }
    }

    /// The stream of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stream| stream.name() == name)
    }

    /// What it is, in two or three words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Eeg => "EEG",
            Self::Mot => "motion",
            Self::Dev => "contact quality",
            Self::Eq => "EEG quality",
            Self::Pow => "band power",
            Self::Met => "performance metrics",
            Self::Com => "mental command",
            Self::Fac => "facial expression",
            Self::Sys => "training events",
        }
    }

    /// Samples a second that Cortex is expected to send (§5.1), or `None` for events (`sys`) and
    /// where the headset does not tell. `fast_met`: the session was activated with scope `pm`
    /// before the subscription, so that `met` comes at 2 Hz instead of 0.1 Hz.
    #[must_use]
    pub fn nominal_rate(self, headset: &Headset, fast_met: bool) -> Option<f64> {
        match self {
            Self::Eeg => headset.settings.eeg_rate.filter(|&hz| hz > 0.0),
            Self::Mot => headset.settings.mems_rate.filter(|&hz| hz > 0.0),
            Self::Dev | Self::Eq => Some(2.0),
            Self::Pow | Self::Com => Some(8.0),
            Self::Met => Some(if fast_met { 2.0 } else { 0.1 }),
            Self::Fac => Some(32.0),
            Self::Sys => None,
        }
    }

    /// Whether its values are drawn as traces over time.
    #[must_use]
    pub const fn is_trace(self) -> bool {
        matches!(self, Self::Eeg | Self::Mot)
    }
}

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
