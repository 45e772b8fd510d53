//! How well one stream is arriving: its actual rate, its losses, its jitter and delay, and how long
//! it has been silent. Only counts; independent of values, messages and the time of day.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{BadChannel, history::Gap, stamps::ClockStep};
use cortop_protocol::{HeadsetId, SessionId, Stream, Subscription, stream::SLOW_METRICS_HZ};

/// The rate is measured between points at least this far apart, in seconds of sample time …
const POINT: f64 = 0.5;
/// … of which this many are kept: about eight seconds of a fast stream.
const POINTS: usize = 16;
/// With fewer points there is no rate.
const ENOUGH: usize = 6;

/// What counts as recent …
const RECENT: Duration = Duration::from_secs(10);
/// … is summed in steps of this length.
const RECENT_STEP: Duration = Duration::from_secs(1);

/// An arrival that is off by more seconds than this is not jitter. Most stamps are checked earlier,
/// but not those of irregular streams.
const NO_JITTER: f64 = 10.0;

/// A fast stream is never called stale before this long without a sample.
const STALE: Duration = Duration::from_secs(2);

/// A healthy headset deviates slightly from its nominal rate (127 Hz instead of 128): only a larger
/// share than this counts as off.
const RATE_TOLERANCE: f64 = 0.03;

/// How well a stream is arriving.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamHealth {
    /// The session.
    pub session: SessionId,
    /// The headset.
    pub headset: HeadsetId,
    /// The stream.
    pub stream: Stream,
    /// Expected samples per second.
    pub nominal_rate: Option<f64>,
    /// Samples per second, measured over the last seconds; `None` until there are enough samples,
    /// and while the stream is stale.
    pub rate: Option<f64>,
    /// Samples received since the subscription.
    pub received: u64,
    /// Samples lost since the subscription, by COUNTER.
    pub lost: u64,
    /// The holes that they left.
    pub holes: Holes,
    /// Samples that Cortex filled in (INTERPOLATED).
    pub interpolated: u64,
    /// Counts of the last 10 s.
    pub recent: RecentCounts,
    /// Channels whose raw signal cannot be EEG, in column order; for `eeg` only.
    pub bad_channels: Arc<[BadChannel]>,
    /// Messages that did not match the columns (wrong length or type, not JSON), were repeated or
    /// late, or had a wrong `time`.
    pub malformed: u64,
    /// Those among them whose only defect was a wrong `time`.
    pub wrong_times: u64,
    /// When Cortex's clock was last set while this stream was running.
    pub clock_step: Option<ClockStep>,
    /// When the subscription began.
    pub subscribed: Instant,
    /// When the last sample arrived.
    pub last: Option<Instant>,
    /// The `time` of the last sample, in epoch seconds.
    pub last_time: Option<f64>,
    /// The newest gap before this subscription's samples, as far as its history is kept.
    pub gap: Option<Gap>,
    /// Set while the stream is stale, that is, without a sample for three of its periods and at
    /// least 2 s: the arrival of the last sample, or the start of the subscription if there never
    /// was one.
    pub stale_since: Option<Instant>,
}

impl StreamHealth {
    /// Whether the measured rate deviates from the nominal one by more than 3 %.
    #[must_use]
    pub fn rate_is_off(&self) -> bool {
        let off = |(rate, nominal): (f64, f64)| (rate / nominal - 1.0).abs() > RATE_TOLERANCE;
        self.rate.zip(self.nominal_rate).is_some_and(off)
    }

    /// Seconds from a sample's `time` to its arrival by this machine's clock, which shows `wall`
    /// (epoch seconds) at `now`; the minimum over the last 10 s, which leaves the transmission
    /// delay and the difference of the clocks.
    #[must_use]
    pub fn delay(&self, now: Instant, wall: f64) -> Option<f64> {
        let (arrival, time) = self.recent.soonest?;
        Some(wall - now.saturating_duration_since(arrival).as_secs_f64() - time)
    }
}

/// Where samples of a stream were lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holes {
    /// How many holes since the subscription.
    pub count: u64,
    /// The arrivals of the samples before and after the newest hole.
    pub newest: Option<(Instant, Instant)>,
}

