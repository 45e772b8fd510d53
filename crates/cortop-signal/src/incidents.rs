//! Turns what happens to the data into log lines: streams that fall silent and resume, samples that
//! were lost, interpolated or stamped with wrong times. Whatever happens to a headset at one time
//! is one line, however many of its streams notice. Uses only the health of the streams.

use std::{cmp::Ordering, time::Duration};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tokio::time::Instant;

use super::{
    StreamHealth,
    affected_samples::{Affected, EffectCount, EffectCounts, SAME_TIME, SampleEffect, samples},
    stamps::ClockStep,
};
use cortop_protocol::{HeadsetId, SessionId, Stream};

/// Streams of a headset that fall silent or resume within this time do so together: the slow ones
/// have two samples per second. Shorter than [`SAME_TIME`], so that the timestamp of the log line
/// suffices.
const TOGETHER: Duration = Duration::from_millis(750);

/// Streams that resume together were silent equally long if their last samples before the silence
/// lie within this time.
const SAME_SILENCE: Duration = Duration::from_secs(2);

/// Compares the health of all streams with their previous health, and reports what happened.
#[derive(Debug)]
pub(super) struct Incidents {
    zone: TimeZone,
    /// Sorted by session and stream, like the health.
    known: Vec<Observed>,
    /// The last step of Cortex's clock that was reported.
    clock_step: Option<ClockStep>,
    /// Transitions that other streams may still join, oldest first.
    changes: Vec<Transition>,
    /// Effects that more samples may still join.
    ongoing: Vec<Affected>,
}

/// A line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Incident {
    /// Whether it is bad news.
    pub(super) bad: bool,
    /// What happened, to which streams of which headset, and the time of day if it was not just
    /// now.
    pub(super) text: String,
}

impl Incident {
    /// Writes the log line.
    pub(super) fn log(&self) {
        if self.bad {
            tracing::warn!("{}", self.text);
        } else {
            tracing::info!("{}", self.text);
        }
    }
}

/// Streams of one headset that fell silent or resumed together.
#[derive(Debug)]
struct Transition {
    headset: HeadsetId,
    streams: Vec<Stream>,
    /// The arrival of the last sample before the silence; the newest of all streams.
    since: Instant,
    /// When the first stream resumed, and the length of the longest silence.
    back: Option<(Instant, Duration)>,
    /// Samples lost during the silence.
    lost: EffectCounts,
    /// When it was noticed.
    noticed: Instant,
}

impl Transition {
    /// Whether the other transition is the same except for its streams.
    fn is_alike(&self, other: &Self) -> bool {
        let apart = self.since.max(other.since) - self.since.min(other.since);
        self.headset == other.headset
            && self.back.is_some() == other.back.is_some()
            && apart < SAME_SILENCE
    }

    fn merge(&mut self, other: Self) {
        self.streams.extend(other.streams);
        self.lost.extend(other.lost);
        self.since = self.since.max(other.since);
        self.back = self.back.zip(other.back).map(|(own, other)| {
            let (at, silent) = own;
            (at.min(other.0), silent.max(other.1))
        });
    }
}

/// What is known about a stream.
#[derive(Debug)]
struct Observed {
    session: SessionId,
    stream: Stream,
    subscribed: Instant,
    stale_since: Option<Instant>,
    /// The effects on its samples so far.
    affected: [EffectCount; 3],
    clock_step: Option<ClockStep>,
}

impl Observed {
    fn new(health: &StreamHealth) -> Self {
        Self {
            session: health.session.clone(),
            stream: health.stream,
            subscribed: health.subscribed,
            stale_since: None,
            affected: SampleEffect::ALL.map(|effect| effect.count(health)),
            clock_step: health.clock_step,
        }
    }

    /// The effects on more samples since the last call.
    fn risen(&mut self, health: &StreamHealth) -> Vec<(SampleEffect, EffectCount)> {
        let mut risen = Vec::new();
        for (known, effect) in self.affected.iter_mut().zip(SampleEffect::ALL) {
            let now = effect.count(health);
            let before = std::mem::replace(known, now);
            if now.samples > before.samples {
                let count = EffectCount {
                    samples: now.samples - before.samples,
                    seconds: now.seconds - before.seconds,
                    holes: now.holes - before.holes,
                };
                risen.push((effect, count));
            }
        }
        risen
    }
}

impl Incidents {
    pub(super) fn new(zone: TimeZone) -> Self {
        let (known, changes, ongoing) = (Vec::new(), Vec::new(), Vec::new());
        Self { zone, known, clock_step: None, changes, ongoing }
    }

