//! A recorder beside the monitor, which can be started and stopped while samples arrive.

use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc, time::Instant};

use cortop_protocol::HeadsetId;
use cortop_signal::sink::{SharedSinks, SinkHandle};

use super::{RecordError, Recorder, RecorderOptions, RecorderStatus, SharedStatus, free_space};

/// How many samples may wait for the disk: half a minute of a headset.
const QUEUE: usize = 16_384;

/// A recording that is running or has just ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecorderState {
    /// The headset; `None` for all.
    pub headset: Option<HeadsetId>,
    /// When it was started.
    pub since: Instant,
    /// Its status.
    pub status: RecorderStatus,
    /// Free disk space in bytes, if the system reports it.
    pub free: Option<u64>,
}

/// Starts and stops recordings.
#[derive(Debug)]
pub struct RecorderService {
    sinks: SharedSinks,
    firmware: BTreeMap<HeadsetId, String>,
    running: Option<RunningRecorder>,
}

#[derive(Debug)]
struct RunningRecorder {
    headset: Option<HeadsetId>,
    folder: PathBuf,
    since: Instant,
    status: Arc<SharedStatus>,
    sink: SinkHandle<RecordError>,
}

impl RecorderService {
    /// For these sinks, which receive the samples.
    #[must_use]
    pub fn new(sinks: SharedSinks) -> Self {
        Self { sinks, firmware: BTreeMap::new(), running: None }
    }

    /// Sets the firmware of a headset.
    pub fn set_firmware(&mut self, headset: &HeadsetId, firmware: &str) {
        self.firmware.insert(headset.clone(), firmware.to_owned());
        if let Some(running) = &self.running {
            running.status.set_firmware(headset, firmware);
        }
    }

    /// Starts a recording. Stop a running one first.
    ///
    /// # Errors
    /// The folder cannot be created or used, or the operating system cannot create a thread.
    pub fn start(&mut self, mut options: RecorderOptions) -> io::Result<()> {
        options.prepare().map_err(io::Error::other)?;
        let (headset, folder) = (options.headset.clone(), options.folder.clone());
        let (recorder, status) = Recorder::new(options);
        for (headset, firmware) in &self.firmware {
            status.set_firmware(headset, firmware);
        }
        let sink = self.sinks.lock().add(recorder, QUEUE)?;
        let since = Instant::now();
        self.running = Some(RunningRecorder { headset, folder, since, status, sink });
        Ok(())
    }

    /// Makes the recording end; its state tells when it has.
    pub fn stop(&mut self) {
        if let Some(running) = &self.running {
            self.sinks.lock().remove(running.sink.id);
        }
    }

    /// The state of the recording that is running or has just ended.
    ///
    /// # Errors
    /// It could not continue, and has ended.
    pub fn state(&mut self) -> Result<Option<RecorderState>, RecordError> {
        let Some(running) = &mut self.running else { return Ok(None) };
        let ended = running.sink.ended.try_recv();
        let mut state = RecorderState {
            headset: running.headset.clone(),
            since: running.since,
            status: running.status.get(),
            free: free_space(&running.folder),
        };
        state.status.finished = ended.is_ok();
        if let Ok(ended) = ended {
            self.running = None;
            ended?;
        }
        Ok(Some(state))
    }

    /// Stops, and waits until the files are closed.
    ///
    /// # Errors
    /// They could not be closed.
    pub async fn finish(&mut self) -> Result<(), RecordError> {
        self.stop();
        match self.running.take() {
            Some(running) => running.sink.ended.await.unwrap_or(Ok(())),
            None => Ok(()),
        }
    }
}
