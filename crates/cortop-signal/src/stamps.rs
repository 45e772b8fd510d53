//! Which `time`s of a stream can be believed, and when Cortex's clock was set. A single stamp that
//! does not fit counter and arrival is wrong and moves nothing; where those that follow agree with
//! it, the clock was set. Knows numbers only.

use tokio::time::Instant;

use super::loss::MeanRate;
use cortop_protocol::Stream;

/// By so many seconds a stamp may be off.
const TOLERANCE: f64 = 0.25;
/// The same where no counter shows how much time should have passed, only the arrival.
const LOOSE: f64 = 0.5;

/// A stamp that is off by more seconds than this moves the clock by a share of it only, and not at
/// all after a wrong one, so that shuffled stamps do not lead it astray.
const EXACT: f64 = 0.02;
const SHARE: f64 = 1.0 / 16.0;

/// So many stamps in sequence that agree with each other, and arrive over so many seconds, are a
/// clock that was set.
const AGREE: u64 = 3;
const AGREE_FOR: f64 = 0.25;

/// Silence of more seconds than this is no pace.
const PAUSE: f64 = 1.0;

/// A step of the clock by which Cortex stamps samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockStep {
    /// By how many seconds it was set ahead; back if negative.
    pub seconds: f64,
    /// When the first sample arrived that has the new time.
    pub received: Instant,
}

impl ClockStep {
    /// The step in words, which happened at a time of day.
    #[must_use]
    pub fn sentence(&self, time_of_day: &str) -> String {
        let direction = if self.seconds < 0.0 { "back" } else { "ahead" };
        let seconds = self.seconds.abs();
        let decimals = usize::from(seconds < 99.95);
        format!("Cortex's clock was set {seconds:.decimals$} s {direction} at {time_of_day}")
    }
}

/// Follows the stamps of one stream.
#[derive(Debug)]
pub(crate) struct Stamps {
    tolerance: f64,
    counted: bool,
    last: Option<LastSample>,
    suspect: Option<SuspectStamps>,
    /// The pace of the samples by their stamps.
    pace: MeanRate,
}

/// The last sample.
#[derive(Clone, Copy, Debug)]
struct LastSample {
    /// Its time by the clock in force.
    time: f64,
    /// Whether it was stamped so; else it is reckoned.
    stamped: bool,
    received: Instant,
}

/// Stamps that agree with each other and not with those before.
#[derive(Clone, Copy, Debug)]
struct SuspectStamps {
    newest: f64,
    /// Seconds from what the first should have been.
    ahead: f64,
    count: u64,
    /// Steps since the first.
    steps: u64,
    received: Instant,
}

/// What came of a stamp.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stamp {
    /// Epoch seconds of the sample by the clock in force; reckoned where its own cannot be believed.
    pub(crate) time: Option<f64>,
    /// Its own, if it can be.
    pub(crate) own: Option<f64>,
    /// So many stamps before this one turned out to be wrong.
    pub(crate) wrong: u64,
    /// The clock was set, so many samples ago.
    pub(crate) set: Option<(ClockStep, u64)>,
}

impl Stamps {
    /// Of a stream with or without a counter.
    pub(crate) fn new(stream: Stream, counted: bool) -> Self {
        let tolerance = match stream.is_even() {
            false => f64::INFINITY,
            true if counted => TOLERANCE,
            true => LOOSE,
        };
        Self { tolerance, counted, last: None, suspect: None, pace: MeanRate::default() }
    }

    /// Samples a second by their stamps.
    pub(crate) fn pace(&self) -> Option<f64> {
        self.pace.rate()
    }

    /// Seconds from the last sample to a stamp, by whichever clock fits the arrival better: the one
    /// in force, or that which may have been set.
    pub(crate) fn elapsed(&self, time: Option<f64>, received: Instant) -> Option<f64> {
        let (last, time) = self.last.zip(time)?;
        let elapsed = time - last.time;
        let Some(suspect) = self.suspect else { return Some(elapsed) };
        let silence = received.duration_since(last.received).as_secs_f64();
        let other = time - suspect.newest;
        let off = |elapsed: f64| (elapsed - silence).abs();
        Some(if off(other) < off(elapsed) { other } else { elapsed })
    }

