//! A recording as EDF+C or BDF+C: each sample at its position; lost ones are filled with the last
//! value and annotated. Contact and quality accompany the EEG at their own rate, as does motion if
//! a data record holds whole samples of it.

use std::{io, path::Path};

use cortop_protocol::{HeadsetId, Stream, model::Model, values::Values};
use cortop_signal::is_channel;

use super::{
    OpenedStream, RecorderOptions,
    timeline::{Placed, SampleTimeline, whole},
};
use crate::{
    edf::{
        annotation::{self, Annotation, MOTION_LOST},
        header::{EdfFormat, EdfHeader, EdfSignal, steady_record},
        signals::{SignalScales, UNKNOWN},
        writer::EdfWriter,
    },
    output_file::OutputFile,
};

/// Bytes of annotations per second, enough for several short losses.
const ANNOTATION_BYTES: f64 = 640.0;
/// Seconds by which motion may arrive later than the EEG of the same moment.
const LATE: f64 = 0.25;
/// How many seconds of motion wait if no EEG arrives.
const MOST_AHEAD: f64 = 60.0;
/// Motion may be off its position by this many samples, or seconds, before it is moved to where its
/// time belongs.
const OFF_SAMPLES: f64 = 2.0;
const OFF: f64 = 0.25;
/// How many samples are filled in between two flushes.
const PASSED_ON: u64 = 1 << 14;
/// An offset under EEG has at least this many µV.
const OFFSET: f64 = 1500.0;

/// Seconds between two annotations of the measured rate.
const PACE_EVERY: f64 = 60.0;

/// Writes an EDF or BDF file.
#[derive(Debug)]
pub(super) struct EdfOutput {
    writer: EdfWriter<OutputFile>,
    /// Nominal rate, in samples per second, of the stream that sets the pace, and its samples per
    /// data record.
    rate: f64,
    per_record: u64,
    /// The positions of its values among the labels, and their signals.
    signals: Vec<(usize, usize)>,
    /// Its samples so far, including filled ones.
    next: u64,
    /// The sample before which the measured rate is annotated next.
    next_pace: u64,
    states: Vec<StateSignals>,
    motion: Option<MotionSignals>,
}

/// Contact or quality.
#[derive(Debug)]
struct StateSignals {
    stream: Stream,
    signals: Vec<(usize, usize)>,
    per_record: u64,
    next: u64,
    values: Vec<f64>,
}

/// Motion in the same file as EEG.
#[derive(Debug)]
struct MotionSignals {
    signals: Vec<(usize, usize)>,
    rate: f64,
    per_record: u64,
    /// Samples so far, including filled ones.
    next: u64,
    /// From the index of a motion sample to its position in the file.
    offset: Option<f64>,
    /// Samples that were late or had no position.
    dropped: u64,
}

