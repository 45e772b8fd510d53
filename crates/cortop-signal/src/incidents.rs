//! What the log says of the data: streams that fall silent and come back, samples lost and filled
//! in. Knows the health of the streams only.

use std::{cmp::Ordering, time::Duration};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tokio::time::Instant;

use super::{StreamHealth, stamps::ClockStep};
use cortop_protocol::{HeadsetId, SessionId, Stream};

/// Losses that lie closer together are one incident, which is reported when it is over, or when it has
/// lasted for so long.
const APART: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_mins(1);

/// Streams whose clocks are set within so much time, by so many seconds more or less, notice the
/// same step of Cortex's clock.
const SAME_STEP: Duration = Duration::from_secs(3);
const SAME_STEP_BY: f64 = 1.0;

/// Streams of a headset that fall silent, or come back, within so much time do so together: the
/// slow ones have two samples a second. Shorter than [`SAME_TIME`], so that the line's own time will
/// do for them.
const TOGETHER: Duration = Duration::from_millis(750);

/// Of streams that come back together, those whose last samples before lie within so much time
/// were silent equally long.
const SAME_SILENCE: Duration = Duration::from_secs(2);

/// An event this close to its line needs no time of day beside that of the line itself.
const SAME_TIME: Duration = Duration::from_secs(1);

/// Compares the health of all streams with what it was, and reports what happened.
#[derive(Debug)]
pub(super) struct Incidents {
    zone: TimeZone,
    /// In the order of session and stream, as the health is.
    known: Vec<Observed>,
    /// The last step of Cortex's clock that was reported.
    clock_step: Option<ClockStep>,
    /// What other streams may join, the oldest first.
    changes: Vec<Transition>,
}

/// A line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Incident {
    /// Whether it is bad news.
    pub(super) bad: bool,
    /// What happened, to which streams of which headset, and at what time of day if that is not now.
    pub(super) text: String,
}

impl Incident {
    /// Writes the line.
    pub(super) fn log(&self) {
        if self.bad {
            tracing::warn!("{}", self.text);
        } else {
            tracing::info!("{}", self.text);
        }
    }
}

/// Streams of one headset that fell silent, or came back, together.
#[derive(Debug)]
struct Transition {
    headset: HeadsetId,
    streams: Vec<Stream>,
    /// When the last sample before the silence came; the newest of all streams.
    since: Instant,
    /// When the first stream came back, and how long the longest silence was.
    back: Option<(Instant, Duration)>,
    /// When it was noticed.
    noticed: Instant,
}

impl Transition {
    /// Whether another is the same but for its streams.
    fn is_alike(&self, other: &Self) -> bool {
        let apart = self.since.max(other.since) - self.since.min(other.since);
        self.headset == other.headset
            && self.back.is_some() == other.back.is_some()
            && apart < SAME_SILENCE
    }

    fn merge(&mut self, other: Self) {
        self.streams.extend(other.streams);
        self.since = self.since.max(other.since);
        self.back = self.back.zip(other.back).map(|(own, other)| {
            let (at, silent) = own;
            (at.min(other.0), silent.max(other.1))
        });
    }
}

/// What is known of a stream.
#[derive(Debug)]
struct Observed {
    session: SessionId,
    stream: Stream,
    subscribed: Instant,
    stale_since: Option<Instant>,
    lost: RisingCount,
    interpolated: RisingCount,
    clock_step: Option<ClockStep>,
}

/// A number that rises, and how much in the incident under way.
#[derive(Debug, Default)]
struct RisingCount {
    total: u64,
    risen: u64,
    /// When it rose first and last.
    between: Option<(Instant, Instant)>,
}

impl RisingCount {
    /// Takes in the number as it is now. Gives an incident that is over: how much, from when to when.
    fn update(&mut self, total: u64, now: Instant) -> Option<(u64, Instant, Instant)> {
        let risen = total.saturating_sub(std::mem::replace(&mut self.total, total));
        let over = self.between.filter(|(first, last)| {
            now.saturating_duration_since(*last) >= APART
                || now.saturating_duration_since(*first) >= LONGEST
        });
        let incident = over.map(|(first, last)| (self.risen, first, last));
        if over.is_some() {
            (self.risen, self.between) = (0, None);
        }
        if risen > 0 {
            self.risen += risen;
            self.between = Some((self.between.map_or(now, |(first, _)| first), now));
        }
        incident
    }
}

