//! A recorder beside the monitor: started and stopped while samples flow.

use std::{collections::BTreeMap, io, sync::Arc};

use cortop_protocol::HeadsetId;
use cortop_signal::sink::{SharedSinks, SinkHandle};

use super::{RecordError, Recorder, RecorderOptions, RecorderStatus, SharedStatus};

/// Samples that may wait for the disk: half a minute of a headset.
const QUEUE: usize = 16_384;

/// Records, or does not.
#[derive(Debug)]
pub struct RecorderService {
    sinks: SharedSinks,
    firmware: BTreeMap<HeadsetId, String>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
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

    /// Records from now on; what ran is to be stopped before.
    ///
    /// # Errors
    /// The operating system has no thread to spare.
    pub fn start(&mut self, options: RecorderOptions) -> io::Result<()> {
        let (recorder, status) = Recorder::new(options);
        for (headset, firmware) in &self.firmware {
            status.set_firmware(headset, firmware);
        }
        let sink = self.sinks.lock().add(recorder, QUEUE)?;
        self.running = Some(Running { status, sink });
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
    pub fn state(&mut self) -> Result<Option<RecorderStatus>, RecordError> {
        let Some(running) = &mut self.running else { return Ok(None) };
        let ended = running.sink.ended.try_recv();
        let status = running.status.get();
        match ended {
            Ok(ended) => {
                self.running = None;
                ended.map(|()| Some(RecorderStatus { finished: true, ..status }))
            }
            Err(_) => Ok(Some(RecorderStatus { finished: false, ..status })),
        }
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
