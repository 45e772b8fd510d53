//! When the rows of a recording were measured. Time stamps may be in any unit, rounded, missing or
//! wrong, and their clock may have been set. The resulting times always increase, and continue at
//! the sampling rate where the time stamps are no help.

use std::ops::Range;

use super::counter::Steps;
use crate::noise::slot;

/// Units of time stamps in seconds, and their names.
const UNITS: [(f64, &str); 5] = [
    (1.0, "seconds"),
    (1e-3, "milliseconds"),
    (1e-6, "microseconds"),
    (1e-9, "nanoseconds"),
    (86_400.0, "days"),
];
/// Plausible rates of an EEG amplifier, in Hz.
const RATES: Range<f64> = 32.0..20_000.0;
/// Plausible seconds since 1970.
const EPOCH: Range<f64> = 5e8..5e10;
/// The least tolerance of time stamps in seconds, however fine they are.
const LEAST_TOLERANCE: f64 = 0.25;
/// Time stamps that are wrong for longer than this many seconds are a step of the clock.
const LONGEST_EXCURSION: f64 = 2.0;
/// The longest pause of a recording in seconds.
const LONGEST_GAP: f64 = 86_400.0;
/// The number of samples over which the rate is measured each time, and the number of measurements
/// kept.
const WINDOW: u64 = 64;
const WINDOWS: usize = 16_384;
/// The most jumps of the time stamps that are kept, and the number that counts as few in any
/// recording.
const JUMPS: usize = 65_536;
const FEW: usize = 4;
/// If the time stamps are back at their expected values after this many jumps, the ones in between
/// are outliers.
const EXCURSION: usize = 4;

/// The distance from the first row by counters, and by positions.
#[derive(Clone, Copy, Debug, Default)]
struct Distance {
    counted: u64,
    placed: u64,
}

impl Distance {
    fn since(self, other: Self) -> Self {
        let (counted, placed) = (self.counted - other.counted, self.placed - other.placed);
        Self { counted, placed }
    }
}

/// Statistics of the time stamps of a recording, collected row by row.
#[derive(Debug, Default)]
pub(super) struct StampScan {
    rows: u64,
    read: u64,
    /// Time stamps that are not later than the previous one.
    not_later: u64,
    earlier: u64,
    /// The previous row's counter and position, and its distance from the first row by counters and
    /// positions.
    before: Option<(Option<u64>, u64)>,
    distance: Distance,
    /// The last time stamp that differs from its predecessor, and its distance.
    changed: Option<(f64, Distance)>,
    changes: u64,
    first: Option<(f64, Distance)>,
    /// The change at which the current measurement began.
    begin: Option<(f64, Distance)>,
    /// The time between changes, and the time and distance of each measurement.
    sizes: Vec<f64>,
    windows: Vec<(f64, Distance)>,
}

impl StampScan {
    /// Adds the time stamp, the counter and the position of the next row.
    pub(super) fn push(&mut self, stamp: Option<f64>, counter: Option<u64>, place: u64) {
        self.rows += 1;
        if let Some((counter_before, place_before)) = self.before {
            let ahead = counter.zip(counter_before).and_then(|(own, other)| own.checked_sub(other));
            let ahead = ahead.filter(|steps| (1..=WINDOW).contains(steps));
            let placed = place.saturating_sub(place_before);
            self.distance.placed += placed;
            self.distance.counted += ahead.unwrap_or(placed);
        }
        self.before = Some((counter, place));
        let Some(stamp) = stamp else { return };
        self.read += 1;
        let Some((before, _)) = self.changed else {
            self.first = Some((stamp, self.distance));
            self.changed = self.first;
            return;
        };
        self.not_later += u64::from(stamp <= before);
        self.earlier += u64::from(stamp < before);
        if stamp.total_cmp(&before).is_eq() {
            return;
        }
        self.changes += 1;
        if stamp > before && self.sizes.len() < WINDOWS {
            self.sizes.push(stamp - before);
        }
        // A measurement goes from change to change: of equal time stamps, only the first is as late
        // as its row.
        let (begin, distance) = *self.begin.get_or_insert((stamp, self.distance));
        let ahead = self.distance.since(distance);
        if ahead.placed >= WINDOW {
            if self.windows.len() < WINDOWS {
                self.windows.push((stamp - begin, ahead));
            }
            self.begin = Some((stamp, self.distance));
        }
        self.changed = Some((stamp, self.distance));
    }

