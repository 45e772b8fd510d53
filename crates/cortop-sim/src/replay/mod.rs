//! Plays a recording, in any format that `cortop-files` reads, as a looped headset. Streams that a
//! recording does not have are refused, never made up. What can be read is played; what cannot is
//! repaired or left out, and counted.
//!
//! The rates are those of the recording: an `eeg_128` that ran at 126.9 Hz is replayed at 126.9 Hz.

mod assemble;
mod clock;
mod counter;
mod order;
mod repeats;
mod store;
mod track;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use color_eyre::Result;
use cortop_files::{
    header::ColumnKind,
    reader,
    recording::{ReadProgress, STDIN, display_name},
};
use serde_json::json;

use self::track::Track;
use super::{
    model::Spec,
    noise::slot,
    source::{SampleContext, SampleSource},
    values::ValueSink,
};
use cortop_protocol::{
    HeadsetId, Stream,
    sample::{Column, Columns},
    unavailable,
};

/// Samples of `dev` and `eq` per second.
const STATE_RATE: f64 = 2.0;
/// The reading time after which progress is reported, first and from then on.
const REPORTED_FIRST: Duration = Duration::from_millis(500);
const REPORTED: Duration = Duration::from_secs(2);
/// The value for a charge that the file does not contain, because clients rely on its position.
const UNKNOWN: f64 = -1.0;
/// Mental commands by their numbers in an export (§3.4).
const COMMANDS: [(u64, &str); 7] = [
    (1, "neutral"),
    (2, "push"),
    (4, "pull"),
    (8, "lift"),
    (16, "drop"),
    (32, "left"),
    (64, "right"),
];

/// A recording.
#[derive(Debug)]
pub struct Recording {
    /// The headset that made it, as far as the file shows.
    pub spec: Spec,
    /// The headset's id, if the file contains it.
    pub id: Option<HeadsetId>,
    /// Sentences about what was assumed, repaired and left out.
    pub notes: Vec<String>,
    /// Its rows begin with the flag for interpolated samples.
    eeg: RecordedStream,
    /// The other streams. `dev` and `eq` have a row for each change.
    streams: Vec<(Stream, RecordedStream)>,
    /// The markers of a row, as JSON.
    markers: BTreeMap<usize, String>,
}

/// A stream of a recording.
#[derive(Debug)]
struct RecordedStream {
    track: Track,
    columns: Columns,
    /// The kinds of the cells in a row, where the columns do not show them.
    kinds: Vec<ColumnKind>,
}

impl RecordedStream {
    /// The battery's level and its per cent. If the file has only one of them, the other is
    /// derived: a level is a quarter of the charge.
    fn charge(&self, time: f64) -> (Option<f64>, Option<f64>) {
        let newest = self.track.newest(time);
        let one = |wanted| {
            let mut cells = self.kinds.iter().zip(newest.iter().copied());
            cells.find(|(kind, _)| **kind == wanted).map(|(_, cell)| cell)
        };
        let (level, percent) = (one(ColumnKind::Battery), one(ColumnKind::BatteryPercent));
        (
            level.or_else(|| percent.map(|percent| (percent / 25.0).ceil())),
            percent.or_else(|| level.map(|level| 25.0 * level)),
        )
    }
}

