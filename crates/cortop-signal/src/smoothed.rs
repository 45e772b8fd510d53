//! Levels by sensor, smoothed over the last seconds: EEG quality flickers by design
//! (docs/protocol.md §5.5), and a list sorted by flickering values cannot be read. Smoothed over
//! time, not over samples; a null is not a level and does not count.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::latest_values::LatestValues;

/// The time over which levels are smoothed.
pub const SMOOTHING_TIME: Duration = Duration::from_secs(4);

/// The most tables kept: 4 s at 16 Hz, eight times the rate of Cortex.
const MOST: usize = 64;

/// How far the mean must be from the displayed level before that changes: more than one half, at
/// which the display would oscillate; less than what would pin it to where it started.
const HOLD: f64 = 0.6;

/// The levels of `eq` by sensor, smoothed.
#[derive(Clone, Debug, Default)]
pub struct Smoothed {
    /// The tables of the last [`SMOOTHING_TIME`], newest last.
    recent: VecDeque<Arc<LatestValues>>,
    levels: Vec<Option<f64>>,
}

impl Smoothed {
    /// Adds the next table.
    pub fn push(&mut self, table: Arc<LatestValues>) {
        let now = table.received;
        let same = |old: &Arc<LatestValues>| old.sensors().map(|(name, _)| name).eq(names(&table));
        if !self.recent.back().is_none_or(same) {
            self.levels.clear();
            self.recent.clear();
        }
        self.recent.push_back(table);
        let old = |table: &Arc<LatestValues>| {
            now.saturating_duration_since(table.received) >= SMOOTHING_TIME
        };
        while self.recent.len() > MOST || self.recent.front().is_some_and(old) {
            self.recent.pop_front();
        }
        let means = (0..self.recent.back().map_or(0, |table| table.sensors().count()))
            .map(|at| self.mean(|table| table.sensors().nth(at).and_then(|(_, level)| level)));
        let levels = means.enumerate().map(|(at, mean)| {
            let (mean, held) = (mean?, self.levels.get(at).copied().flatten());
            Some(held.filter(|held| (mean - held).abs() <= HOLD).unwrap_or(mean.round()))
        });
        self.levels = levels.collect();
    }

    /// Each sensor's level in column order, a whole number; `None` if no level arrived within the
    /// last [`SMOOTHING_TIME`].
    pub fn levels(&self) -> impl Iterator<Item = (&str, Option<f64>)> {
        let sensors = self.recent.back().into_iter().flat_map(|table| names(table));
        sensors.zip(self.levels.iter().copied())
    }

    /// The overall quality in per cent, smoothed.
    #[must_use]
    pub fn overall(&self) -> Option<f64> {
        self.mean(LatestValues::overall).map(f64::round)
    }

    /// The mean of the numbers that arrived within the last [`SMOOTHING_TIME`].
    fn mean(&self, value: impl Fn(&LatestValues) -> Option<f64>) -> Option<f64> {
        let values = self.recent.iter().filter_map(|table| value(table));
        let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), x| (sum + x, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    }
}

fn names(table: &LatestValues) -> impl Iterator<Item = &str> {
    table.sensors().map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::time::Instant;

    use super::*;

    /// Levels of one sensor at times in milliseconds.
    fn fed(levels: &[(u64, Option<f64>)]) -> Smoothed {
        let (start, mut smoothed) = (Instant::now(), Smoothed::default());
        for &(at, level) in levels {
            let values = vec![("overall".to_owned(), level), ("T7".to_owned(), level)];
            let received = start + Duration::from_millis(at);
            smoothed.push(Arc::new(LatestValues { values, received }));
        }
        smoothed
    }

    fn level(smoothed: &Smoothed) -> Option<f64> {
        smoothed.levels().next().expect("one sensor").1
    }

    /// Times in order, and levels with nulls among them.
    fn samples() -> impl Strategy<Value = Vec<(u64, Option<f64>)>> {
        let level = prop::option::weighted(0.7, (0..=4_u8).prop_map(f64::from));
        prop::collection::vec((1..1500_u64, level), 1..60).prop_map(|steps| {
            let mut at = 0;
            steps
                .into_iter()
                .map(|(step, level)| {
                    at += step;
                    (at, level)
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn a_null_never_counts(samples in samples()) {
            // Without its nulls the stream has the same result, as long as it ends at the same
            // moment.
            let end = samples.last().map_or(0, |&(at, _)| at) + 1;
            let with: Vec<_> = samples.iter().copied().chain([(end, Some(3.0))]).collect();
            let without: Vec<_> =
                with.iter().copied().filter(|(_, level)| level.is_some()).collect();
            let (with, without) = (fed(&with), fed(&without));
            prop_assert_eq!(with.overall(), without.overall());
            let near = |smoothed: &Smoothed| smoothed.mean(LatestValues::overall).expect("3 at least");
            prop_assert!((near(&with) - near(&without)).abs() < 1e-9);
        }

        #[test]
        fn it_stays_between_the_levels_that_came(samples in samples()) {
            let smoothed = fed(&samples);
            let last = samples.last().map_or(0, |&(at, _)| at);
            let recent: Vec<f64> = samples
                .iter()
                .filter(|(at, _)| last - at < 4000)
                .filter_map(|&(_, level)| level)
                .collect();
            let low = recent.iter().copied().fold(f64::INFINITY, f64::min);
            let high = recent.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            match level(&smoothed) {
                None => prop_assert!(recent.is_empty()),
                Some(level) => prop_assert!(low <= level && level <= high, "{level} {recent:?}"),
            }
        }

        #[test]
        fn four_seconds_later_nothing_of_the_past_is_left(samples in samples()) {
            let end = samples.last().map_or(0, |&(at, _)| at) + 4000;
            let with = fed(&[&samples[..], &[(end, Some(1.0))]].concat());
            prop_assert!((with.overall().expect("one") - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_flicker_changes_nothing_and_a_real_change_shows_within_four_seconds() {
        let flicker = |at: u64| (at * 500, Some(if at.is_multiple_of(3) { 3.0 } else { 4.0 }));
        let calm: Vec<_> = (0..20).map(flicker).collect();
        for count in 4..calm.len() {
            assert_eq!(level(&fed(&calm[..count])), Some(4.0));
        }
        let off: Vec<_> = (20..28).map(|at| (at * 500, Some(0.0))).collect();
        assert_eq!(level(&fed(&[&calm[..], &off].concat())), Some(0.0));
    }

    #[test]
    fn it_is_evened_out_in_time_and_not_in_samples() {
        // Three good ones long ago count for nothing, however few came since.
        let smoothed =
            fed(&[(0, Some(4.0)), (500, Some(4.0)), (1000, Some(4.0)), (6000, Some(1.0))]);
        assert_eq!(level(&smoothed), Some(1.0));
        assert_eq!(smoothed.recent.len(), 1);
    }

    #[test]
    fn other_sensors_begin_anew_and_the_memory_is_bounded() {
        let start = Instant::now();
        let mut smoothed = Smoothed::default();
        for _ in 0..1000 {
            let values = vec![("T7".to_owned(), Some(4.0))];
            smoothed.push(Arc::new(LatestValues { values, received: start }));
        }
        assert_eq!(smoothed.recent.len(), MOST);
        let values = vec![("Cz".to_owned(), Some(0.0))];
        smoothed.push(Arc::new(LatestValues { values, received: start }));
        assert_eq!(smoothed.levels().collect::<Vec<_>>(), [("Cz", Some(0.0))]);
    }
}
