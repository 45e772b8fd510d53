//! The position of each sample of a stream in a recording: its index, counted from the first sample
//! and including lost ones, and its time. Neither a clock that is set nor a lost connection
//! disturbs them. Independent of files.

use std::time::Instant;

use cortop_protocol::Sample;
use cortop_signal::sequence::Placement;

/// Over fewer seconds than this, a rate is not measured accurately enough.
const ENOUGH: f64 = 10.0;
/// A measured rate that deviates from the nominal one by more than this share is ignored.
const RATE_IS_RIGHT: f64 = 0.05;
/// After a connection was lost, stamps and arrivals agree if they differ by no more seconds than
/// this.
const AGREE: f64 = 1.0;

/// Tracks the samples of one stream across all of its subscriptions.
#[derive(Debug)]
pub(super) struct SampleTimeline {
    nominal: f64,
    /// The total of seconds by which Cortex's clock was set since the start.
    clock: f64,
    first: Option<Point>,
    last: Option<Point>,
    /// The number of samples received, and of those lost.
    pub(super) received: u64,
    pub(super) lost: u64,
}

/// A sample that was received.
#[derive(Clone, Copy, Debug)]
struct Point {
    index: u64,
    /// Epoch seconds by the clock at the start.
    time: f64,
    received: Instant,
}

/// The position of a sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    /// Its index in the stream, including lost samples.
    pub(super) index: u64,
    /// Samples missing right before it.
    pub(super) lost: u64,
    /// Epoch seconds as stamped by Cortex; computed if they are missing.
    pub(super) stamp: f64,
    /// Epoch seconds by the clock at the start.
    pub(super) time: f64,
    /// The number of seconds by which the clock was set, before the sample with this index.
    pub(super) clock_step: Option<(f64, u64)>,
}

impl Placed {
    /// The very first sample.
    pub(super) fn first(placement: Placement) -> Self {
        let time = placement.stamp.time.unwrap_or_default();
        Self { index: 0, lost: 0, stamp: time, time, clock_step: None }
    }
}

impl SampleTimeline {
    /// Before the first sample of a stream with this many samples per second.
    pub(super) fn new(nominal: f64) -> Self {
        Self { nominal, clock: 0.0, first: None, last: None, received: 0, lost: 0 }
    }

    /// Samples per second, as measured since the start.
    pub(super) fn measured(&self) -> Option<f64> {
        let (first, last) = self.first.zip(self.last)?;
        let seconds = last.time - first.time;
        let rate = (last.index - first.index) as f64 / seconds;
        let is_right = (rate / self.nominal - 1.0).abs() <= RATE_IS_RIGHT;
        (seconds >= ENOUGH && is_right).then_some(rate)
    }

    /// Samples per second.
    pub(super) fn pace(&self) -> f64 {
        self.measured().unwrap_or(self.nominal)
    }

    /// The fractional index of a moment by the clock at the start.
    pub(super) fn index_at(&self, time: f64) -> Option<f64> {
        let last = self.last?;
        Some((time - last.time).mul_add(self.pace(), last.index as f64))
    }

    /// The same for a moment by the current clock.
    pub(super) fn index_of_stamp(&self, stamp: f64) -> Option<f64> {
        self.index_at(stamp - self.clock)
    }

    /// Seconds since the last sample.
    pub(super) fn silence(&self, received: Instant) -> Option<f64> {
        Some(received.saturating_duration_since(self.last?.received).as_secs_f64())
    }

    /// Adds a sample and returns its position. `resumes`: it is the first one after a connection
    /// was lost.
    pub(super) fn place(&mut self, sample: &Sample, placement: Placement, resumes: bool) -> Placed {
        let (received, stamp) = (sample.received, placement.stamp.time);
        let Some(last) = self.last else {
            let placed = Placed::first(placement);
            let point = Point { index: 0, time: placed.time, received };
            (self.first, self.last, self.received) = (Some(point), Some(point), 1);
            return placed;
        };
        let pace = self.pace();
        let (mut missing, mut step) = (placement.lost, None);
        if resumes {
            let arrival = received.saturating_duration_since(last.received).as_secs_f64();
            let stamped = stamp.map(|stamp| stamp - self.clock - last.time);
            let agreed = stamped.filter(|stamped| (stamped - arrival).abs() <= AGREE);
            missing = whole(agreed.unwrap_or(arrival) * pace).saturating_sub(1);
            step = stamped.filter(|_| agreed.is_none()).map(|stamped| (stamped - arrival, 0));
        } else if let Some((set, ago)) = placement.stamp.set {
            step = Some((set.seconds, ago));
        }
        let index = last.index + missing + 1;
        if let Some((seconds, _)) = step {
            self.clock += seconds;
        }
        let reckoned = (missing + 1) as f64 / pace + last.time;
        let time = stamp.map_or(reckoned, |stamp| stamp - self.clock);
        self.last = Some(Point { index, time, received });
        self.received += 1;
        self.lost += missing;
        Placed {
            index,
            lost: missing,
            stamp: sample.values.time.unwrap_or(time + self.clock),
            time,
            clock_step: step.map(|(seconds, ago)| (seconds, index.saturating_sub(ago))),
        }
    }
}

/// The nearest non-negative whole number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
pub(super) fn whole(value: f64) -> u64 {
    /// Half a year at 256 Hz.
    const MOST: f64 = 4e9;
    value.round().clamp(0.0, MOST) as u64
}
