//! Measures a recording row by row, so that a file of gigabytes needs no more memory than a short one. The
//! spectra are computed as in the monitor.

use std::{collections::VecDeque, sync::Arc};

use cortop_files::{
    header::ColumnKind,
    recording::{RecordingInfo, RecordingReader},
    row::{Row, RowMarker},
};
use cortop_protocol::{HeadsetId, Marker, Stream, model::Model};
use cortop_signal::{
    Defect,
    bad_channels::BadChannels,
    bands::BANDS,
    spectrum::{FrequencyAxis, MAINS, Periodogram, RANGE},
};

/// Rows for estimating the sample rate if the file does not give it.
const RATE_ROWS: usize = 2048;

/// Maximum number of gaps and markers kept; all are counted.
const MAX_GAPS: usize = 1000;
const MAX_MARKERS: usize = 10_000;

/// Maximum number of time slots for contact; when it is reached, each slot becomes twice as long.
const MAX_TIMES: usize = 512;

/// Two rows at most this many periods apart are consecutive.
const FOLLOWS: f64 = 1.6;

/// How far a time may deviate from the rows and whole cycles of the counter, in samples, and as a share of
/// the total for an inexact rate. A larger deviation means that the clock was set.
const OFF_SAMPLES: f64 = 12.0;
const OFF_RATE: f64 = 0.002;
/// Rows after which the measured rate is more precise than the nominal one.
const RATED: u64 = 1024;

/// Half the width of the mains band in Hz.
const BESIDE_MAINS: f64 = 1.0;

/// Eyes open or closed, as marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EyeState {
    Open,
    Closed,
}

impl EyeState {
    pub(super) const ALL: [Self; 2] = [Self::Open, Self::Closed];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Open => "eyes open",
            Self::Closed => "eyes closed",
        }
    }

    /// What a marker says: nothing about eyes, the end of a state (`None`), or a state.
    #[expect(clippy::option_option, reason = "nothing, over, or how they are")]
    pub(super) fn of_marker(text: &str) -> Option<Option<Self>> {
        let text: String =
            text.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        let of = |open: &str, closed: &str| {
            let how = if text.contains(open) {
                Self::Open
            } else if text.contains(closed) {
                Self::Closed
            } else {
                return None;
            };
            let is_over = ["end", "stop", "off"].iter().any(|word| text.ends_with(word));
            Some((!is_over).then_some(how))
        };
        of("eyesopen", "eyesclose").or_else(|| of("openeyes", "closedeyes"))
    }
}

/// A gap of missing rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct MeasuredGap {
    /// Seconds from the start.
    pub(super) at: f64,
    /// Its length.
    pub(super) seconds: f64,
    /// The number of missing samples.
    pub(super) samples: u64,
}

/// A marker.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MeasuredMarker {
    /// Seconds from the start.
    pub(super) at: f64,
    /// Its length in seconds, if it is an interval.
    pub(super) seconds: Option<f64>,
    /// Its text.
    pub(super) text: String,
}

/// The measurements of a sensor.
#[derive(Clone, Debug)]
pub(super) struct MeasuredChannel {
    pub(super) label: String,
    /// Seconds in which the signal cannot be EEG, by defect in the order of [`Defect::ALL`].
    pub(super) bad: [f64; Defect::ALL.len()],
    /// Over all segments, over those with the eyes open, and over those with the eyes closed.
    pub(super) spectra: [MeanSpectrum; 3],
}

/// The mean of spectra.
#[derive(Clone, Debug, Default)]
pub(super) struct MeanSpectrum {
    sums: Vec<f64>,
    pub(super) segments: u64,
}

impl MeanSpectrum {
    fn add(&mut self, powers: &[f64]) {
        if self.sums.is_empty() {
            self.sums = vec![0.0; powers.len()];
        }
        self.sums.iter_mut().zip(powers).for_each(|(sum, power)| *sum += power);
        self.segments += 1;
    }

    /// The powers in µV²/Hz; empty without segments.
    pub(super) fn powers(&self) -> Vec<f64> {
        self.sums.iter().map(|sum| sum / self.segments as f64).collect()
    }