    /// Units of the time stamps from sample to sample, as in most of the recording.
    fn interval(&self, is_counted: bool) -> Option<f64> {
        let since = |begin: Option<(f64, Distance)>| {
            let ((from, first), (to, last)) = begin.zip(self.changed)?;
            Some((to - from, last.since(first)))
        };
        let mut windows = self.windows.clone();
        if windows.is_empty() {
            // A short recording is measured as a whole; one with two different time stamps, from
            // its first row.
            windows.extend(since(if self.changes > 1 { self.begin } else { self.first }));
        }
        let samples = |own: Distance| if is_counted { own.counted } else { own.placed };
        let mut windows: Vec<_> =
            windows.into_iter().map(|(time, own)| (time, samples(own) as f64)).collect();
        windows.retain(|(seconds, samples)| *seconds > 0.0 && *samples > 0.0);
        let near = |usual: f64| {
            move |(seconds, samples): &&(f64, f64)| {
                (0.75..1.33).contains(&(seconds / samples / usual))
            }
        };
        // Steps of the clock may affect most measurements, but few of the single intervals; those
        // may come in bursts, which measurements average out.
        let single =
            median(self.sizes.clone()).filter(|usual| windows.iter().any(|own| near(*usual)(&own)));
        let usual = match single {
            Some(usual) => usual,
            None => median(windows.iter().map(|(seconds, samples)| seconds / samples).collect())?,
        };
        let (seconds, samples) = windows
            .iter()
            .filter(near(usual))
            .fold((0.0, 0.0), |sum, own| (sum.0 + own.0, sum.1 + own.1));
        Some(seconds / samples)
    }

    /// Whether there are any time stamps.
    pub(super) fn has_any(&self) -> bool {
        self.read > 0
    }

    /// Whether they decrease from row to row.
    pub(super) fn is_backwards(&self) -> bool {
        5 * self.earlier > 4 * self.read
    }

    /// The pace according to the time stamps, whether or not the file names a rate; `None` if they
    /// are no help. `is_counted`: whether the counters count samples.
    pub(super) fn pace(&self, named: Option<f64>, is_counted: bool) -> Option<Pace> {
        let interval = self.interval(is_counted)?;
        let (stamp, _) = self.changed?;
        // Row numbers are not times.
        let is_number = |size: &f64| (size - 1.0).abs() < f64::EPSILON;
        if !EPOCH.contains(&stamp) && self.sizes.iter().all(is_number) {
            return None;
        }
        let (unit, unit_name) = unit(named, interval, stamp);
        let size = median(self.sizes.clone()).unwrap_or_default() * unit;
        Some(Pace {
            unit,
            unit_name,
            interval: interval * unit,
            coarse: 20 * self.not_later > self.read,
            tolerance: (4.0 * size).max(LEAST_TOLERANCE),
        })
    }
}

/// The pace of a recording according to its time stamps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The unit of the time stamps in seconds, and its name.
    unit: f64,
    pub(super) unit_name: &'static str,
    /// Seconds from sample to sample.
    pub(super) interval: f64,
    /// Whether the time stamps are too coarse to tell when a row was measured.
    coarse: bool,
    /// The tolerance of time stamps in seconds.
    tolerance: f64,
}

impl Pace {
    /// Units of the time stamps from sample to sample, if they are fine enough to tell single
    /// samples apart.
    pub(super) fn fine_interval(&self) -> Option<f64> {
        Some(self.interval / self.unit).filter(|_| !self.coarse)
    }
}

fn median(mut all: Vec<f64>) -> Option<f64> {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}

/// The unit of time stamps, judged by the rate that the file names, by what gives a plausible rate,
/// and by what gives a plausible date.
fn unit(named: Option<f64>, interval: f64, stamp: f64) -> (f64, &'static str) {
    let [seconds, ..] = UNITS;
    let rate = |unit: f64| 1.0 / (interval * unit);
    let epoch = UNITS.into_iter().find(|(own, _)| EPOCH.contains(&(stamp * own)));
    let (usual, slowest) = match named {
        Some(named) => (0.5 * named..2.0 * named, f64::INFINITY),
        None => (RATES, if EPOCH.contains(&stamp) { 0.5 } else { 4.0 }),
    };
    if (slowest..usual.end).contains(&rate(seconds.0)) {
        return seconds;
    }
    let fitting = UNITS.into_iter().find(|(own, _)| usual.contains(&rate(*own)));
    fitting.or(epoch).unwrap_or(seconds)
}

/// A row's time stamp and counter, NaN if missing, and its position.
pub(super) type RowClock = (f64, f64, u64);

