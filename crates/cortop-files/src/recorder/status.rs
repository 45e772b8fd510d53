//! What others may see of a recording that runs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use cortop_protocol::HeadsetId;

/// A file of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedFile {
    /// The headset.
    pub headset: HeadsetId,
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
}

/// What there is of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecorderStatus {
    /// Its files in the order in which they were made, those that are closed among them.
    pub files: Vec<RecordedFile>,
    /// Samples of the fastest stream of each headset.
    pub samples: u64,
    /// Those that were lost, and filled in where a format needs it.
    pub lost: u64,
    /// Markers.
    pub markers: u64,
    /// What could not be written as it came, a sentence each.
    pub notes: Vec<String>,
    /// It has ended, and its files are closed.
    pub finished: bool,
}

/// The same, shared by the recorder with those who started it; and what they know of the headsets.
#[derive(Debug, Default)]
pub struct SharedStatus {
    status: Mutex<RecorderStatus>,
    firmware: Mutex<BTreeMap<HeadsetId, String>>,
}

impl SharedStatus {
    /// What there is now.
    #[must_use]
    pub fn get(&self) -> RecorderStatus {
        locked(&self.status).clone()
    }

    /// The firmware of a headset, for the files that begin from now on.
    pub fn set_firmware(&self, headset: &HeadsetId, firmware: &str) {
        locked(&self.firmware).insert(headset.clone(), firmware.to_owned());
    }

    pub(super) fn firmware(&self, headset: &HeadsetId) -> String {
        locked(&self.firmware).get(headset).cloned().unwrap_or_default()
    }

    /// From what there is of each headset.
    pub(super) fn set(&self, all: impl Iterator<Item = RecorderStatus>, finished: bool) {
        let mut sum = RecorderStatus { finished, ..RecorderStatus::default() };
        for own in all {
            sum.files.extend(own.files);
            sum.notes.extend(own.notes);
            sum.samples += own.samples;
            sum.lost += own.lost;
            sum.markers += own.markers;
        }
        *locked(&self.status) = sum;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes that can still be written where a file is; `None` where the system does not say.
#[must_use]
pub fn free_space(path: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let disk = rustix::fs::statvfs(path).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// A size as people read it.
#[must_use]
pub fn human_size(count: u64) -> String {
    let mut size = count as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if size < 1000.0 {
            let decimals = usize::from(unit != "B" && size < 100.0);
            return format!("{size:.decimals$} {unit}");
        }
        size /= 1000.0;
    }
    format!("{size:.1} TB")
}
