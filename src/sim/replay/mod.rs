//! A recording played back as a headset, looped: the CSV export of `EmotivPRO`, and simpler CSV files
//! whose header names sensors. Streams a recording does not have are refused, never made up.
//!
//! Rates are the recording's own: an `eeg_128` that ran at 126.9 Hz is replayed at 126.9 Hz.

mod header;
mod rows;
mod track;

use std::{collections::BTreeMap, fs, path::Path};

use color_eyre::{Result, eyre::eyre};
use csv::StringRecord;

use self::{
    header::{Header, Role},
    rows::{Rows, unreadable},
    track::{Track, unwrapped},
};
use super::{
    model::{Motion, Spec},
    noise::slot,
    row::Row,
    source::{Live, Source},
};
use crate::cortex::{
    HeadsetId, Stream,
    model::{EPOC_SENSORS, INSIGHT_SENSORS, MN8_SENSORS, Model},
    sample::{Column, Columns},
};

/// Largest file that is read; hours of 32 channels.
const LARGEST: u64 = 512 << 20;
/// Samples of `dev` a second.
const DEV_RATE: f64 = 2.0;

/// A recording.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The headset that made it, as far as it tells.
    pub spec: Spec,
    /// The headset's id, if it tells.
    pub id: Option<HeadsetId>,
    /// Sentences about what is assumed and what is left out.
    pub notes: Vec<String>,
    eeg: Track,
    eeg_columns: Columns,
    raw_cq: bool,
    trigger: bool,
    interpolated: bool,
    motion: Option<(Track, Columns)>,
    contact: Option<(Track, Columns)>,
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// The file cannot be read, is of no known form, or has a bad row: one sentence that names
    /// the file, the place in it and the next step.
    pub fn read(file: &Path) -> Result<Self> {
        let name = file.display();
        let size = fs::metadata(file).map_err(|error| {
            eyre!("{name} cannot be read: {error}; check the path given to --replay")
        })?;
        if size.len() > LARGEST {
            return Err(eyre!("{name} is larger than 512 MiB; export a shorter piece"));
        }
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_path(file)
            .map_err(|error| unreadable(file, &error))?;
        let mut line = StringRecord::new();
        let mut next = |line: &mut StringRecord| {
            reader.read_record(line).map_err(|error| unreadable(file, &error))
        };
        let mut any = next(&mut line)?;
        let metadata = header::metadata(&line);
        if metadata.is_some() {
            any = next(&mut line)?;
        }
        if !any {
            return Err(eyre!("{name} is empty; give a CSV file that EmotivPRO has exported"));
        }
        let header = Header::parse(&line).ok_or_else(|| {
            eyre!(
                "{name}, line {}: no column is an EEG sensor (EEG.AF3 or AF3, say); \
                 give a CSV file that EmotivPRO has exported",
                line.position().map_or(1, csv::Position::line)
            )
        })?;
        let rows = Rows::read(file, &mut reader, &header)?;
        if rows.len < 2 {
            return Err(eyre!("{name} has fewer than two rows of data; give a longer recording"));
        }
        Ok(Self::assemble(file, &metadata.unwrap_or_default(), &header, rows))
    }

    fn assemble(
        file: &Path,
        metadata: &BTreeMap<String, String>,
        header: &Header,
        rows: Rows,
    ) -> Self {
        let nominal = nominal_rate(metadata, &rows.times);
        let wrap = u64::from(nominal);
        let counters = if rows.counters.is_empty() {
            (0..rows.len as u64).map(|row| row % wrap).collect()
        } else {
            rows.counters
        };
        let times: Vec<f64> = if rows.times.is_empty() {
            let wrap = counters.iter().map(|counter| counter + 1).fold(wrap, u64::max);
            let steps = unwrapped(&counters, wrap);
            steps.into_iter().map(|step| step as f64 / f64::from(nominal)).collect()
        } else {
            let first = rows.times.first().copied().unwrap_or_default();
            rows.times.iter().map(|time| time - first).collect()
        };
        let last = times.last().copied().unwrap_or_default();
        let period = last + last / (rows.len - 1) as f64;
        let at = |rows: &[usize]| rows.iter().filter_map(|&row| times.get(row).copied()).collect();

        let label = |text: &str| Column::One(text.to_owned());
        let motion_labels = header.labels(|role| match role {
            Role::Motion(name) => Some(name),
            _ => None,
        });
        let motion_rate =
            rate_in(metadata, "mot_").unwrap_or_else(|| (rows.moved.len() as f64 / period).round());
        let motion = (!rows.moved.is_empty()).then(|| {
            let counted = rows.motion_counters.len() == rows.moved.len();
            let (wrap, _) = slot(motion_rate);
            let counters = if counted {
                rows.motion_counters
            } else {
                (0..rows.moved.len() as u64).map(|row| row % wrap.max(1)).collect()
            };
            let track = Track::new(at(&rows.moved), &counters, wrap, rows.motion, period);
            let filled = header.has(&Role::MotionInterpolated).then(|| label("INTERPOLATED_MEMS"));
            let columns = [label("COUNTER_MEMS")].into_iter().chain(filled);
            (track, Columns(columns.chain(motion_labels.iter().map(|text| label(text))).collect()))
        });
        let contact = (!rows.touched.is_empty()).then(|| {
            let counters = vec![0; rows.touched.len()];
            let track = Track::new(at(&rows.touched), &counters, 1, rows.contact, period);
            (track, dev_columns(header))
        });
        let sensors = header.sensors();
        let raw_cq = header.has(&Role::RawCq);
        let eeg_columns = ["COUNTER", "INTERPOLATED"]
            .into_iter()
            .chain(sensors.iter().map(String::as_str))
            .chain(raw_cq.then_some("RAW_CQ"))
            .chain(["MARKER_HARDWARE", "MARKERS"])
            .map(label)
            .collect();
        let eeg = Track::new(times, &counters, wrap, rows.eeg, period);
        let spec = spec(metadata, sensors, &motion_labels, nominal, motion_rate);
        let id = metadata.get("headset serial").map(|serial| format!("{}-{serial}", spec.prefix));
        let mut recording = Self {
            id: id.map(HeadsetId::from),
            notes: Vec::new(),
            eeg,
            eeg_columns: Columns(eeg_columns),
            raw_cq,
            trigger: header.has(&Role::Trigger),
            interpolated: header.has(&Role::Interpolated),
            motion,
            contact,
            spec,
        };
        recording.notes = recording.describe(file, header, period);
        recording
    }

    /// What the user should know before believing the picture.
    fn describe(&self, file: &Path, header: &Header, period: f64) -> Vec<String> {
        let Spec { model, sensors, eeg_rate, .. } = &self.spec;
        let (name, channels) = (file.display(), sensors.len());
        let mut notes = vec![format!(
            "{name}: {period:.1} s of {channels} channels, taken for an {}, replayed in a loop.",
            model.name()
        )];
        if !header.has(&Role::Time) {
            notes.push(format!("It has no timestamps: {eeg_rate} Hz is assumed."));
        }
        if !header.has(&Role::Counter) {
            notes.push("It has no counter: its rows are counted, so loss cannot be seen.".into());
        }
        if header.renamed {
            notes.push("Its column P is taken for P7.".into());
        }
        let missing = self.eeg.missing();
        if missing > 0 {
            notes.push(format!("{missing} samples are missing in the recording itself."));
        }
        let left_out = header.left_out();
        if !left_out.is_empty() {
            notes.push(format!("Left out: {}.", left_out.join(", ")));
        }
        let refused: Vec<_> = Stream::ALL
            .into_iter()
            .filter(|stream| *stream != Stream::Sys && self.columns(*stream).is_none())
            .map(Stream::name)
            .collect();
        notes.push(format!("Not replayed, and refused: the streams {}.", refused.join(" ")));
        notes
    }

    fn write_eeg(&self, index: u64, live: Live, row: &mut Row) {
        let (counter, cells) = self.eeg.sample(index);
        let mut cells = cells.iter().copied();
        let mut recorded = |has: bool| if has { cells.next().unwrap_or_default() } else { 0.0 };
        row.int(counter);
        let interpolated = recorded(self.interpolated) != 0.0 || live.interpolated;
        row.int(interpolated.into());
        for _ in &self.spec.sensors {
            row.fixed(recorded(true), 3);
        }
        if self.raw_cq {
            row.fixed(recorded(true), 3);
        }
        row.fixed(recorded(self.trigger), 0);
        row.open();
        row.close();
    }
}

