//! The sidecar files of the EEG in a BIDS dataset: `_eeg.json`, `_channels.tsv`, `_events.tsv`, and
//! the electrode positions. All exist from the first sample on; events are added as they come, and
//! the end updates rate and length.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use cortop_protocol::{HeadsetId, model::Model};
use cortop_signal::electrode_positions::{HEAD_RADIUS, on_sphere};
use serde_json::{Map, Value, json};

use super::{
    RecordError, edf_output::EdfSummary, files::RecordingFiles, marker_output::RecordedMarker,
    names::with_ending,
};
use crate::{
    edf::{
        annotation::{NO_DATA, PADDING},
        header::{EdfHeader, EdfSignal},
    },
    output_file::replace,
};

/// How many events are kept; further ones are only in the EDF.
const MOST: usize = 100_000;
/// Each time this many events have been added, updates become less frequent by one turn.
const SLOWER: usize = 500;

/// Writes the sidecars.
#[derive(Debug)]
pub(super) struct BidsSidecars {
    /// The path of the EEG without extension.
    stem: PathBuf,
    header: EdfHeader,
    /// `_eeg.json`, without what the end adds.
    about: Map<String, Value>,
    events: Vec<BidsEvent>,
    left_out: u64,
    /// Turns until the next update, if one is due.
    due: Option<usize>,
}

/// A marker or a gap, measured in samples.
#[derive(Debug)]
struct BidsEvent {
    onset: f64,
    length: f64,
    kind: String,
    value: String,
}

impl BidsSidecars {
    /// Creates the sidecars beside a file with this header, and the dataset if there is none.
    pub(super) fn begin(
        files: &RecordingFiles,
        header: &EdfHeader,
        firmware: &str,
    ) -> Result<Option<Self>, RecordError> {
        let (Some(bids), root) = (&files.options.bids, &files.options.folder) else {
            return Ok(None);
        };
        bids.complete(root).map_err(RecordError::write(root))?;
        let (electrodes, system) = bids.electrodes(root);
        let written = place_electrodes(&electrodes, &system, header);
        written.map_err(RecordError::write(&electrodes))?;
        let mut about = about(&files.headset, firmware);
        about.insert("TaskName".into(), json!(bids.task_name()));
        about.insert("PowerLineFrequency".into(), bids.mains.map_or(json!("n/a"), |hz| json!(hz)));
        let own = Self {
            stem: files.eeg_stem().to_owned(),
            header: header.clone(),
            about,
            events: Vec::new(),
            left_out: 0,
            due: None,
        };
        own.write(None)?;
        let columns = json!({
            "trial_type": { "Description": format!("label of the marker; {NO_DATA} where samples were lost and the last value stands in their place; {PADDING} where it completes the last record") },
            "value": { "Description": "value of the marker" },
            "sample": { "Description": "sample of EEG at the onset, from 0" },
        });
        own.replace("_events.json", |file| writeln!(file, "{columns:#}"))?;
        Ok(Some(own))
    }

    /// Adds a gap: missing samples, starting at an index.
    pub(super) fn gap(&mut self, from: u64, lost: u64) {
        self.push(from as f64, lost as f64, NO_DATA.to_owned(), String::new());
    }

    /// Adds a marker at a fractional index. Returns its number, which its end refers to, unless
    /// there are too many.
    pub(super) fn mark(&mut self, index: f64, marker: &RecordedMarker) -> Option<usize> {
        let value = match &marker.value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let value = if value == marker.label { String::new() } else { value };
        let number = self.events.len();
        self.push(index.max(0.0), 0.0, marker.label.clone(), value);
        (number < MOST).then_some(number)
    }

    /// A marker has become an interval.
    pub(super) fn end_marker(&mut self, number: usize, to: f64) {
        if let Some(own) = self.events.get_mut(number) {
            own.length = (to - own.onset).max(0.0);
            self.due.get_or_insert(self.events.len() / SLOWER);
        }
    }

    fn push(&mut self, onset: f64, length: f64, kind: String, value: String) {
        if self.events.len() < MOST {
            self.events.push(BidsEvent { onset, length, kind, value });
            self.due.get_or_insert(self.events.len() / SLOWER);
        } else {
            self.left_out += 1;
        }
    }

