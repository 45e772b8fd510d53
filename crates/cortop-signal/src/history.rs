//! The raw samples of one traced stream, within bounds: the source from which a changed view is
//! rebuilt. Independent of filters and columns.
//!
//! Values are stored as `f32`: at 4200 µV, the level of EEG, its resolution is 0.0005 µV, a
//! two-hundredth of the headset's own, and the history reaches back twice as far as with `f64`.

use std::{collections::VecDeque, ops::Range, time::Duration};

use tokio::time::Instant;

/// Samples in a chunk, the unit in which history is forgotten.
const CHUNK: usize = 1024;

/// How many gaps are kept; the oldest are dropped first.
const MOST_GAPS: usize = 256;

/// The longest gap in samples, half a year at 256 Hz, so that an index never overflows.
const LONGEST_GAP: f64 = 4e9;
/// The number of samples between two whose times are stored; times between them are interpolated.
const TIMED: u64 = 512;

/// Bytes that a hole or a clock step takes.
const ENTRY: usize = size_of::<Span>();

/// How soon after the start of a second a sample must come to represent it; after a loss there may
/// be none.
const AT_A_SECOND: f64 = 0.1;

/// The time between two connections: a gap in the history of a stream. Nothing was lost in it,
/// because nothing was subscribed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The absolute sample indices of the gap: as many as fit into its time.
    pub samples: Range<u64>,
    /// When the last sample before the gap arrived.
    pub from: Instant,
    /// When the first sample after the gap arrived.
    pub to: Instant,
    /// Why the samples before the gap are gone, if they are.
    pub discontinuity: Option<Discontinuity>,
}

impl Gap {
    /// How long data was missing, measured by arrival, so that a clock that was set does not
    /// matter.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.to.saturating_duration_since(self.from)
    }
}

/// Why the samples after a gap begin a new history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discontinuity {
    /// The channels are different, or in another order.
    Channels,
    /// The nominal rate is different.
    Rate,
}

/// The samples of all channels by absolute index, oldest first.
#[derive(Debug)]
pub(crate) struct History {
    channels: usize,
    /// The samples received, in order: all chunks but the last are full.
    chunks: VecDeque<HistoryChunk>,
    /// The numbers of the oldest row kept and of the next one, counted from the first sample
    /// received.
    rows: Range<u64>,
    /// Absolute index of the next sample.
    next: u64,
    /// Spans of rows without a hole; a hole starts a new one, however long it is. The first may
    /// have begun before the oldest row kept.
    spans: VecDeque<Span>,
    /// Samples with stored times; between them, time runs evenly.
    times: VecDeque<(u64, f64)>,
    /// The newest sample with a time.
    newest_time: Option<(u64, f64)>,
    /// The samples at which seconds begin: index and epoch second.
    seconds: VecDeque<(u64, i64)>,
    /// The samples before which the clock was set, and by how many seconds.
    clock_steps: VecDeque<(u64, f64)>,
    /// When the newest sample arrived.
    last: Option<Instant>,
    /// The gaps between connections.
    gaps: VecDeque<Gap>,
}

#[derive(Debug)]
struct HistoryChunk {
    since: Instant,
    /// One value per channel, sample by sample; NaN if missing.
    values: Vec<f32>,
}

/// The row and the absolute index of a span's first sample.
#[derive(Clone, Copy, Debug)]
struct Span {
    row: u64,
    index: u64,
}

/// A segment of history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Segment<'a> {
    /// One sample, one value per channel.
    Sample(&'a [f32]),
    /// This many samples were lost.
    Lost(u64),
}

impl History {
    /// An empty history of a stream with this many channels, at least one.
    pub(crate) fn new(channels: usize) -> Self {
        Self {
            channels: channels.max(1),
            chunks: VecDeque::new(),
            rows: 0..0,
            next: 0,
            spans: VecDeque::new(),
            times: VecDeque::new(),
            newest_time: None,
            seconds: VecDeque::new(),
            clock_steps: VecDeque::new(),
            last: None,
            gaps: VecDeque::new(),
        }
    }

    /// An empty history that follows `before` and cannot be merged with it. An index must identify
    /// one sample only, so indices continue.
    pub(crate) fn after(before: &Self, channels: usize) -> Self {
        Self { next: before.next, last: before.last, ..Self::new(channels) }
    }

