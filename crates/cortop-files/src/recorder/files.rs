//! The files of the recording of one headset: their names, and that each is new.

use std::{
    fs,
    path::{Path, PathBuf},
};

use cortop_protocol::{HeadsetId, Sample};
use jiff::{Timestamp, Zoned, tz::TimeZone};

use super::{RecordError, RecorderOptions, RecordingFormat, names};
use crate::output_file::OutputFile;

/// The extensions of all files that a recording may have.
const ENDINGS: [&str; 8] =
    [".csv", ".json", "_intervalMarker.csv", ".edf", ".md.edf", ".bdf", ".md.bdf", ".jsonl"];

/// The locations of the files, as paths without extension.
#[derive(Debug)]
struct Stems {
    /// EDF or BDF with EEG, and its sidecars.
    eeg: PathBuf,
    /// Everything else. Outside of a BIDS dataset it is the same.
    others: PathBuf,
}

/// Creates the files of a headset.
#[derive(Debug)]
pub(super) struct RecordingFiles {
    pub(super) headset: HeadsetId,
    pub(super) options: RecorderOptions,
    /// The paths without extension, once a file has been created.
    stems: Option<Stems>,
}

impl RecordingFiles {
    pub(super) fn new(headset: HeadsetId, options: RecorderOptions) -> Self {
        Self { headset, options, stems: None }
    }

    /// Whether a format is wanted.
    pub(super) fn has(&self, format: RecordingFormat) -> bool {
        self.options.formats.contains(&format)
    }

    /// Creates a file. The first file of a recording determines the names of all, by the time of
    /// its sample.
    pub(super) fn create(
        &mut self,
        sample: &Sample,
        ending: &str,
    ) -> Result<OutputFile, RecordError> {
        let options = &self.options;
        let stems = self.stems.get_or_insert_with(|| {
            if let Some(bids) = &options.bids {
                let (eeg, others) = bids.stems(&options.folder);
                return Stems { eeg, others };
            }
            let begun = Zoned::new(moment(sample), TimeZone::system());
            let texts = (options.title.as_str(), options.subject.as_str());
            let stem = names::stem(&options.folder, texts, &self.headset, &begun, &ENDINGS);
            Stems { eeg: stem.clone(), others: stem }
        });
        let path = match &options.bids {
            Some(_) if [".edf", ".bdf"].contains(&ending) => {
                names::with_ending(&stems.eeg, &format!("_eeg{ending}"))
            }
            _ => names::with_ending(&stems.others, ending),
        };
        let folder = path.parent().filter(|_| options.bids.is_some());
        let made = folder.map_or(Ok(()), fs::create_dir_all);
        let made = made.and_then(|()| OutputFile::create(path.clone()));
        made.map_err(|source| RecordError::Create { path, source })
    }

    /// The path of the EEG without extension; empty before the first file.
    pub(super) fn eeg_stem(&self) -> &Path {
        self.stems.as_ref().map_or(Path::new(""), |own| &own.eeg)
    }

    /// The same for CSV and JSON lines.
    pub(super) fn stem(&self) -> &Path {
        self.stems.as_ref().map_or(Path::new(""), |own| &own.others)
    }

    /// The next file starts another set.
    pub(super) fn close(&mut self) {
        self.stems = None;
    }
}

/// When a sample was measured; now if it does not say.
fn moment(sample: &Sample) -> Timestamp {
    let since =
        sample.values.time.and_then(|time| jiff::SignedDuration::try_from_secs_f64(time).ok());
    since.and_then(|since| Timestamp::from_duration(since).ok()).unwrap_or_else(Timestamp::now)
}
