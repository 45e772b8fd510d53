//! How many samples were lost between two samples, according to COUNTER, whose wrap is learned.
//! Whole rounds of the counter count only if arrivals were silent for about as long
//! (docs/signal.md; docs/protocol.md §5.2, §5.11): clocks are set and stamps can be wrong, so
//! `time` alone proves nothing. It only chooses between what counter and arrival both allow. Works
//! on numbers only.

use std::time::Duration;

use tokio::time::Instant;

/// In periods. Without a counter, anything below this is jitter, not loss; it is also the tolerance
/// for stamps and arrivals.
const JITTER: f64 = 2.5;

/// A loss of more samples than this at once, half a year's worth, is nonsense; the limit keeps
/// counts from overflowing.
const LONGEST_OUTAGE: u64 = 1 << 32;

/// A stamp that is more rounds of the counter before the newest sample is not late but wrong.
const OLDEST: f64 = 16.0;

/// Two rates that differ by less than this share are the same rate, one of them measured less
/// exactly.
const SAME_RATE: f64 = 0.1;

/// The position of a sample relative to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Continuity {
    /// A new sample.
    Next {
        /// Samples lost right before it.
        lost: u64,
    },
    /// A repeated sample, or one older than the newest: drop it, for its column is closed.
    Repeat,
    /// It ends a silence, and only the pace of the following samples will show whether samples were
    /// lost or delayed: push it again after [`LossCounter::verdict`].
    Undecided,
}

/// A mean rate: steps over seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MeanRate {
    steps: f64,
    seconds: f64,
}

impl MeanRate {
    /// With fewer seconds than this there is no rate.
    const ENOUGH: f64 = 3.0;

    pub(crate) fn add(&mut self, steps: u64, seconds: f64) {
        self.steps += steps as f64;
        self.seconds += seconds;
    }

    /// Steps per second.
    pub(crate) fn rate(&self) -> Option<f64> {
        (self.seconds >= Self::ENOUGH).then(|| self.steps / self.seconds)
    }
}

/// Tracks the counter of one stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct LossCounter {
    /// How many values the counter takes before it returns to 0, as far as known: first the nominal
    /// rate, then what is observed.
    wrap: u64,
    /// The counter of the last sample, or its expected value.
    counter: Option<u64>,
    /// The counter of the last sample as received.
    raw: Option<u64>,
    received: Option<Instant>,
    /// The counter's pace by arrival, excluding outages.
    pace: MeanRate,
    /// How many samples in a row appeared older than the newest.
    late: u64,
    /// The pace after a silence, once known.
    following: Option<ResumedPace>,
}

/// The pace of samples after a silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResumedPace {
    /// Faster than they are measured: they were delayed.
    Burst,
    /// As fast as they are measured.
    Flow,
    /// Only a few: not enough to prove that the silence is over.
    Few,
}

/// The distance between two samples in periods, as far as known.
#[derive(Clone, Copy, Debug)]
struct Elapsed {
    time: Option<f64>,
    arrival: Option<f64>,
}

/// The conclusion from a counter.
enum Advance {
    By(u64),
    /// By this many, including whole rounds of the counter, as shown by the arrival.
    ByRounds(u64),
    Late,
    Undecided,
}

impl LossCounter {
    /// Before the first sample of a stream with this nominal rate.
    pub(crate) fn new(nominal_rate: Option<f64>) -> Self {
        Self { wrap: nominal_rate.map_or(0, whole), ..Self::default() }
    }

    /// Samples per second by arrival.
    pub(crate) fn pace(&self) -> Option<f64> {
        self.pace.rate()
    }

    /// Evaluates the next sample: its COUNTER if it has one, the seconds from the last sample's
    /// `time` to its own, its arrival, and the stream's rate by `time`.
    pub(crate) fn step(
        &mut self,
        counter: Option<f64>,
        time: Option<f64>,
        received: Instant,
        rate: Option<f64>,
    ) -> Continuity {
        let silence = self.silence(received);
        let elapsed = self.elapsed(time, received, rate);
        let following = self.following.take();
        let counter = counter.filter(|&counter| counter >= 0.0).map(whole);
        let advance = match (self.counter, counter) {
            (Some(last), Some(counter)) => self.advance(last, counter, elapsed, following),
            _ => Advance::By(elapsed.uncounted()),
        };
        let advance = match advance {
            Advance::By(advance) => {
                self.pace.add(advance, silence);
                advance
            }
            Advance::ByRounds(advance) => advance,
            Advance::Undecided => return Continuity::Undecided,
            Advance::Late => {
                self.late += 1;
                return Continuity::Repeat;
            }
        };
        let advance = advance.min(LONGEST_OUTAGE);
        self.counter = match (self.counter, counter) {
            (_, Some(counter)) if counter < self.wrap => Some(counter),
            // The first sample of all; or its counter is not credible, so the expected value
            // stands.
            (None, counter) => counter.inspect(|&counter| self.wrap = counter + 1),
            (Some(last), _) => Some((last + advance) % self.wrap.max(1)),
        };
        (self.raw, self.received, self.late) = (counter, Some(received), 0);
        Continuity::Next { lost: advance - 1 }
    }