    /// Adds the next sample: one value per channel, and epoch seconds. Returns true if it allocated
    /// memory.
    pub(crate) fn push(
        &mut self,
        values: impl ExactSizeIterator<Item = f32>,
        time: Option<f64>,
        received: Instant,
    ) -> bool {
        debug_assert_eq!(values.len(), self.channels, "one value a channel");
        self.last = Some(received);
        let (index, row) = (self.next, self.rows.end);
        if self.spans.back().is_none_or(|span| span.index + (row - span.row) != index) {
            self.spans.push_back(Span { row, index });
        }
        let room = CHUNK * self.channels;
        let fits = self.chunks.back().is_some_and(|chunk| chunk.values.len() < room);
        if !fits {
            self.chunks
                .push_back(HistoryChunk { since: received, values: Vec::with_capacity(room) });
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.values.extend(values);
        }
        self.rows.end += 1;
        self.next += 1;
        if let Some(time) = time {
            self.set_time(index, time);
        }
        !fits
    }

    fn set_time(&mut self, index: u64, time: f64) {
        let kept = self.times.back().copied();
        if kept.is_none_or(|(at, _)| index - at >= TIMED) {
            // After a long hole, store the time before it as well: across the hole, time may run
            // unevenly.
            let before =
                self.newest_time.filter(|&(at, _)| at + 1 < index && kept < Some((at, 0.0)));
            self.times.extend(before);
            self.times.push_back((index, time));
        }
        self.newest_time = Some((index, time));
        #[expect(clippy::cast_possible_truncation, reason = "saturates at the absurd")]
        let second = time.floor() as i64;
        let is_new = self.seconds.back().is_none_or(|&(_, last)| last != second);
        if is_new && time - time.floor() < AT_A_SECOND {
            self.seconds.push_back((index, second));
        }
    }

    /// Records that the next `count` samples were lost.
    pub(crate) fn lose(&mut self, count: u64) {
        self.next = self.next.saturating_add(count);
    }

    /// Records that the clock was set before sample `at`, one of the newest: the times from there
    /// on are this many seconds later than stored.
    pub(crate) fn set_clock(&mut self, at: u64, seconds: f64) {
        let Some(time) = self.time(at) else { return };
        let before = at.checked_sub(1).and_then(|before| Some((before, self.time(before)?)));
        while self.times.back().is_some_and(|&(index, _)| index >= at) {
            self.times.pop_back();
        }
        let known = self.times.back().map(|&(index, _)| index);
        self.times.extend(before.filter(|&(index, _)| known < Some(index)));
        self.times.push_back((at, time + seconds));
        if let Some((_, newest)) = &mut self.newest_time {
            *newest += seconds;
        }
        while self.seconds.back().is_some_and(|&(index, _)| index >= at) {
            self.seconds.pop_back();
        }
        self.clock_steps.push_back((at, seconds));
    }

    /// The next sample, which arrives at `to`, is the first of a new connection: the time since the
    /// last one is a gap of as many samples as `rate` samples per second would have given. Returns
    /// their number.
    pub(crate) fn interrupt(
        &mut self,
        to: Instant,
        rate: f64,
        discontinuity: Option<Discontinuity>,
    ) -> u64 {
        let Some(from) = self.last else { return 0 };
        let periods = to.saturating_duration_since(from).as_secs_f64() * rate;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let count = (periods.round() - 1.0).clamp(0.0, LONGEST_GAP) as u64;
        let start = self.next;
        self.lose(count);
        if count > 0 || discontinuity.is_some() {
            if self.gaps.len() == MOST_GAPS {
                self.gaps.pop_front();
            }
            self.gaps.push_back(Gap { samples: start..self.next, from, to, discontinuity });
        }
        count
    }

    /// The gaps between its samples, and the one before the first sample if another history
    /// precedes it; oldest first.
    pub(crate) fn gaps(&self) -> impl DoubleEndedIterator<Item = &Gap> {
        self.gaps.iter()
    }

    /// When the newest sample arrived.
    pub(crate) fn last(&self) -> Option<Instant> {
        self.last
    }

    /// Index of the next sample.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// Index of the oldest sample kept.
    pub(crate) fn oldest(&self) -> u64 {
        self.spans.front().map_or(self.next, |span| span.index + (self.rows.start - span.row))
    }

    /// The newest sample.
    pub(crate) fn newest(&self) -> Option<&[f32]> {
        self.chunks.back().and_then(|chunk| chunk.values.rchunks_exact(self.channels).next())
    }

