//! The clocks of headsets (§2.9, §3.2), measured against ours so that a marker lands on the sample
//! of the key press. The estimate uses three observations of the path to Cortex: when a request
//! left, when its answer came, and when samples with their own stamps arrived.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::Moment;
use cortop_protocol::HeadsetId;

/// Seconds by which two clocks may drift apart within the interval (50 ppm), and the error of a
/// time in whole milliseconds.
const DRIFT: f64 = 0.003;
const RESOLUTION: f64 = 0.001;

/// Seconds within which our wall clock and our monotonic clock agree, unless the machine slept or
/// the wall clock was set.
const AGREEMENT: f64 = 0.1;

/// Seconds by which an offset must change, beyond its uncertainty, to be worth a line in the log.
const JUMP: f64 = 0.02;

/// Seconds that headset and Cortex may take at most to produce a sample, not counting the network,
/// and how long they usually take.
const LONGEST_LATENCY: f64 = 1.0;
const LATENCY: f64 = 0.05;

/// The offset between the clock of a headset's samples and the wall clock of this computer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockOffset {
    /// Seconds to add to this computer's time to get the `time` of samples (§5).
    pub offset: f64,
    /// Seconds by which a marker may be too early or too late.
    pub uncertainty: f64,
}

impl fmt::Display for ClockOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Round first: a tiny negative value would print as -0.000.
        let offset = (self.offset * 1000.0).round() / 1000.0 + 0.0;
        write!(f, "offset {offset:+.3} s ± {:.0} ms", (self.uncertainty * 1000.0).ceil())
    }
}

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClockMeasurement {
    /// Seconds to add to our monotonic time, as reported by Cortex; `None` if it did not report it.
    pub(super) adjustment: Option<f64>,
    /// Seconds from the request to the answer.
    pub(super) round_trip: f64,
    /// By how many seconds our wall clock was ahead of our monotonic one.
    pub(super) wall: f64,
}

/// What is known about one headset's clock.
#[derive(Debug, Default)]
struct HeadsetClock {
    measured: Option<ClockMeasurement>,
    stamps: StampWindow,
    /// What was last reported, and whether samples contradicted Cortex at that time.
    reported: Option<ClockOffset>,
    contradicted: bool,
}

impl HeadsetClock {
    /// Seconds to add to our monotonic time to get the `time` of samples, and the uncertainty in
    /// seconds.
    fn estimate(&self) -> Option<(f64, f64)> {
        let measured = self.measured?;
        let half = measured.round_trip / 2.0;
        let uncertainty = half + DRIFT + RESOLUTION;
        match (measured.adjustment, self.stamps.level()) {
            (Some(adjustment), level) if level.is_none_or(|level| measured.agrees(level)) => {
                // Cortex compares the clocks when the request arrives: half a round trip after it
                // left.
                Some((adjustment - half, uncertainty))
            }
            // Markers are located by the stamps of samples, so those decide when Cortex reports
            // something else.
            (_, Some(level)) => Some((level + half + LATENCY, uncertainty + LATENCY)),
            (_, None) => None,
        }
    }

    /// Whether what Cortex reports about its clock contradicts the samples.
    fn is_contradicted(&self) -> bool {
        let Some((measured, level)) = self.measured.zip(self.stamps.level()) else { return false };
        measured.adjustment.is_some() && !measured.agrees(level)
    }
}

impl ClockMeasurement {
    /// Whether the stamps of samples are consistent with this measurement: `level` is at most the
    /// true offset, and falls short of it by the network delay plus what headset and Cortex take.
    fn agrees(&self, level: f64) -> bool {
        self.adjustment.is_some_and(|latest| {
            let earliest = latest - self.round_trip;
            level <= latest + AGREEMENT && earliest <= level + self.round_trip + LONGEST_LATENCY
        })
    }
}

/// By how much the stamps of the latest samples were ahead of our monotonic clock when they
/// arrived.
#[derive(Debug, Default)]
struct StampWindow {
    recent: VecDeque<f64>,
    /// The median when it was last computed.
    median: Option<f64>,
    /// When a step was last reported.
    reported: Option<Instant>,
    /// Sum of all steps, in seconds, since a measurement last found a jump.
    stepped: f64,
}

impl StampWindow {
    /// How many values are kept: two seconds.
    const KEPT: usize = 32;
    /// The number of values in the running median. A single wrong stamp does not move it.
    const WINDOW: usize = 8;
    /// If the median moves by more seconds than this, the clock was set.
    const STEP: f64 = 0.25;
    /// The pause between two reports.
    const PAUSE: Duration = Duration::from_secs(2);