    /// The mean power in each of the bands.
    pub(super) fn bands(&self, lines: FrequencyAxis) -> [Option<f64>; BANDS.len()] {
        #[expect(clippy::cast_possible_truncation, reason = "as spectra are kept elsewhere")]
        let powers: Vec<f32> = self.powers().into_iter().map(|power| power as f32).collect();
        BANDS.map(|band| {
            let mean = lines.mean(&powers, band.low, band.high);
            Some(mean).filter(|mean| self.segments > 0 && mean.is_finite())
        })
    }

    /// The share of the power from 1 to 70 Hz around the stronger of the mains frequencies 50 and 60 Hz, and
    /// that frequency.
    pub(super) fn mains(&self, lines: FrequencyAxis) -> Option<(f64, f64)> {
        let powers = self.powers();
        let all: f64 = powers.iter().sum();
        let shares = MAINS.map(|mains| {
            let near = powers.iter().enumerate();
            let near = near.filter(|(line, _)| (lines.hz(*line) - mains).abs() <= BESIDE_MAINS);
            (mains, near.map(|(_, power)| power).sum::<f64>() / all)
        });
        shares.into_iter().filter(|(_, share)| share.is_finite()).max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

/// The contact of a sensor.
#[derive(Clone, Debug)]
pub(super) struct MeasuredContact {
    pub(super) label: String,
    /// Seconds at each level from 0 (none) to 4 (good).
    pub(super) seconds: [f64; 5],
    /// The lowest level in each time slot; `None` if none was reported.
    pub(super) lowest: Vec<Option<u8>>,
}

/// The measurements of a recording.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) headset: Option<String>,
    /// Epoch seconds of the first row, if the file has times.
    pub(super) start: Option<f64>,
    /// Seconds from the first row to the last.
    pub(super) duration: f64,
    /// The number of rows.
    pub(super) samples: u64,
    pub(super) interpolated: u64,
    /// The sample rate in Hz without losses.
    pub(super) nominal_rate: f64,
    pub(super) rate: Option<f64>,
    pub(super) lost: u64,
    pub(super) gap_count: u64,
    pub(super) gaps: Vec<MeasuredGap>,
    pub(super) lines: FrequencyAxis,
    pub(super) channels: Vec<MeasuredChannel>,
    pub(super) contact: Vec<MeasuredContact>,
    /// Seconds without a known level, such as before the first report.
    pub(super) contact_unknown: f64,
    /// Length of a contact time slot in seconds.
    pub(super) contact_step: f64,
    pub(super) marker_count: u64,
    pub(super) markers: Vec<MeasuredMarker>,
    /// Seconds with the eyes open and closed.
    pub(super) eyes: [f64; 2],
    /// What could not be read, one sentence each.
    pub(super) notes: Vec<String>,
}

/// Measures a whole recording.
pub(super) fn measure(mut reader: Box<dyn RecordingReader>) -> Measured {
    // Determine the rate first, as all measurements depend on it.
    let mut ahead = VecDeque::new();
    let mut cut = None;
    let mut next = |reader: &mut Box<dyn RecordingReader>, row: &mut Row| match reader.next_row(row)
    {
        Ok(more) => more,
        Err(error) => {
            cut = Some(error.to_string());
            false
        }
    };
    let mut row = Row::default();
    while ahead.len() < RATE_ROWS && next(&mut reader, &mut row) {
        ahead.push_back(row.clone());
    }
    let mut measuring = Measuring::new(reader.info(), ahead.make_contiguous());
    for row in &ahead {
        measuring.row(row);
    }
    drop(ahead);
    while next(&mut reader, &mut row) {
        measuring.row(&row);
    }
    let mut measured = measuring.finish();
    measured.notes.extend(reader.info().notes.iter().cloned());
    let counts = reader.counts();
    for (count, one, many) in [
        (counts.held, "EEG value could not be read", "EEG values could not be read"),
        (
            counts.unreadable,
            "value of other streams could not be read",
            "values of other streams could not be read",
        ),
        (counts.lost, "row has no readable EEG", "rows have no readable EEG"),
        (counts.short, "row or record is cut off", "rows or records are cut off"),
    ] {
        if count > 0 {
            measured.notes.push(format!("{count} {}.", if count == 1 { one } else { many }));
        }
    }
    measured.notes.extend(reader.left_out().into_iter().map(|what| format!("{what}.")));
    measured.notes.extend(cut.map(|why| format!("The file could not be read to its end: {why}.")));
    measured
}

struct Measuring {
    measured: Measured,
    sensors: usize,
    bad: BadChannels,
    periodogram: Periodogram,
    /// The samples of the current segment, by channel.
    segment: Vec<VecDeque<f64>>,
    /// Samples since the last segment ended.
    fresh: usize,
    /// Samples since the state of the eyes last changed.
    eyes_samples: usize,
    eyes: Option<EyeState>,
    /// When that state ends on its own.
    eyes_end: Option<f64>,
    /// The cycle length of the counter.
    modulus: Option<u64>,
    last: Option<(f64, Option<u64>)>,
    /// The number of consecutive rows, and the time between them.
    followed: (u64, f64),
    /// The column indices of contact, in order.
    contact_places: Vec<usize>,
    levels: Vec<Option<u8>>,
}

/// What lies between two rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowStep {
    /// Nothing.
    Next,
    /// Missing samples.
    Gap(u64),
    /// The clock was set between them; also the number of missing samples.
    ClockSet(u64),
}

