//! The public status of a running recording.

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
    /// Its path.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
}

/// The status of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecorderStatus {
    /// Its files in order of creation, including closed ones.
    pub files: Vec<RecordedFile>,
    /// Samples of the fastest stream of each headset.
    pub samples: u64,
    /// Samples that were lost (and filled in where the format requires it).
    pub lost: u64,
    /// The number of markers.
    pub markers: u64,
    /// What could not be written as received, one sentence each.
    pub notes: Vec<String>,
    /// Whether it has ended and its files are closed.
    pub finished: bool,
}

/// The status, shared between the recorder and its users, and what those know about the headsets.
#[derive(Debug, Default)]
pub struct SharedStatus {
    status: Mutex<RecorderStatus>,
    firmware: Mutex<BTreeMap<HeadsetId, String>>,
}

impl SharedStatus {
    /// The current status.
    #[must_use]
    pub fn get(&self) -> RecorderStatus {
        locked(&self.status).clone()
    }

    /// Sets the firmware of a headset, for files that begin from now on.
    pub fn set_firmware(&self, headset: &HeadsetId, firmware: &str) {
        locked(&self.firmware).insert(headset.clone(), firmware.to_owned());
    }

    pub(super) fn firmware(&self, headset: &HeadsetId) -> String {
        locked(&self.firmware).get(headset).cloned().unwrap_or_default()
    }

    /// Combines the status of all headsets.
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

/// Free disk space in bytes where a file is; `None` if the system does not report it.
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

/// A size in human-readable form.
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