    /// Whether a sample after an undecided one continues from the last sample before it by counter,
    /// time and arrival alike: if so, the undecided one was a stray.
    pub(crate) fn agrees(
        &self,
        counter: Option<f64>,
        time: Option<f64>,
        received: Instant,
        rate: Option<f64>,
    ) -> bool {
        let Elapsed { time: Some(time), arrival: Some(arrival) } =
            self.elapsed(time, received, rate)
        else {
            return false;
        };
        let Some((last, counter)) = self.counter.zip(counter.filter(|&c| c >= 0.0).map(whole))
        else {
            return false;
        };
        let wrap = self.wrap.max(1);
        let shown = ((counter + wrap - last) % wrap) as f64;
        let wrap = wrap as f64;
        let steps = shown + ((time - shown) / wrap).round() * wrap;
        // Must be positive, or a whole burst would be dropped.
        steps >= 1.0
            && (time - steps).abs() <= JITTER + (time / 200.0).min(wrap / 8.0)
            && (time - arrival).abs() <= JITTER + wrap / 8.0
    }

    /// Decides a pending case once enough samples have come since, including the undecided one, or
    /// enough time has passed. Returns true if there is a decision: then push the samples again.
    pub(crate) fn verdict(&mut self, count: usize, since: Duration, rate: Option<f64>) -> bool {
        let (count, enough) = (count as f64, (self.wrap / 4).clamp(4, 64) as f64);
        let periods = since.as_secs_f64() * self.rate(rate).unwrap_or_default();
        if count >= enough || periods >= enough {
            self.following = Some(match periods {
                _ if periods < count / 2.0 => ResumedPace::Burst,
                _ if periods <= count * 2.0 => ResumedPace::Flow,
                _ => ResumedPace::Few,
            });
        }
        self.following.is_some()
    }

    /// Seconds since the last sample.
    fn silence(&self, received: Instant) -> f64 {
        self.received.map_or(0.0, |last| received.duration_since(last).as_secs_f64())
    }

    fn elapsed(&self, time: Option<f64>, received: Instant, rate: Option<f64>) -> Elapsed {
        Elapsed {
            time: time.zip(rate).map(|(time, rate)| time * rate),
            arrival: self.rate(rate).map(|rate| self.silence(received) * rate),
        }
    }

    /// Samples per second by arrival, for samples that come at `rate` by `time`.
    fn rate(&self, rate: Option<f64>) -> Option<f64> {
        match (self.pace.rate(), rate) {
            (Some(pace), Some(rate)) if (pace / rate - 1.0).abs() < SAME_RATE => Some(rate),
            (pace, rate) => pace.or(rate),
        }
    }

    /// How far the counter has advanced.
    fn advance(
        &mut self,
        last: u64,
        counter: u64,
        elapsed: Elapsed,
        following: Option<ResumedPace>,
    ) -> Advance {
        if counter >= self.wrap {
            let forward = counter.saturating_sub(last);
            if forward != 1 && self.raw.is_some_and(|raw| raw + 1 == counter) {
                // Not credible before, but it continues from there: the counter was set.
                self.wrap = counter + 1;
                return Advance::By(1);
            }
            if forward != 1 && !elapsed.allows(forward) {
                return Advance::By(elapsed.uncounted());
            }
            self.wrap = counter + 1;
        }
        let delta = (counter + self.wrap - last) % self.wrap;
        // Whether too little time has passed since the last sample for this many to be missing.
        let missing = if delta <= 1 { self.wrap } else { delta } as f64;
        let flows = elapsed.arrival.is_none_or(|arrival| arrival <= missing * 0.75 + 0.25);
        // Only up to a number of times: if the samples keep coming like this, the clock was set.
        let may_be_late = self.late < self.patience() && (delta != 1 || !flows);
        if may_be_late && self.is_late(delta, elapsed.time) {
            match following {
                _ if flows => return Advance::Late,
                Some(ResumedPace::Burst | ResumedPace::Few) => return Advance::Late,
                // Or the clock was set back, and samples were lost.
                None => return Advance::Undecided,
                Some(ResumedPace::Flow) => {}
            }
        }
        let wrapped = counter + 1;
        let took = |steps: u64| elapsed.time.is_some_and(|time| (time - steps as f64).abs() < 0.5);
        let back_at_0 = took(wrapped) || !took(delta) && wrapped as f64 <= JITTER;
        if counter < last && wrapped != delta && flows && back_at_0 {
            // Back at 0 after `last`, with nothing missing.
            self.wrap = last + 1;
            return Advance::By(wrapped);
        }
        self.rounds(delta, elapsed, following)
    }

