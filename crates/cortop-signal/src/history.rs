//! The raw samples of one traced stream, bounded: what a changed view is built from. Knows neither
//! filters nor columns.
//!
//! Values are kept as `f32`: at the 4200 µV on which EEG rides its step is 0.0005 µV, a
//! two-hundredth of the headset's own, and the history reaches back twice as far as with `f64`.

use std::{collections::VecDeque, ops::Range};

use tokio::time::Instant;

use super::snapshot::{Change, Gap};

/// Samples in a chunk, the unit in which history is forgotten.
const CHUNK: usize = 1024;

/// Gaps kept; the oldest go first.
const MOST_GAPS: usize = 256;

/// The longest gap in samples, half a year at 256 Hz: an index never overflows.
const LONGEST_GAP: f64 = 4e9;

/// How soon after a second its first sample has to come to stand for it; after a loss none may.
const AT_A_SECOND: f64 = 0.1;

/// The samples of all channels by absolute index, oldest first.
#[derive(Debug)]
pub(crate) struct History {
    channels: usize,
    chunks: VecDeque<Chunk>,
    next: u64,
    /// When the newest sample arrived.
    last: Option<Instant>,
    /// The samples at which seconds begin: index and epoch second.
    seconds: VecDeque<(u64, i64)>,
    /// The times between connections.
    gaps: VecDeque<Gap>,
}

/// Consecutive samples. Between the chunks samples may be missing, so that an outage, however
/// long, takes no room.
#[derive(Debug)]
struct Chunk {
    start: u64,
    since: Instant,
    /// Index and epoch seconds of its first and its last sample that had a time.
    times: Option<[(u64, f64); 2]>,
    /// One value a channel, sample by sample; NaN where one is missing.
    values: Vec<f32>,
}

/// A stretch of history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stretch<'a> {
    /// One sample, one value a channel.
    Sample(&'a [f32]),
    /// So many samples were lost.
    Lost(u64),
}

impl History {
    /// Nothing yet, of a stream with so many channels, at least one.
    pub(crate) fn new(channels: usize) -> Self {
        Self {
            channels: channels.max(1),
            chunks: VecDeque::new(),
            next: 0,
            last: None,
            seconds: VecDeque::new(),
            gaps: VecDeque::new(),
        }
    }

    /// Nothing yet of what comes after `before` and cannot be kept with it. An index stands for
    /// one sample only, so it counts on.
    pub(crate) fn after(before: &Self, channels: usize) -> Self {
        Self { next: before.next, last: before.last, ..Self::new(channels) }
    }

    /// The next sample: one value a channel. True if it took new memory.
    pub(crate) fn push(
        &mut self,
        values: impl ExactSizeIterator<Item = f32>,
        time: Option<f64>,
        received: Instant,
    ) -> bool {
        debug_assert_eq!(values.len(), self.channels, "one value a channel");
        let (index, room) = (self.next, CHUNK * self.channels);
        self.next += 1;
        self.last = Some(received);
        let fits = self
            .chunks
            .back()
            .is_some_and(|chunk| chunk.values.len() < room && chunk.end(self.channels) == index);
        if !fits {
            // One that a gap has cut short takes no more room than its samples.
            self.chunks.back_mut().into_iter().for_each(|chunk| chunk.values.shrink_to_fit());
            self.chunks.push_back(Chunk {
                start: index,
                since: received,
                times: None,
                values: Vec::with_capacity(room),
            });
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.values.extend(values);
            if let Some(time) = time {
                #[expect(clippy::cast_possible_truncation, reason = "saturates at the absurd")]
                let second = time.floor() as i64;
                let is_new = self.seconds.back().is_none_or(|&(_, last)| last != second);
                if is_new && time - time.floor() < AT_A_SECOND {
                    self.seconds.push_back((index, second));
                }
                let stamp = (index, time);
                chunk.times = Some([chunk.times.map_or(stamp, |[first, _]| first), stamp]);
            }
        }
        !fits
    }