/// Counts of the last 10 s of a stream, in steps of a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RecentCounts {
    /// Samples received.
    pub received: u64,
    /// Samples lost, by COUNTER.
    pub lost: u64,
    /// Samples that Cortex filled in (INTERPOLATED).
    pub interpolated: u64,
    /// Mean of |D| in seconds, where D is the interval between the arrivals of two consecutive
    /// samples minus the interval between their `time`s (as in RFC 3550, 6.4.1, but without its
    /// decay).
    pub jitter: Option<f64>,
    /// The sample with the shortest delay: its arrival, and its `time` in epoch seconds. The
    /// difference is the transmission delay, as far as both clocks agree.
    pub soonest: Option<(Instant, f64)>,
}

impl RecentCounts {
    /// The share of samples lost, 0..1.
    #[must_use]
    pub fn loss(&self) -> f64 {
        self.lost as f64 / (self.received.saturating_add(self.lost)).max(1) as f64
    }
}

/// Measures one stream.
#[derive(Debug)]
pub(crate) struct HealthMeter {
    subscribed: Instant,
    received: u64,
    lost: u64,
    holes: Holes,
    interpolated: u64,
    /// Excludes those of which only the time is wrong.
    malformed: u64,
    wrong_times: u64,
    /// The last seconds.
    recent: VecDeque<SecondCounts>,
    last: Option<Instant>,
    /// The last sample with a `time`: its arrival, and that `time`.
    stamped: Option<(Instant, f64)>,
    points: VecDeque<RatePoint>,
    rate: Option<f64>,
    clock_step: Option<ClockStep>,
}

#[derive(Clone, Copy, Debug)]
struct RatePoint {
    time: f64,
    received: u64,
}

/// Counts of one second.
#[derive(Clone, Copy, Debug)]
struct SecondCounts {
    since: Instant,
    received: u64,
    lost: u64,
    interpolated: u64,
    /// Sum of |D| in seconds (see [`RecentCounts::jitter`]), and the number of intervals.
    off: f64,
    intervals: u32,
    /// The sample with the shortest delay: its arrival and its `time`.
    soonest: Option<(Instant, f64)>,
}

impl SecondCounts {
    fn new(since: Instant) -> Self {
        let (received, lost, interpolated) = (0, 0, 0);
        Self { since, received, lost, interpolated, off: 0.0, intervals: 0, soonest: None }
    }
}

/// By how many seconds the interval between two arrivals exceeds that between their `time`s.
fn later(one: (Instant, f64), other: (Instant, f64)) -> f64 {
    let earlier = one.0.saturating_duration_since(other.0).as_secs_f64();
    other.0.saturating_duration_since(one.0).as_secs_f64() - earlier - (other.1 - one.1)
}

impl HealthMeter {
    /// Starts at the moment of the subscription.
    pub(crate) fn new(subscribed: Instant) -> Self {
        Self {
            subscribed,
            received: 0,
            lost: 0,
            holes: Holes::default(),
            interpolated: 0,
            malformed: 0,
            wrong_times: 0,
            recent: VecDeque::new(),
            last: None,
            stamped: None,
            points: VecDeque::with_capacity(POINTS),
            rate: None,
            clock_step: None,
        }
    }

    /// Adds a sample. `time` is its time by the current clock; `own` is its own stamp, if credible;
    /// `lost` samples are missing right before it.
    pub(crate) fn sample(
        &mut self,
        received: Instant,
        own: Option<f64>,
        time: Option<f64>,
        lost: u64,
    ) {
        self.received += 1;
        self.lost = self.lost.saturating_add(lost);
        if lost > 0 {
            self.holes.count += 1;
            self.holes.newest = Some((self.last.unwrap_or(self.subscribed), received));
        }
        self.last = Some(received);
        while self.recent.front().is_some_and(|step| step.since + RECENT < received) {
            self.recent.pop_front();
        }
        if self.recent.back().is_none_or(|step| received >= step.since + RECENT_STEP) {
            self.recent.push_back(SecondCounts::new(received));
        }
        let stamp = own.map(|own| (received, own));
        if let Some(step) = self.recent.back_mut() {
            step.received += 1;
            step.lost = step.lost.saturating_add(lost);
            if let Some((stamped, stamp)) = self.stamped.zip(stamp) {
                let off = later(stamped, stamp).abs();
                if off < NO_JITTER {
                    step.off += off;
                    step.intervals += 1;
                }
            }
            step.soonest = soonest(step.soonest, stamp);
        }
        self.stamped = stamp.or(self.stamped);
        let Some(time) = time else { return };
        if self.points.back().is_none_or(|point| (time - point.time).abs() >= POINT) {
            if self.points.len() == POINTS {
                self.points.pop_front();
            }
            self.points.push_back(RatePoint { time, received: self.received });
            self.rate = self.slope();
        }
    }