    /// Adds a value. Returns whether the clock behind the stamps was set.
    fn add(&mut self, ahead: f64, now: Instant) -> bool {
        if self.recent.len() == Self::KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(ahead);
        let Some(start) = self.recent.len().checked_sub(Self::WINDOW) else { return false };
        let mut window = [0.0; Self::WINDOW];
        window.iter_mut().zip(self.recent.range(start..)).for_each(|(own, &one)| *own = one);
        window.sort_unstable_by(f64::total_cmp);
        let median = window[Self::WINDOW / 2];
        let step = self.median.map_or(0.0, |before| median - before);
        if step.abs() <= Self::STEP {
            self.median = Some(median);
            return false;
        }
        // Leave the median as it was: what is not reported now will be reported later.
        if self.reported.is_some_and(|at| now.saturating_duration_since(at) < Self::PAUSE) {
            return false;
        }
        self.reported = Some(now);
        self.median = Some(median);
        self.stepped += step;
        // Values from before the step no longer mean anything.
        self.recent.drain(..start + Self::WINDOW / 2);
        true
    }

    /// The highest value except for a few outliers: that of the sample with the shortest delay.
    /// `None` while there are too few.
    fn level(&self) -> Option<f64> {
        let mut all: Vec<_> = self.recent.iter().copied().collect();
        all.sort_unstable_by(f64::total_cmp);
        let place = all.len() * 7 / 8;
        all.get(place).copied().filter(|_| all.len() >= Self::WINDOW / 2)
    }
}

/// What is known about the clocks of all headsets.
pub(super) struct Clocks {
    /// The origin of our monotonic time.
    origin: Instant,
    headsets: Mutex<BTreeMap<HeadsetId, HeadsetClock>>,
    /// Headsets whose clock the application needs all the time.
    kept: Mutex<BTreeSet<HeadsetId>>,
}

impl Default for Clocks {
    fn default() -> Self {
        Self { origin: Instant::now(), headsets: Mutex::default(), kept: Mutex::default() }
    }
}

impl Clocks {
    /// Monotonic seconds of a moment.
    pub(super) fn monotonic(&self, instant: Instant) -> f64 {
        instant.saturating_duration_since(self.origin).as_secs_f64()
    }

    /// By how many seconds the wall clock is ahead of the monotonic one.
    pub(super) fn wall(&self, at: Moment) -> f64 {
        at.wall.as_duration().as_secs_f64() - self.monotonic(at.instant)
    }

    /// Epoch seconds of a moment, on the time scale of a headset's samples; by the wall clock until
    /// the headset's clock is known.
    pub(super) fn epoch(&self, headset: Option<&HeadsetId>, at: Moment) -> f64 {
        let estimate = headset.and_then(|id| self.lock().get(id)?.estimate());
        match estimate {
            Some((offset, _)) => self.monotonic(at.instant) + offset,
            None => at.wall.as_duration().as_secs_f64(),
        }
    }

    /// Whether the machine slept or its wall clock was set since a headset's clock was measured:
    /// the monotonic clock stands still during sleep.
    pub(super) fn is_outdated(&self, headset: &HeadsetId, now: Moment) -> bool {
        let measured = self.lock().get(headset).and_then(|clock| clock.measured);
        measured.is_some_and(|measured| (self.wall(now) - measured.wall).abs() > AGREEMENT)
    }

    /// Adds the stamp of a sample. Returns whether its headset's clock should be measured.
    pub(super) fn stamped(&self, headset: &HeadsetId, time: f64, received: Instant) -> bool {
        let ahead = time - self.monotonic(received);
        let mut headsets = self.lock();
        let Some(clock) = headsets.get_mut(headset).filter(|_| ahead.is_finite()) else {
            return false;
        };
        let first = clock.stamps.median.is_none();
        let stepped = clock.stamps.add(ahead, received);
        stepped || (first && clock.stamps.median.is_some() && clock.is_contradicted())
    }

