//! Exports the state of headsets and streams as `OpenMetrics` text over HTTP, for Prometheus and compatible
//! programs (docs/metrics.md). Reads the client's events and the decoder's snapshots; it neither sends
//! commands nor queries the service.
//!
//! ```text
//! mod        what is exported
//!  ├─ exposition  families and samples → text
//!  └─ server      the text over HTTP
//! ```

mod exposition;
mod server;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use self::exposition::{Exposition, Kind};
use crate::known::Known;
use cortop_client::{Event, Moment};
use cortop_signal::{Snapshot, StreamHealth};

/// The exported state. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    known: Arc<Mutex<Known>>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
}

impl Metrics {
    /// Without events so far, and with the decoder's snapshots.
    #[must_use]
    pub fn new(snapshots: watch::Receiver<Arc<Snapshot>>) -> Self {
        Self { known: Arc::default(), snapshots }
    }

    /// Handles an event of the client.
    pub fn on_event(&self, event: &Event) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).on_event(event);
    }

    /// Serves the text on the current runtime until the task is aborted.
    #[must_use]
    pub fn serve(&self, listener: TcpListener) -> JoinHandle<()> {
        let metrics = self.clone();
        tokio::spawn(server::serve(listener, move || metrics.text(Moment::now())))
    }

    /// The text at a moment.
    #[must_use]
    pub fn text(&self, now: Moment) -> String {
        let snapshot = Arc::clone(&self.snapshots.borrow());
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = Exposition::default();
        let version = env!("CARGO_PKG_VERSION");
        text.family("cortop_build", Kind::Info, "The program that answers.");
        text.sample(&[("version", version)], 1.0);
        text.family("cortop_connected", Kind::Gauge, "Whether the Cortex service is connected.");
        text.sample(&[], f64::from(u8::from(known.is_connected)));
        write_known(&mut text, &known);
        write_devices(&mut text, &snapshot);
        write_streams(&mut text, &snapshot, now);
        let help = "Samples that cortop itself dropped, as it was too slow for them.";
        text.family("cortop_dropped_samples", Kind::Counter, help);
        text.sample(&[], snapshot.dropped as f64);
        text.finish()
    }
}

/// Writes what the client has reported.
fn write_known(text: &mut Exposition, known: &Known) {
    text.family("cortop_headset", Kind::Info, "A headset that the service sees.");
    for headset in &known.headsets {
        text.sample(
            &[
                ("headset", headset.id.as_str()),
                ("model", headset.model().name()),
                ("firmware", &headset.firmware),
                ("connected_by", &headset.connected_by),
            ],
            1.0,
        );
    }
    text.family("cortop_headset_connected", Kind::Gauge, "Whether a headset is connected.");
    for headset in &known.headsets {
        let connected = f64::from(u8::from(headset.is_connected()));
        text.sample(&[("headset", headset.id.as_str())], connected);
    }
    let help = "Seconds to add to this computer's time to get that of a headset's samples.";
    text.family("cortop_clock_offset_seconds", Kind::Gauge, help);
    for (headset, clock) in &known.clocks {
        text.sample(&[("headset", headset.as_str())], clock.offset);
    }
    let help = "Seconds by which the clock offset may be wrong.";
    text.family("cortop_clock_uncertainty_seconds", Kind::Gauge, help);
    for (headset, clock) in &known.clocks {
        text.sample(&[("headset", headset.as_str())], clock.uncertainty);
    }
    let help = "Live sessions of this Cortex application, by status.";
    text.family("cortop_sessions", Kind::Gauge, help);
    let mut by_status = BTreeMap::from([("activated".to_owned(), 0), ("opened".to_owned(), 0)]);
    for session in &known.sessions {
        *by_status.entry(session.status.to_string()).or_default() += 1;
    }
    for (status, count) in by_status {
        text.sample(&[("status", &status)], f64::from(count));
    }
    text.family("cortop_records_running", Kind::Gauge, "Records of Cortex that run.");
    text.sample(&[], known.recorded.len() as f64);
}