    /// Cortex's clock was set. Measurements continue, except for delays, which belong to the
    /// previous clock.
    pub(crate) fn clock_was_set(&mut self, step: ClockStep) {
        self.points.iter_mut().for_each(|point| point.time += step.seconds);
        self.recent.iter_mut().for_each(|recent| recent.soonest = None);
        self.stamped = None;
        self.clock_step = Some(step);
    }

    /// Counts malformed messages. Returns true when the log should mention it: at the first, the
    /// tenth, the hundredth and so on.
    pub(crate) fn malformed(&mut self, count: u64) -> bool {
        let before = self.malformed.checked_ilog10();
        self.malformed += count;
        self.malformed.checked_ilog10() > before
    }

    /// Counts samples whose time cannot be right.
    pub(crate) fn wrong_times(&mut self, count: u64) {
        self.wrong_times += count;
    }

    /// The last sample was filled in by Cortex.
    pub(crate) fn interpolated(&mut self) {
        self.interpolated += 1;
        if let Some(step) = self.recent.back_mut() {
            step.interpolated += 1;
        }
    }

    /// The number of malformed messages so far.
    pub(crate) fn malformed_so_far(&self) -> u64 {
        self.malformed
    }

    /// Samples per second of sample time: the median of the slopes between points, each used in one
    /// pair only, so that a single wrong stamp distorts one slope and not the median.
    fn slope(&self) -> Option<f64> {
        let half = self.points.len() / 2;
        if self.points.len() < ENOUGH {
            return None;
        }
        let later = self.points.iter().skip(self.points.len() - half);
        let mut slopes: Vec<f64> = self
            .points
            .iter()
            .zip(later)
            .map(|(early, late)| (late.received - early.received) as f64 / (late.time - early.time))
            .collect();
        let (_, median, _) = slopes.select_nth_unstable_by(half / 2, f64::total_cmp);
        Some(*median).filter(|rate| rate.is_finite() && *rate > 0.0)
    }

    /// When silence starts to count as stale; never for a stream of events.
    pub(crate) fn stale_at(&self, subscription: &Subscription) -> Option<Instant> {
        // Metrics may come slowly whatever the licence promises: the sources disagree about when
        // they are fast (§5.11), and a recording has them as they were.
        let rate = if subscription.stream.is_even() {
            subscription.nominal_rate.or(self.rate)
        } else {
            // Events have no rate.
            subscription.nominal_rate?;
            self.rate.or(Some(SLOW_METRICS_HZ))
        };
        let rate = rate.filter(|&rate| rate > 0.0);
        let periods = rate.and_then(|rate| Duration::try_from_secs_f64(3.0 / rate).ok());
        self.last.unwrap_or(self.subscribed).checked_add(periods.unwrap_or_default().max(STALE))
    }

    /// The health at one moment.
    pub(crate) fn health(&self, subscription: &Subscription, now: Instant) -> StreamHealth {
        let stale = self.stale_at(subscription).is_some_and(|at| at <= now);
        StreamHealth {
            session: subscription.session.clone(),
            headset: subscription.headset.clone(),
            stream: subscription.stream,
            nominal_rate: subscription.nominal_rate,
            rate: self.rate.filter(|_| !stale),
            received: self.received,
            lost: self.lost,
            holes: self.holes,
            interpolated: self.interpolated,
            recent: self.recent(now),
            bad_channels: Arc::default(),
            malformed: self.malformed + self.wrong_times,
            wrong_times: self.wrong_times,
            clock_step: self.clock_step,
            subscribed: self.subscribed,
            last: self.last,
            last_time: self.stamped.map(|(_, time)| time),
            gap: None,
            stale_since: stale.then(|| self.last.unwrap_or(self.subscribed)),
        }
    }

    fn recent(&self, now: Instant) -> RecentCounts {
        let (mut recent, mut off, mut intervals) = (RecentCounts::default(), 0.0, 0);
        for step in self.recent.iter().filter(|step| step.since + RECENT >= now) {
            recent.received += step.received;
            recent.lost = recent.lost.saturating_add(step.lost);
            recent.interpolated += step.interpolated;
            recent.soonest = soonest(recent.soonest, step.soonest);
            off += step.off;
            intervals += step.intervals;
        }
        recent.jitter = (intervals > 0).then(|| off / f64::from(intervals));
        recent
    }
}