    /// The next sample, so many steps after the last, of a stream with this rate.
    pub(crate) fn push(
        &mut self,
        time: Option<f64>,
        received: Instant,
        steps: u64,
        rate: Option<f64>,
    ) -> Stamp {
        let Some(last) = &mut self.last else {
            self.last = time.map(|time| LastSample { time, stamped: true, received });
            return Stamp { time, own: time, ..Stamp::default() };
        };
        let silence = received.duration_since(last.received).as_secs_f64();
        let span = rate.map(|rate| steps as f64 / rate);
        let expected = span.unwrap_or(silence);
        let (tolerance, counted) = (self.tolerance, self.counted && span.is_some());
        let fits = |elapsed: f64| {
            if counted {
                (elapsed - expected).abs() <= tolerance || (elapsed - silence).abs() <= tolerance
            } else {
                (-tolerance..=silence.max(expected) + tolerance).contains(&elapsed)
            }
        };
        let reckoned = last.time + expected;
        if let Some(time) = time.filter(|time| fits(time - last.time)) {
            let off = time - reckoned;
            let exact = !counted || silence >= PAUSE || off.abs() <= EXACT;
            let share = if last.stamped { SHARE } else { 0.0 };
            let now = if exact { time } else { reckoned + off * share };
            if last.stamped && silence < PAUSE {
                self.pace.add(steps, now - last.time);
            }
            *last = LastSample { time: now, stamped: true, received };
            let wrong = self.suspect.take().map_or(0, |suspect| suspect.count);
            return Stamp { time: Some(now), own: Some(time), wrong, set: None };
        }
        *last = LastSample { time: reckoned, stamped: false, received };
        let mut stamp = Stamp { time: Some(reckoned), ..Stamp::default() };
        let Some(time) = time else {
            if let Some(suspect) = &mut self.suspect {
                suspect.newest += expected;
                suspect.steps += steps;
            }
            return stamp;
        };
        match &mut self.suspect {
            Some(suspect) if fits(time - suspect.newest) => {
                suspect.newest = time;
                suspect.count += 1;
                suspect.steps += steps;
                let agreed = received.duration_since(suspect.received).as_secs_f64();
                if suspect.count >= AGREE && agreed >= AGREE_FOR {
                    let step = ClockStep { seconds: suspect.ahead, received: suspect.received };
                    stamp.set = Some((step, suspect.steps));
                    (stamp.time, stamp.own) = (Some(time), Some(time));
                    *last = LastSample { time, stamped: true, received };
                    self.suspect = None;
                }
            }
            suspect => {
                stamp.wrong = suspect.map_or(0, |suspect| suspect.count);
                let ahead = time - reckoned;
                let (newest, count, steps) = (time, 1, 0);
                *suspect = Some(SuspectStamps { newest, ahead, count, steps, received });
            }
        }
        stamp
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// What is believed of 20 s at 128 Hz whose stamps are changed: the times by the clock in force
    /// against the true ones, the wrong stamps, and by how much the clock was set at which sample.
    fn follow(stamp: impl Fn(u64, f64) -> Option<f64>) -> (Vec<f64>, u64, Vec<(u64, f64)>) {
        let (start, mut stamps) = (Instant::now(), Stamps::new(Stream::Eeg, true));
        let (mut off, mut wrong, mut set) = (Vec::new(), 0, Vec::new());
        for index in 0..2560 {
            let time = index as f64 / 128.0;
            let received = start + Duration::from_secs_f64(time);
            let stamp = stamps.push(stamp(index, 1.7e9 + time), received, 1, Some(128.0));
            off.extend(stamp.time.map(|own| own - 1.7e9 - time));
            wrong += stamp.wrong;
            set.extend(stamp.set.map(|(step, ago)| (index - ago, step.seconds)));
        }
        (off, wrong, set)
    }

    #[test]
    fn single_wrong_stamps_are_counted_and_move_nothing() {
        for by in [-3600.0, -60.0, -1.0, 1.0, 3.37, 60.0, 86_400.0, -1.7e9] {
            for length in [1, 5, 20] {
                let wrong = |index: u64| index % 128 < length && index > 200;
                let (off, count, set) =
                    follow(|index, time| Some(if wrong(index) { time + by } else { time }));
                assert!(off.len() == 2560 && off.iter().all(|off| off.abs() < 1e-3), "{by}");
                assert_eq!((count, set.len()), (18 * length, 0), "{by}");
            }
        }
        let (off, count, set) = follow(|index, time| (index % 3 != 1).then_some(time));
        assert!(off.iter().all(|off| off.abs() < 1e-3) && count == 0 && set.is_empty());
    }

    #[test]
    fn a_clock_that_is_set_is_said_once_at_its_sample() {
        for by in [-3600.0, -60.0, -1.0, 1.0, 3.37, 60.0, 86_400.0] {
            let (off, wrong, set) =
                follow(|index, time| Some(if index < 1000 { time } else { time + by }));
            let [(at, step)] = set[..] else { panic!("{by}: {set:?}") };
            assert!(at == 1000 && (step - by).abs() < 1e-3 && wrong == 0, "{by}: {at} {step}");
            assert!((off.last().unwrap() - by).abs() < 1e-3);
        }
    }

    #[test]
    fn shuffled_stamps_are_wrong_and_no_clock_was_set() {
        // As SplitMix64 does.
        let random = |seed: u64| {
            let seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((seed ^ (seed >> 31)) >> 40) as f64 / f64::from(1 << 24)
        };
        for run in 0..20 {
            let shuffled = |index: u64, time| {
                let share =
                    if (300..2300).contains(&index) { random(run * 10_000 + index) } else { 0.5 };
                Some(time + 4.0 * share - 2.0)
            };
            let (off, wrong, set) = follow(shuffled);
            assert!(off.iter().all(|off| off.abs() < 0.25) && set.is_empty(), "{set:?}");
            assert!((1600..=2000).contains(&wrong), "{wrong}");
        }
    }
}