impl Source for Recording {
    fn columns(&self, stream: Stream) -> Option<Columns> {
        match stream {
            Stream::Eeg => Some(self.eeg_columns.clone()),
            Stream::Mot => self.motion.as_ref().map(|(_, columns)| columns.clone()),
            Stream::Dev => self.contact.as_ref().map(|(_, columns)| columns.clone()),
            _ => None,
        }
    }

    fn time(&self, stream: Stream, index: u64) -> f64 {
        match (stream, &self.motion) {
            (Stream::Eeg, _) => self.eeg.time(index),
            (Stream::Mot, Some((track, _))) => track.time(index),
            _ => index as f64 / DEV_RATE,
        }
    }

    fn index_at(&self, stream: Stream, time: f64) -> u64 {
        match (stream, &self.motion) {
            (Stream::Eeg, _) => self.eeg.index_at(time),
            (Stream::Mot, Some((track, _))) => track.index_at(time),
            _ => slot((time * DEV_RATE - 1e-6).ceil()).0,
        }
    }

    fn write(&self, stream: Stream, index: u64, live: Live, row: &mut Row) {
        match (stream, &self.motion, &self.contact) {
            (Stream::Eeg, ..) => self.write_eeg(index, live, row),
            (Stream::Mot, Some((track, _)), _) => {
                let (counter, cells) = track.sample(index);
                row.int(counter);
                row.all(cells.iter().copied(), 6);
            }
            (Stream::Dev, _, Some((track, columns))) => {
                let mut cells = track.newest(self.time(stream, index)).iter().copied();
                for column in &columns.0 {
                    match column {
                        Column::One(_) => row.maybe(cells.next(), 2),
                        Column::Group(labels) => {
                            row.open();
                            row.all(cells.by_ref().take(labels.len()), 2);
                            row.close();
                        }
                    }
                }
            }
            _ => {}
        }
    }
}

