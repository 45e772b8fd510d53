//! The recorder, driven without a socket: a night of a headset, markers that become intervals, and a BIDS
//! dataset.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail aloud")]
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small numbers")]

mod bids;
mod intervals;
mod night;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use cortop_files::recorder::{RecorderOptions, RecorderStatus, RecordingFormat};

/// Epoch seconds of the first sample.
const START: f64 = 1_767_942_612.5;

/// Options for recording all headsets into a folder.
fn options(folder: &Path, formats: &[RecordingFormat], title: &str) -> RecorderOptions {
    RecorderOptions {
        folder: folder.to_owned(),
        formats: formats.to_vec(),
        title: title.to_owned(),
        subject: String::new(),
        resume_within: Duration::from_secs(600),
        headset: None,
        bids: None,
    }
}

/// The file with an extension.
fn file(status: &RecorderStatus, ending: &str) -> PathBuf {
    let own = status.files.iter().find(|own| own.path.to_string_lossy().ends_with(ending));
    own.unwrap_or_else(|| panic!("no {ending}: {status:?}")).path.clone()
}

/// A marker object (§4.4), with its times in seconds since the first sample.
fn marker_object(uuid: &str, label: &str, value: u64, start: f64, end: f64) -> String {
    let moment = |seconds: f64| {
        let since = Duration::from_secs_f64(START + seconds);
        jiff::Timestamp::try_from(std::time::UNIX_EPOCH + since).unwrap().to_string()
    };
    let (start, end) = (moment(start), moment(end));
    format!(
        r#"{{"uuid":"{uuid}","label":"{label}","value":{value},"startDatetime":"{start}","endDatetime":"{end}"}}"#
    )
}

/// A folder that accepts no files is detected before anything is recorded, and nothing remains in
/// it.
#[test]
fn a_folder_that_cannot_have_files_is_refused_beforehand() {
    let folder = tempfile::tempdir().unwrap();
    let mut wanted = options(&folder.path().join("new"), &[RecordingFormat::Csv], "");
    wanted.prepare().unwrap();
    assert_eq!(std::fs::read_dir(&wanted.folder).unwrap().count(), 0);
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let why = options(&file, &[RecordingFormat::Csv], "").prepare().unwrap_err();
    assert!(why.contains("cannot be created") && why.ends_with("--out"), "{why}");
    // Nobody can write there, not even root.
    #[cfg(target_os = "linux")]
    {
        let why = options(Path::new("/proc"), &[RecordingFormat::Csv], "").prepare().unwrap_err();
        assert!(why.starts_with("the folder /proc is not writable ("), "{why}");
    }
}
