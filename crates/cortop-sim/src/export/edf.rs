//! A record as EDF, EDF+ or BDF+: each signal at its own rate, whole samples in each data record,
//! and the same end as the record. EDF+ and BDF+ carry the markers as annotations.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter},
};

use cortop_files::{
    edf::{
        annotation::Annotation,
        header::{EdfFormat, EdfHeader, EdfSignal, fitting_record},
        signals::SignalScales,
        writer::EdfWriter,
    },
    marker_writer::ExportedMarker,
};

use super::{ExportedStream, RecordExport};
use crate::{model::MotionFormat, noise::slot};
use cortop_protocol::{Stream, model::Model};

/// The most bytes that the time of a data record, and an annotation without its text, take.
const TIME_BYTES: usize = 24;
const ANNOTATION_BYTES: usize = 40;
/// The most bytes of annotations in a data record.
const MAX_ANNOTATIONS: usize = 16 << 10;

/// A signal of a file: its index among the values of its stream, and how it is written.
type PlacedSignal = (usize, EdfSignal);

/// A step of a signal.
enum ExportStep {
    /// The sample of this index.
    Sample(u64),
    /// A lost sample: how many are missing from here to the next existing one, and the index of
    /// that.
    Lost { left: u64, next: u64 },
}

impl RecordExport {
    pub(super) fn write_edf(
        &self,
        file: File,
        format: EdfFormat,
        wanted: &[Stream],
    ) -> io::Result<()> {
        let spec = &self.measurement().spec;
        let mut streams = self.streams_of(wanted);
        streams.retain(|own| !matches!(own.stream, Stream::Met | Stream::Pow));
        let pace = if wanted.contains(&Stream::Eeg) { Stream::Eeg } else { Stream::Mot };
        // Contact and quality are written as often as the EEG to which they belong.
        let rate = |stream| match stream {
            Stream::Mot => spec.mems_rate,
            _ => f64::from(spec.eeg_rate),
        };
        let length = self.steps(pace, rate(pace)).count() as f64 / rate(pace);
        let rates: Vec<_> = streams.iter().map(|own| rate(own.stream)).collect();
        let seconds = fitting_record(&rates, length);
        let (records, _) = slot(length / seconds + 1e-6);
        let per_record = |stream| slot((rate(stream) * seconds).round()).0;
        let signals: Vec<Vec<PlacedSignal>> =
            streams.iter().map(|own| self.signals(own, format, per_record(own.stream))).collect();
        let first = self.first(pace);
        let start = self.time(pace, first);
        let markers = self.markers();
        let header = EdfHeader {
            format,
            patient: format!(
                "X X X {}",
                self.record.subject.as_deref().unwrap_or("X").replace(' ', "_")
            ),
            recording: format!("X X {}", self.measurement().headset.as_str()),
            start: self.origin + start,
            record_seconds: seconds,
            annotation_bytes: annotation_bytes(&markers, self.origin + start, seconds),
            signals: signals.iter().flatten().map(|(_, signal)| signal.clone()).collect(),
        };
        let mut file = EdfWriter::new(BufWriter::new(file), header)?;
        let mut markers = markers.iter().peekable();
        let mut steps: Vec<_> = streams
            .iter()
            .map(|own| {
                let stream = if own.stream == Stream::Mot { Stream::Mot } else { pace };
                self.steps(stream, rate(stream))
            })
            .collect();
        for record in 1..=records {
            let end = seconds.mul_add(record as f64, self.origin + start);
            while let Some(own) = markers.next_if(|own| own.start < end) {
                file.annotate(Annotation {
                    onset: own.start - self.origin - start,
                    duration: own.is_interval().then_some(own.end - own.start),
                    text: own.label.clone(),
                });
            }
            let mut first_signal = 0;
            for ((own, signals), steps) in streams.iter_mut().zip(&signals).zip(&mut steps) {
                for _ in 0..per_record(own.stream) {
                    match steps.next() {
                        Some(ExportStep::Sample(index)) => self.take(own, pace, index),
                        Some(ExportStep::Lost { left, next }) => self.fill_in(own, left, next),
                        // Contact and quality are repeated, and so is the last sample of a signal.
                        None => {}
                    }
                    for (place, (of_stream, _)) in signals.iter().enumerate() {
                        let value = own.values.get(*of_stream).copied().flatten();
                        file.push(first_signal + place, value.unwrap_or(f64::NAN))?;
                    }
                }
                first_signal += signals.len();
            }
        }
        file.finish()?;
        Ok(())
    }

