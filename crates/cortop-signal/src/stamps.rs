//! Which `time`s of a stream can be believed, and when Cortex's clock was set. A single stamp that
//! does not fit counter and arrival is wrong and changes nothing. If the following stamps agree
//! with it, the clock was set, unless the headset's other streams continue by the old one: a clock
//! that is set shifts them all. Works on numbers only.

use std::time::Duration;

use tokio::time::Instant;

use super::loss::MeanRate;
use cortop_protocol::Stream;

/// Tolerance of a stamp, in seconds.
const TOLERANCE: f64 = 0.25;
/// The same if there is no counter to show how much time should have passed, only the arrival.
const LOOSE: f64 = 0.5;

/// A stamp that is off by more seconds than this adjusts the clock only by a fraction, and not at
/// all after a wrong stamp, so that shuffled stamps do not mislead it.
const EXACT: f64 = 0.02;
const SHARE: f64 = 1.0 / 16.0;

/// This many consecutive stamps that agree with each other, arriving over this many seconds, mean
/// that the clock was set.
const AGREE: u64 = 3;
const AGREE_FOR: f64 = 0.25;

/// How many seconds to wait for other streams, including the slow ones, to show the same step.
const WITNESS_FOR: f64 = 1.5;

/// Streams that notice a step within this time of each other, and by the same number of seconds
/// within this tolerance, notice the same step.
const SAME_STEP: Duration = Duration::from_secs(3);
const SAME_STEP_BY: f64 = 1.0;

/// A silence longer than this many seconds does not count towards the pace.
const PAUSE: f64 = 1.0;

/// A step of the clock by which Cortex stamps samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockStep {
    /// By how many seconds it was set ahead; negative if back.
    pub seconds: f64,
    /// When the first sample with the new time arrived.
    pub received: Instant,
    /// Whether another stream of the headset shows it as well. A single stream shows that its times
    /// have jumped, but not whether Cortex's clock was set or the stream is stamped wrongly from
    /// then on.
    pub confirmed: bool,
}

impl ClockStep {
    /// Whether two streams noticed the same step.
    pub(crate) fn is_same(self, other: Self) -> bool {
        let later = self.received.saturating_duration_since(other.received);
        let apart = later.max(other.received.saturating_duration_since(self.received));
        apart < SAME_STEP && (self.seconds - other.seconds).abs() < SAME_STEP_BY
    }

    /// Describes the step of a stream's times, which happened at a time of day.
    #[must_use]
    pub fn sentence(&self, stream: Stream, time_of_day: &str) -> String {
        let what = if self.confirmed {
            "Cortex's clock was set".to_owned()
        } else {
            format!("the times of {stream} jumped")
        };
        let direction = if self.seconds < 0.0 { "back" } else { "ahead" };
        let seconds = self.seconds.abs();
        let decimals = usize::from(seconds < 99.95);
        format!("{what} {seconds:.decimals$} s {direction} at {time_of_day}")
    }
}

/// What the headset's other streams indicate about a clock step that one stream shows. Of several
/// answers, the greatest counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Witness {
    /// There is no other stream to compare with.
    #[default]
    None,
    /// None has had a sample since then to compare with.
    Pending,
    /// The clock continues as before.
    Denies,
    /// The clock was set.
    Agrees,
}

/// Tracks the stamps of one stream.
#[derive(Debug)]
pub(crate) struct Stamps {
    tolerance: f64,
    counted: bool,
    last: Option<LastSample>,
    suspect: Option<SuspectStamps>,
    /// The last step of the clock.
    set: Option<ClockStep>,
    /// The pace of the samples by their stamps.
    pace: MeanRate,
}

/// The last sample.
#[derive(Clone, Copy, Debug)]
struct LastSample {
    /// Its time by the current clock.
    time: f64,
    /// Whether that is its own stamp; otherwise it was computed.
    stamped: bool,
    received: Instant,
    /// Seconds without a sample before it.
    silence: f64,
}

/// Stamps that agree with each other but not with those before.
#[derive(Clone, Copy, Debug)]
struct SuspectStamps {
    newest: f64,
    /// Seconds from the expected value of the first one.
    ahead: f64,
    count: u64,
    /// How many of them have been reported as wrong.
    wrong: u64,
    /// Whether the other streams continued by the old clock.
    denied: bool,
    /// Steps since the first.
    steps: u64,
    received: Instant,
}

impl SuspectStamps {
    const fn step(&self) -> ClockStep {
        ClockStep { seconds: self.ahead, received: self.received, confirmed: false }
    }

    /// Those that have turned out to be wrong; each is returned once.
    fn wrong(&mut self) -> u64 {
        self.count - std::mem::replace(&mut self.wrong, self.count)
    }
}

/// The result of a stamp.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stamp {
    /// Epoch seconds of the sample by the current clock; computed if its own stamp is not credible.
    pub time: Option<f64>,
    /// Its own stamp, if credible.
    pub own: Option<f64>,
    /// How many stamps up to this one turned out to be wrong.
    pub wrong: u64,
    /// The clock was set: the step, and how many samples ago.
    pub set: Option<(ClockStep, u64)>,
}

