//! The sink that serves headsets' streams as LSL outlets, and its state for others.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use cortop_client::{
    ClockOffset, HeadsetId, Sample, SessionId, SessionMarker, Stream, Subscription,
};
use cortop_lsl::{Outlet, Server, StreamInfo};
use cortop_signal::sink::Sink;

use super::{
    clocks::{MeasuredClock, SteadyClock},
    layout::{self, Layout},
};

/// The state that the sink shares with those who started it: the served streams, and the clocks.
#[derive(Debug, Default)]
pub struct LslStreams {
    outlets: Mutex<Vec<Arc<Outlet>>>,
    clocks: Mutex<BTreeMap<HeadsetId, MeasuredClock>>,
}

impl LslStreams {
    /// Sets the clock of a headset after a measurement.
    pub fn set_clock(&self, headset: &HeadsetId, offset: ClockOffset) {
        self.clocks().insert(headset.clone(), MeasuredClock::new(offset));
    }

    /// The served streams, oldest first.
    #[must_use]
    pub fn infos(&self) -> Vec<StreamInfo> {
        self.outlets().iter().map(|outlet| outlet.info().clone()).collect()
    }

    /// The number of receivers of the stream that has the most.
    #[must_use]
    pub fn receivers(&self) -> usize {
        self.outlets().iter().map(|outlet| outlet.receivers()).max().unwrap_or_default()
    }

    /// Samples that receivers missed because they were too slow.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.outlets().iter().map(|outlet| outlet.dropped()).sum()
    }

    fn clock(&self, headset: &HeadsetId) -> Option<MeasuredClock> {
        self.clocks().get(headset).copied()
    }

    fn outlets(&self) -> MutexGuard<'_, Vec<Arc<Outlet>>> {
        self.outlets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clocks(&self) -> MutexGuard<'_, BTreeMap<HeadsetId, MeasuredClock>> {
        self.clocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that cannot be served.
#[derive(Debug, thiserror::Error)]
#[error(
    "no LSL stream can be served any more ({0}): end programs that serve many, or have many files open"
)]
pub struct ServeError(io::Error);

/// Serves each numeric stream of a headset, and its markers, as an outlet of its own. An outlet stays when
/// its stream ends, so that receivers continue when the headset comes back.
#[derive(Debug)]
pub struct LslSink {
    server: Server,
    shared: Arc<LslStreams>,
    /// The only headset served; `None` for all.
    headset: Option<HeadsetId>,
    headsets: BTreeMap<HeadsetId, ServedHeadset>,
    streams: Vec<ServedStream>,
    /// The values of a sample; the buffer is reused.
    row: Vec<f64>,
}

#[derive(Debug)]
struct ServedHeadset {
    markers: Arc<Outlet>,
    clock: SteadyClock,
    /// The clock as stated in the descriptions.
    described: Option<MeasuredClock>,
}

#[derive(Debug)]
struct ServedStream {
    subscription: Arc<Subscription>,
    layout: Layout,
    outlet: Arc<Outlet>,
    in_force: bool,
}

impl LslSink {
    /// Serves all headsets, or a single one.
    #[must_use]
    pub fn new(server: Server, headset: Option<HeadsetId>) -> (Self, Arc<LslStreams>) {
        let shared = Arc::<LslStreams>::default();
        let sink = Self {
            server,
            shared: Arc::clone(&shared),
            headset,
            headsets: BTreeMap::new(),
            streams: Vec::new(),
            row: Vec::new(),
        };
        (sink, shared)
    }

    fn open(&self, info: StreamInfo) -> Result<Arc<Outlet>, ServeError> {
        let outlet = Arc::new(Outlet::new(&self.server, info).map_err(ServeError)?);
        self.shared.outlets().push(Arc::clone(&outlet));
        Ok(outlet)
    }

    /// Closes an outlet that is replaced.
    fn close(&mut self, at: usize) {
        let old = self.streams.remove(at).outlet;
        self.shared.outlets().retain(|own| !Arc::ptr_eq(own, &old));
    }

    /// The headset of a session with active streams, and whether `eeg` is one of them.
    fn headset_of(&self, session: &SessionId) -> Option<(HeadsetId, bool)> {
        let own = || {
            let streams = self.streams.iter().filter(|stream| stream.in_force);
            streams.map(|stream| &stream.subscription).filter(|own| own.session == *session)
        };
        let headset = own().next()?.headset.clone();
        Some((headset, own().any(|own| own.stream == Stream::Eeg)))
    }

    /// Updates the uncertainty of the clock in the descriptions of a headset's streams.
    fn describe(&mut self) {
        for (id, headset) in &mut self.headsets {
            let clock = self.shared.clock(id);
            if clock == headset.described {
                continue;
            }
            headset.described = clock;
            let Some(clock) = clock else { continue };
            let streams = self.streams.iter().filter(|stream| stream.subscription.headset == *id);
            let outlets = streams.map(|stream| &stream.outlet).chain([&headset.markers]);
            for outlet in outlets {
                let own = &outlet.info().description;
                outlet.describe(layout::with_uncertainty(own, clock.uncertainty));
            }
        }
    }
}