impl Incidents {
    pub(super) fn new(zone: TimeZone) -> Self {
        Self { zone, known: Vec::new(), clock_step: None, changes: Vec::new() }
    }

    /// What happened since the last time. `health` is in the order of session and stream; `wall`
    /// gives the time of day of `now`, and is asked only if there is something to report.
    pub(super) fn observe(
        &mut self,
        health: &[StreamHealth],
        now: Instant,
        wall: impl Fn() -> Timestamp,
    ) -> Vec<Incident> {
        let mut incidents = Vec::new();
        self.follow(health);
        let clock = |at| clock(&self.zone, at, now, &wall);
        for (known, health) in self.known.iter_mut().zip(health) {
            let (headset, stream) = (&health.headset, health.stream);
            let mut tell = |bad, text| incidents.push(Incident { bad, text });
            let change = match (known.stale_since, health.stale_since) {
                (None, Some(since)) => Some((since, None)),
                (Some(since), None) => {
                    let back = health.last.unwrap_or(now);
                    Some((since, Some((back, back.saturating_duration_since(since)))))
                }
                _ => None,
            };
            if let Some((since, back)) = change {
                let (headset, streams) = (headset.clone(), vec![stream]);
                let new = Transition { headset, streams, since, back, noticed: now };
                match self.changes.iter_mut().find(|change| change.is_alike(&new)) {
                    Some(change) => change.merge(new),
                    None => self.changes.push(new),
                }
            }
            known.stale_since = health.stale_since;
            if let Some(step) = health.clock_step.filter(|step| known.clock_step != Some(*step)) {
                known.clock_step = Some(step);
                // Each stream notices by itself.
                if !self.clock_step.is_some_and(|told| is_same(told, step)) {
                    self.clock_step = Some(step);
                    tell(true, step.sentence(&clock(step.received)));
                }
            }
            let mut count = |count: &mut RisingCount, total: u64, what: &str| {
                if let Some((risen, first, last)) = count.update(total, now) {
                    let samples = if risen == 1 { "sample" } else { "samples" };
                    let seconds = last.saturating_duration_since(first).as_secs().max(1);
                    let at = clock(first);
                    let text = format!(
                        "{headset}: {stream} {what} {risen} {samples} in {seconds} s from {at}"
                    );
                    tell(true, text);
                }
            };
            count(&mut known.lost, health.lost, "lost");
            count(&mut known.interpolated, health.interpolated, "interpolated");
        }
        incidents
    }

    /// The silences and returns that no other stream joins any more.
    pub(super) fn settled(&mut self, now: Instant, wall: impl Fn() -> Timestamp) -> Vec<Incident> {
        let clock = |at| clock(&self.zone, at, now, &wall);
        let is_over = |change: &mut Transition| change.noticed + TOGETHER <= now;
        let settled = self.changes.extract_if(.., is_over).map(|mut change| {
            change.streams.sort_unstable();
            change.streams.dedup();
            let names: Vec<&str> = change.streams.iter().map(|stream| stream.name()).collect();
            let (headset, streams) = (change.headset, names.join(" "));
            let text = match change.back {
                None => {
                    let verb = if names.len() == 1 { "is" } else { "are" };
                    let since = clock(change.since);
                    format!("{headset}: {streams} {verb} stale, no sample since {since}")
                }
                Some((back, silent)) => {
                    let is_now = now.saturating_duration_since(back) <= SAME_TIME;
                    let at = if is_now { String::new() } else { format!(" at {}", clock(back)) };
                    format!("{headset}: {streams} came back{at} after {} s", silent.as_secs())
                }
            };
            Incident { bad: change.back.is_none(), text }
        });
        settled.collect()
    }

    /// When the next of them is settled.
    pub(super) fn next_settled(&self) -> Option<Instant> {
        self.changes.iter().map(|change| change.noticed + TOGETHER).min()
    }

    /// Knows the same streams as the health does, new ones as they are now.
    fn follow(&mut self, health: &[StreamHealth]) {
        let mut at = 0;
        for health in health {
            let key = (&health.session, health.stream);
            while self
                .known
                .get(at)
                .is_some_and(|own| (&own.session, own.stream).cmp(&key) == Ordering::Less)
            {
                self.known.remove(at);
            }
            let same = self.known.get(at).is_some_and(|own| (&own.session, own.stream) == key);
            let new = || Observed {
                session: health.session.clone(),
                stream: health.stream,
                subscribed: health.subscribed,
                stale_since: None,
                lost: RisingCount { total: health.lost, ..RisingCount::default() },
                interpolated: RisingCount { total: health.interpolated, ..RisingCount::default() },
                clock_step: health.clock_step,
            };
            if !same {
                self.known.insert(at, new());
            } else if self.known[at].subscribed != health.subscribed {
                self.known[at] = new();
            }
            at += 1;
        }
        self.known.truncate(at);
    }
}