impl Recording {
    /// Reads a recording; `-` is standard input. Calls `report` with the progress if that takes
    /// long.
    ///
    /// # Errors
    /// The file cannot be read, or contains nothing usable: one sentence that names the file and
    /// the next step.
    pub fn read(file: &Path, report: fn(&str)) -> Result<Self> {
        let is_stream = file.as_os_str() == STDIN
            || fs::metadata(file).is_ok_and(|own| !own.is_file() && !own.is_dir());
        if is_stream {
            report(&format!("{} is read to its end before it is played", display_name(file)));
        }
        let (progress, rows) = (Arc::new(ReadProgress::default()), AtomicU64::new(0));
        thread::scope(|scope| {
            let (done, ended) = mpsc::channel::<()>();
            scope.spawn(|| {
                let (mut wait, mut said, ended) = (REPORTED_FIRST, String::new(), ended);
                while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                    wait = REPORTED;
                    // From then on, reading is not what takes long.
                    let share = progress.share();
                    if share.is_some_and(|own| own >= 1.0) {
                        continue;
                    }
                    let share = share.map(|own| format!(" {:.0} %,", 100.0 * own));
                    let now = format!(
                        "reading {}:{} {} rows",
                        display_name(file),
                        share.unwrap_or_default(),
                        rows.load(Ordering::Relaxed)
                    );
                    if now != said {
                        report(&now);
                        said = now;
                    }
                }
            });
            let reader = reader::open_with(file, Arc::clone(&progress))?;
            let recording = assemble::recording(reader, file, &rows);
            drop(done);
            recording
        })
    }

    /// Duration of one round in seconds.
    #[cfg(test)]
    pub(super) fn round(&self) -> f64 {
        self.eeg.track.period()
    }

    fn write_eeg(&self, index: u64, context: SampleContext<'_>, values: &mut dyn ValueSink) {
        let (counter, cells) = self.eeg.track.sample(index);
        let (filled_in, cells) = cells.split_at(1.min(cells.len()));
        let interpolated = context.interpolated || filled_in.iter().any(|cell| *cell != 0.0);
        values.int(counter);
        values.int(interpolated.into());
        values.all(cells.iter().copied(), 3);
        let (round, row) = self.eeg.track.position(index);
        let own = self.markers.get(&row).map(String::as_str);
        let seam = if round > 0 && row == 0 { seam(round) } else { String::new() };
        let all = [seam.as_str(), own.unwrap_or_default(), context.markers];
        let all: Vec<_> = all.into_iter().filter(|json| !json.is_empty()).collect();
        values.nested(&all.join(","));
    }

    /// A mental command by its name, or by its number if it has no name here, and its power.
    fn write_com(series: &RecordedStream, index: u64, values: &mut dyn ValueSink) {
        let (_, cells) = series.track.sample(index);
        for (kind, cell) in series.kinds.iter().zip(&*cells) {
            if *kind == ColumnKind::Command {
                let (number, _) = slot(*cell);
                match COMMANDS.iter().find(|(own, _)| *own == number) {
                    Some((_, name)) => values.word(name),
                    None => values.word(&format!("action {number}")),
                }
            } else {
                values.fixed(*cell, 6);
            }
        }
    }

    /// Facial expressions, whose numbers are not documented: all but neutral by number.
    fn write_fac(series: &RecordedStream, index: u64, values: &mut dyn ValueSink) {
        let (_, cells) = series.track.sample(index);
        let mut eyes = None;
        let cells =
            series.kinds.iter().zip(&*cells).map(|(kind, cell)| (*kind, slot(*cell).0, *cell));
        let cells: Vec<_> = cells.collect();
        for (kind, number, cell) in cells {
            let named = |neutral: u64| match number {
                number if number <= neutral => "neutral".to_owned(),
                number => format!("action {number}"),
            };
            match kind {
                ColumnKind::BlinkWink | ColumnKind::EyesDirection => {
                    let before: Option<String> = eyes.take();
                    eyes = Some(before.filter(|own| own != "neutral").unwrap_or_else(|| named(0)));
                    continue;
                }
                _ => {}
            }
            if let Some(eyes) = eyes.take() {
                values.word(&eyes);
            }
            if matches!(kind, ColumnKind::UpperPower | ColumnKind::LowerPower) {
                values.fixed(cell, 6);
            } else {
                values.word(&named(1));
            }
        }
        if let Some(eyes) = eyes {
            values.word(&eyes);
        }
    }

    /// The value of an inactive metric is not a reading (§5.7).
    fn write_met(series: &RecordedStream, index: u64, ready: bool, values: &mut dyn ValueSink) {
        let (_, cells) = series.track.sample(index);
        let labels: Vec<_> = series.columns.labels().collect();
        let active = |name: &str| {
            let flag =
                labels.iter().position(|label| label.strip_suffix(".isActive") == Some(name));
            flag.and_then(|place| cells.get(place)).is_none_or(|cell| *cell > 0.0)
        };
        for (label, cell) in labels.iter().zip(&*cells) {
            match label.strip_suffix(".isActive") {
                Some(_) => values.flag(ready && *cell > 0.0),
                None => values.optional(Some(*cell).filter(|_| ready && active(label)), 6),
            }
        }
    }

    /// The state of the headset, which is in each row. If its EEG was received, there was a link,
    /// whether or not the file records one.
    fn write_dev(series: &RecordedStream, time: f64, values: &mut dyn ValueSink) {
        let newest = series.track.newest(time);
        let cells = || series.kinds.iter().zip(newest.iter().copied());
        let signal = cells().find(|(kind, _)| **kind == ColumnKind::Signal);
        let (level, percent) = series.charge(time);
        values.fixed(level.unwrap_or(UNKNOWN), 2);
        values.fixed(signal.map_or(1.0, |(_, cell)| cell), 2);
        for column in &series.columns.0 {
            if let Column::Group(_) = column {
                values.open();
                let contact = cells().filter(|(kind, _)| **kind == ColumnKind::Contact);
                values.all(contact.map(|(_, cell)| cell), 2);
                values.close();
            }
        }
        if let Some(percent) = percent {
            values.fixed(percent, 2);
        }
    }

    /// EEG quality, which is in each row, after the charge, which the rows of `dev` contain.
    fn write_eq(&self, series: &RecordedStream, time: f64, values: &mut dyn ValueSink) {
        let percent = self.series(Stream::Dev).and_then(|dev| dev.charge(time).1);
        values.fixed(percent.unwrap_or(UNKNOWN), 2);
        values.all(series.track.newest(time).iter().copied(), 2);
    }

    fn series(&self, stream: Stream) -> Option<&RecordedStream> {
        if stream == Stream::Eeg {
            return Some(&self.eeg);
        }
        self.streams.iter().find(|(own, _)| *own == stream).map(|(_, series)| series)
    }

    /// The track whose rows are the samples of a stream; `dev` and `eq` have a rate of their own.
    fn track(&self, stream: Stream) -> Option<&Track> {
        let paced = matches!(stream, Stream::Dev | Stream::Eq);
        Some(&self.series(stream).filter(|_| !paced)?.track)
    }
}

