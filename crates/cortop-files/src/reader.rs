//! Opens a recording, whatever its format. A file of gigabytes needs no more memory than a short one.

use std::path::Path;

use crate::{
    csv_reader::CsvReader,
    edf::reader::EdfReader,
    input::{Format, Input},
    recording::{OpenError, RecordingReader},
    xdf::reader::XdfReader,
};

/// Opens a recording; `-` is standard input.
///
/// # Errors
/// The file cannot be read, or nothing usable is in it: one sentence that names the file and the next
/// step.
pub fn open(path: &Path) -> Result<Box<dyn RecordingReader>, OpenError> {
    let name = path.display().to_string();
    let unreadable = |error| OpenError::Unreadable { name: name.clone(), error };
    let input = Input::open(path).map_err(unreadable)?;
    Ok(match input.format() {
        Format::Text => Box::new(CsvReader::open(input)?),
        Format::Edf => Box::new(EdfReader::open(input)?),
        Format::Xdf => Box::new(XdfReader::open(input)?),
    })
}