    /// Epoch seconds of a sample, if its time is known or lies between two known ones.
    pub(crate) fn time(&self, index: u64) -> Option<f64> {
        if index < self.oldest() {
            return None;
        }
        let after = self.times.partition_point(|&(at, _)| at <= index);
        let before = *self.times.get(after.checked_sub(1)?)?;
        let after = self.times.get(after).copied().or(self.newest_time)?;
        (index <= after.0).then(|| {
            let share = (index - before.0) as f64 / (after.0 - before.0).max(1) as f64;
            before.1 + (after.1 - before.1) * share
        })
    }

    /// Index of the sample nearest to a time, according to the stored times; if the clock was set
    /// back and several match, the newest. `None` if the time is before or after all samples.
    pub(crate) fn index(&self, time: f64) -> Option<u64> {
        let newest = self.newest_time?;
        let mut end = self.times.len();
        // The first sample after a step, if the clock skipped this time there.
        let (mut left_out, mut later) = (None, None);
        let steps = self.clock_steps.iter().rev().map(|&(at, _)| at);
        for step in steps.chain([0]) {
            let start = self.times.partition_point(|&(at, _)| at < step);
            let own = start..end;
            let Some(&first) = self.times.get(start).filter(|_| !own.is_empty()) else { continue };
            let last = if end == self.times.len() { newest } else { self.times[end - 1] };
            end = start;
            if time < first.1 {
                later = Some(first.0);
            } else if time > last.1 {
                left_out = left_out.or(later);
                later = None;
            } else {
                let after = self.times.partition_point(|&(index, at)| {
                    index < first.0 || (at <= time && index <= last.0)
                });
                let after = after.min(own.end);
                let before = self.times[after - 1];
                let after = if after < own.end { self.times[after] } else { last };
                let share = (time - before.1) / (after.1 - before.1).max(f64::MIN_POSITIVE);
                let steps = share.clamp(0.0, 1.0) * after.0.saturating_sub(before.0) as f64;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "clamped"
                )]
                return Some(before.0 + steps.round() as u64);
            }
        }
        left_out
    }

    /// The samples of `range` at which seconds begin: index and epoch second.
    pub(crate) fn seconds(&self, range: Range<u64>) -> impl Iterator<Item = (u64, i64)> {
        within(&self.seconds, range)
    }

    /// The samples of `range` before which the clock was set: index and seconds ahead.
    pub(crate) fn clock_steps(&self, range: Range<u64>) -> impl Iterator<Item = (u64, f64)> {
        within(&self.clock_steps, range)
    }

    /// The segments of `range`, as far as they are kept.
    pub(crate) fn segments(&self, range: Range<u64>) -> impl Iterator<Item = Segment<'_>> {
        let mut at = range.start.max(self.oldest());
        let end = range.end.min(self.next).max(at);
        let first = self.spans.partition_point(|span| span.index <= at).saturating_sub(1);
        let spans = (first..self.spans.len()).map(|place| {
            let Span { row, index } = self.spans[place];
            let rows = self.spans.get(place + 1).map_or(self.rows.end, |next| next.row) - row;
            (row, index..index + rows)
        });
        spans.chain([(0, end..end)]).flat_map(move |(row, span)| {
            let lost = span.start.min(end).saturating_sub(at);
            at += lost;
            let own = at.max(span.start)..span.end.min(end);
            at = at.max(own.end);
            let rows = own.map(move |index| row + (index - span.start));
            let lost = (lost > 0).then_some(Segment::Lost(lost));
            lost.into_iter().chain(rows.filter_map(|row| self.row(row)).map(Segment::Sample))
        })
    }

    /// One value per channel.
    fn row(&self, row: u64) -> Option<&[f32]> {
        let row = usize::try_from(row.checked_sub(self.rows.start)?).ok()?;
        let start = row % CHUNK * self.channels;
        self.chunks.get(row / CHUNK)?.values.get(start..start + self.channels)
    }

    /// Bytes in use.
    pub(crate) fn bytes(&self) -> usize {
        let chunks: usize = self.chunks.iter().map(HistoryChunk::bytes).sum();
        chunks + (self.spans.len().saturating_sub(1) + self.clock_steps.len()) * ENTRY
    }

    /// Since when its oldest chunk has existed, if there are more than `keep` chunks.
    pub(crate) fn forgettable(&self, keep: usize) -> Option<Instant> {
        self.chunks.front().filter(|_| self.chunks.len() > keep).map(|chunk| chunk.since)
    }

    /// Forgets the oldest chunk. Returns how many bytes that freed.
    pub(crate) fn forget(&mut self) -> usize {
        let before = self.bytes();
        if self.chunks.pop_front().is_some() {
            self.rows.start = (self.rows.start + CHUNK as u64).min(self.rows.end);
        }
        let kept = self.spans.partition_point(|span| span.row <= self.rows.start);
        self.spans.drain(..kept.saturating_sub(1));
        let oldest = self.oldest();
        let kept = self.times.partition_point(|&(at, _)| at <= oldest);
        self.times.drain(..kept.saturating_sub(1));
        let gone = self.seconds.partition_point(|&(at, _)| at < oldest);
        self.seconds.drain(..gone);
        let gone = self.clock_steps.partition_point(|&(at, _)| at < oldest);
        self.clock_steps.drain(..gone);
        self.gaps.retain(|gap| gap.samples.end >= oldest);
        before - self.bytes()
    }
}

