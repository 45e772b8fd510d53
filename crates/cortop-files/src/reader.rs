//! Opens a recording of any supported format. Gigabytes need no more memory than a short file.

use std::{path::Path, sync::Arc};

use crate::{
    capture::recording::CaptureRecording,
    csv_reader::CsvReader,
    edf::reader::EdfReader,
    input::{FileFormat, InputFile},
    recording::{OpenError, ReadProgress, RecordingReader, display_name},
    xdf::reader::XdfReader,
};

/// Opens a recording; `-` is standard input.
///
/// # Errors
/// The file cannot be read, or contains nothing usable: one sentence that names the file and the
/// next step.
pub fn open(path: &Path) -> Result<Box<dyn RecordingReader>, OpenError> {
    open_with(path, Arc::default())
}

/// Like [`open`], with shared progress.
///
/// # Errors
/// Those of [`open`].
pub fn open_with(
    path: &Path,
    progress: Arc<ReadProgress>,
) -> Result<Box<dyn RecordingReader>, OpenError> {
    let unreadable = |error| OpenError::Unreadable { name: display_name(path), error };
    let input = InputFile::open_with(path, progress).map_err(unreadable)?;
    Ok(match input.format() {
        FileFormat::JsonLines => Box::new(CaptureRecording::open(input)?),
        FileFormat::Text => Box::new(CsvReader::open(input)?),
        FileFormat::Edf => Box::new(EdfReader::open(input)?),
        FileFormat::Xdf => Box::new(XdfReader::open(input)?),
        FileFormat::Foreign(what) => return Err(OpenError::unusable(&input.name(), what)),
    })
}
