//! What happened to the samples of one headset, as a sentence for the log: lost, interpolated, or
//! stamped with wrong times.

use std::{collections::BTreeMap, time::Duration};

use tokio::time::Instant;

use super::StreamHealth;
use cortop_protocol::{HeadsetId, Stream};

/// Losses of a headset that are less than this apart count as one incident. It is reported when it
/// is over, or after it has lasted this long.
pub(super) const APART: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(60);

/// The time of day of an event this close to its log line, or to the other end of the reported
/// range, is not repeated.
pub(super) const SAME_TIME: Duration = Duration::from_secs(1);

/// What happened to samples of a stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EffectCount {
    /// The number of samples.
    pub(super) samples: u64,
    /// Their total duration in seconds.
    pub(super) seconds: f64,
    /// The number of holes that lost samples leave.
    pub(super) holes: u64,
}

impl EffectCount {
    pub(super) fn add(&mut self, other: Self) {
        self.samples += other.samples;
        self.seconds += other.seconds;
        self.holes += other.holes;
    }
}

pub(super) type EffectCounts = BTreeMap<Stream, EffectCount>;

/// In words, such as `1280 eeg, 320 mot samples`.
pub(super) fn samples(counts: &EffectCounts) -> String {
    let each = counts.iter().map(|(stream, count)| format!("{} {stream}", count.samples));
    let each: Vec<_> = each.collect();
    let one = counts.values().map(|count| count.samples).sum::<u64>() == 1;
    format!("{} {}", each.join(", "), if one { "sample" } else { "samples" })
}

/// The effects that can happen to samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SampleEffect {
    Lost,
    Interpolated,
    WrongTimes,
}

impl SampleEffect {
    pub(super) const ALL: [Self; 3] = [Self::Lost, Self::Interpolated, Self::WrongTimes];

    /// How many samples of a stream it has happened to.
    pub(super) fn count(self, health: &StreamHealth) -> EffectCount {
        let (samples, holes) = match self {
            Self::Lost => (health.lost, health.holes.count),
            Self::Interpolated => (health.interpolated, 0),
            Self::WrongTimes => {
                return EffectCount { samples: health.wrong_times, ..EffectCount::default() };
            }
        };
        let seconds = health.nominal_rate.map_or(0.0, |rate| samples as f64 / rate);
        EffectCount { samples, seconds, holes }
    }
}

/// Samples of one headset that were affected in the same way at about the same time.
#[derive(Debug)]
pub(super) struct Affected {
    pub(super) headset: HeadsetId,
    pub(super) effect: SampleEffect,
    pub(super) streams: EffectCounts,
    /// The first and the last moment.
    pub(super) first: Instant,
    pub(super) last: Instant,
}

impl Affected {
    /// When it counts as over if no more samples join it.
    pub(super) fn over_at(&self) -> Instant {
        (self.last + APART).min(self.first + LONGEST)
    }

    pub(super) fn sentence(&self, clock: impl Fn(Instant) -> String) -> String {
        let (headset, samples) = (&self.headset, samples(&self.streams));
        let (first, last) = (clock(self.first), clock(self.last));
        let when = if self.last.saturating_duration_since(self.first) < SAME_TIME {
            format!("at {first}")
        } else {
            format!("from {first} to {last}")
        };
        // An outage affects several streams: the one with the longest loss gives the duration.
        let counts = self.streams.values();
        let seconds = counts.clone().map(|count| count.seconds).fold(0.0, f64::max);
        let length = match seconds {
            0.0 => String::new(),
            seconds if seconds < 0.9995 => format!(" ({:.0} ms)", (seconds * 1e3).max(1.0)),
            seconds => format!(" ({seconds:.1} s)"),
        };
        match self.effect {
            SampleEffect::Lost => {
                let holes = counts.map(|count| count.holes).max().unwrap_or_default();
                let holes = if holes > 1 { format!(" in {holes} holes") } else { String::new() };
                format!("{headset}: lost {samples}{length}{holes} {when}")
            }
            SampleEffect::Interpolated => {
                format!("{headset}: interpolated {samples}{length} {when}")
            }
            SampleEffect::WrongTimes => format!("{headset}: {samples} had wrong times {when}"),
        }
    }
}