/// A point at which the time stamps do not continue like the samples.
#[derive(Clone, Copy, Debug)]
struct Jump {
    row: usize,
    /// By how many seconds they go too far.
    seconds: f64,
    /// Whether the counters have a gap there.
    has_gap: bool,
    /// Whether there is only a single row before or after it.
    at_end: bool,
}

/// Converts the time stamps of a recording to times.
#[derive(Debug)]
pub(super) struct RecordingClock {
    unit: f64,
    /// The first time stamp and the distance of its row; `None` if there is none.
    first: Option<(f64, u64)>,
    /// Seconds from sample to sample.
    interval: f64,
    /// Whether the times follow from the distances alone.
    spread: bool,
    /// The seconds to add to the time stamps, each from a row on; NaN where the time stamps are no
    /// help.
    offsets: Vec<(usize, f64)>,
    /// How many more samples are missing than counters or positions show, each from a row on.
    missing: Vec<(usize, u64)>,
    /// Rows whose counters do not fit.
    odd_counters: Vec<usize>,
    /// Time and distance of the previous row, and its time stamp.
    before: Option<(f64, u64)>,
    stamp_before: f64,
    /// Repairs so far.
    pub(super) counts: ClockCounts,
}

/// Repairs by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ClockCounts {
    /// Time stamps that cannot be read, or do not fit their neighbours.
    pub(super) stamps: u64,
    /// Time stamps that are not later than the previous one.
    pub(super) not_later: u64,
    /// Whether all time stamps were replaced.
    pub(super) spread: bool,
    /// Steps of the clock.
    pub(super) steps: u64,
    /// Counters that cannot be read, or do not fit their neighbours.
    pub(super) counters: u64,
    /// The longest gap that is kept, in seconds.
    pub(super) longest_gap: f64,
}

impl RecordingClock {
    /// Determines how to convert the time stamps. `rate`: samples per second if the time stamps do
    /// not show it; `steps`: its state before the first row.
    pub(super) fn new(
        scan: &StampScan,
        pace: Option<Pace>,
        rate: f64,
        steps: Steps,
        rows: impl Iterator<Item = RowClock>,
    ) -> Self {
        let coarse = pace.is_none_or(|own| own.coarse);
        let mut clock = Self {
            unit: pace.map_or(1.0, |own| own.unit),
            first: None,
            interval: pace.filter(|_| !coarse).map_or(1.0 / rate, |own| own.interval),
            spread: coarse,
            offsets: Vec::new(),
            missing: Vec::new(),
            odd_counters: Vec::new(),
            before: None,
            stamp_before: f64::NAN,
            counts: ClockCounts::default(),
        };
        let tolerance = pace.map_or(f64::INFINITY, |own| own.tolerance);
        let wrap = steps.wrap();
        let jumps = clock.find_jumps(steps, rows, tolerance);
        if jumps.len() > FEW && 8 * jumps.len() as u64 > scan.read || jumps.len() == JUMPS {
            // The time stamps are no help.
            clock.spread = true;
        } else {
            clock.resolve(&jumps, tolerance, wrap);
        }
        let counts = &mut clock.counts;
        counts.spread = clock.spread && scan.read > 0;
        counts.stamps += if scan.read > 0 { scan.rows - scan.read } else { 0 };
        counts.not_later = if clock.spread { scan.not_later } else { 0 };
        clock
    }

    fn find_jumps(
        &mut self,
        mut steps: Steps,
        rows: impl Iterator<Item = RowClock>,
        tolerance: f64,
    ) -> Vec<Jump> {
        let mut jumps = Vec::new();
        let mut before = None;
        let mut last: Option<(f64, u64, u64)> = None;
        let mut stamped = 0_u64;
        let mut rows = rows.enumerate().peekable();
        while let Some((row, (stamp, mut counter, place))) = rows.next() {
            let next = rows.peek().map(|(_, (_, counter, place))| (*counter, *place));
            if let Some((before, next)) = before.zip(next)
                && self.odd_counters.len() < JUMPS
                && steps.is_odd([before, (counter, place), next])
            {
                self.odd_counters.push(row);
                counter = f64::NAN;
            }
            self.counts.counters += u64::from(!steps.is_readable(counter));
            before = Some((counter, place));
            let distance = steps.next(counter, place);
            if stamp.is_nan() {
                continue;
            }
            stamped += 1;
            self.first.get_or_insert((stamp, distance));
            if let Some((stamp_before, place_before, distance_before)) = last {
                let samples = distance - distance_before;
                let seconds =
                    (stamp - stamp_before).mul_add(self.unit, -(samples as f64 * self.interval));
                if seconds.abs() > tolerance && jumps.len() < JUMPS {
                    let has_gap = samples != place.saturating_sub(place_before);
                    let at_end = stamped == 2 || next.is_none();
                    jumps.push(Jump { row, seconds, has_gap, at_end });
                }
            }
            // Of equal time stamps the first counts: the others may be stale.
            if last.is_none_or(|(before, ..)| before.total_cmp(&stamp).is_ne()) {
                last = Some((stamp, place, distance));
            }
        }
        jumps
    }

