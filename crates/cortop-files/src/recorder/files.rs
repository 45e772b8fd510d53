//! The files of the recording of one headset: whose they are, what they are called, and that each is new.

use std::path::{Path, PathBuf};

use cortop_protocol::{HeadsetId, Sample};
use jiff::{Timestamp, Zoned, tz::TimeZone};

use super::{RecordError, RecorderOptions, RecordingFormat, names};
use crate::output_file::OutputFile;

/// Endings of all files that a recording may have.
const ENDINGS: [&str; 8] =
    [".csv", ".json", "_intervalMarker.csv", ".edf", ".md.edf", ".bdf", ".md.bdf", ".jsonl"];

/// Makes the files of a headset.
#[derive(Debug)]
pub(super) struct RecordingFiles {
    pub(super) headset: HeadsetId,
    pub(super) options: RecorderOptions,
    /// The path of the files without an ending, once one is made.
    stem: Option<PathBuf>,
}

impl RecordingFiles {
    pub(super) fn new(headset: HeadsetId, options: RecorderOptions) -> Self {
        Self { headset, options, stem: None }
    }

    /// Whether a format is asked for.
    pub(super) fn has(&self, format: RecordingFormat) -> bool {
        self.options.formats.contains(&format)
    }

    /// A new file. The first of a recording names them all, by the moment of its sample.
    pub(super) fn create(
        &mut self,
        sample: &Sample,
        ending: &str,
    ) -> Result<OutputFile, RecordError> {
        let options = &self.options;
        let stem = self.stem.get_or_insert_with(|| {
            let begun = Zoned::new(moment(sample), TimeZone::system());
            let texts = (options.title.as_str(), options.subject.as_str());
            names::stem(&options.folder, texts, &self.headset, &begun, &ENDINGS)
        });
        let path = names::with_ending(stem, ending);
        OutputFile::create(path.clone()).map_err(|source| RecordError::Create { path, source })
    }

    /// The path of the files without an ending; empty before the first.
    pub(super) fn stem(&self) -> &Path {
        self.stem.as_deref().unwrap_or(Path::new(""))
    }

    /// The next file begins another set.
    pub(super) fn close(&mut self) {
        self.stem = None;
    }
}

/// When a sample was measured; now where it does not say.
fn moment(sample: &Sample) -> Timestamp {
    let since =
        sample.values.time.and_then(|time| jiff::SignedDuration::try_from_secs_f64(time).ok());
    since.and_then(|since| Timestamp::from_duration(since).ok()).unwrap_or_else(Timestamp::now)
}