impl RowStep {
    fn of(missing: u64) -> Self {
        if missing == 0 { Self::Next } else { Self::Gap(missing) }
    }

    fn missing(self) -> u64 {
        match self {
            Self::Next => 0,
            Self::Gap(missing) | Self::ClockSet(missing) => missing,
        }
    }
}

/// The nearest whole number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
fn whole(number: f64) -> u64 {
    number.max(0.0).round() as u64
}

impl Measuring {
    fn new(info: &RecordingInfo, first: &[Row]) -> Self {
        let header = &info.header;
        let labels: Vec<String> = header.labels(ColumnKind::Sensor).map(str::to_owned).collect();
        let nominal_rate = info.eeg_rate.unwrap_or_else(|| rate_of(first)).max(1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 1")]
        let periodogram = Periodogram::new(nominal_rate.round() as u64, *RANGE.end());
        let headset = info
            .headset_type
            .as_ref()
            .map(|kind| format!("{kind}-{}", info.serial.as_deref().unwrap_or_default()));
        let model = headset.as_ref().map_or(Model::EpocX, |id| {
            Model::from_id(&HeadsetId::from(id.to_uppercase().replace(' ', "").as_str()))
        });
        let shared: Vec<Arc<str>> = labels.iter().map(|label| label.as_str().into()).collect();
        let dev: Vec<_> = header.labels_of(Stream::Dev).collect();
        let is_sensor = |own: &(ColumnKind, &str)| {
            own.0 == ColumnKind::Contact && !own.1.eq_ignore_ascii_case("overall")
        };
        let contact_places: Vec<_> =
            dev.iter().enumerate().filter(|(_, own)| is_sensor(own)).map(|(at, _)| at).collect();
        let contact = contact_places.iter().filter_map(|at| dev.get(*at)).map(|(_, label)| {
            MeasuredContact { label: (*label).to_owned(), seconds: [0.0; 5], lowest: Vec::new() }
        });
        let channel = |label: &String| MeasuredChannel {
            label: label.clone(),
            bad: [0.0; Defect::ALL.len()],
            spectra: [(); 3].map(|()| MeanSpectrum::default()),
        };
        let counters: Vec<u64> = first.iter().filter_map(|row| row.counter).collect();
        Self {
            measured: Measured {
                headset,
                start: None,
                duration: 0.0,
                samples: 0,
                interpolated: 0,
                nominal_rate,
                rate: None,
                lost: 0,
                gap_count: 0,
                gaps: Vec::new(),
                lines: periodogram.lines(),
                channels: labels.iter().map(channel).collect(),
                contact: contact.collect(),
                contact_unknown: 0.0,
                contact_step: 1.0,
                marker_count: 0,
                markers: Vec::new(),
                eyes: [0.0; 2],
                notes: Vec::new(),
            },
            sensors: labels.len(),
            bad: BadChannels::new(&shared, model),
            segment: vec![VecDeque::with_capacity(periodogram.length()); labels.len()],
            periodogram,
            fresh: 0,
            eyes_samples: 0,
            eyes: None,
            eyes_end: None,
            modulus: modulus(&counters),
            last: None,
            followed: (0, 0.0),
            levels: vec![None; contact_places.len()],
            contact_places,
        }
    }

    /// The time of a row in epoch seconds, or in seconds from 0 where the file has none.
    fn time(&self, row: &Row) -> f64 {
        row.time.unwrap_or_else(|| row.place as f64 / self.measured.nominal_rate)
    }

    fn row(&mut self, row: &Row) {
        let time = self.time(row);
        let start = *self.measured.start.get_or_insert(time);
        let period = 1.0 / self.measured.nominal_rate;
        let step = self.step(row, time);
        if let Some((before, _)) = self.last {
            let missing = step.missing();
            if missing > 0 {
                let by_count = missing as f64 * period;
                let seconds = match step {
                    RowStep::ClockSet(_) => by_count,
                    _ => (time - before - period).max(by_count),
                };
                self.measured.gap_count += 1;
                self.measured.lost += missing;
                if self.measured.gaps.len() < MAX_GAPS {
                    let at = before + period - start;
                    self.measured.gaps.push(MeasuredGap { at, seconds, samples: missing });
                }
                self.break_segments();
            } else if time > before && step == RowStep::Next {
                self.followed.0 += 1;
                self.followed.1 += time - before;
            }
        }
        self.last = Some((time, row.counter));
        self.measured.samples += 1;
        self.measured.interpolated += u64::from(row.interpolated);
        self.measured.duration = self.measured.duration.max(time - start + period);
        for marker in &row.markers {
            self.marker(marker, time - start);
        }
        if self.eyes_end.is_some_and(|end| time - start >= end) {
            self.set_eyes(None, None);
        }
        self.contact(row, time - start, period);
        self.eeg(row, period);
    }

    /// What lies between the last row and this one. Missing samples are found by the counter; without a
    /// counter, or after so long that whole cycles of it may be missing, by the time.
    fn step(&self, row: &Row, time: f64) -> RowStep {
        let Some((before, counter)) = self.last else { return RowStep::Next };
        let (rows, seconds) = self.followed;
        let rate = if rows < RATED { self.measured.nominal_rate } else { rows as f64 / seconds };
        let by_time = ((time - before) * rate - 1.0).max(0.0);
        let jump = if by_time + 1.0 > FOLLOWS { whole(by_time) } else { 0 };
        let (Some(before), Some(now)) = (counter, row.counter) else { return RowStep::of(jump) };
        let Some(modulus) = self.modulus else {
            return RowStep::of(if now > before { now - before - 1 } else { jump });
        };
        let missing = (now % modulus + modulus - before % modulus - 1) % modulus;
        // A counter that stands still has not completed a cycle.
        let stands = missing + 1 == modulus && by_time < modulus as f64 / 2.0;
        let missing = if stands { 0 } else { missing };
        let rounds = ((by_time - missing as f64) / modulus as f64).round().max(0.0);
        let all = missing as f64 + rounds * modulus as f64;
        if rounds > 0.0 && (by_time - all).abs() > OFF_SAMPLES + by_time * OFF_RATE {
            return RowStep::ClockSet(missing);
        }
        RowStep::of(missing + whole(rounds) * modulus)
    }

    fn break_segments(&mut self) {
        self.segment.iter_mut().for_each(VecDeque::clear);
        self.fresh = 0;
        self.eyes_samples = 0;
    }

    fn set_eyes(&mut self, eyes: Option<EyeState>, end: Option<f64>) {
        if self.eyes != eyes {
            self.eyes_samples = 0;
        }
        (self.eyes, self.eyes_end) = (eyes, end);
    }

    fn marker(&mut self, marker: &RowMarker, now: f64) {
        let start = self.measured.start.unwrap_or_default();
        let at = marker.time.map_or(now, |time| time - start);
        let object = Marker::from(marker.object.clone());
        let seconds = object.is_interval().then_some(object.end - object.start);
        let text = object.to_string();
        if let Some(eyes) = EyeState::of_marker(&text) {
            let end = seconds.filter(|own| *own > 0.0).map(|own| at + own);
            self.set_eyes(eyes, end);
        }
        self.measured.marker_count += 1;
        if self.measured.markers.len() < MAX_MARKERS {
            self.measured.markers.push(MeasuredMarker { at, seconds, text });
        }
    }

    fn contact(&mut self, row: &Row, now: f64, period: f64) {
        for sample in row.samples.iter().filter(|own| own.stream == Stream::Dev) {
            for (level, place) in self.levels.iter_mut().zip(&self.contact_places) {
                let value = sample.values.get(*place).copied().unwrap_or(f64::NAN);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "0 to 4"
                )]
                let own = (0.0..=4.0).contains(&value).then_some(value as u8);
                *level = own.or(*level);
            }
        }
        if self.levels.is_empty() {
            return;
        }
        if self.levels.iter().all(Option::is_none) {
            self.measured.contact_unknown += period;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
        let mut place = (now.max(0.0) / self.measured.contact_step) as usize;
        while place >= MAX_TIMES {
            self.measured.contact_step *= 2.0;
            place /= 2;
            for own in &mut self.measured.contact {
                own.lowest =
                    own.lowest.chunks(2).map(|pair| pair.iter().flatten().min().copied()).collect();
            }
        }
        for (own, level) in self.measured.contact.iter_mut().zip(&self.levels) {
            own.lowest.resize(own.lowest.len().max(place + 1), None);
            let Some(level) = *level else { continue };
            own.seconds[usize::from(level.min(4))] += period;
            let lowest = own.lowest[place].map_or(level, |lowest| lowest.min(level));
            own.lowest[place] = Some(lowest);
        }
    }

