//! LSL beside the monitor: switched on and off for one headset while samples flow.

use std::{collections::BTreeMap, io, net::Ipv4Addr, sync::Arc};

use cortop_client::{ClockOffset, HeadsetId};
use cortop_lsl::{Network, Server};
use cortop_signal::sink::{SharedSinks, SinkHandle};

use super::{LslSink, LslStreams, ServeError};

/// Samples that may wait for the outlets: four seconds of a headset.
const QUEUE: usize = 2048;

/// What is served at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LslState {
    /// The headset whose streams are served.
    pub headset: HeadsetId,
    /// How many read the stream that most read.
    pub receivers: usize,
    /// Whether programs on other machines can read them.
    pub is_open: bool,
}

/// Serves one headset's streams by LSL, or none.
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
    /// For this machine only, from sinks that are fed.
    #[must_use]
    pub fn new(sinks: SharedSinks) -> Self {
        Self { network: Network::loopback(), sinks, clocks: BTreeMap::new(), serving: None }
    }

    /// At another address of this machine, from the next time on.
    pub fn set_interface(&mut self, interface: Ipv4Addr) {
        self.network = Network::on(interface);
    }

    /// Serves a headset's streams from now on, in place of another's; on the current runtime.
    ///
    /// # Errors
    /// The address cannot be had.
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

    /// Serves nothing any more.
    pub fn stop(&mut self) {
        if let Some(serving) = self.serving.take() {
            self.sinks.lock().remove(serving.sink.id);
        }
    }

    /// The clock of a headset was measured.
    pub fn set_clock(&mut self, headset: &HeadsetId, clock: ClockOffset) {
        self.clocks.insert(headset.clone(), clock);
        if let Some(serving) = &self.serving {
            serving.streams.set_clock(headset, clock);
        }
    }

    /// What is served now.
    ///
    /// # Errors
    /// It could not go on, and is off.
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