impl EdfOutput {
    /// Starts a file with `pace`, and with those other streams that fit into its data records.
    /// `first`: its first sample.
    pub(super) fn new(
        file: OutputFile,
        format: EdfFormat,
        (options, headset): (&RecorderOptions, &HeadsetId),
        pace: &OpenedStream,
        others: &[&OpenedStream],
        (values, placed): (&Values, &Placed),
    ) -> io::Result<Self> {
        let rate = pace.rate;
        let rates: Vec<_> = others.iter().chain([&pace]).map(|own| own.rate).collect();
        let seconds = steady_record(&rates);
        let sensors = |label: &str| {
            others.iter().chain([&pace]).any(|own| {
                own.stream == Stream::Eeg
                    && is_channel(label)
                    && own.labels.iter().any(|x| x == label)
            })
        };
        let model = Model::from_id(headset);
        let has_offset = model
            .has_offset()
            .unwrap_or_else(|| values.numbers.iter().any(|value| value.abs() > OFFSET));
        let mut all: Vec<EdfSignal> = Vec::new();
        let mut signals = |own: &OpenedStream| {
            let raw = matches!(model, Model::Epoc | Model::EpocPlus)
                && own.labels.iter().any(|label| label == "GYROX");
            let scales = SignalScales::new(format, model, has_offset, raw);
            let samples = usize::try_from(whole(own.rate * seconds)).unwrap_or(1);
            let mut chosen = Vec::new();
            for (place, label) in own.labels.iter().enumerate() {
                if let Some(signal) = scales.signal(own.stream, label, sensors(label), samples) {
                    chosen.push((place, all.len()));
                    all.push(signal);
                }
            }
            chosen
        };
        let own = signals(pace);
        let (mut states, mut motion) = (Vec::new(), None);
        for other in others {
            let (signals, per_record) = (signals(other), whole(other.rate * seconds));
            if other.stream == Stream::Mot {
                let (next, offset, dropped) = (0, None, 0);
                let rate = other.rate;
                motion = Some(MotionSignals { signals, rate, per_record, next, offset, dropped });
            } else {
                let (stream, next) = (other.stream, 0);
                let values = Vec::new();
                states.push(StateSignals { stream, signals, per_record, next, values });
            }
        }
        let text =
            |text: &str| if text.is_empty() { "X".to_owned() } else { text.replace(' ', "_") };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a few thousand"
        )]
        let annotation_bytes = (ANNOTATION_BYTES * seconds).min(4096.0) as usize;
        let header = EdfHeader {
            format,
            patient: format!("X X X {}", text(&options.subject)),
            recording: format!("X X {headset} {}", text(&options.title)),
            start: placed.stamp,
            record_seconds: seconds,
            signals: all,
            annotation_bytes,
        };
        Ok(Self {
            writer: EdfWriter::new(file, header)?,
            rate,
            per_record: whole(rate * seconds).max(1),
            signals: own,
            next: 0,
            next_pace: whole(rate * PACE_EVERY),
            states,
            motion,
        })
    }

    /// Adds a sample of the stream that sets the pace.
    pub(super) fn pace(
        &mut self,
        values: &Values,
        placed: &Placed,
        timeline: &SampleTimeline,
    ) -> io::Result<()> {
        if placed.lost > 0 {
            let lost = placed.index.saturating_sub(self.next);
            self.writer.annotate_no_data(self.next as f64 / self.rate, lost as f64 / self.rate);
            for filled in 0..lost {
                self.push(None)?;
                if filled % PASSED_ON == PASSED_ON - 1 {
                    self.writer.flush()?;
                }
            }
        }
        if let Some((seconds, at)) = placed.clock_step {
            self.annotate(at as f64, format!("clock set by {seconds:+.3} s"));
        }
        self.push(Some(values))?;
        if self.next >= self.next_pace {
            self.next_pace = self.next + whole(self.rate * PACE_EVERY);
            if let Some(pace) = timeline.measured() {
                self.annotate(placed.index as f64, annotation::pace(pace));
            }
        }
        Ok(())
    }

    /// Adds the values at one position of the stream that sets the pace; `None` repeats the last
    /// ones.
    fn push(&mut self, values: Option<&Values>) -> io::Result<()> {
        for own in &mut self.states {
            if own.next * self.per_record <= self.next * own.per_record {
                for &(place, signal) in &own.signals {
                    let value = own.values.get(place).copied().unwrap_or(UNKNOWN);
                    self.writer.push(signal, value)?;
                }
                own.next += 1;
            }
        }
        for &(place, signal) in &self.signals {
            let value = values.and_then(|own| own.numbers.get(place)).copied();
            self.writer.push(signal, value.unwrap_or(f64::NAN))?;
        }
        self.next += 1;
        // A data record does not wait for motion for long.
        if let Some(motion) = &mut self.motion {
            let complete = self.next.saturating_sub(whole(self.rate * LATE)) / self.per_record;
            motion.fill(complete * motion.per_record, &mut self.writer)?;
        }
        Ok(())
    }

    /// Adds a sample of contact or quality.
    pub(super) fn state(&mut self, stream: Stream, values: &Values) {
        if let Some(own) = self.states.iter_mut().find(|own| own.stream == stream) {
            own.values.clone_from(&values.numbers);
        }
    }

    /// Adds a sample of motion beside EEG, given its timeline.
    pub(super) fn motion(
        &mut self,
        values: &Values,
        placed: &Placed,
        eeg: &SampleTimeline,
    ) -> io::Result<()> {
        let Some(motion) = &mut self.motion else { return Ok(()) };
        let Some(index) = eeg.index_at(placed.time) else { return Ok(()) };
        let expected = index * motion.rate / self.rate;
        let own = placed.index as f64;
        let before = motion.offset.map(|offset| own + offset);
        let most = OFF_SAMPLES.max(motion.rate * OFF);
        let place = before.filter(|place| (place - expected).abs() <= most).unwrap_or_else(|| {
            motion.offset = Some(expected.round() - own);
            expected.round()
        });
        let ahead = place - self.next as f64 * motion.rate / self.rate;
        if place < motion.next as f64 || ahead > motion.rate * MOST_AHEAD {
            motion.dropped += u64::from(place >= 0.0);
            return Ok(());
        }
        let (from, place) = (motion.next, whole(place));
        if place > from && from > 0 {
            let onset = from as f64 / motion.rate;
            let duration = Some((place - from) as f64 / motion.rate);
            self.writer.annotate(Annotation { onset, duration, text: MOTION_LOST.to_owned() });
        }
        motion.fill(place, &mut self.writer)?;
        for &(at, signal) in &motion.signals {
            let value = values.numbers.get(at).copied().unwrap_or(f64::NAN);
            self.writer.push(signal, value)?;
        }
        motion.next += 1;
        Ok(())
    }

    /// Adds an annotation at a fractional index of the stream that sets the pace.
    pub(super) fn annotate(&mut self, index: f64, text: String) {
        let onset = index.max(0.0) / self.rate;
        self.writer.annotate(Annotation { onset, duration: None, text });
    }

    /// Sets the end of an annotation; start and end are fractional indices of the stream that sets
    /// the pace.
    pub(super) fn end_annotation(&mut self, text: &str, index: f64, end: f64) -> io::Result<()> {
        let onset = index.max(0.0) / self.rate;
        self.writer.set_duration(onset, text, end / self.rate - onset)
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    /// Ends the file, and sets the duration of its data records to match the measured rate.
    pub(super) fn finish(mut self, timeline: &SampleTimeline) -> io::Result<EdfSummary> {
        self.writer.flush()?;
        if let Some(pace) = timeline.measured() {
            self.writer.set_record_seconds(self.per_record as f64 / pace)?;
        }
        self.writer.complete()?;
        self.file().sync()?;
        Ok(EdfSummary {
            clipped: self.writer.clipped(),
            dropped: self.motion.as_ref().map_or(0, |motion| motion.dropped),
            record_seconds: self.header().record_seconds,
            records: self.writer.records(),
            samples: self.next,
        })
    }

    /// The header of the file.
    pub(super) fn header(&self) -> &EdfHeader {
        self.writer.header()
    }

    pub(super) fn file(&self) -> &OutputFile {
        self.writer.get_ref()
    }

    pub(super) fn path(&self) -> &Path {
        self.file().path()
    }
}

/// The final state of the file, and what could not be written as received.
#[derive(Clone, Copy, Debug)]
pub(super) struct EdfSummary {
    /// How many values were beyond the scale.
    pub(super) clipped: u64,
    /// Motion samples without a position.
    pub(super) dropped: u64,
    /// As in its header.
    pub(super) record_seconds: f64,
    pub(super) records: u64,
    /// Samples of the stream that set the pace, including filled ones but not those that complete
    /// the last data record.
    pub(super) samples: u64,
}

impl MotionSignals {
    /// Repeats the last values up to a position.
    fn fill(&mut self, to: u64, writer: &mut EdfWriter<OutputFile>) -> io::Result<()> {
        while self.next < to {
            for &(_, signal) in &self.signals {
                writer.push(signal, f64::NAN)?;
            }
            self.next += 1;
        }
        Ok(())
    }
}