    /// Distinguishes outliers, steps of the clock and gaps.
    fn resolve(&mut self, jumps: &[Jump], tolerance: f64, wrap: Option<u64>) {
        let (mut offset, mut missing) = (0.0, 0);
        let mut rest = jumps;
        while let Some((jump, after)) = rest.split_first() {
            let is_back = |more: &usize| {
                let own = rest.get(..=*more);
                own.is_some_and(|own| {
                    own.iter().map(|own| own.seconds).sum::<f64>().abs() <= tolerance
                })
            };
            if let Some(more) = (1..=EXCURSION).find(is_back) {
                let (excursion, after) = rest.split_at(more + 1);
                let rows = excursion.last().map_or(0, |own| own.row - jump.row) as u64;
                if rows as f64 * self.interval < LONGEST_EXCURSION {
                    self.counts.stamps += rows;
                    self.offsets.push((jump.row, f64::NAN));
                } else {
                    self.counts.steps += excursion.len() as u64;
                    let mut within = offset;
                    self.offsets.extend(excursion.iter().map(|own| {
                        within -= own.seconds;
                        (own.row, within)
                    }));
                }
                self.offsets.extend(excursion.last().map(|own| (own.row, offset)));
                rest = after;
                continue;
            }
            rest = after;
            let is_loss = if wrap.is_some() { jump.has_gap } else { !jump.at_end };
            if is_loss && (0.0..LONGEST_GAP).contains(&jump.seconds) {
                // Whole rounds of the counter, or what it would have counted.
                let round = wrap.unwrap_or(1);
                missing += slot((jump.seconds / (self.interval * round as f64)).round()).0 * round;
                self.missing.push((jump.row, missing));
                self.counts.longest_gap = self.counts.longest_gap.max(jump.seconds);
                continue;
            }
            offset -= jump.seconds;
            self.offsets.push((jump.row, offset));
            let count = if jump.at_end { &mut self.counts.stamps } else { &mut self.counts.steps };
            *count += 1;
        }
    }

    /// Time and distance of the next row.
    pub(super) fn next(&mut self, row: usize, clock: RowClock, steps: &mut Steps) -> (f64, u64) {
        let (stamp, counter, place) = clock;
        let is_odd = self.odd_counters.binary_search(&row).is_ok();
        let distance =
            steps.next(if is_odd { f64::NAN } else { counter }, place) + newest(&self.missing, row);
        let own = self.time(stamp, row);
        let time = match self.before {
            _ if self.spread => distance as f64 * self.interval,
            None => own.unwrap_or_default(),
            Some((before, other)) => {
                let samples = distance.saturating_sub(other).max(1) as f64;
                let ahead = |pace: f64| (samples * pace).mul_add(self.interval, before);
                match own.filter(|own| *own > before) {
                    Some(own) => own,
                    None if own.is_none() => ahead(1.0),
                    // A stale time stamp is extrapolated at the sampling rate; after one that goes
                    // back, times increase more slowly than the samples until the time stamps are
                    // ahead again.
                    None => {
                        self.counts.not_later += 1;
                        ahead(if stamp.total_cmp(&self.stamp_before).is_eq() { 1.0 } else { 0.5 })
                    }
                }
            }
        };
        self.before = Some((time, distance));
        self.stamp_before = stamp;
        (time, distance)
    }

    /// The time since the first row for a time stamp near a row; `None` where the time stamps are
    /// no help.
    pub(super) fn time(&self, stamp: f64, row: usize) -> Option<f64> {
        let (first, distance) = self.first.filter(|_| !self.spread)?;
        let since = (stamp - first).mul_add(self.unit, newest(&self.offsets, row));
        Some((distance as f64).mul_add(self.interval, since)).filter(|time| time.is_finite())
    }
}

/// The value of a list that applies at a row.
fn newest<T: Copy + Default>(list: &[(usize, T)], row: usize) -> T {
    let after = list.partition_point(|(from, _)| *from <= row);
    after.checked_sub(1).and_then(|place| list.get(place)).map_or_else(T::default, |own| own.1)
}