    /// Adds whole rounds of the counter to the steps that it shows.
    fn rounds(&self, delta: u64, elapsed: Elapsed, following: Option<ResumedPace>) -> Advance {
        let (shown, wrap) = (delta as f64, self.wrap as f64);
        let rounds = |periods: f64| ((periods - shown) / wrap).round();
        let silent = elapsed.arrival.map_or(0.0, rounds);
        if silent < 1.0 {
            // A counter that stands still while samples arrive does not count.
            return Advance::By(delta.max(1));
        }
        let (arrival, time) = (elapsed.arrival.unwrap_or_default(), elapsed.time.unwrap_or(shown));
        let stamped = rounds(time);
        let (by_arrival, by_time) = (shown + silent * wrap, shown + stamped * wrap);
        // If samples were only delayed, all or some of them, their stamps continue.
        let goes_on = stamped >= 0.0 && (time - by_time).abs() <= JITTER + by_time / 100.0;
        let delayed = stamped < silent && goes_on && {
            let fits = (arrival - by_arrival).abs() <= wrap / 5.0 + by_arrival / 100.0;
            match following {
                _ if !fits => true,
                Some(following) => following == ResumedPace::Burst,
                None => return Advance::Undecided,
            }
        };
        match if delayed { by_time } else { by_arrival } {
            few if few <= shown => Advance::By(delta.max(1)),
            many => Advance::ByRounds(whole(many)),
        }
    }

    /// Whether a sample stamped no later than the last one is an older one: if so, its counter is
    /// as many steps back as its time, modulo whole rounds.
    fn is_late(&self, delta: u64, time: Option<f64>) -> bool {
        let Some(time) = time else { return delta == 0 };
        let (back, wrap) = (delta as f64 - time, self.wrap as f64);
        let rounds = (back / wrap).round();
        let agrees = (back - rounds * wrap).abs() <= JITTER + time.abs() / 100.0;
        time < 0.5 && agrees && rounds <= OLDEST && (rounds >= 1.0 || delta == 0)
    }

    /// How many samples in a row may appear late.
    fn patience(&self) -> u64 {
        (self.wrap / 4).clamp(8, 64)
    }
}

impl Elapsed {
    /// Whether this many steps roughly match the elapsed time, as far as that is known.
    fn allows(self, steps: u64) -> bool {
        let steps = steps as f64;
        let near = |periods: f64| (periods - steps).abs() <= JITTER + steps / 20.0;
        match (self.time, self.arrival) {
            (None, None) => true,
            (time, arrival) => time.into_iter().chain(arrival).any(near),
        }
    }

    /// Steps of samples without a counter: only what is missing by both time and arrival is
    /// missing; if the stamp cannot be right, the arrival decides.
    fn uncounted(self) -> u64 {
        let arrival = self.arrival.filter(|&arrival| arrival > JITTER);
        let Some((time, arrival)) = self.time.zip(arrival) else { return 1 };
        let plausible = (-JITTER..=arrival + JITTER).contains(&time);
        let steps = if plausible { time } else { arrival };
        if steps > JITTER { whole(steps) } else { 1 }
    }
}