/// The time of day of a moment; `wall` gives that of `now`.
fn clock(zone: &TimeZone, at: Instant, now: Instant, wall: impl Fn() -> Timestamp) -> String {
    let ago = SignedDuration::try_from(now.saturating_duration_since(at)).unwrap_or_default();
    let at = wall().checked_sub(ago).unwrap_or_else(|_| wall());
    at.to_zoned(zone.clone()).strftime("%T").to_string()
}

/// Whether two streams noticed the same step.
fn is_same(one: ClockStep, other: ClockStep) -> bool {
    let later = one.received.saturating_duration_since(other.received);
    let apart = later.max(other.received.saturating_duration_since(one.received));
    apart < SAME_STEP && (one.seconds - other.seconds).abs() < SAME_STEP_BY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::RecentCounts;

    fn health(stream: Stream, subscribed: Instant) -> StreamHealth {
        StreamHealth {
            session: "s".into(),
            headset: "EPOCX-1".into(),
            stream,
            nominal_rate: None,
            rate: None,
            received: 0,
            lost: 0,
            interpolated: 0,
            recent: RecentCounts::default(),
            malformed: 0,
            clock_step: None,
            subscribed,
            last: None,
            last_time: None,
            gap: None,
            bad_channels: std::sync::Arc::default(),
            stale_since: None,
        }
    }

    /// Observes at a second after the beginning, which was at 13:19:00.
    fn observe(
        incidents: &mut Incidents,
        start: Instant,
        second: u64,
        health: &[StreamHealth],
    ) -> Vec<String> {
        let wall =
            || "2026-01-10T13:19:00Z".parse::<Timestamp>().unwrap() + Duration::from_secs(second);
        let now = start + Duration::from_secs(second);
        let mut told = incidents.observe(health, now, wall);
        told.extend(incidents.settled(now, wall));
        told.into_iter().map(|incident| incident.text).collect()
    }

    #[test]
    fn a_stream_that_falls_silent_and_comes_back_is_told_with_its_times_of_day() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut incidents = Incidents::new(TimeZone::UTC);
        let mut streams = [health(Stream::Eeg, start), health(Stream::Dev, start)];
        assert!(observe(&mut incidents, start, 1, &streams).is_empty());
        (streams[0].last, streams[0].stale_since) = (Some(at(10)), Some(at(10)));
        assert!(observe(&mut incidents, start, 12, &streams).is_empty());
        let told = observe(&mut incidents, start, 13, &streams);
        assert_eq!(told, ["EPOCX-1: eeg is stale, no sample since 13:19:10"]);
        assert!(observe(&mut incidents, start, 20, &streams).is_empty());
        (streams[0].last, streams[0].stale_since) = (Some(at(22)), None);
        assert!(observe(&mut incidents, start, 22, &streams).is_empty());
        // The line's own time is the time.
        let told = observe(&mut incidents, start, 23, &streams);
        assert_eq!(told, ["EPOCX-1: eeg came back after 12 s"]);
        // A line that comes late has the time.
        (streams[0].last, streams[0].stale_since) = (Some(at(30)), Some(at(30)));
        observe(&mut incidents, start, 32, &streams);
        (streams[0].last, streams[0].stale_since) = (Some(at(40)), None);
        observe(&mut incidents, start, 40, &streams);
        let told = observe(&mut incidents, start, 45, &streams);
        assert_eq!(told, ["EPOCX-1: eeg came back at 13:19:40 after 10 s"]);
    }

    #[test]
    fn a_headset_that_falls_silent_and_comes_back_is_one_line_each() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut incidents = Incidents::new(TimeZone::UTC);
        let all = [Stream::Eeg, Stream::Mot, Stream::Dev, Stream::Met];
        let other = StreamHealth { headset: "INSIGHT-2".into(), ..health(Stream::Eeg, start) };
        let mut streams = all.map(|stream| health(stream, start)).to_vec();
        streams.push(StreamHealth { session: "t".into(), ..other });
        // The last samples of the first silence, of which metrics have more; the first ones after it.
        let silent = [10_000, 9_990, 9_600, 4_000, 10_000];
        let back = [17_000, 17_010, 17_400, 17_400, 17_020];
        let (mut told, mut next) = (Vec::new(), Vec::new());
        for now in (0..20_000).step_by(100) {
            for ((stream, last), first) in streams.iter_mut().zip(silent).zip(back) {
                let is_stale = (last + 2000..first).contains(&now);
                stream.stale_since = is_stale.then_some(at(last));
                stream.last = Some(at(if is_stale { last } else { now }));
            }
            let wall = || {
                "2026-01-10T13:19:00Z".parse::<Timestamp>().unwrap() + Duration::from_millis(now)
            };
            assert!(incidents.observe(&streams, at(now), wall).is_empty());
            let lines = incidents.settled(at(now), wall);
            told.extend(
                lines.into_iter().map(|line| format!("{:.1} {}", now as f64 / 1000.0, line.text)),
            );
            next.extend(incidents.next_settled().filter(|next| *next <= at(now)));
        }
        assert_eq!(
            told,
            [
                "6.8 EPOCX-1: met is stale, no sample since 13:19:04",
                "12.4 EPOCX-1: eeg mot dev are stale, no sample since 13:19:10",
                "12.8 INSIGHT-2: eeg is stale, no sample since 13:19:10",
                "17.8 EPOCX-1: eeg mot dev came back after 7 s",
                "17.9 INSIGHT-2: eeg came back after 7 s",
                "18.2 EPOCX-1: met came back after 13 s",
            ]
        );
        assert!(next.is_empty() && incidents.next_settled().is_none(), "{next:?}");
    }

    #[test]
    fn a_step_of_the_clock_is_told_once_for_all_streams() {
        let start = Instant::now();
        let mut incidents = Incidents::new(TimeZone::UTC);
        let mut streams = [health(Stream::Eeg, start), health(Stream::Mot, start)];
        assert!(observe(&mut incidents, start, 1, &streams).is_empty());
        let step =
            |seconds, ms| Some(ClockStep { seconds, received: start + Duration::from_millis(ms) });
        streams[0].clock_step = step(3.37, 55_010);
        let told = observe(&mut incidents, start, 56, &streams);
        assert_eq!(told, ["Cortex's clock was set 3.4 s ahead at 13:19:55"]);
        streams[1].clock_step = step(3.41, 55_040);
        assert!(observe(&mut incidents, start, 57, &streams).is_empty());
        streams[0].clock_step = step(-3600.0, 57_000);
        let told = observe(&mut incidents, start, 58, &streams);
        assert_eq!(told, ["Cortex's clock was set 3600 s back at 13:19:57"]);
    }

    #[test]
    fn losses_close_together_are_one_line_and_a_long_one_is_told_every_minute() {
        let start = Instant::now();
        let mut incidents = Incidents::new(TimeZone::UTC);
        let mut streams = [health(Stream::Eeg, start)];
        let mut told = Vec::new();
        for second in 0..200 {
            match second {
                10 | 12 | 13 => streams[0].lost += 4,
                30 => streams[0].interpolated += 1,
                50..=160 => streams[0].lost += 1,
                _ => {}
            }
            told.extend(observe(&mut incidents, start, second, &streams));
        }
        assert_eq!(
            told,
            [
                "EPOCX-1: eeg lost 12 samples in 3 s from 13:19:10",
                "EPOCX-1: eeg interpolated 1 sample in 1 s from 13:19:30",
                "EPOCX-1: eeg lost 60 samples in 59 s from 13:19:50",
                "EPOCX-1: eeg lost 51 samples in 50 s from 13:20:50",
            ]
        );
    }

    #[test]
    fn what_a_new_subscription_begins_with_is_no_incident() {
        let start = Instant::now();
        let mut incidents = Incidents::new(TimeZone::UTC);
        let lossy = StreamHealth { lost: 9, ..health(Stream::Eeg, start) };
        assert!(observe(&mut incidents, start, 0, std::slice::from_ref(&lossy)).is_empty());
        let again = StreamHealth { lost: 0, subscribed: start + APART, ..lossy };
        for second in [1, 10] {
            assert!(
                observe(&mut incidents, start, second, std::slice::from_ref(&again)).is_empty()
            );
        }
        assert!(observe(&mut incidents, start, 20, &[]).is_empty());
        assert!(incidents.known.is_empty());
    }
}