    /// Updates the events, if it is time.
    pub(super) fn flush(&mut self) -> Result<(), RecordError> {
        match &mut self.due {
            Some(0) => {
                self.due = None;
                self.write_events()
            }
            Some(turns) => {
                *turns -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Completes the sidecars with the length and the rate of the file, and reports what could not
    /// be kept.
    pub(super) fn finish(mut self, edf: &EdfSummary) -> Result<Option<String>, RecordError> {
        let samples = edf.records * self.samples() as u64;
        if samples > edf.samples {
            let (from, padded) = (edf.samples as f64, (samples - edf.samples) as f64);
            self.push(from, padded, PADDING.to_owned(), String::new());
        }
        self.header.record_seconds = edf.record_seconds;
        self.write(Some(edf.records as f64 * edf.record_seconds))?;
        let count = self.left_out;
        Ok((count > 0).then(|| {
            format!("{count} events were too many for _events.tsv; the file of the EEG has them")
        }))
    }

    fn write(&self, duration: Option<f64>) -> Result<(), RecordError> {
        let mut about = self.about.clone();
        let count = |kind: &str| {
            json!(self.header.signals.iter().filter(|own| channel(own).0 == kind).count())
        };
        about.insert("EEGChannelCount".into(), count("EEG"));
        about.insert("MiscChannelCount".into(), count("MISC"));
        about.insert("TriggerChannelCount".into(), count("TRIG"));
        for none in ["ECGChannelCount", "EMGChannelCount", "EOGChannelCount"] {
            about.insert(none.into(), json!(0));
        }
        about.insert("SamplingFrequency".into(), json!(self.rate(self.samples())));
        if let Some(seconds) = duration {
            about.insert("RecordingDuration".into(), json!(seconds));
        }
        let about = Value::Object(about);
        self.replace("_eeg.json", |file| writeln!(file, "{about:#}"))?;
        self.replace("_channels.tsv", |file| self.write_channels(file))?;
        self.write_events()
    }

    fn write_channels(&self, file: &mut impl io::Write) -> io::Result<()> {
        writeln!(file, "name\ttype\tunits\tdescription\tsampling_frequency\treference")?;
        for signal in &self.header.signals {
            let (kind, what) = channel(signal);
            let unit = match &*signal.unit {
                "" => "n/a",
                "uV" => "µV",
                "uT" => "µT",
                unit => unit,
            };
            let reference = if kind == "EEG" { "CMS" } else { "n/a" };
            let (label, rate) = (&signal.label, self.rate(signal.samples));
            writeln!(file, "{label}\t{kind}\t{unit}\t{what}\t{rate}\t{reference}")?;
        }
        Ok(())
    }

    fn write_events(&self) -> Result<(), RecordError> {
        // An interval may become known only at its end.
        let mut events: Vec<_> = self.events.iter().collect();
        events.sort_by(|one, other| one.onset.total_cmp(&other.onset));
        let rate = self.rate(self.samples());
        self.replace("_events.tsv", |file| {
            writeln!(file, "onset\tduration\ttrial_type\tvalue\tsample")?;
            for BidsEvent { onset, length, kind, value } in events {
                let (kind, value) = (cell(kind), cell(value));
                let (from, lasted, sample) = (onset / rate, length / rate, onset.round());
                writeln!(file, "{from:.6}\t{lasted:.6}\t{kind}\t{value}\t{sample}")?;
            }
            Ok(())
        })
    }

    fn replace(
        &self,
        ending: &str,
        write: impl FnOnce(&mut io::BufWriter<fs::File>) -> io::Result<()>,
    ) -> Result<(), RecordError> {
        let path = with_ending(&self.stem, ending);
        replace(&path, write).map_err(RecordError::write(&path))
    }

    /// EEG samples in a data record.
    fn samples(&self) -> usize {
        let mut eeg = self.header.signals.iter().filter(|own| channel(own).0 == "EEG");
        eeg.next().map_or(1, |own| own.samples)
    }

    /// Samples per second, as in the header of the EEG.
    fn rate(&self, samples: usize) -> f64 {
        samples as f64 / self.header.record_seconds
    }
}

/// What is known about a headset (§8).
fn about(headset: &HeadsetId, firmware: &str) -> Map<String, Value> {
    let model = Model::from_id(headset);
    let (_, serial) = headset.as_str().split_once('-').unwrap_or_default();
    let (reference, ground) = match model {
        Model::Epoc | Model::EpocPlus | Model::EpocX => {
            ("CMS, at P3 or on the left mastoid", "DRL, at P4 or on the right mastoid")
        }
        Model::Insight | Model::Insight2 => {
            ("CMS, on the left mastoid", "DRL, on the left mastoid")
        }
        Model::EpocFlex | Model::Flex2 => ("CMS, where it was put", "DRL, where it was put"),
        _ => ("n/a", "n/a"),
    };
    let band = match model {
        Model::EpocX => Some((0.2, 45.0)),
        Model::Insight => Some((0.5, 43.0)),
        _ => None,
    };
    let filters = band.map_or(json!("n/a"), |(low, high)| {
        json!({
            "Band-pass": { "Low cut-off (Hz)": low, "High cut-off (Hz)": high },
            "Notch": { "Frequencies (Hz)": [50, 60] },
        })
    });
    let mut about = Map::new();
    let mut add = |name: &str, value: Value| about.insert(name.to_owned(), value);
    add("Manufacturer", json!("EMOTIV"));
    add("ManufacturersModelName", json!(model.name()));
    add("CapManufacturer", json!("EMOTIV"));
    add("CapManufacturersModelName", json!(model.name()));
    add("EEGReference", json!(reference));
    add("EEGGround", json!(ground));
    add("EEGPlacementScheme", json!("10-20"));
    add("HardwareFilters", filters);
    add("SoftwareFilters", json!("n/a"));
    add("RecordingType", json!("continuous"));
    for (name, known) in [("DeviceSerialNumber", serial), ("SoftwareVersions", firmware)] {
        if !known.is_empty() {
            add(name, json!(known));
        }
    }
    about
}

/// The type of a signal's channel, and its description.
fn channel(signal: &EdfSignal) -> (&'static str, &'static str) {
    let label = &*signal.label;
    match label {
        _ if signal.unit == "uV" => ("EEG", "EEG, offset included"),
        "MARKER_HARDWARE" => ("TRIG", "marker of a device"),
        "COUNTER" | "COUNTER_MEMS" => ("MISC", "number of the sample, from 0 again and again"),
        "INTERPOLATED" | "INTERPOLATED_MEM" => ("MISC", "1 where Cortex filled in what it lost"),
        "BATTERY" | "BATTERY_PERCENT" => ("MISC", "battery"),
        _ if label.starts_with("CQ_") => ("MISC", "contact quality"),
        _ if label.starts_with("EQ_") => ("MISC", "EEG quality"),
        _ if label.starts_with("ACC") => ("MISC", "acceleration"),
        _ if label.starts_with("GYRO") => ("MISC", "rotation"),
        _ if label.starts_with("MAG") => ("MISC", "magnetic field"),
        _ if label.starts_with('Q') => ("MISC", "orientation, a part of a quaternion"),
        _ => ("MISC", "n/a"),
    }
}

/// A text as a cell of a table.
fn cell(text: &str) -> String {
    let text = text.replace(|own: char| own.is_control(), " ");
    let text = text.trim();
    if text.is_empty() { "n/a".to_owned() } else { text.to_owned() }
}

/// Writes the positions of a file's electrodes, or adds those that are missing. Positions in
/// another coordinate system, as measured by somebody, are left as they are.
fn place_electrodes(path: &Path, system: &Path, header: &EdfHeader) -> io::Result<()> {
    let eeg = header.signals.iter().filter(|own| channel(own).0 == "EEG");
    let placed: Vec<_> = eeg.filter_map(|own| Some((&own.label, on_sphere(&own.label)?))).collect();
    if placed.is_empty() {
        return Ok(());
    }
    let about = json!({
        "EEGCoordinateSystem": "Other",
        "EEGCoordinateUnits": "mm",
        "EEGCoordinateSystemDescription": format!(
            "Not measured: the places that the names have in the 10-10 system, on a sphere of \
             {HEAD_RADIUS} mm about the middle of the head. x goes to the right, y to the front \
             and z up; Fpz, T7, Oz and T8 are at z = 0."
        ),
    });
    let about = format!("{about:#}\n");
    match fs::read_to_string(system) {
        Ok(own) if own != about => return Ok(()),
        Ok(_) => {}
        Err(_) => replace(system, |file| file.write_all(about.as_bytes()))?,
    }
    let known = fs::read_to_string(path).unwrap_or_else(|_| "name\tx\ty\tz\n".to_owned());
    let has = |label: &str| known.lines().any(|line| line.split('\t').next() == Some(label));
    let new: Vec<_> = placed.into_iter().filter(|(label, _)| !has(label)).collect();
    if new.is_empty() {
        return Ok(());
    }
    replace(path, |file| {
        file.write_all(known.as_bytes())?;
        for (label, [x, y, z]) in new {
            writeln!(file, "{label}\t{x:.1}\t{y:.1}\t{z:.1}")?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_cell() {
        assert_eq!(cell("eyes\topen\n"), "eyes open");
        assert_eq!(cell(" "), "n/a");
    }

    #[test]
    fn what_is_known_of_a_headset_is_said_and_no_more() {
        let own = about(&"EPOCX-1A2B3C4D".into(), "930");
        assert_eq!(
            (&own["DeviceSerialNumber"], &own["SoftwareVersions"]),
            (&json!("1A2B3C4D"), &json!("930"))
        );
        assert_eq!(own["HardwareFilters"]["Band-pass"]["Low cut-off (Hz)"], 0.2);
        let own = about(&"MN8-1".into(), "");
        assert_eq!((&own["EEGReference"], &own["HardwareFilters"]), (&json!("n/a"), &json!("n/a")));
        assert!(!own.contains_key("SoftwareVersions"));
    }
}