/// The columns of `dev` for what a recording tells of battery and contact.
fn dev_columns(header: &Header) -> Columns {
    let mut quality = header.labels(|role| match role {
        Role::Contact(name) => Some(name),
        _ => None,
    });
    quality.extend(header.has(&Role::Overall).then(|| "OVERALL".to_owned()));
    let battery = header.has(&Role::Battery).then(|| Column::One("Battery".to_owned()));
    Columns(battery.into_iter().chain([Column::Group(quality)]).collect())
}

/// The model of the metadata, else the one whose sensors these are.
fn spec(
    metadata: &BTreeMap<String, String>,
    sensors: Vec<String>,
    motion: &[String],
    eeg_rate: u32,
    mems_rate: f64,
) -> Spec {
    let told = metadata.get("headset type").map(|kind| Model::from_id(&format!("{kind}-").into()));
    let of = |known: &[&str]| {
        sensors.len() == known.len() && sensors.iter().all(|name| known.contains(&name.as_str()))
    };
    let guessed = if of(&EPOC_SENSORS) {
        if motion.is_empty() { Model::Epoc } else { Model::EpocPlus }
    } else if of(&INSIGHT_SENSORS) {
        Model::Insight
    } else if of(&MN8_SENSORS) {
        Model::Mn8
    } else {
        Model::EpocFlex
    };
    let spec = told.and_then(Spec::of).or_else(|| Spec::of(guessed));
    let motion = match motion.first().map(String::as_str) {
        None => Motion::None,
        Some("Q0") => Motion::Quaternion,
        Some(_) => Motion::RawGyro,
    };
    let mems_rate = if motion == Motion::None { 0.0 } else { mems_rate };
    let firmware = metadata.get("headset firmware").cloned();
    let spec = spec.unwrap_or_else(Spec::epoc);
    Spec {
        sensors,
        eeg_rate,
        mems_rate,
        motion,
        firmware: firmware.unwrap_or(spec.firmware),
        ..spec
    }
}

/// The EEG rate of the metadata, else the one of the headsets' rates nearest to the timestamps.
fn nominal_rate(metadata: &BTreeMap<String, String>, times: &[f64]) -> u32 {
    let told = rate_in(metadata, "eeg_");
    let measured = times
        .first()
        .zip(times.last())
        .map(|(first, last)| (times.len() - 1) as f64 / (last - first));
    let rate = told.or(measured).unwrap_or(128.0);
    if rate < 192.0 { 128 } else { 256 }
}

/// A rate from `sampling rate:eeg_128;mot_64`.
fn rate_in(metadata: &BTreeMap<String, String>, prefix: &str) -> Option<f64> {
    let rates = metadata.get("sampling rate")?.split(';');
    rates.filter_map(|rate| rate.trim().strip_prefix(prefix)).find_map(|hz| hz.parse().ok())
}

#[cfg(test)]
mod tests;