/// The entries at the samples of a range.
fn within<T: Copy>(all: &VecDeque<(u64, T)>, range: Range<u64>) -> impl Iterator<Item = (u64, T)> {
    let place = |index: u64| all.partition_point(|&(at, _)| at < index);
    let start = place(range.start);
    all.range(start..place(range.end).max(start)).copied()
}

impl HistoryChunk {
    fn bytes(&self) -> usize {
        self.values.capacity() * size_of::<f32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(history: &mut History, value: u16) -> bool {
        let time = Some(100.0 + history.next() as f64 / 128.0);
        history.push([f32::from(value), 0.0].into_iter(), time, Instant::now())
    }

    /// The first channel over a range; `None` for lost samples.
    fn read(history: &History, range: Range<u64>) -> Vec<Option<f32>> {
        let mut values = Vec::new();
        for segment in history.segments(range) {
            match segment {
                Segment::Sample(sample) => values.push(Some(sample[0]).filter(|v| v.is_finite())),
                Segment::Lost(count) => values.extend((0..count).map(|_| None)),
            }
        }
        values
    }

    #[test]
    fn an_index_is_the_absolute_one_whatever_was_lost_and_forgotten() {
        let mut history = History::new(2);
        let mut expected: Vec<Option<f32>> = Vec::new();
        for (value, lost) in (0..6000_u16).zip([0, 0, 0, 3, 0, 0, 900, 0, 5000].iter().cycle()) {
            // A long outage now and then, short losses in between.
            let lost = if value % 700 == 8 { *lost } else { lost % 100 };
            if expected.is_empty() || lost == 0 {
                expected.push(Some(f32::from(value)));
            } else {
                history.lose(lost);
                expected.extend((0..lost).map(|_| None));
                expected.push(Some(f32::from(value)));
            }
            push(&mut history, value);
        }
        let end = expected.len() as u64;
        assert_eq!(history.next(), end);
        for range in [0..end, 0..1, 1000..1100, 1023..1026, 8999..end, end - 1..end + 9, 7..7] {
            let own =
                usize::try_from(range.start).unwrap()..usize::try_from(range.end.min(end)).unwrap();
            assert_eq!(read(&history, range.clone()), expected[own], "{range:?}");
        }
        history.forget();
        let oldest = history.oldest();
        assert!(oldest > 0 && history.forgettable(1).is_some());
        assert_eq!(read(&history, 0..oldest + 3).len(), 3);
        for index in [oldest, oldest + 1000, end - 1] {
            assert!((history.time(index).unwrap() - 100.0 - index as f64 / 128.0).abs() < 1e-9);
        }
        assert_eq!((history.time(0), history.time(end)), (None, None));
    }

    #[test]
    fn an_outage_takes_no_room() {
        let mut history = History::new(2);
        push(&mut history, 1);
        let before = history.bytes();
        history.lose(u64::from(u32::MAX) * 1000);
        push(&mut history, 2);
        assert_eq!(history.bytes(), before + ENTRY);
        assert_eq!(history.segments(0..history.next()).count(), 3);
        assert_eq!(history.newest(), Some(&[2.0, 0.0][..]));
    }

    #[test]
    fn a_hole_costs_one_entry_however_long_and_however_many() {
        let mut history = History::new(2);
        for value in 0..3000_u16 {
            history.lose(u64::from(value % 1500));
            push(&mut history, value);
        }
        assert_eq!((history.spans.len(), history.chunks.len()), (2999, 3));
        assert!(history.times.len() < 4600, "two times a hole at most");
        let entries = (0..3000_u64).map(|value| value % 1500).sum::<u64>();
        assert_eq!(read(&history, 0..history.next()).len() as u64, 3000 + entries);
        history.forget();
        assert!(history.spans.len() <= 1977 && history.times.len() < 3600);
        assert_eq!(read(&history, 0..history.next()).first(), Some(&Some(1024.0)));
        assert_eq!(history.segments(0..5).count(), 0, "forgotten");
    }

    #[test]
    fn a_clock_that_was_set_leaves_the_times_before_alone() {
        for (by, left_out) in [(60.0, Some(400)), (-60.0, None), (3.37, None)] {
            let mut history = History::new(2);
            (0..600).for_each(|value| {
                push(&mut history, value);
            });
            history.set_clock(400, by);
            for value in 600..2000_u16 {
                let time = Some(100.0 + by + history.next() as f64 / 128.0);
                history.push([f32::from(value), 0.0].into_iter(), time, Instant::now());
            }
            let expected =
                |index: u64| 100.0 + index as f64 / 128.0 + if index < 400 { 0.0 } else { by };
            for index in [0, 1, 300, 399, 400, 401, 550, 1000, 1999] {
                let time = history.time(index).unwrap();
                assert!((time - expected(index)).abs() < 1e-9, "{by}: {index}");
                assert_eq!(history.index(time), Some(index), "{by}");
            }
            assert_eq!(history.index(129.0), left_out, "{by}");
            assert_eq!((history.index(39.0), history.index(1000.0)), (None, None));
            assert_eq!(history.clock_steps(0..2000).collect::<Vec<_>>(), [(400, by)]);
        }
    }

    #[test]
    fn a_gap_is_as_many_samples_long_as_its_time_and_takes_no_room() {
        let mut history = History::new(2);
        let start = Instant::now();
        assert_eq!(history.interrupt(start, 128.0, None), 0, "nothing was interrupted");
        history.push([1.0, 0.0].into_iter(), None, start);
        for seconds in [12, 86_400] {
            let (from, next) = (history.last().unwrap(), history.next());
            let to = from + Duration::from_secs(seconds);
            let count = history.interrupt(to, 128.0, None);
            assert_eq!(count, seconds * 128 - 1);
            history.push([2.0, 0.0].into_iter(), None, to);
            assert_eq!(history.next(), next + seconds * 128);
            let gap = history.gaps().next_back().unwrap();
            assert_eq!(
                (gap.samples.clone(), gap.length().as_secs()),
                (next..next + count, seconds)
            );
        }
        assert!(history.bytes() <= 3 * CHUNK * 2 * size_of::<f32>(), "{}", history.bytes());
        for _ in 0..1000 {
            let to = history.last().unwrap() + Duration::from_secs(60);
            history.interrupt(to, 128.0, None);
            history.push([3.0, 0.0].into_iter(), None, to);
        }
        assert!(history.gaps().count() <= MOST_GAPS);
        assert!(history.bytes() <= 3 * CHUNK * 2 * size_of::<f32>(), "{}", history.bytes());
        for _ in 0..2 * CHUNK {
            history.push([4.0, 0.0].into_iter(), None, history.last().unwrap());
        }
        let to = history.last().unwrap() + Duration::from_secs(60);
        history.interrupt(to, 128.0, None);
        history.push([5.0, 0.0].into_iter(), None, to);
        let newest = history.gaps().next_back().unwrap().samples.clone();
        while history.forgettable(1).is_some() {
            history.forget();
        }
        assert_eq!(history.gaps().count(), 1, "what is forgotten has no gaps");
        // A history that cannot be merged continues the indices, so that no index identifies two
        // samples.
        let mut other = History::after(&history, 3);
        let to = history.last().unwrap() + Duration::from_secs(1);
        assert_eq!(other.interrupt(to, 128.0, Some(Discontinuity::Channels)), 127);
        other.push([1.0, 2.0, 3.0].into_iter(), None, to);
        assert_eq!(other.oldest(), newest.end + 1 + 127);
        assert_eq!(other.segments(0..newest.end).count(), 0, "older than all that is kept");
    }

    #[test]
    fn ten_minutes_of_32_channels_at_256_hz_are_a_tenth_of_the_budget() {
        let mut history = History::new(32);
        let now = Instant::now();
        for index in 0..600 * 256_u32 {
            let time = Some(f64::from(index) / 256.0);
            history.push(std::iter::repeat_n(1.5, 32), time, now);
        }
        assert!(history.bytes() <= (256 << 20) / 10, "{}", history.bytes());
        assert_eq!((history.oldest(), history.seconds(0..history.next()).count()), (0, 600));
        assert_eq!(history.index(300.0), Some(300 * 256));
        while history.forgettable(1).is_some() {
            history.forget();
        }
        assert!(history.seconds(0..history.next()).count() <= 4, "forgotten with their samples");
    }
}