impl Stamps {
    /// For a stream with or without a counter.
    pub(crate) fn new(stream: Stream, counted: bool) -> Self {
        let tolerance = match stream.is_even() {
            false => f64::INFINITY,
            true if counted => TOLERANCE,
            true => LOOSE,
        };
        let (last, suspect, set) = (None, None, None);
        Self { tolerance, counted, last, suspect, set, pace: MeanRate::default() }
    }

    /// The step that the newest stamps suggest, if the clock was set.
    pub(crate) fn suspected(&self) -> Option<ClockStep> {
        self.suspect.as_ref().map(SuspectStamps::step)
    }

    /// What these stamps indicate about a step that another stream shows.
    pub(crate) fn witness(&self, step: ClockStep) -> Witness {
        let Some(last) = self.last.filter(|_| self.tolerance.is_finite()) else {
            return Witness::None;
        };
        let own = self.set.into_iter().chain(self.suspected());
        if own.into_iter().any(|own| own.is_same(step)) {
            return Witness::Agrees;
        }
        // Without a counter, a step within a silence goes unnoticed.
        let unnoticed = self.tolerance + if self.counted { 0.0 } else { last.silence };
        let since = last.received.saturating_duration_since(step.received).as_secs_f64();
        if last.stamped && since >= AGREE_FOR && step.seconds.abs() > unnoticed {
            Witness::Denies
        } else {
            Witness::Pending
        }
    }

    /// Samples per second by their stamps.
    pub(crate) fn pace(&self) -> Option<f64> {
        self.pace.rate()
    }

    /// Seconds from the last sample to a stamp, by whichever clock fits the arrival better: the
    /// current one, or the one that may have been set.
    pub(crate) fn elapsed(&self, time: Option<f64>, received: Instant) -> Option<f64> {
        let (last, time) = self.last.zip(time)?;
        let elapsed = time - last.time;
        let Some(suspect) = self.suspect else { return Some(elapsed) };
        let silence = received.duration_since(last.received).as_secs_f64();
        let other = time - suspect.newest;
        let off = |elapsed: f64| (elapsed - silence).abs();
        Some(if off(other) < off(elapsed) { other } else { elapsed })
    }

    /// Evaluates the next sample, `steps` after the last one, of a stream with this rate.
    /// `witness`: what other streams indicate about [`Self::suspected`].
    pub(crate) fn push(
        &mut self,
        time: Option<f64>,
        received: Instant,
        steps: u64,
        rate: Option<f64>,
        witness: Witness,
    ) -> Stamp {
        let Some(last) = &mut self.last else {
            self.last = time.map(|time| LastSample { time, stamped: true, received, silence: 0.0 });
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
            *last = LastSample { time: now, stamped: true, received, silence };
            let wrong = self.suspect.take().map_or(0, |mut suspect| suspect.wrong());
            return Stamp { time: Some(now), own: Some(time), wrong, set: None };
        }
        *last = LastSample { time: reckoned, stamped: false, received, silence };
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
                    suspect.denied |= witness == Witness::Denies;
                    let is_set = match witness {
                        Witness::Agrees => true,
                        _ if suspect.denied => false,
                        Witness::Pending => agreed >= WITNESS_FOR,
                        Witness::None | Witness::Denies => true,
                    };
                    if is_set {
                        let confirmed = witness == Witness::Agrees;
                        let step = ClockStep { confirmed, ..suspect.step() };
                        stamp.set = Some((step, suspect.steps));
                        (stamp.time, stamp.own) = (Some(time), Some(time));
                        *last = LastSample { time, stamped: true, received, silence };
                        (self.set, self.suspect) = (Some(step), None);
                    } else if suspect.denied {
                        stamp.wrong = suspect.wrong();
                    }
                }
            }
            suspect => {
                stamp.wrong = suspect.as_mut().map_or(0, SuspectStamps::wrong);
                *suspect = Some(SuspectStamps {
                    newest: time,
                    ahead: time - reckoned,
                    count: 1,
                    wrong: 0,
                    denied: false,
                    steps: 0,
                    received,
                });
            }
        }
        stamp
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Follows 20 s at 128 Hz with changed stamps. Returns the differences between the times by the
    /// current clock and the true ones, the number of wrong stamps, and by how much the clock was
    /// set at which sample.
    fn follow(stamp: impl Fn(u64, f64) -> Option<f64>) -> (Vec<f64>, u64, Vec<(u64, f64)>) {
        let (start, mut stamps) = (Instant::now(), Stamps::new(Stream::Eeg, true));
        let (mut off, mut wrong, mut set) = (Vec::new(), 0, Vec::new());
        for index in 0..2560 {
            let time = index as f64 / 128.0;
            let received = start + Duration::from_secs_f64(time);
            let time_stamp = stamp(index, 1.7e9 + time);
            let stamp = stamps.push(time_stamp, received, 1, Some(128.0), Witness::None);
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
        // Like SplitMix64.
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