    /// What happened since the last call. `health` is sorted by session and stream; `wall` returns
    /// the time of day of `now`, and is called only if there is something to report.
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
            let mut report = |bad, text| incidents.push(Incident { bad, text });
            let change = match (known.stale_since, health.stale_since) {
                (None, Some(since)) => Some((since, None)),
                (Some(since), None) => {
                    let back = health.last.unwrap_or(now);
                    Some((since, Some((back, back.saturating_duration_since(since)))))
                }
                _ => None,
            };
            let mut risen = known.risen(health);
            if let Some((since, back)) = change {
                // Losses during a silence are reported with its end.
                let lost = risen
                    .extract_if(.., |(effect, _)| back.is_some() && *effect == SampleEffect::Lost);
                let lost = lost.map(|(_, count)| (stream, count)).collect();
                let (headset, streams) = (headset.clone(), vec![stream]);
                let new = Transition { headset, streams, since, back, lost, noticed: now };
                match self.changes.iter_mut().find(|change| change.is_alike(&new)) {
                    Some(change) => change.merge(new),
                    None => self.changes.push(new),
                }
            }
            known.stale_since = health.stale_since;
            if let Some(step) = health.clock_step.filter(|step| known.clock_step != Some(*step)) {
                known.clock_step = Some(step);
                // Each stream notices the step on its own.
                if !self.clock_step.is_some_and(|reported| reported.is_same(step)) {
                    self.clock_step = Some(step);
                    let sentence = step.sentence(stream, &clock(step.received));
                    let whose = if step.confirmed { String::new() } else { format!("{headset}: ") };
                    report(true, format!("{whose}{sentence}"));
                }
            }
            for (effect, count) in risen {
                let between = health.holes.newest.filter(|_| effect == SampleEffect::Lost);
                let (first, last) = between.unwrap_or((now, now));
                let mut ongoing = self.ongoing.iter_mut();
                let own = ongoing.find(|own| own.effect == effect && own.headset == *headset);
                if let Some(own) = own {
                    own.streams.entry(stream).or_default().add(count);
                    own.last = last;
                } else {
                    let (headset, streams) = (headset.clone(), [(stream, count)].into());
                    self.ongoing.push(Affected { headset, effect, streams, first, last });
                }
            }
        }
        incidents
    }

    /// The transitions that no other stream can join any more, and the effects that no more samples
    /// can join.
    pub(super) fn settled(&mut self, now: Instant, wall: impl Fn() -> Timestamp) -> Vec<Incident> {
        let clock = |at| clock(&self.zone, at, now, &wall);
        let is_over = |change: &mut Transition| change.noticed + TOGETHER <= now;
        let transitions = self.changes.extract_if(.., is_over).map(|mut change| {
            change.streams.sort_unstable();
            change.streams.dedup();
            let names: Vec<&str> = change.streams.iter().map(|stream| stream.name()).collect();
            let (headset, streams) = (&change.headset, names.join(" "));
            let since = clock(change.since);
            let text = match change.back {
                None => {
                    let verb = if names.len() == 1 { "is" } else { "are" };
                    format!("{headset}: {streams} {verb} stale, no sample since {since}")
                }
                Some((back, silent)) => {
                    let is_now = now.saturating_duration_since(back) <= SAME_TIME;
                    let at = if is_now { String::new() } else { format!(" at {}", clock(back)) };
                    let lost = if change.lost.is_empty() {
                        String::new()
                    } else {
                        format!(": lost {} since {since}", samples(&change.lost))
                    };
                    let silent = silent.as_secs();
                    format!("{headset}: {streams} came back{at} after {silent} s{lost}")
                }
            };
            Incident { bad: change.back.is_none() || !change.lost.is_empty(), text }
        });
        let is_over = |affected: &mut Affected| affected.over_at() <= now;
        let affected = self.ongoing.extract_if(.., is_over);
        let affected =
            affected.map(|affected| Incident { bad: true, text: affected.sentence(clock) });
        transitions.chain(affected).collect()
    }

    /// When the next of them is settled.
    pub(super) fn next_settled(&self) -> Option<Instant> {
        let transitions = self.changes.iter().map(|change| change.noticed + TOGETHER);
        transitions.chain(self.ongoing.iter().map(Affected::over_at)).min()
    }

    /// Synchronizes the known streams with the health; new ones start with their current values.
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
            if !same {
                self.known.insert(at, Observed::new(health));
            } else if self.known[at].subscribed != health.subscribed {
                self.known[at] = Observed::new(health);
            }
            at += 1;
        }
        self.known.truncate(at);
    }
}

