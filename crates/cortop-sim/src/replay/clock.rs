//! When the rows of a recording were measured. Time stamps may be of any unit, rounded, missing or
//! wrong, and the clock that gave them may have been set: what comes of them rises, and goes on at the
//! rate where they say nothing.

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
/// Rates that an EEG amplifier may have, in Hz.
const RATES: Range<f64> = 32.0..20_000.0;
/// Seconds since 1970 that a clock may show.
const EPOCH: Range<f64> = 5e8..5e10;
/// Seconds by which time stamps may be off, however fine they are.
const LEAST_TOLERANCE: f64 = 0.25;
/// Seconds after which time stamps that were wrong for a while are steps of the clock.
const LONGEST_EXCURSION: f64 = 2.0;
/// The longest pause of a recording in seconds.
const LONGEST_GAP: f64 = 86_400.0;
/// Samples over which the rate is measured at a time, and measurements that are kept.
const WINDOW: u64 = 64;
const WINDOWS: usize = 16_384;
/// Jumps of the time stamps that are kept, and those that are few in any recording.
const JUMPS: usize = 65_536;
const FEW: usize = 4;
/// Jumps after which the time stamps are back at where they would have been: the ones between are odd.
const EXCURSION: usize = 4;

/// A distance from the first row by counters, and by places.
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

/// What is seen of the time stamps of a recording, one after the other.
#[derive(Debug, Default)]
pub(super) struct StampScan {
    rows: u64,
    read: u64,
    /// Those that are not later than the one before.
    not_later: u64,
    earlier: u64,
    /// The row before: its counter and its place, and its distance from the first one as far as
    /// counters and places tell it here.
    before: Option<(Option<u64>, u64)>,
    distance: Distance,
    /// The last time stamp that differs from the one before, and its distance.
    changed: Option<(f64, Distance)>,
    changes: u64,
    first: Option<(f64, Distance)>,
    /// The change at which the current measurement begins.
    begin: Option<(f64, Distance)>,
    /// How long it takes to the next change, and how much later how much further each measurement ends.
    sizes: Vec<f64>,
    windows: Vec<(f64, Distance)>,
}

impl StampScan {
    /// Takes the time stamp, the counter and the place of the next row.
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
        // A measurement goes from change to change: of equal ones, only the first is as late as its
        // row.
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

    /// Units of the time stamps from sample to sample, as most of the recording has it.
    fn interval(&self, is_counted: bool) -> Option<f64> {
        let since = |begin: Option<(f64, Distance)>| {
            let ((from, first), (to, last)) = begin.zip(self.changed)?;
            Some((to - from, last.since(first)))
        };
        let mut windows = self.windows.clone();
        if windows.is_empty() {
            // A short recording is measured as a whole, one of two time stamps from its first row.
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
        // Steps of the clock may be in most measurements, and are in few single intervals; those may
        // come in bursts, and measurements level them.
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

    /// Whether there are any.
    pub(super) fn has_any(&self) -> bool {
        self.read > 0
    }

    /// Whether they fall from row to row.
    pub(super) fn is_backwards(&self) -> bool {
        5 * self.earlier > 4 * self.read
    }

    /// What the time stamps tell, where the file names a rate or not; `None` if they tell nothing.
    /// `is_counted`: whether the counters count samples.
    pub(super) fn pace(&self, named: Option<f64>, is_counted: bool) -> Option<Pace> {
        let interval = self.interval(is_counted)?;
        let (stamp, _) = self.changed?;
        // The numbers of rows are no times.
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

/// What the time stamps of a recording tell of its pace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Seconds of a unit of the time stamps, and its name.
    unit: f64,
    pub(super) unit_name: &'static str,
    /// Seconds from sample to sample.
    pub(super) interval: f64,
    /// The time stamps are too coarse to tell when a row was measured.
    coarse: bool,
    /// Seconds by which time stamps may be off.
    tolerance: f64,
}

impl Pace {
    /// Units of the time stamps from sample to sample, where they are fine enough to tell single ones.
    pub(super) fn fine_interval(&self) -> Option<f64> {
        Some(self.interval / self.unit).filter(|_| !self.coarse)
    }
}

fn median(mut all: Vec<f64>) -> Option<f64> {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}

/// The unit of time stamps by the rate that the file names, by a rate that makes sense, and by how
/// long ago they are.
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

/// A row's time stamp and counter, NaN where it has none, and its place.
pub(super) type RowClock = (f64, f64, u64);

/// A place where the time stamps do not go on as the samples do.
#[derive(Clone, Copy, Debug)]
struct Jump {
    row: usize,
    /// Seconds by which they go too far.
    seconds: f64,
    /// The counters have a gap there.
    has_gap: bool,
    /// Nothing but a single row is before it, or after it.
    at_end: bool,
}

/// How the time stamps of a recording become times.
#[derive(Debug)]
pub(super) struct RecordingClock {
    unit: f64,
    /// The first time stamp, and the distance of its row; `None` if there is none.
    first: Option<(f64, u64)>,
    /// Seconds from sample to sample.
    interval: f64,
    /// The times follow from the distances alone.
    spread: bool,
    /// From which row on how many seconds are added to the time stamps; NaN where they tell nothing.
    offsets: Vec<(usize, f64)>,
    /// From which row on how many samples more are missing than counters or places tell.
    missing: Vec<(usize, u64)>,
    /// Rows whose counters do not fit.
    odd_counters: Vec<usize>,
    /// Time and distance of the row before, and its time stamp.
    before: Option<(f64, u64)>,
    stamp_before: f64,
    /// What was repaired so far.
    pub(super) counts: ClockCounts,
}

/// What was repaired, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ClockCounts {
    /// Time stamps that cannot be read, or do not fit those around them.
    pub(super) stamps: u64,
    /// Time stamps that are not later than the one before.
    pub(super) not_later: u64,
    /// All time stamps were replaced.
    pub(super) spread: bool,
    /// Steps of the clock.
    pub(super) steps: u64,
    /// Counters that cannot be read, or do not fit those around them.
    pub(super) counters: u64,
    /// Seconds of the longest gap that is kept.
    pub(super) longest_gap: f64,
}

impl RecordingClock {
    /// Learns how the time stamps of rows are to be read. `rate`: samples a second where they do not
    /// tell it; `steps`: as they are before the first row.
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
            // They tell nothing.
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
            // Of equal ones the first counts: the others may have been left standing.
            if last.is_none_or(|(before, ..)| before.total_cmp(&stamp).is_ne()) {
                last = Some((stamp, place, distance));
            }
        }
        jumps
    }

    /// Tells odd time stamps, steps of the clock and gaps apart.
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
                    // One that was left standing goes on at the rate; after one that goes back, times
                    // are slower than the samples until the time stamps are ahead again.
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

    /// The time since the first row of a time stamp near a row; `None` where time stamps tell nothing.
    pub(super) fn time(&self, stamp: f64, row: usize) -> Option<f64> {
        let (first, distance) = self.first.filter(|_| !self.spread)?;
        let since = (stamp - first).mul_add(self.unit, newest(&self.offsets, row));
        Some((distance as f64).mul_add(self.interval, since)).filter(|time| time.is_finite())
    }
}

/// The newest value of a list at a row.
fn newest<T: Copy + Default>(list: &[(usize, T)], row: usize) -> T {
    let after = list.partition_point(|(from, _)| *from <= row);
    after.checked_sub(1).and_then(|place| list.get(place)).map_or_else(T::default, |own| own.1)
}
