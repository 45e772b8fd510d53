//! Sample counters: where they wrap, and how far each row is from the first one, even if some
//! counters cannot be read or do not fit.

use std::ops::RangeInclusive;

use crate::noise::slot;

/// A counter that continues from round to round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReplayedCounter {
    /// The counter of the first row.
    pub(super) first: u64,
    /// The counter stays below this value.
    pub(super) wrap: u64,
}

/// By how much a counter advances from one row to the next if little is lost.
const NEAR: RangeInclusive<u64> = 1..=8;

/// With fewer counters than this, it is undecided whether they count samples.
const FEW: u64 = 16;

/// Statistics of the counters of a recording, collected row by row. A value only counts if its
/// neighbour continues from it, so that a single wrong one does not affect the wrap.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CounterScan {
    rows: u64,
    /// The previous row's counter and time stamp, and whether it follows its predecessor.
    before: Option<(u64, f64, bool)>,
    most: u64,
    read: u64,
    /// How often the counter advances by one.
    by_one: u64,
    unchanged: u64,
    /// A decrease that no later row has confirmed yet.
    unconfirmed: Option<Fall>,
    falls: u64,
    first_fall: Option<Fall>,
    /// How often it dropped to 0 from the highest value.
    falls_from_most: u64,
}

/// A counter that is lower than the previous one.
#[derive(Clone, Copy, Debug)]
struct Fall {
    from: u64,
    to: u64,
    /// The difference of their time stamps.
    interval: f64,
}

impl CounterScan {
    /// Adds the counter of the next row, and its time stamp (NaN if missing).
    pub(super) fn push(&mut self, counter: Option<u64>, stamp: f64) {
        self.rows += 1;
        let fall = self.unconfirmed.take();
        let Some(counter) = counter else {
            self.before = None;
            return;
        };
        self.read += 1;
        let mut follows = false;
        if let Some((before, stamped, confirmed)) = self.before {
            let step = counter.checked_sub(before).filter(|step| NEAR.contains(step));
            follows = step.is_some();
            self.by_one += u64::from(step == Some(1));
            self.unchanged += u64::from(counter == before);
            if follows {
                self.most = self.most.max(counter);
                if let Some(fall) = fall {
                    self.confirm(fall);
                }
            } else if counter < before && (confirmed || self.read == 2) {
                self.unconfirmed =
                    Some(Fall { from: before, to: counter, interval: stamp - stamped });
            }
        }
        self.before = Some((counter, stamp, follows));
    }

    fn confirm(&mut self, fall: Fall) {
        if self.falls == 0 && self.first_fall.is_none() {
            self.first_fall = Some(fall);
        }
        self.falls += 1;
        if fall.from > self.most || self.falls_from_most == 0 {
            self.most = self.most.max(fall.from);
            self.falls_from_most = 0;
        }
        self.falls_from_most += u64::from(fall.to == 0 && fall.from == self.most);
    }

    /// Whether the counters count samples.
    pub(super) fn is_usable(&self) -> bool {
        let goes_on = 10 * self.by_one >= self.read || self.read < FEW;
        2 * self.read > self.rows && 20 * self.unchanged <= self.read && goes_on
    }

    /// The value below which the counter stays; `None` if there is no usable counter. If it
    /// repeatedly drops from one value to 0: one above that value; if it drops once: what its time
    /// stamp shows; otherwise: the known limits of counters (§5.2). `rate`: the assumed limit if it
    /// does not wrap; `interval`: that of the time stamps from sample to sample, if they show it.
    pub(super) fn wrap(&self, rate: u64, interval: Option<f64>) -> Option<u64> {
        if !self.is_usable() {
            return None;
        }
        let by_stamp = || {
            let fall = self.first_fall.filter(|fall| fall.from == self.most)?;
            let steps = slot((fall.interval / interval?).round()).0;
            NEAR.contains(&steps).then(|| (fall.from + steps).saturating_sub(fall.to))
        };
        let usual = || {
            let mut usual = [rate, 128, 129, 256];
            usual.sort_unstable();
            usual.into_iter().find(|wrap| *wrap > self.most)
        };
        let wrap = match self.falls {
            0 => None,
            1 => by_stamp().filter(|wrap| *wrap > self.most).or_else(usual),
            falls if 2 * self.falls_from_most > falls => Some(self.most + 1),
            _ => usual(),
        };
        Some(wrap.unwrap_or_else(|| rate.max(self.most + 1)).max(1))
    }
}

/// The distances of rows from the first one, by their counters, or by their positions if there is
/// none. A row whose counter cannot be read is as far from the previous one as its position.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    /// The value below which the counter stays, if there is a counter.
    wrap: Option<u64>,
    /// The counter of the first row.
    first: Option<u64>,
    /// Counter, position and distance of the last row with a readable counter.
    known: Option<(u64, u64, u64)>,
    /// Position and distance of the previous row.
    before: Option<(u64, u64)>,
}

impl Steps {
    pub(super) fn new(wrap: Option<u64>) -> Self {
        Self { wrap, first: None, known: None, before: None }
    }

