//! LSL in the monitor: turned on and off for one headset while samples are flowing.

use std::{collections::BTreeMap, io, net::Ipv4Addr, sync::Arc};

use cortop_client::{ClockOffset, HeadsetId};
use cortop_lsl::{Network, Server};
use cortop_signal::sink::{SharedSinks, SinkHandle};

use super::{LslSink, LslStreams, ServeError};

/// Maximum number of samples queued for the outlets: four seconds of a headset.
const QUEUE: usize = 2048;

/// What is being served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LslState {
    /// The headset whose streams are served.
    pub headset: HeadsetId,
    /// The number of receivers of the stream that has the most.
    pub receivers: usize,
    /// Whether programs on other machines can read them.
    pub is_open: bool,
}

/// Serves one headset's streams over LSL, or none.
#[derive(Debug)]
pub struct LslService {
    network: Network,
    sinks: SharedSinks,
    clocks: BTreeMap<HeadsetId, ClockOffset>,
    serving: Option<Serving>,
}

#[derive(Debug)]
struct Serving {
    headset: HeadsetId,
    streams: Arc<LslStreams>,
    sink: SinkHandle<ServeError>,
}

impl LslService {
    /// Serves only this machine, from these sinks.
    #[must_use]
    pub fn new(sinks: SharedSinks) -> Self {
        Self { network: Network::loopback(), sinks, clocks: BTreeMap::new(), serving: None }
    }

    /// Uses another address of this machine, from the next time on.
    pub fn set_interface(&mut self, interface: Ipv4Addr) {
        self.network = Network::on(interface);
    }

    /// Serves a headset's streams instead of another's, on the current runtime.
    ///
    /// # Errors
    /// The address is not available.
    pub fn serve(&mut self, headset: HeadsetId) -> io::Result<()> {
        self.stop();
        let server = Server::start(self.network.clone())?;
        let (sink, streams) = LslSink::new(server, Some(headset.clone()));
        if let Some(clock) = self.clocks.get(&headset) {
            streams.set_clock(&headset, *clock);
        }
        let sink = self.sinks.lock().add(sink, QUEUE)?;
        self.serving = Some(Serving { headset, streams, sink });
        Ok(())
    }

    /// Stops serving.
    pub fn stop(&mut self) {
        if let Some(serving) = self.serving.take() {
            self.sinks.lock().remove(serving.sink.id);
        }
    }

    /// Sets the clock of a headset after a measurement.
    pub fn set_clock(&mut self, headset: &HeadsetId, clock: ClockOffset) {
        self.clocks.insert(headset.clone(), clock);
        if let Some(serving) = &self.serving {
            serving.streams.set_clock(headset, clock);
        }
    }

    /// What is being served.
    ///
    /// # Errors
    /// It had to stop.
    pub fn state(&mut self) -> Result<Option<LslState>, ServeError> {
        let Some(serving) = &mut self.serving else { return Ok(None) };
        if let Ok(ended) = serving.sink.ended.try_recv() {
            self.stop();
            return ended.map(|()| None);
        }
        Ok(Some(LslState {
            headset: serving.headset.clone(),
            receivers: serving.streams.receivers(),
            is_open: !self.network.is_local(),
        }))
    }
}