    /// The next `count` samples were lost.
    pub(crate) fn lose(&mut self, count: u64) {
        self.next = self.next.saturating_add(count);
        // A short loss is filled up, so that a stream that loses often still fills its chunks.
        if let Some(chunk) = self.chunks.back_mut() {
            let missing =
                (self.next - chunk.end(self.channels)).saturating_mul(self.channels as u64);
            let free = (CHUNK * self.channels).saturating_sub(chunk.values.len());
            if let Some(missing) = usize::try_from(missing).ok().filter(|&missing| missing <= free)
            {
                chunk.values.extend(std::iter::repeat_n(f32::NAN, missing));
            }
        }
    }

    /// The next sample, arriving at `to`, is the first of another connection: the time since the
    /// last is a gap of as many samples as there would have been at `rate` samples a second. Returns
    /// their number.
    pub(crate) fn interrupt(&mut self, to: Instant, rate: f64, change: Option<Change>) -> u64 {
        let Some(from) = self.last else { return 0 };
        let periods = to.saturating_duration_since(from).as_secs_f64() * rate;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let count = (periods.round() - 1.0).clamp(0.0, LONGEST_GAP) as u64;
        let start = self.next;
        self.lose(count);
        if count > 0 || change.is_some() {
            if self.gaps.len() == MOST_GAPS {
                self.gaps.pop_front();
            }
            self.gaps.push_back(Gap { samples: start..self.next, from, to, change });
        }
        count
    }

    /// The gaps between its samples, and the one before its first if there is another history
    /// before it; oldest first.
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
        self.chunks.front().map_or(self.next, |chunk| chunk.start)
    }

    /// The newest sample.
    pub(crate) fn newest(&self) -> Option<&[f32]> {
        self.chunks.back().and_then(|chunk| chunk.values.rchunks_exact(self.channels).next())
    }

    /// Epoch seconds of a sample, if they are known or lie between two known ones.
    pub(crate) fn time(&self, index: u64) -> Option<f64> {
        let after = self.chunks.partition_point(|chunk| chunk.start <= index);
        let [first, last] = self.chunks.get(after.checked_sub(1)?)?.times?;
        let (before, after) = if index <= last.0 {
            (first, last)
        } else {
            // Within an outage: its ends tell.
            (last, self.chunks.get(after)?.times?[0])
        };
        let share = index.checked_sub(before.0)? as f64 / (after.0 - before.0).max(1) as f64;
        Some(before.1 + (after.1 - before.1) * share)
    }

    /// Index of the sample nearest to a time, by the times that are known; `None` before the first of
    /// them and after the last.
    pub(crate) fn index(&self, time: f64) -> Option<u64> {
        let stamped = |chunk: &Chunk| chunk.times.is_some_and(|[_, last]| last.1 < time);
        let at = self.chunks.partition_point(stamped);
        let [first, last] = self.chunks.get(at)?.times?;
        if at == 0 && time < first.1 {
            return None;
        }
        let share = (time - first.1) / (last.1 - first.1).max(f64::MIN_POSITIVE);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let steps = (share.clamp(0.0, 1.0) * (last.0 - first.0) as f64).round() as u64;
        Some(first.0 + steps)
    }

    /// The samples of `range` at which seconds begin: index and epoch second.
    pub(crate) fn seconds(&self, range: Range<u64>) -> impl Iterator<Item = (u64, i64)> {
        let place = |index: u64| self.seconds.partition_point(|&(at, _)| at < index);
        let start = place(range.start);
        self.seconds.range(start..place(range.end).max(start)).copied()
    }

    /// The stretches of `range`, as far as they are kept.
    pub(crate) fn stretches(&self, range: Range<u64>) -> impl Iterator<Item = Stretch<'_>> {
        let end = range.end.min(self.next);
        // A range may be older than all that is kept.
        let mut at = range.start.max(self.oldest()).min(end);
        let first = self.chunks.partition_point(|chunk| chunk.end(self.channels) <= at);
        let chunks = self.chunks.range(first..);
        let kept = chunks.map(|chunk| (chunk.start, chunk.values.as_slice()));
        kept.chain([(end, &[][..])]).flat_map(move |(start, values)| {
            let lost = start.min(end).saturating_sub(at);
            at += lost;
            let samples = values.chunks_exact(self.channels);
            let skip = usize::try_from(at - start.min(at)).unwrap_or(usize::MAX);
            let take = usize::try_from(end - at).unwrap_or(usize::MAX);
            let samples = samples.skip(skip).take(take);
            at += samples.len() as u64;
            let lost = (lost > 0).then_some(Stretch::Lost(lost));
            lost.into_iter().chain(samples.map(Stretch::Sample))
        })
    }

    /// Bytes taken.
    pub(crate) fn bytes(&self) -> usize {
        self.chunks.iter().map(Chunk::bytes).sum()
    }

    /// Since when its oldest chunk is there, if there are more than `keep`.
    pub(crate) fn forgettable(&self, keep: usize) -> Option<Instant> {
        self.chunks.front().filter(|_| self.chunks.len() > keep).map(|chunk| chunk.since)
    }

    /// Forgets its oldest chunk and tells how many bytes that freed.
    pub(crate) fn forget(&mut self) -> usize {
        let freed = self.chunks.pop_front().as_ref().map_or(0, Chunk::bytes);
        let gone = self.seconds.partition_point(|&(at, _)| at < self.oldest());
        self.seconds.drain(..gone);
        let oldest = self.oldest();
        self.gaps.retain(|gap| gap.samples.end >= oldest);
        freed
    }
}