    /// The counter of the rows so far; if they have none, one that starts with 0 and stays below
    /// `rate`.
    pub(super) fn counter(&self, rate: u64) -> ReplayedCounter {
        let wrap = self.wrap.unwrap_or(rate).max(1);
        ReplayedCounter { first: self.first.unwrap_or_default(), wrap }
    }

    /// The value below which the counter stays, if there is a counter.
    pub(super) fn wrap(&self) -> Option<u64> {
        self.wrap
    }

    /// Whether a counter can be read.
    pub(super) fn is_readable(&self, counter: f64) -> bool {
        self.wrap.is_none_or(|wrap| counter.is_finite() && slot(counter).0 < wrap)
    }

    /// Whether the counter of a row does not fit although those of its neighbours do.
    pub(super) fn is_odd(&self, around: [(f64, u64); 3]) -> bool {
        let Some(wrap) = self.wrap else { return false };
        if !around.iter().all(|(counter, _)| self.is_readable(*counter)) {
            return false;
        }
        let [before, own, after] = around.map(|(counter, place)| (slot(counter).0, place));
        let fits = |from: (u64, u64), to: (u64, u64)| {
            (to.0 + wrap - from.0) % wrap == to.1.saturating_sub(from.1) % wrap
        };
        fits(before, after) && !fits(before, own)
    }

    /// The distance of the next row.
    pub(super) fn next(&mut self, counter: f64, place: u64) -> u64 {
        let (place_before, before) = *self.before.get_or_insert((place, 0));
        let by_place = before + place.saturating_sub(place_before);
        let distance = match self.wrap.filter(|_| self.is_readable(counter)) {
            None => by_place,
            Some(wrap) => {
                let own = slot(counter).0;
                let distance = self.known.map_or(by_place, |(known, place_known, distance)| {
                    let ahead = (own + wrap - known) % wrap;
                    // Rows with unreadable counters may hide a wrap.
                    let rows = place.saturating_sub(place_known);
                    let wraps = (rows.saturating_sub(ahead) + wrap / 2) / wrap;
                    distance + ahead + wraps * wrap
                });
                let distance = distance.max(before);
                self.first.get_or_insert((own + wrap - distance % wrap) % wrap);
                self.known = Some((own, place, distance));
                distance
            }
        };
        self.before = Some((place, distance));
        distance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wrap and lost samples for counters with one time stamp per step, at a known rate.
    fn seen(counters: &[Option<u64>], stamps: impl Fn(usize) -> f64, rate: u64) -> (u64, u64) {
        let mut scan = CounterScan::default();
        for (row, counter) in counters.iter().enumerate() {
            scan.push(*counter, stamps(row));
        }
        let mut steps = Steps::new(scan.wrap(rate, Some(1.0)));
        let mut last = 0;
        for (row, counter) in counters.iter().enumerate() {
            last = steps.next(counter.map_or(f64::NAN, |own| own as f64), row as u64);
        }
        (steps.wrap().unwrap(), last + 1 - counters.len() as u64)
    }

    #[test]
    fn a_counter_may_wrap_anywhere() {
        let count = |wrap: u64| (0..600).map(|row| Some(row % wrap)).collect::<Vec<_>>();
        let without = |_| f64::NAN;
        for (wrap, rate) in [(128, 256), (256, 256), (129, 128), (100, 128), (128, 250)] {
            assert_eq!(seen(&count(wrap), without, rate), (wrap, 0), "{wrap}");
        }
        // It drops once: its time stamp shows from which value.
        let once = count(255)[..384].to_vec();
        assert_eq!(seen(&once, |row| row as f64, 128), (255, 0));
        assert_eq!(seen(&once, without, 128), (256, 1));
        // One sample is lost at the wrap.
        let lost: Vec<_> = [124, 125, 126, 0, 1].map(Some).to_vec();
        assert_eq!(seen(&lost, without, 128), (128, 1));
        assert_eq!(seen(&lost, |row| [0.0, 1.0, 2.0, 4.0, 5.0][row], 128), (128, 1));
        assert_eq!(seen(&[5, 6, 8].map(Some), without, 128), (128, 1));
    }

    #[test]
    fn what_cannot_be_read_or_does_not_fit_says_nothing_about_the_rest() {
        let mut counters: Vec<_> = (0..600_u64).map(|row| Some(row % 128)).collect();
        counters[0] = None;
        counters[127] = Some(5_000_000);
        counters[300] = Some(700);
        counters[400..540].fill(None);
        assert_eq!(seen(&counters, |_| f64::NAN, 128), (128, 0));
        let steps = Steps::new(Some(128));
        assert!(steps.is_odd([(127.0, 7), (50.0, 8), (1.0, 9)]));
        assert!(!steps.is_odd([(127.0, 7), (2.0, 8), (3.0, 9)]));
        assert!(!steps.is_odd([(3.0, 7), (4.0, 8), (9.0, 9)]));
    }

    #[test]
    fn what_does_not_go_on_by_one_counts_no_samples() {
        for step in [0, 2, 7] {
            let mut scan = CounterScan::default();
            (0..100).for_each(|row| scan.push(Some(step * row % 128), f64::NAN));
            assert_eq!(scan.wrap(128, None), None, "{step}");
        }
    }
}