/// The time of day of a moment; `wall` returns that of `now`.
fn clock(zone: &TimeZone, at: Instant, now: Instant, wall: impl Fn() -> Timestamp) -> String {
    let ago = SignedDuration::try_from(now.saturating_duration_since(at)).unwrap_or_default();
    let at = wall().checked_sub(ago).unwrap_or_else(|_| wall());
    at.to_zoned(zone.clone()).strftime("%T").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::affected_samples::APART;
    use crate::health::{Holes, RecentCounts};

    fn health(stream: Stream, subscribed: Instant) -> StreamHealth {
        StreamHealth {
            session: "s".into(),
            headset: "EPOCX-1".into(),
            stream,
            nominal_rate: None,
            rate: None,
            received: 0,
            lost: 0,
            holes: Holes::default(),
            interpolated: 0,
            recent: RecentCounts::default(),
            malformed: 0,
            wrong_times: 0,
            clock_step: None,
            subscribed,
            last: None,
            last_time: None,
            gap: None,
            bad_channels: std::sync::Arc::default(),
            stale_since: None,
        }
    }

    /// Observes at a number of seconds after the start, which was at 13:19:00.
    fn observe(
        incidents: &mut Incidents,
        start: Instant,
        second: u64,
        health: &[StreamHealth],
    ) -> Vec<String> {
        let wall =
            || "2026-01-10T13:19:00Z".parse::<Timestamp>().unwrap() + Duration::from_secs(second);
        let now = start + Duration::from_secs(second);
        let mut reported = incidents.observe(health, now, wall);
        reported.extend(incidents.settled(now, wall));
        reported.into_iter().map(|incident| incident.text).collect()
    }

    #[test]
    fn a_stream_that_falls_silent_and_comes_back_is_reported_with_its_times_of_day() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut incidents = Incidents::new(TimeZone::UTC);
        let mut streams = [health(Stream::Eeg, start), health(Stream::Dev, start)];
        assert!(observe(&mut incidents, start, 1, &streams).is_empty());
        (streams[0].last, streams[0].stale_since) = (Some(at(10)), Some(at(10)));
        assert!(observe(&mut incidents, start, 12, &streams).is_empty());
        let reported = observe(&mut incidents, start, 13, &streams);
        assert_eq!(reported, ["EPOCX-1: eeg is stale, no sample since 13:19:10"]);
        assert!(observe(&mut incidents, start, 20, &streams).is_empty());
        (streams[0].last, streams[0].stale_since) = (Some(at(22)), None);
        assert!(observe(&mut incidents, start, 22, &streams).is_empty());
        // The timestamp of the log line suffices.
        let reported = observe(&mut incidents, start, 23, &streams);
        assert_eq!(reported, ["EPOCX-1: eeg came back after 12 s"]);
        // A line that comes late includes the time of day.
        (streams[0].last, streams[0].stale_since) = (Some(at(30)), Some(at(30)));
        observe(&mut incidents, start, 32, &streams);
        (streams[0].last, streams[0].stale_since) = (Some(at(40)), None);
        observe(&mut incidents, start, 40, &streams);
        let reported = observe(&mut incidents, start, 45, &streams);
        assert_eq!(reported, ["EPOCX-1: eeg came back at 13:19:40 after 10 s"]);
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
        // The last samples before the first silence, which is longer for the metrics; and the first
        // ones after it.
        let silent = [10_000, 9_990, 9_600, 4_000, 10_000];
        let back = [17_000, 17_010, 17_400, 17_400, 17_020];
        let (mut reported, mut next) = (Vec::new(), Vec::new());
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
            reported.extend(
                lines.into_iter().map(|line| format!("{:.1} {}", now as f64 / 1000.0, line.text)),
            );
            next.extend(incidents.next_settled().filter(|next| *next <= at(now)));
        }
        assert_eq!(
            reported,
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
    fn a_step_of_the_clock_is_reported_once_for_all_streams() {
        let start = Instant::now();
        let mut incidents = Incidents::new(TimeZone::UTC);
        let mut streams = [health(Stream::Eeg, start), health(Stream::Mot, start)];
        assert!(observe(&mut incidents, start, 1, &streams).is_empty());
        let step = |seconds, ms| {
            let received = start + Duration::from_millis(ms);
            Some(ClockStep { seconds, received, confirmed: true })
        };
        streams[0].clock_step = step(3.37, 55_010);
        let reported = observe(&mut incidents, start, 56, &streams);
        assert_eq!(reported, ["Cortex's clock was set 3.4 s ahead at 13:19:55"]);
        streams[1].clock_step = step(3.41, 55_040);
        assert!(observe(&mut incidents, start, 57, &streams).is_empty());
        streams[0].clock_step = step(-3600.0, 57_000);
        let reported = observe(&mut incidents, start, 58, &streams);
        assert_eq!(reported, ["Cortex's clock was set 3600 s back at 13:19:57"]);
        let alone = step(60.0, 59_000).map(|step| ClockStep { confirmed: false, ..step });
        streams[1].clock_step = alone;
        let reported = observe(&mut incidents, start, 60, &streams);
        assert_eq!(reported, ["EPOCX-1: the times of mot jumped 60.0 s ahead at 13:19:59"]);
    }

    /// `count` samples before a moment are lost, after this many seconds without one.
    fn lose(health: &mut StreamHealth, count: u64, at: Instant, seconds: f64) {
        health.lost += count;
        health.holes.count += 1;
        health.holes.newest = Some((at - Duration::from_secs_f64(seconds), at));
    }

    #[test]
    fn losses_close_together_are_one_line_and_a_long_one_is_reported_every_minute() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut incidents = Incidents::new(TimeZone::UTC);
        let mut streams = [
            StreamHealth { nominal_rate: Some(256.0), ..health(Stream::Eeg, start) },
            StreamHealth { nominal_rate: Some(64.0), ..health(Stream::Mot, start) },
        ];
        let mut reported = Vec::new();
        for second in 0..200 {
            match second {
                // A hole of one stream, holes of one stream, and a hole of two.
                4 => lose(&mut streams[0], 3, at(second), 0.01),
                20 | 22 | 23 => lose(&mut streams[0], 4, at(second), 0.01),
                30 => streams[0].interpolated += 1,
                40 => {
                    lose(&mut streams[0], 1280, at(second), 5.0);
                    lose(&mut streams[1], 320, at(second), 5.0);
                }
                60..=170 => lose(&mut streams[0], 1, at(second), 0.004),
                _ => {}
            }
            reported.extend(observe(&mut incidents, start, second, &streams));
        }
        assert_eq!(
            reported,
            [
                "EPOCX-1: lost 3 eeg samples (12 ms) at 13:19:03",
                "EPOCX-1: lost 12 eeg samples (47 ms) in 3 holes from 13:19:19 to 13:19:23",
                "EPOCX-1: interpolated 1 eeg sample (4 ms) at 13:19:30",
                "EPOCX-1: lost 1280 eeg, 320 mot samples (5.0 s) from 13:19:35 to 13:19:40",
                "EPOCX-1: lost 61 eeg samples (238 ms) in 61 holes from 13:19:59 to 13:21:00",
                "EPOCX-1: lost 50 eeg samples (195 ms) in 50 holes from 13:21:00 to 13:21:50",
            ]
        );
    }

    #[test]
    fn what_is_lost_in_a_silence_is_reported_once_with_its_end() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let mut incidents = Incidents::new(TimeZone::UTC);
        let mut streams = [health(Stream::Eeg, start), health(Stream::Mot, start)];
        observe(&mut incidents, start, 1, &streams);
        for stream in &mut streams {
            (stream.last, stream.stale_since) = (Some(at(10)), Some(at(10)));
        }
        observe(&mut incidents, start, 12, &streams);
        let reported = observe(&mut incidents, start, 13, &streams);
        assert_eq!(reported, ["EPOCX-1: eeg mot are stale, no sample since 13:19:10"]);
        for (stream, lost) in streams.iter_mut().zip([1280, 320]) {
            (stream.last, stream.stale_since) = (Some(at(15)), None);
            lose(stream, lost, at(15), 5.0);
        }
        let mut reported = Vec::new();
        for second in 15..40 {
            reported.extend(observe(&mut incidents, start, second, &streams));
        }
        assert_eq!(
            reported,
            ["EPOCX-1: eeg mot came back after 5 s: lost 1280 eeg, 320 mot samples since 13:19:10"]
        );
        assert_eq!(incidents.next_settled(), None);
    }

    #[test]
    fn wrong_times_are_reported_with_their_stream() {
        let start = Instant::now();
        let mut incidents = Incidents::new(TimeZone::UTC);
        let mut streams = [health(Stream::Eeg, start), health(Stream::Mot, start)];
        let mut reported = Vec::new();
        for second in 0..20 {
            if (3..=4).contains(&second) {
                streams[0].wrong_times += 150;
            }
            reported.extend(observe(&mut incidents, start, second, &streams));
        }
        assert_eq!(
            reported,
            ["EPOCX-1: 300 eeg samples had wrong times from 13:19:03 to 13:19:04"]
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