/// The nearest whole number, at least 0 and at most the longest outage.
fn whole(value: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
    let whole = value.round().clamp(0.0, LONGEST_OUTAGE as f64) as u64;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sample as a headset sends it: counter, `time` in seconds, and arrival in seconds.
    #[derive(Clone, Copy, Debug)]
    struct Sent {
        counter: Option<f64>,
        time: Option<f64>,
        arrival: f64,
    }

    /// The samples of a headset that counts modulo `wrap`, sent at `rate`.
    fn counted(wrap: u64, rate: f64, samples: std::ops::Range<u64>) -> impl Iterator<Item = Sent> {
        samples.map(move |index| {
            let time = index as f64 / rate;
            Sent { counter: Some((index % wrap) as f64), time: Some(time), arrival: time }
        })
    }

    /// Runs samples through a new counter. Returns how many were lost and how many dropped.
    fn lost(nominal: Option<f64>, samples: impl IntoIterator<Item = Sent>) -> (u64, u64) {
        let (start, mut counter_loss) = (Instant::now(), LossCounter::new(nominal));
        let (mut newest, mut lost, mut dropped) = (None, 0, 0);
        for Sent { counter, time, arrival } in samples {
            let elapsed = time.zip(newest).map(|(time, newest): (f64, f64)| time - newest);
            let received = start + Duration::from_secs_f64(arrival);
            match counter_loss.step(counter, elapsed, received, nominal.or(Some(128.0))) {
                Continuity::Next { lost: more } => {
                    lost += more;
                    newest = time.or(newest);
                }
                Continuity::Repeat => dropped += 1,
                Continuity::Undecided => panic!("nothing here is"),
            }
        }
        (lost, dropped)
    }

    #[test]
    fn a_whole_recording_has_no_loss_whatever_the_wrap() {
        for wrap in [32, 33, 64, 127, 128, 129, 256, 100_000] {
            for nominal in [Some(128.0), Some(256.0), None] {
                let samples = counted(wrap, nominal.unwrap_or(127.0) - 1.0, 5..2000);
                assert_eq!(lost(nominal, samples), (0, 0), "wrap {wrap}, nominal {nominal:?}");
            }
        }
    }

    #[test]
    fn outages_count_whole_seconds_and_any_part_of_them() {
        for outage in [1, 2, 127, 128, 129, 256, 300, 1280, 1281, 12_800] {
            let samples = counted(128, 127.9, 0..1000).chain(counted(
                128,
                127.9,
                1000 + outage..2000 + outage,
            ));
            assert_eq!(lost(Some(128.0), samples), (outage, 0), "{outage}");
        }
    }

    #[test]
    fn the_last_of_a_round_is_lost_however_soon_the_next_arrives() {
        let mut samples: Vec<_> = counted(128, 127.9, 0..1000).collect();
        samples.remove(255);
        samples[255].arrival -= 0.008;
        assert_eq!(lost(Some(128.0), samples), (1, 0));
    }

    #[test]
    fn repeated_and_late_samples_are_dropped_and_late_stamps_are_not_losses() {
        let mut samples: Vec<_> = counted(128, 128.0, 0..600).collect();
        samples.insert(300, samples[299]);
        samples.insert(400, Sent { arrival: samples[400].arrival, ..samples[390] });
        assert_eq!(lost(Some(128.0), samples), (0, 2));

        let mut samples: Vec<_> = counted(128, 128.0, 0..600).collect();
        samples[200].time = samples[200].time.map(|time| time - 0.7);
        samples[300].time = samples[299].time;
        assert_eq!(lost(Some(128.0), samples), (0, 0));
    }

    #[test]
    fn however_late_an_older_sample_is_dropped() {
        for late in (2..1000).filter(|late| late % 128 != 127) {
            let mut samples: Vec<_> = counted(128, 127.9, 0..2000).collect();
            samples.insert(1500, Sent { arrival: samples[1500].arrival, ..samples[1499 - late] });
            assert_eq!(lost(Some(128.0), samples), (0, 1), "{late}");
        }
    }

    #[test]
    fn a_counter_gone_wild_is_not_believed_but_one_that_goes_on_is() {
        for wild in [0.0, 5000.0] {
            let mut samples: Vec<_> = counted(128, 128.0, 0..600).collect();
            samples[77].counter = Some(wild);
            assert_eq!(lost(Some(128.0), samples), (0, 0), "{wild}");
        }
        let mut samples: Vec<_> = counted(128, 128.0, 0..600).collect();
        for (counter, sample) in (5000..).zip(&mut samples[77..]) {
            sample.counter = Some(f64::from(counter));
        }
        samples.drain(300..310);
        assert_eq!(lost(Some(128.0), samples), (10, 0));
    }

    #[test]
    fn without_a_counter_time_and_arrival_tell_and_without_time_the_counter() {
        let sent = |counter, time, arrival| Sent { counter, time, arrival };
        let expect = |samples: &[Sent], expected: u64| {
            assert_eq!(lost(Some(128.0), samples.iter().copied()), (expected, 0), "{samples:?}");
        };
        let first = sent(None, Some(0.0), 0.0);
        expect(&[first, sent(None, Some(0.023), 0.008)], 0);
        expect(&[first, sent(None, Some(1.0), 1.0)], 127);
        expect(&[first, sent(None, Some(3600.0), 1.0)], 127);
        expect(&[first, sent(None, Some(0.008), 1.0)], 0);
        expect(&[first, sent(None, Some(3600.0), 0.008)], 0);
        let first = sent(Some(126.0), None, 0.0);
        expect(&[first, sent(Some(127.0), None, 0.008), sent(Some(2.0), None, 0.03)], 2);
        let again = [first, first];
        assert_eq!(lost(Some(128.0), again), (0, 1));
    }
}