    fn eeg(&mut self, row: &Row, period: f64) {
        let values = row.eeg.get(..self.sensors).unwrap_or_default();
        if values.len() < self.sensors {
            return;
        }
        if !row.interpolated {
            #[expect(clippy::cast_possible_truncation, reason = "as everywhere")]
            let raw: Vec<f32> = values.iter().map(|value| *value as f32).collect();
            let _ = self.bad.push(&raw, self.measured.nominal_rate);
        }
        for bad in self.bad.bad().iter() {
            let own = self.measured.channels.iter_mut().find(|own| *own.label == *bad.label);
            let place = Defect::ALL.iter().position(|own| *own == bad.defect);
            if let Some((own, place)) = own.zip(place) {
                own.bad[place] += period;
            }
        }
        if let Some(eyes) = self.eyes {
            self.measured.eyes[eyes as usize] += period;
        }
        self.eyes_samples += 1;
        self.fresh += 1;
        let length = self.periodogram.length();
        for (segment, value) in self.segment.iter_mut().zip(values) {
            if segment.len() == length {
                segment.pop_front();
            }
            segment.push_back(*value);
        }
        let is_full = self.segment.first().is_some_and(|own| own.len() == length);
        // Segments overlap by half.
        if !is_full || self.fresh < length / 2 {
            return;
        }
        self.fresh = 0;
        let eyes = self.eyes.filter(|_| self.eyes_samples >= length);
        for (segment, channel) in self.segment.iter().zip(&mut self.measured.channels) {
            let powers: Vec<f64> = self.periodogram.powers(segment.iter().copied()).collect();
            if powers.iter().all(|power| power.is_finite()) {
                channel.spectra[0].add(&powers);
                if let Some(eyes) = eyes {
                    channel.spectra[1 + eyes as usize].add(&powers);
                }
            }
        }
    }

    fn finish(mut self) -> Measured {
        let (count, seconds) = self.followed;
        self.measured.rate = (seconds > 0.0).then(|| count as f64 / seconds);
        self.measured
    }
}

/// The sample rate from the times of some rows: the inverse of the median period; 128 Hz without times.
fn rate_of(rows: &[Row]) -> f64 {
    const USUAL: f64 = 128.0;
    let times: Vec<f64> = rows.iter().filter_map(|row| row.time).collect();
    let mut steps: Vec<f64> =
        times.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| *step > 0.0).collect();
    if steps.is_empty() {
        return USUAL;
    }
    let middle = steps.len() / 2;
    let (_, median, _) = steps.select_nth_unstable_by(middle, f64::total_cmp);
    1.0 / *median
}

/// The cycle length of a counter, if it has one.
fn modulus(counters: &[u64]) -> Option<u64> {
    let falls = counters.windows(2).any(|pair| pair[1] < pair[0]);
    counters.iter().max().filter(|most| falls && **most > 0).map(|most| most + 1)
}
