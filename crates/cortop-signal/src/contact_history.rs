//! Contact quality over the last two minutes, sensor by sensor, which shows whether wetting a
//! sensor helped. Stores levels and their arrival, not how they are drawn.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::latest_values::LatestValues;

/// How far back the history goes.
pub const SPAN: Duration = Duration::from_secs(2 * 60);

/// The most samples kept: two minutes at 8 Hz, four times the rate of Cortex.
const MOST: usize = 960;

/// The lowest level that counts as good (§5.4).
const GOOD: f64 = 3.5;

/// After a silence of this length, contact in between is unknown: durations start over.
const SILENCE: Duration = Duration::from_secs(5);

/// The levels of `dev` by sensor over the last [`SPAN`].
#[derive(Clone, Debug, Default)]
pub struct ContactHistory {
    sensors: Vec<String>,
    /// The arrival of each sample, oldest first.
    received: VecDeque<Instant>,
    /// The levels of each sample, one per sensor; NaN if Cortex sent none.
    levels: VecDeque<f32>,
    all_good: Option<AllGood>,
}

/// Whether all sensors have good contact, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllGood {
    /// Whether all have it; a sensor without a level does not.
    pub is: bool,
    /// The arrival of the first sample with this result.
    pub since: Instant,
}

impl ContactHistory {
    /// Adds the next sample.
    pub fn push(&mut self, table: &LatestValues) {
        let now = table.received;
        if !self.sensors.iter().map(String::as_str).eq(table.sensors().map(|(name, _)| name)) {
            *self = Self::default();
            self.sensors = table.sensors().map(|(name, _)| name.to_owned()).collect();
        }
        let silence = self.received.back().map(|&last| now.saturating_duration_since(last));
        if silence.is_some_and(|silence| silence > SILENCE) {
            self.all_good = None;
        }
        let is = table.sensors().all(|(_, level)| level.is_some_and(|level| level >= GOOD));
        if self.all_good.is_none_or(|before| before.is != is) {
            self.all_good = Some(AllGood { is, since: now }).filter(|_| !self.sensors.is_empty());
        }
        #[expect(clippy::cast_possible_truncation, reason = "a small number")]
        let levels = table.sensors().map(|(_, level)| level.unwrap_or(f64::NAN) as f32);
        self.levels.extend(levels);
        self.received.push_back(now);
        let is_old = |then: &Instant| now.saturating_duration_since(*then) > SPAN;
        while self.received.len() > MOST || self.received.front().is_some_and(is_old) {
            self.received.pop_front();
            self.levels.drain(..self.sensors.len());
        }
    }

    /// The arrival of each sample, oldest first.
    pub fn received(&self) -> impl Iterator<Item = Instant> {
        self.received.iter().copied()
    }

    /// The level of a sensor in each of these samples; `None` if Cortex sent no level. Empty for an
    /// unknown sensor.
    pub fn levels(&self, sensor: &str) -> impl Iterator<Item = Option<f64>> {
        let place = self.sensors.iter().position(|own| own == sensor);
        let all = self.sensors.len().max(1);
        let own = self.levels.iter().skip(place.unwrap_or(self.levels.len())).step_by(all);
        own.map(|&level| Some(f64::from(level)).filter(|level| !level.is_nan()))
    }

    /// Whether all sensors have good contact, and since when; `None` before the first sample.
    #[must_use]
    pub fn all_good(&self) -> Option<AllGood> {
        self.all_good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A history of two sensors at times in milliseconds, and its start.
    fn fed(samples: &[(u64, [Option<f64>; 2])]) -> (ContactHistory, Instant) {
        let (start, mut history) = (Instant::now(), ContactHistory::default());
        for &(at, levels) in samples {
            let names = ["T7", "T8"].map(str::to_owned);
            let overall = ("OVERALL".to_owned(), Some(50.0));
            let values = names.into_iter().zip(levels).chain([overall]).collect();
            let received = start + Duration::from_millis(at);
            history.push(&LatestValues { values, received });
        }
        (history, start)
    }

    #[test]
    fn levels_are_kept_by_sensor_and_a_null_is_no_level() {
        let (history, start) = fed(&[(0, [Some(0.0), Some(4.0)]), (500, [None, Some(3.0)])]);
        let received: Vec<_> = history.received().map(|at| (at - start).as_millis()).collect();
        assert_eq!(received, [0, 500]);
        assert_eq!(history.levels("T7").collect::<Vec<_>>(), [Some(0.0), None]);
        assert_eq!(history.levels("T8").collect::<Vec<_>>(), [Some(4.0), Some(3.0)]);
        assert_eq!(history.levels("Pz").count(), 0);
    }

    #[test]
    fn it_is_bounded_in_time_and_in_samples() {
        let calm = |at: u64| (at, [Some(4.0); 2]);
        let (history, start) = fed(&(0..1000).map(|at| calm(at * 500)).collect::<Vec<_>>());
        assert_eq!(history.received().count(), 241);
        assert_eq!(
            history.received().next(),
            Some(start + Duration::from_millis(499_500 - 120_000))
        );
        assert_eq!(history.levels("T8").count(), 241);
        let (history, _) = fed(&(0..5000).map(calm).collect::<Vec<_>>());
        assert_eq!((history.received().count(), history.levels("T7").count()), (MOST, MOST));
    }

    #[test]
    fn other_sensors_begin_anew() {
        let (mut history, start) = fed(&[(0, [Some(0.0); 2]), (500, [Some(0.0); 2])]);
        let values = vec![("Cz".to_owned(), Some(4.0))];
        history.push(&LatestValues { values, received: start + Duration::from_secs(1) });
        assert_eq!((history.received().count(), history.levels("T7").count()), (1, 0));
        assert_eq!(history.levels("Cz").collect::<Vec<_>>(), [Some(4.0)]);
        let since = start + Duration::from_secs(1);
        assert_eq!(history.all_good(), Some(AllGood { is: true, since }));
    }

    #[test]
    fn the_time_since_all_are_good_counts_from_the_first_sample_that_says_so() {
        let since = |samples: &[(u64, [Option<f64>; 2])]| {
            let (history, start) = fed(samples);
            history.all_good().map(|all| (all.is, (all.since - start).as_millis()))
        };
        let (good, poor, unknown) = ([Some(4.0); 2], [Some(4.0), Some(2.0)], [Some(4.0), None]);
        assert_eq!(since(&[]), None);
        assert_eq!(since(&[(0, good), (500, good)]), Some((true, 0)));
        assert_eq!(since(&[(0, good), (500, poor), (1000, poor)]), Some((false, 500)));
        assert_eq!(since(&[(0, poor), (500, good), (1000, good)]), Some((true, 500)));
        assert_eq!(since(&[(0, good), (500, unknown)]), Some((false, 500)));
        // Contact during a silence is unknown.
        assert_eq!(since(&[(0, good), (9000, good), (9500, good)]), Some((true, 9000)));
        assert_eq!(since(&[(0, good), (4000, good)]), Some((true, 0)));
    }
}