impl Sink for LslSink {
    type Error = ServeError;

    fn subscription(&mut self, subscription: &Arc<Subscription>) -> Result<(), ServeError> {
        let id = &subscription.headset;
        if self.headset.as_ref().is_some_and(|only| only != id) {
            return Ok(());
        }
        let Some(layout) = Layout::of(subscription) else { return Ok(()) };
        if !self.headsets.contains_key(id) {
            let markers = self.open(layout::markers(id.as_str()))?;
            let headset = ServedHeadset { markers, clock: SteadyClock::default(), described: None };
            self.headsets.insert(id.clone(), headset);
        }
        let is_same = |own: &ServedStream| {
            own.subscription.headset == *id && own.subscription.stream == subscription.stream
        };
        if let Some(at) = self.streams.iter().position(is_same) {
            let own = &mut self.streams[at];
            if own.layout == layout {
                own.subscription = Arc::clone(subscription);
                own.in_force = true;
                return Ok(());
            }
            self.close(at);
        }
        let outlet = self.open(layout.info.clone())?;
        let subscription = Arc::clone(subscription);
        if let Some(headset) = self.headsets.get_mut(&subscription.headset) {
            headset.described = None;
        }
        self.streams.push(ServedStream { subscription, layout, outlet, in_force: true });
        Ok(())
    }

    fn sample(&mut self, sample: &Sample) -> Result<(), ServeError> {
        let is_own = |own: &&ServedStream| Arc::ptr_eq(&own.subscription, &sample.subscription);
        let Some(stream) = self.streams.iter().find(is_own) else { return Ok(()) };
        let id = &sample.subscription.headset;
        let Some(headset) = self.headsets.get_mut(id) else { return Ok(()) };
        let values = &sample.values;
        let time = headset.clock.lsl_time(self.shared.clock(id), values.time, sample.received);
        self.row.clear();
        let numbers = &values.numbers;
        let channels = stream.layout.channels.iter();
        self.row.extend(channels.map(|&at| numbers.get(at).copied().unwrap_or(f64::NAN)));
        let pushed = stream.outlet.push(time, &self.row);
        debug_assert!(pushed.is_ok(), "a row has the channels of its layout");
        for text in &values.markers {
            let pushed = headset.markers.push_texts(time, &[text]);
            debug_assert!(pushed.is_ok(), "markers are one text each");
        }
        Ok(())
    }

    fn marker(&mut self, marker: &SessionMarker) -> Result<(), ServeError> {
        let SessionMarker { session, id: in_record, time, end, text } = marker;
        let Some((id, has_eeg)) = self.headset_of(session) else { return Ok(()) };
        // A marker in a record comes with a sample.
        if end.is_some() || in_record.is_some() && has_eeg {
            return Ok(());
        }
        if let Some(headset) = self.headsets.get_mut(&id) {
            let now = Instant::now();
            let time = headset.clock.lsl_time(self.shared.clock(&id), Some(*time), now);
            let pushed = headset.markers.push_texts(time, &[text.to_string().as_str()]);
            debug_assert!(pushed.is_ok(), "markers are one text each");
        }
        Ok(())
    }

