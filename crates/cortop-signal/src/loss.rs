//! How many samples were lost between two: by COUNTER, whose wrap is learned, with `time` telling
//! how many whole rounds of it went by (signal.md; cortex-api.md §5.2, §5.11). Knows numbers only.

/// A stamp this much earlier than the last, in seconds, means that the clock was set, not that a
/// sample came late.
const CLOCK_WAS_SET: f64 = 10.0;

/// Without a counter a step of up to this many periods is jitter, not loss.
const JITTER: f64 = 2.5;

/// More samples than this at once, half a year's, are a wrong stamp: so counts never overflow.
const LONGEST_OUTAGE: u64 = 1 << 32;

/// Where a sample stands after the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is new; so many were lost right before it.
    Next {
        /// Samples lost.
        lost: u64,
    },
    /// It was there before, or is older than the newest: to be dropped, for its column is closed.
    Repeat,
}

/// Follows the counter of one stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loss {
    /// Values of the counter until it is back at 0, as far as known: the nominal rate at first,
    /// then what is seen.
    wrap: u64,
    counter: Option<u64>,
    time: Option<f64>,
}

impl Loss {
    /// Before the first sample of a stream with this nominal rate.
    pub(crate) fn new(nominal_rate: Option<f64>) -> Self {
        Self { wrap: nominal_rate.map_or(0, whole), ..Self::default() }
    }

    /// The next sample: its COUNTER and `time` as far as it has them, and the stream's rate.
    pub(crate) fn step(
        &mut self,
        counter: Option<f64>,
        time: Option<f64>,
        rate: Option<f64>,
    ) -> Step {
        let counter = counter.filter(|&counter| counter >= 0.0).map(whole);
        let elapsed = match (self.time, time, rate) {
            (Some(last), Some(time), Some(rate)) => Some((time - last) * rate),
            _ => None,
        };
        let advance = match (self.counter, counter) {
            (Some(last), Some(counter)) if self.learn(last, counter, elapsed) => {
                self.advance(last, counter, elapsed)
            }
            _ => elapsed.filter(|&elapsed| elapsed > JITTER).map_or(1, whole),
        };
        if advance == 0 {
            return Step::Repeat;
        }
        self.counter = match (self.counter, counter) {
            (_, Some(counter)) if counter < self.wrap => Some(counter),
            // The first of all, or not to be believed: then it is where it should have been.
            (None, counter) => counter.inspect(|&counter| self.wrap = counter + 1),
            (Some(last), _) => Some((last + advance) % self.wrap.max(1)),
        };
        self.time = match (self.time, time) {
            (Some(last), Some(time)) if time < last && time > last - CLOCK_WAS_SET => Some(last),
            (last, time) => time.or(last),
        };
        Step::Next { lost: advance - 1 }
    }

    /// Learns the wrap from two values in sequence. False if the new one is not to be believed.
    fn learn(&mut self, last: u64, counter: u64, elapsed: Option<f64>) -> bool {
        let near = |steps: u64| elapsed.is_some_and(|elapsed| (elapsed - steps as f64).abs() < 0.5);
        if counter < last && (last >= self.wrap || near(counter + 1)) {
            // Back at 0 after `last`, and by the time nothing is missing.
            self.wrap = last + 1;
        } else if counter >= self.wrap {
            let forward = counter.saturating_sub(last);
            if forward != 1 && elapsed.is_some() && !near(forward) {
                return false;
            }
            self.wrap = counter + 1;
        }
        true
    }

    /// Whether what is stamped no later than the last sample is an older one: its counter is less
    /// than half a round back, or as many steps and whole rounds as its time. The very next counter
    /// with an early stamp is a sample whose stamp is wrong.
    fn is_late(&self, delta: u64, elapsed: f64) -> bool {
        let (back, wrap) = (delta as f64 - elapsed, self.wrap as f64);
        let rounds = (back / wrap).round();
        let agrees = rounds >= 1.0 && (back - rounds * wrap).abs() < JITTER;
        delta > self.wrap / 2 || (delta > 1 && agrees)
    }