/// The one of two samples that has the shorter delay.
fn soonest(one: Option<(Instant, f64)>, other: Option<(Instant, f64)>) -> Option<(Instant, f64)> {
    match (one, other) {
        (Some(one), Some(other)) if later(one, other) < 0.0 => Some(other),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn subscription(nominal_rate: Option<f64>) -> Subscription {
        Subscription {
            session: "s".into(),
            headset: "h".into(),
            stream: Stream::Eeg,
            columns: cortop_protocol::Columns::default(),
            nominal_rate,
        }
    }

    /// Samples at a rate for some seconds, with the stamps of some of them changed.
    fn health(rate: f64, seconds: f64, stamp: impl Fn(u32, f64) -> f64) -> StreamHealth {
        let start = Instant::now();
        let mut meter = HealthMeter::new(start);
        for index in (0_u32..).take_while(|&index| f64::from(index) < rate * seconds) {
            let time = f64::from(index) / rate;
            let received = start + Duration::from_secs_f64(time);
            let time = Some(stamp(index, 1.7e9 + time));
            meter.sample(received, time, time, 0);
        }
        meter.health(&subscription(Some(128.0)), start + Duration::from_secs_f64(seconds))
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds_and_off_beyond_three_percent() {
        for (rate, off) in
            [(128.0, false), (126.9, false), (124.3, false), (124.0, true), (64.0, true)]
        {
            let health = health(rate, 20.0, |_, time| time);
            assert!((health.rate.unwrap() - rate).abs() < 0.5, "{rate}: {:?}", health.rate);
            assert_eq!(health.rate_is_off(), off, "{rate}");
        }
        assert_eq!(health(128.0, 1.0, |_, time| time).rate, None);
    }

    #[test]
    fn metrics_are_stale_by_the_rate_at_which_they_come() {
        let start = Instant::now();
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let metrics = Subscription { stream: Stream::Met, ..subscription(Some(2.0)) };
        for (rate, fresh, stale) in [(2.0, 1.9, 2.1), (0.1, 29.0, 31.0)] {
            let mut meter = HealthMeter::new(start);
            let times = || (0..10).map(|index| f64::from(index) / rate);
            times()
                .for_each(|time| meter.sample(at(time), Some(1.7e9 + time), Some(1.7e9 + time), 0));
            let last = 9.0 / rate;
            let since = |seconds| meter.health(&metrics, at(last + seconds)).stale_since;
            assert_eq!((since(fresh), since(stale)), (None, Some(at(last))), "{rate}");
        }
    }

    #[test]
    fn what_is_silent_has_no_rate() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs_f64(seconds);
        let mut meter = HealthMeter::new(start);
        for time in (0..1280).map(|index| f64::from(index) / 128.0) {
            meter.sample(at(time), Some(1.7e9 + time), Some(1.7e9 + time), 0);
        }
        let rate = |seconds| meter.health(&subscription(Some(128.0)), at(seconds)).rate;
        assert!(rate(11.0).is_some());
        assert_eq!(rate(12.5), None);
    }

    #[test]
    fn one_wrong_stamp_does_not_move_the_rate() {
        for wrong in [0, 64, 700, 1023] {
            for by in [-3600.0, -0.6, 0.6, 3600.0] {
                let stamp = |index, time| if index == wrong { time + by } else { time };
                let rate = health(128.0, 8.0, stamp).rate.unwrap();
                assert!((rate - 128.0).abs() < 0.5, "stamp {wrong} off by {by}: {rate}");
            }
        }
    }

    #[test]
    fn losses_are_recent_for_ten_seconds() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut meter = HealthMeter::new(start);
        for (second, lost) in [(0, 5), (4, 7), (4, 1), (9, 2)] {
            meter.sample(at(second), None, None, lost);
        }
        let recently = |second| meter.health(&subscription(None), at(second)).recent.lost;
        assert_eq!([9, 10, 11, 14, 15, 20].map(recently), [15, 15, 10, 10, 2, 0]);
    }

    /// The health after samples that arrive some seconds after their `time`s.
    fn late(samples: impl IntoIterator<Item = (f64, f64)>) -> RecentCounts {
        let start = Instant::now();
        let mut meter = HealthMeter::new(start);
        let mut now = start;
        for (time, late) in samples {
            now = start + Duration::from_secs_f64(time + late);
            meter.sample(now, Some(1.7e9 + time), Some(1.7e9 + time), 0);
        }
        meter.health(&subscription(Some(128.0)), now).recent
    }

    fn delay(recent: &RecentCounts, start: Instant) -> f64 {
        let (arrival, time) = recent.soonest.unwrap();
        (arrival - start).as_secs_f64() - (time - 1.7e9)
    }

    #[test]
    fn jitter_is_the_mean_difference_of_both_intervals_over_ten_seconds() {
        let even = |index: u32| (f64::from(index) / 128.0, 0.02);
        assert!(late((0..2000).map(even)).jitter.unwrap() < 1e-6);
        assert_eq!(late([even(0)]).jitter, None);
        // Every other sample 3 ms later; ten seconds later it no longer counts.
        let uneven = |index: u32| (f64::from(index) / 128.0, 0.003 * f64::from(index % 2));
        let jitter = late((0..2000).map(uneven)).jitter.unwrap();
        assert!((jitter - 0.003).abs() < 1e-5, "{jitter}");
        let calm = (0..1280).map(uneven).chain((1280..1280 + 128 * 12).map(even));
        assert!(late(calm).jitter.unwrap() < 1e-5);
        // Neither a lost second nor a clock that is set counts as jitter.
        let lost = (0..640).chain(768..1280).map(even);
        assert!(late(lost).jitter.unwrap() < 1e-6);
        let set = |index: u32| (even(index).0, if index < 640 { 3600.0 } else { 7200.0 });
        assert!(late((0..1280).map(set)).jitter.unwrap() < 1e-6);
    }

    proptest! {
        #[test]
        fn the_delay_is_the_least_of_ten_seconds_and_follows_the_clock(
            lates in prop::collection::vec(0.0..0.4_f64, 1..600), offset in 0.0..5000.0_f64,
        ) {
            let start = Instant::now();
            let mut meter = HealthMeter::new(start);
            let samples = lates.iter().enumerate();
            let samples = samples.map(|(index, late)| (index as f64 / 32.0, offset + late));
            let mut arrivals: Vec<f64> = Vec::new();
            for (time, late) in samples.clone() {
                // In order: what waits for a late sample arrives with it.
                let arrival = arrivals.last().map_or(time + late, |last| last.max(time + late));
                arrivals.push(arrival);
                let (arrival, time) = (start + Duration::from_secs_f64(arrival), Some(1.7e9 + time));
                meter.sample(arrival, time, time, 0);
            }
            let last = arrivals.last().copied().unwrap();
            let now = start + Duration::from_secs_f64(last);
            let recent = meter.health(&subscription(Some(32.0)), now).recent;
            let late = |from: f64| {
                let kept = samples.clone().zip(&arrivals).filter(move |(_, at)| **at >= last - from);
                kept.map(|((time, _), at)| at - time).fold(f64::INFINITY, f64::min)
            };
            // Kept in steps of a second.
            let delay = delay(&recent, start);
            prop_assert!(late(9.0) >= delay - 1e-5 && delay + 1e-5 >= late(10.0));
            prop_assert!(delay + 1e-5 >= offset);
        }

        #[test]
        fn what_is_recent_adds_up(losses in prop::collection::vec(0..50_u64, 1..400)) {
            let start = Instant::now();
            let mut meter = HealthMeter::new(start);
            let at = |index: usize| start + Duration::from_millis(100) * u32::try_from(index).unwrap();
            for (index, &lost) in losses.iter().enumerate() {
                meter.sample(at(index), None, None, lost);
                if lost % 2 == 1 {
                    meter.interpolated();
                }
            }
            let health = meter.health(&subscription(None), at(losses.len() - 1));
            prop_assert_eq!(health.lost, losses.iter().sum::<u64>());
            let sums = |count: usize| {
                let kept = &losses[losses.len().saturating_sub(count)..];
                (kept.len() as u64, kept.iter().sum::<u64>(), kept.iter().filter(|l| *l % 2 == 1).count() as u64)
            };
            // Kept in steps of a second.
            let (least, most) = (sums(90), sums(101));
            let recent = health.recent;
            prop_assert!((least.0..=most.0).contains(&recent.received));
            prop_assert!((least.1..=most.1).contains(&recent.lost));
            prop_assert!((least.2..=most.2).contains(&recent.interpolated));
            prop_assert!((0.0..=1.0).contains(&recent.loss()));
            let silent = meter.health(&subscription(None), at(losses.len() + 110)).recent;
            prop_assert_eq!(silent, RecentCounts::default());
        }
    }

    #[test]
    fn odd_ones_are_logged_ever_more_seldom() {
        let mut meter = HealthMeter::new(Instant::now());
        assert_eq!((1..=5000).filter(|_| meter.malformed(1)).count(), 4);
    }
}