/// Writes what the headsets report.
fn write_devices(text: &mut Exposition, snapshot: &Snapshot) {
    let devices = || snapshot.devices.iter().map(|(id, device)| (id.as_str(), device));
    let help = "What is left in the battery of a headset, 0 to 1; of two, the emptier.";
    text.family("cortop_battery_ratio", Kind::Gauge, help);
    for (headset, device) in devices() {
        text.optional(&[("headset", headset)], device.battery().map(|percent| percent / 100.0));
    }
    let help = "Overall contact of a headset's sensors, 0 to 1.";
    text.family("cortop_contact_ratio", Kind::Gauge, help);
    for (headset, device) in devices() {
        text.optional(&[("headset", headset)], device.contact().map(|percent| percent / 100.0));
    }
    let help = "Contact of a sensor: 0 none, 1 very bad, 2 poor, 3 fair, 4 good.";
    text.family("cortop_sensor_contact_level", Kind::Gauge, help);
    for (headset, device) in devices() {
        for (sensor, level) in device.dev.iter().flat_map(|dev| dev.sensors()) {
            text.optional(&[("headset", headset), ("sensor", sensor)], level);
        }
    }
}

/// A family of streams: its name, type and help, and the function that gives a stream's value, if it has one.
type StreamFamily = (&'static str, Kind, &'static str, fn(&StreamHealth, Moment) -> Option<f64>);

const STREAMS: [StreamFamily; 10] = [
    (
        "cortop_stream_nominal_rate_hertz",
        Kind::Gauge,
        "Samples a second that a stream should have.",
        |own, _| own.nominal_rate,
    ),
    (
        "cortop_stream_rate_hertz",
        Kind::Gauge,
        "Samples a second measured over the last seconds; none of a stale stream.",
        |own, _| own.rate,
    ),
    (
        "cortop_stream_samples",
        Kind::Counter,
        "Samples that came since the subscription.",
        |own, _| Some(own.received as f64),
    ),
    (
        "cortop_stream_lost_samples",
        Kind::Counter,
        "Samples lost since the subscription, by COUNTER; only eeg and mot have one.",
        |own, _| own.stream.is_trace().then_some(own.lost as f64),
    ),
    (
        "cortop_stream_interpolated_samples",
        Kind::Counter,
        "Samples that Cortex filled in since the subscription.",
        |own, _| own.stream.is_trace().then_some(own.interpolated as f64),
    ),
    (
        "cortop_stream_malformed_messages",
        Kind::Counter,
        "Messages that did not match their columns, or had a wrong time.",
        |own, _| Some(own.malformed as f64),
    ),
    (
        "cortop_stream_loss_ratio",
        Kind::Gauge,
        "Share of the samples of the last 10 s that were lost, 0 to 1.",
        |own, _| own.stream.is_trace().then(|| own.recent.loss()),
    ),
    (
        "cortop_stream_age_seconds",
        Kind::Gauge,
        "Seconds since the last sample arrived.",
        |own, now| Some(now.instant.saturating_duration_since(own.last?).as_secs_f64()),
    ),
    (
        "cortop_stream_delay_seconds",
        Kind::Gauge,
        "Seconds from the time of a sample to its arrival, of the soonest within 10 s.",
        |own, now| own.delay(now.instant, now.wall.as_nanosecond() as f64 / 1e9),
    ),
    (
        "cortop_stream_stale",
        Kind::Gauge,
        "Whether no sample came for three periods and at least 2 s.",
        |own, _| Some(f64::from(u8::from(own.stale_since.is_some()))),
    ),
];

fn write_streams(text: &mut Exposition, snapshot: &Snapshot, now: Moment) {
    // A headset that changes its session may have two for a moment: the later one counts.
    let streams: BTreeMap<_, _> =
        snapshot.health.iter().map(|own| ((&own.headset, own.stream), own)).collect();
    for (name, kind, help, value) in STREAMS {
        text.family(name, kind, help);
        for ((headset, stream), health) in &streams {
            let labels = [("headset", headset.as_str()), ("stream", stream.name())];
            text.optional(&labels, value(health, now));
        }
    }
}

#[cfg(test)]
mod tests;