    /// The samples of a stream within the record, and the ones lost in between: these files cannot
    /// represent gaps.
    fn steps(&self, stream: Stream, rate: f64) -> impl Iterator<Item = ExportStep> + use<'_> {
        let samples = self.samples(stream);
        let first = samples.start;
        samples.flat_map(move |next| {
            let before = if next > first { self.time(stream, next - 1) } else { f64::INFINITY };
            let (lost, _) = slot(((self.time(stream, next) - before) * rate).round() - 1.0);
            let lost = (1..=lost).rev().map(move |left| ExportStep::Lost { left, next });
            lost.chain([ExportStep::Sample(next)])
        })
    }

    /// Takes the values of a stream at one of its own samples, or, for repeated values, at one of
    /// `pace`.
    fn take(&self, own: &mut ExportedStream, pace: Stream, index: u64) {
        if own.is_state() {
            let time = self.time(pace, index);
            while self.time(own.stream, own.next) <= time {
                own.values = self.values(own.stream, own.next);
                own.next += 1;
            }
        } else {
            own.values = self.values(own.stream, index);
        }
    }

    /// Fills in a lost sample as Cortex does: all signals repeat their value, and the counter
    /// continues. `left` samples are missing until the existing one at `next`.
    fn fill_in(&self, own: &mut ExportedStream, left: u64, next: u64) {
        let rate = match own.stream {
            Stream::Eeg => u64::from(self.measurement().spec.eeg_rate),
            Stream::Mot => slot(self.measurement().spec.mems_rate).0.max(1),
            _ => return,
        };
        let counter_at = |values: &[Option<f64>], place: usize| {
            values.get(place).copied().flatten().map_or(0, |number| slot(number).0)
        };
        let next = self.values(own.stream, next);
        for (place, label) in own.labels.iter().enumerate() {
            let filled = match label.as_str() {
                "INTERPOLATED" | "INTERPOLATED_MEMS" => 1,
                "COUNTER" | "COUNTER_MEMS" => {
                    let (before, next) = (counter_at(&own.values, place), counter_at(&next, place));
                    // Counters wrap where those of the headset do (§5.2).
                    let wraps = [rate, 128, 129, 256].into_iter();
                    let wrap = wraps.clone().find(|wrap| (before + left + 1) % wrap == next);
                    (before + 1) % wrap.unwrap_or(rate)
                }
                _ => continue,
            };
            if let Some(value) = own.values.get_mut(place) {
                *value = Some(filled as f64);
            }
        }
    }

    /// The signals of a stream, under the names used in EMOTIV's files.
    fn signals(&self, own: &ExportedStream, format: EdfFormat, samples: u64) -> Vec<PlacedSignal> {
        let spec = &self.measurement().spec;
        let model = Model::from_id(&self.measurement().headset);
        let raw_motion = matches!(spec.motion, MotionFormat::RawGyro | MotionFormat::TwoGyros);
        let scales = SignalScales::new(format, model, spec.dc > 0.0, raw_motion);
        let samples = usize::try_from(samples).unwrap_or(1);
        let labels = own.labels.iter().enumerate();
        let named = labels.filter_map(|(place, label)| {
            let is_sensor = spec.sensors.contains(label);
            Some((place, scales.signal(own.stream, label, is_sensor, samples)?))
        });
        named.collect()
    }
}

/// Bytes of annotations that the fullest data record needs.
fn annotation_bytes(markers: &[ExportedMarker], start: f64, seconds: f64) -> usize {
    let mut needed: BTreeMap<u64, usize> = BTreeMap::new();
    for own in markers {
        let (record, _) = slot(((own.start - start) / seconds).max(0.0));
        *needed.entry(record).or_default() += ANNOTATION_BYTES + own.label.len();
    }
    let most = needed.into_values().max().unwrap_or_default();
    (TIME_BYTES + most).min(MAX_ANNOTATIONS)
}
