//! A recorder beside the monitor: started and stopped while samples flow.

use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc, time::Instant};

use cortop_protocol::HeadsetId;
use cortop_signal::sink::{SharedSinks, SinkHandle};

use super::{RecordError, Recorder, RecorderOptions, RecorderStatus, SharedStatus, free_space};

/// Samples that may wait for the disk: half a minute of a headset.
const QUEUE: usize = 16_384;

/// A recording that runs, or has just ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecorderState {
    /// Whose; `None` for all.
    pub headset: Option<HeadsetId>,
    /// When it was started.
    pub since: Instant,
    /// What there is of it.
    pub status: RecorderStatus,
    /// Bytes that can still be written, where the system says.
    pub free: Option<u64>,
}

/// Records, or does not.
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
    /// From sinks that are fed.
    #[must_use]
    pub fn new(sinks: SharedSinks) -> Self {
        Self { sinks, firmware: BTreeMap::new(), running: None }
    }

    /// The firmware of a headset.
    pub fn set_firmware(&mut self, headset: &HeadsetId, firmware: &str) {
        self.firmware.insert(headset.clone(), firmware.to_owned());
        if let Some(running) = &self.running {
            running.status.set_firmware(headset, firmware);
        }
    }

    /// Records from now on. What still runs is to be stopped before.
    ///
    /// # Errors
    /// The folder cannot be made or cannot have it, or the operating system has no thread to spare.
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

    /// Lets the recording end: its state says when it has.
    pub fn stop(&mut self) {
        if let Some(running) = &self.running {
            self.sinks.lock().remove(running.sink.id);
        }
    }

    /// What there is of the recording that runs, or has just ended.
    ///
    /// # Errors
    /// It could not go on, and has ended.
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

    /// Stops, and waits for the files to be closed.
    ///
    /// # Errors
    /// They could not be.
    pub async fn finish(&mut self) -> Result<(), RecordError> {
        self.stop();
        match self.running.take() {
            Some(running) => running.sink.ended.await.unwrap_or(Ok(())),
            None => Ok(()),
        }
    }
}