/// The marker at the first sample of a later round.
fn seam(round: u64) -> String {
    let marker = json!({
        "applicationId": "", "label": "loop", "recordId": "", "type": "instance", "value": round,
    });
    marker.to_string()
}

impl SampleSource for Recording {
    fn columns(&self, stream: Stream) -> Option<Columns> {
        self.series(stream).map(|series| series.columns.clone())
    }

    fn absence(&self) -> &'static str {
        unavailable::NOT_RECORDED
    }

    fn begins_with_subscription(&self) -> bool {
        true
    }

    fn time(&self, stream: Stream, index: u64) -> f64 {
        let at_pace = || {
            let time = index as f64 / STATE_RATE;
            if self.eeg.track.is_over(time) { f64::INFINITY } else { time }
        };
        self.track(stream).map_or_else(at_pace, |track| track.time(index))
    }

    fn index_at(&self, stream: Stream, time: f64) -> u64 {
        let at_pace = || slot((time * STATE_RATE - 1e-6).ceil()).0;
        self.track(stream).map_or_else(at_pace, |track| track.index_at(time))
    }

    fn write(
        &self,
        stream: Stream,
        index: u64,
        context: SampleContext<'_>,
        values: &mut dyn ValueSink,
    ) {
        let Some(series) = self.series(stream) else { return };
        match stream {
            Stream::Eeg => self.write_eeg(index, context, values),
            Stream::Mot => {
                let (counter, cells) = series.track.sample(index);
                values.int(counter);
                values.all(cells.iter().copied(), 6);
            }
            Stream::Met => Self::write_met(series, index, context.metrics, values),
            Stream::Pow => values.all(series.track.sample(index).1.iter().copied(), 3),
            Stream::Com => Self::write_com(series, index, values),
            Stream::Fac => Self::write_fac(series, index, values),
            Stream::Dev => Self::write_dev(series, self.time(stream, index), values),
            Stream::Eq => self.write_eq(series, self.time(stream, index), values),
            Stream::Sys => {}
        }
    }
}

#[cfg(test)]
mod tests;