    /// Sets whether a headset's clock is measured periodically even without a record.
    pub(super) fn keep_measured(&self, headset: &HeadsetId, always: bool) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if always {
            kept.insert(headset.clone());
        } else {
            kept.remove(headset);
        }
    }

    /// Whether a headset's clock is measured periodically even without a record.
    pub(super) fn is_kept_measured(&self, headset: &HeadsetId) -> bool {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).contains(headset)
    }

    /// Forgets a headset's clock, which starts over with each connection.
    pub(super) fn forget(&self, headset: &HeadsetId) {
        self.lock().insert(headset.clone(), HeadsetClock::default());
    }

    /// Adds a measurement and returns the resulting estimate, if there is one; logs what is
    /// remarkable.
    pub(super) fn put(&self, headset: &HeadsetId, new: ClockMeasurement) -> Option<ClockOffset> {
        let mut headsets = self.lock();
        let clock = headsets.entry(headset.clone()).or_default();
        let before = clock.measured.replace(new);
        if before.is_some_and(|before| (before.wall - new.wall).abs() > AGREEMENT) {
            // The old stamps were compared with a clock that has since stood still.
            clock.stamps = StampWindow::default();
        }
        let (offset, uncertainty) = clock.estimate()?;
        let now = ClockOffset { offset: offset - new.wall, uncertainty };
        if let Some(before) = clock.reported.replace(now) {
            let jump = now.offset - before.offset;
            if jump.abs() > now.uncertainty + before.uncertainty + JUMP {
                let stepped = std::mem::take(&mut clock.stamps.stepped);
                let text = format!("the clock of {headset} jumped by {jump:+.3} s: {now}");
                // The decoder warns of a step of about this size when it sees it in the stamps.
                if (jump - stepped).abs() < stepped.abs() / 2.0 {
                    tracing::debug!("{text}");
                } else {
                    tracing::warn!("{text}");
                }
            }
        }
        let contradicted = clock.is_contradicted();
        if contradicted && !std::mem::replace(&mut clock.contradicted, contradicted) {
            tracing::warn!(
                "Cortex misreports the clock of {headset}: markers follow the stamps of its samples"
            );
        }
        Some(now)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<HeadsetId, HeadsetClock>> {
        self.headsets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THERE: f64 = 1_700_000_000.0;

    fn measured(adjustment: Option<f64>, round_trip: f64) -> HeadsetClock {
        let measured = Some(ClockMeasurement { adjustment, round_trip, wall: THERE });
        HeadsetClock { measured, ..HeadsetClock::default() }
    }

    /// Adds values, a sixteenth of a second apart. Returns how often a step was reported.
    fn add(
        stamps: &mut StampWindow,
        now: &mut Instant,
        values: impl IntoIterator<Item = f64>,
    ) -> usize {
        let step = Duration::from_millis(62);
        let report = |ahead| {
            *now += step;
            stamps.add(ahead, *now)
        };
        values.into_iter().map(report).filter(|reported| *reported).count()
    }

    #[test]
    fn an_offset_reads_as_documented() {
        let offset = |offset, uncertainty| ClockOffset { offset, uncertainty }.to_string();
        assert_eq!(offset(0.0118, 0.0074), "offset +0.012 s ± 8 ms");
        assert_eq!(offset(-0.0004, 0.004), "offset +0.000 s ± 4 ms");
        assert_eq!(offset(-3600.0, 0.2031), "offset -3600.000 s ± 204 ms");
    }

    #[test]
    fn half_of_the_round_trip_is_the_delay() {
        let (offset, uncertainty) = measured(Some(THERE + 0.2), 0.4).estimate().unwrap();
        assert!((offset - THERE).abs() < 1e-6 && (uncertainty - 0.204).abs() < 1e-6);
        assert!(measured(None, 0.4).estimate().is_none());
    }

    #[test]
    fn samples_that_contradict_what_cortex_says_count_more() {
        let mut now = Instant::now();
        for (ahead, contradicts) in [
            (-0.03, false),
            (-0.4, false),
            (-1.5, true),
            (0.05, false),
            (0.3, true),
            (3600.0, true),
        ] {
            let mut clock = measured(Some(THERE + 0.005), 0.01);
            add(&mut clock.stamps, &mut now, std::iter::repeat_n(THERE + ahead, 16));
            assert_eq!(clock.is_contradicted(), contradicts, "{ahead}");
            let (offset, uncertainty) = clock.estimate().unwrap();
            let right = if contradicts { THERE + ahead } else { THERE };
            assert!((offset - right).abs() <= uncertainty, "{ahead}: {offset} {uncertainty}");
        }
        // Older versions of Cortex report nothing about their clock.
        let mut clock = measured(None, 0.01);
        add(&mut clock.stamps, &mut now, std::iter::repeat_n(THERE + 5.0, 16));
        let (offset, uncertainty) = clock.estimate().unwrap();
        assert!((offset - THERE - 5.0).abs() <= uncertainty && !clock.is_contradicted());
    }

    #[test]
    fn a_step_is_reported_once_and_single_wrong_stamps_not_at_all() {
        for step in [-3600.0, -1.0, 0.3, 1.0, 3.37, 86_400.0] {
            let (mut stamps, mut now) = (StampWindow::default(), Instant::now());
            let jitter = |at: i32| THERE - 0.01 * f64::from(at % 5);
            assert_eq!(add(&mut stamps, &mut now, (0..100).map(jitter)), 0);
            let spiked = (0..160).map(|at| jitter(at) + if at % 16 == 0 { step } else { 0.0 });
            assert_eq!(add(&mut stamps, &mut now, spiked), 0, "{step}: single ones");
            assert_eq!(add(&mut stamps, &mut now, (0..8).map(|at| jitter(at) + step)), 1, "{step}");
            assert!((stamps.level().unwrap() - THERE - step).abs() < 0.05, "{step}");
            // When the clock is set back at once, that is reported as soon as the pause allows.
            assert_eq!(add(&mut stamps, &mut now, (0..64).map(jitter)), 1, "{step}: back");
        }
    }
}