    /// How many samples the counter went on; 0 for a repeated or late sample.
    fn advance(&self, last: u64, counter: u64, elapsed: Option<f64>) -> u64 {
        let delta = (counter + self.wrap - last) % self.wrap;
        let not_later = elapsed.is_none_or(|elapsed| elapsed < 0.5);
        if elapsed.is_some_and(|elapsed| not_later && self.is_late(delta, elapsed)) {
            return 0;
        }
        let rounds =
            elapsed.map_or(0, |elapsed| whole((elapsed - delta as f64) / self.wrap as f64));
        match delta.saturating_add(rounds.saturating_mul(self.wrap)).min(LONGEST_OUTAGE) {
            // A counter that stands still while time goes on does not count.
            0 if !not_later => 1,
            advance => advance,
        }
    }
}

/// The nearest whole number, at least 0 and within the longest outage.
fn whole(value: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
    let whole = value.round().clamp(0.0, LONGEST_OUTAGE as f64) as u64;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs samples `(counter, time)` at 128 Hz through a fresh counter and adds up the loss.
    fn lost(nominal: Option<f64>, samples: impl IntoIterator<Item = (f64, f64)>) -> (u64, u64) {
        let mut loss = Loss::new(nominal);
        samples.into_iter().fold((0, 0), |(lost, repeats), (counter, time)| {
            match loss.step(Some(counter), Some(time), nominal.or(Some(128.0))) {
                Step::Next { lost: more } => (lost + more, repeats),
                Step::Repeat => (lost, repeats + 1),
            }
        })
    }

    /// The samples of a headset that counts modulo `wrap`, sent at `rate`.
    fn counted(
        wrap: u64,
        rate: f64,
        samples: std::ops::Range<u64>,
    ) -> impl Iterator<Item = (f64, f64)> {
        samples.map(move |index| ((index % wrap) as f64, 1.7e9 + index as f64 / rate))
    }

    #[test]
    fn a_whole_recording_has_no_loss_whatever_the_wrap() {
        for wrap in [32, 33, 64, 128, 129, 256] {
            for nominal in [Some(128.0), None] {
                let samples = counted(wrap, 127.0, 5..2000);
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
    fn repeated_and_late_samples_are_dropped_and_late_stamps_are_not_losses() {
        let mut samples: Vec<_> = counted(128, 128.0, 0..600).collect();
        samples.insert(300, samples[299]);
        samples.insert(400, samples[390]);
        assert_eq!(lost(Some(128.0), samples), (0, 2));

        let mut samples: Vec<_> = counted(128, 128.0, 0..600).collect();
        samples[200].1 -= 0.7;
        samples[300].1 = samples[299].1;
        for sample in &mut samples[450..] {
            sample.1 -= 3600.0;
        }
        assert_eq!(lost(Some(128.0), samples), (0, 0));
    }

    #[test]
    fn however_late_an_older_sample_is_dropped() {
        for late in (2..1000).filter(|late| late % 128 != 127) {
            let mut samples: Vec<_> = counted(128, 127.9, 0..2000).collect();
            samples.insert(1500, samples[1499 - late]);
            assert_eq!(lost(Some(128.0), samples), (0, 1), "{late}");
        }
    }

    #[test]
    fn a_counter_gone_wild_is_not_believed() {
        let mut samples: Vec<_> = counted(128, 128.0, 0..600).collect();
        samples[77].0 = 5000.0;
        assert_eq!(lost(Some(128.0), samples), (0, 0));
    }

    #[test]
    fn without_a_counter_time_tells_and_without_time_the_counter() {
        let mut loss = Loss::new(Some(128.0));
        for (time, expected) in [(0.0, 0), (0.008, 0), (0.023, 0), (1.023, 127), (1.023, 0)] {
            let step = loss.step(None, Some(1.7e9 + time), Some(128.0));
            assert_eq!(step, Step::Next { lost: expected }, "{time}");
        }
        let mut loss = Loss::new(Some(128.0));
        for (counter, expected) in [(126, 0), (127, 0), (2, 2), (3, 0)] {
            let step = loss.step(Some(f64::from(counter)), None, Some(128.0));
            assert_eq!(step, Step::Next { lost: expected }, "{counter}");
        }
        assert_eq!(loss.step(Some(3.0), None, Some(128.0)), Step::Repeat);
    }
}