impl Chunk {
    /// The index after its last sample.
    fn end(&self, channels: usize) -> u64 {
        self.start + (self.values.len() / channels) as u64
    }

    fn bytes(&self) -> usize {
        self.values.capacity() * size_of::<f32>()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn push(history: &mut History, value: u16) -> bool {
        let time = Some(100.0 + history.next() as f64 / 128.0);
        history.push([f32::from(value), 0.0].into_iter(), time, Instant::now())
    }

    /// The first channel over a range, `None` for what was lost.
    fn read(history: &History, range: Range<u64>) -> Vec<Option<f32>> {
        let mut values = Vec::new();
        for stretch in history.stretches(range) {
            match stretch {
                Stretch::Sample(sample) => values.push(Some(sample[0]).filter(|v| v.is_finite())),
                Stretch::Lost(count) => values.extend((0..count).map(|_| None)),
            }
        }
        values
    }

    #[test]
    fn an_index_is_the_absolute_one_whatever_was_lost_and_forgotten() {
        let mut history = History::new(2);
        let mut expected: Vec<Option<f32>> = Vec::new();
        for (value, lost) in (0..6000_u16).zip([0, 0, 0, 3, 0, 0, 900, 0, 5000].iter().cycle()) {
            // A long outage now and then, short losses between.
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
        assert!(history.bytes() <= before + 3 * 2 * size_of::<f32>(), "{}", history.bytes());
        assert_eq!(history.stretches(0..history.next()).count(), 3);
        assert_eq!(history.newest(), Some(&[2.0, 0.0][..]));
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
            let to = history.last().unwrap() + Duration::from_mins(1);
            history.interrupt(to, 128.0, None);
            history.push([3.0, 0.0].into_iter(), None, to);
        }
        assert!(history.gaps().count() <= MOST_GAPS);
        assert!(history.bytes() <= 3 * CHUNK * 2 * size_of::<f32>(), "{}", history.bytes());
        let newest = history.gaps().next_back().unwrap().samples.clone();
        while history.forgettable(1).is_some() {
            history.forget();
        }
        assert_eq!(history.gaps().count(), 1, "what is forgotten has no gaps");
        // What cannot be kept with it counts on, so that no index stands for two samples.
        let mut other = History::after(&history, 3);
        let to = history.last().unwrap() + Duration::from_secs(1);
        assert_eq!(other.interrupt(to, 128.0, Some(Change::Channels)), 127);
        other.push([1.0, 2.0, 3.0].into_iter(), None, to);
        assert_eq!(other.oldest(), newest.end + 1 + 127);
        assert_eq!(other.stretches(0..newest.end).count(), 0, "older than all that is kept");
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