    fn end(&mut self, session: &SessionId, stream: Option<Stream>) -> Result<(), ServeError> {
        for own in &mut self.streams {
            let Subscription { session: theirs, stream: kind, .. } = &*own.subscription;
            if theirs == session && stream.is_none_or(|stream| stream == *kind) {
                own.in_force = false;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ServeError> {
        self.describe();
        self.streams.iter().for_each(|stream| stream.outlet.flush());
        self.headsets.values().for_each(|headset| headset.markers.flush());
        Ok(())
    }
}

impl Drop for LslSink {
    fn drop(&mut self) {
        self.shared.outlets().clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cortop_client::marker::{MarkerText, MarkerValue};
    use cortop_lsl::{ChannelValues, Inlet, InletEvent, Network};
    use tokio::time::{sleep, timeout};

    use super::*;

    /// A network of its own, with ports that are free now.
    fn network() -> Network {
        let port = || {
            let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
            socket.local_addr().expect("its address").port()
        };
        let base = port().clamp(1024, 65_000);
        Network { discovery_port: port(), ports: base..=base + 8, ..Network::loopback() }
    }

    fn subscription(session: &str, stream: Stream, columns: &str) -> Arc<Subscription> {
        Arc::new(Subscription {
            session: session.into(),
            headset: "EPOCX-1".into(),
            stream,
            columns: serde_json::from_str(columns).expect("columns"),
            nominal_rate: Some(128.0),
        })
    }

    fn eeg(subscription: &Arc<Subscription>, counter: u32, more: &str) -> Sample {
        let text = format!(
            r#"{{"eeg":[{counter},4200.5,null,[{more}]],"sid":"s","time":{}}}"#,
            1e9 + f64::from(counter)
        );
        Sample::new(Arc::clone(subscription), text.into(), Instant::now())
    }

    async fn values(inlet: &mut Inlet) -> ChannelValues {
        loop {
            let event = timeout(Duration::from_secs(20), inlet.events.recv()).await;
            if let InletEvent::Sample { values, .. } = event.expect("soon").expect("one") {
                return values;
            }
        }
    }

    async fn until(mut condition: impl FnMut() -> bool) {
        let waiting = async {
            while !condition() {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(Duration::from_secs(20), waiting).await.expect("soon");
    }

    fn own_marker(text: &str, in_record: bool, end: Option<f64>) -> SessionMarker {
        let (session, id) = ("s".into(), in_record.then(|| "m".into()));
        let (label, value) = (text.to_owned(), MarkerValue::Text(text.to_owned()));
        SessionMarker { session, id, time: 1e9, end, text: MarkerText { label, value } }
    }

    #[tokio::test]
    async fn sensors_and_markers_go_out_and_the_outlet_outlasts_the_session() {
        const COLUMNS: &str = r#"["COUNTER","AF3","T7","MARKERS"]"#;
        let network = network();
        let server = Server::start(network.clone()).expect("a server");
        let (mut sink, streams) = LslSink::new(server, Some("EPOCX-1".into()));
        let first = subscription("s", Stream::Eeg, COLUMNS);
        sink.subscription(&first).expect("served");
        let other = Subscription { headset: "OTHER-1".into(), ..(*first).clone() };
        sink.subscription(&Arc::new(other)).expect("left out");
        sink.subscription(&subscription("s", Stream::Com, r#"["act","pow"]"#)).expect("left out");
        let names: Vec<_> = streams.infos().into_iter().map(|info| info.name).collect();
        assert_eq!(names, ["cortop-EPOCX-1-Markers", "cortop-EPOCX-1-EEG"]);
        let mut signal = Inlet::spawn(network.clone(), "type='EEG'".to_owned(), 100);
        let mut markers = Inlet::spawn(network, "type='Markers'".to_owned(), 100);
        until(|| streams.outlets().iter().all(|outlet| outlet.receivers() == 1)).await;
        assert_eq!(streams.receivers(), 1);

        let marker = r#"{"label":"eyes closed","value":1}"#;
        sink.sample(&eeg(&first, 0, marker)).expect("taken");
        // This marker came with the sample; one outside of a record does not. Receivers do not see ends.
        sink.marker(&own_marker("eyes closed 1", true, None)).expect("taken");
        sink.marker(&own_marker("eyes open", false, Some(1e9 + 1.0))).expect("taken");
        sink.marker(&own_marker("key 7", false, None)).expect("taken");
        sink.flush().expect("sent");
        let ChannelValues::Numbers(numbers) = values(&mut signal).await else {
            panic!("no numbers")
        };
        assert!((numbers[0] - 4200.5).abs() < 1e-6 && numbers[1].is_nan(), "{numbers:?}");
        for text in ["eyes closed 1", "key 7"] {
            assert_eq!(values(&mut markers).await, ChannelValues::Texts(vec![text.to_owned()]));
        }

        // The headset comes back in another session, and the receivers continue.
        sink.end(&"s".into(), None).expect("taken");
        sink.marker(&own_marker("late", false, None)).expect("left out");
        let again = subscription("t", Stream::Eeg, COLUMNS);
        sink.subscription(&again).expect("served");
        sink.sample(&eeg(&first, 1, "")).expect("left out");
        sink.sample(&eeg(&again, 2, "")).expect("taken");
        sink.flush().expect("sent");
        assert!(matches!(values(&mut signal).await, ChannelValues::Numbers(_)));
        assert_eq!(streams.infos().len(), 2);
        // With other sensors it is another stream.
        let fewer = subscription("t", Stream::Eeg, r#"["COUNTER","AF3"]"#);
        sink.subscription(&fewer).expect("served");
        let channels: Vec<_> = streams.infos().iter().map(|info| info.channels).collect();
        assert_eq!(channels, [1, 1]);
        drop(sink);
        assert!(streams.infos().is_empty());
    }

    #[tokio::test]
    async fn what_is_known_of_the_clock_is_told_in_the_description() {
        let server = Server::start(network()).expect("a server");
        let (mut sink, streams) = LslSink::new(server, None);
        let offset = ClockOffset { offset: 0.0, uncertainty: 0.0061 };
        streams.set_clock(&"EPOCX-1".into(), offset);
        let eeg = subscription("s", Stream::Eeg, r#"["COUNTER","AF3"]"#);
        sink.subscription(&eeg).expect("served");
        sink.flush().expect("sent");
        assert_eq!(
            sink.headsets[&HeadsetId::from("EPOCX-1")].described.map(|c| c.uncertainty),
            Some(0.0061)
        );
    }
}
