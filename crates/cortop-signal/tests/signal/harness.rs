//! A made-up headset whose messages go into a decoder.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use cortop_protocol::{Columns, Feed, Sample, Stream, Subscription, sample::Column as Label};
use cortop_signal::{
    DotRun, Filters, Scale, StreamHealth, Traces, View, decoder::Decoder, runs, snapshot::Bin,
};
use tokio::time::Instant;

/// One headset, its decoder and the view of it.
pub(crate) struct DecoderHarness {
    pub(crate) decoder: Decoder,
    pub(crate) subscription: Arc<Subscription>,
    pub(crate) start: Instant,
    /// Index of the next sample that the headset measures.
    pub(crate) next: u64,
    /// Index of the newest sample sent.
    pub(crate) newest: Option<u64>,
    rate: f64,
}

/// An `eeg` subscription with these sensors.
pub(crate) fn eeg(sensors: &[&str], rate: f64) -> Arc<Subscription> {
    let rest = ["RAW_CQ", "MARKER_HARDWARE", "MARKERS"];
    let labels = ["COUNTER", "INTERPOLATED"].iter().chain(sensors).chain(&rest);
    Arc::new(Subscription {
        session: "s".into(),
        headset: "EPOCX-1A2B3C4D".into(),
        stream: Stream::Eeg,
        columns: Columns(labels.map(|label| Label::One((*label).to_owned())).collect()),
        nominal_rate: Some(rate),
    })
}

/// A view of all channels.
pub(crate) fn view(window: f64, columns: usize, filters: Filters) -> View {
    let channels = (0..64).collect();
    View {
        headset: Some("EPOCX-1A2B3C4D".into()),
        channels,
        window,
        columns,
        filters,
        ..View::default()
    }
}

/// The message with these values; `null` for NaN.
pub(crate) fn message(counter: u64, values: &[f64], time: f64) -> String {
    let mut text = format!("{{\"eeg\":[{counter},0");
    for value in values {
        if value.is_finite() {
            write!(text, ",{value:?}").unwrap();
        } else {
            text.push_str(",null");
        }
    }
    write!(text, ",0,0,[]],\"sid\":\"s\",\"time\":{time:?}}}").unwrap();
    text
}

impl DecoderHarness {
    pub(crate) fn new(sensors: &[&str], rate: f64, view: View) -> Self {
        Self::within(64 << 20, sensors, rate, view)
    }

    /// With a history of this many bytes.
    pub(crate) fn within(bytes: usize, sensors: &[&str], rate: f64, view: View) -> Self {
        let (start, subscription) = (Instant::now(), eeg(sensors, rate));
        let mut decoder = Decoder::new(view, bytes);
        decoder.push(Feed::Subscribed(Arc::clone(&subscription)), start);
        Self { decoder, subscription, start, next: 0, newest: None, rate }
    }

    /// With one channel at 128 Hz.
    pub(crate) fn one(view: View) -> Self {
        Self::new(&["Pz"], 128.0, view)
    }

    /// The moment at which the next sample arrives.
    pub(crate) fn now(&self) -> Instant {
        self.start + Duration::from_secs_f64(self.next as f64 / self.rate)
    }

    pub(crate) fn text(&mut self, text: String) {
        let received = self.now().into_std();
        let sample = Sample::new(Arc::clone(&self.subscription), text.into(), received);
        self.decoder.push(Feed::Sample(Arc::new(sample)), self.now());
    }

    /// Sends the sample with an index again, or late.
    pub(crate) fn resend(&mut self, index: u64, values: &[f64]) {
        let wrap = self.rate.round() as u64;
        self.text(message(index % wrap, values, 1.7e9 + index as f64 / self.rate));
    }

    pub(crate) fn send(&mut self, values: &[f64]) {
        self.resend(self.next, values);
        self.newest = Some(self.next);
        self.next += 1;
    }

    /// The next samples do not arrive.
    pub(crate) fn lose(&mut self, count: u64) {
        self.next += count;
    }

    /// The session ends, and after the time of this many samples the headset has a new one.
    pub(crate) fn reconnect(&mut self, samples: u64) {
        let old = Arc::clone(&self.subscription);
        self.decoder.push(Feed::Ended(old.session.clone()), self.now());
        self.next += samples;
        let session = format!("{}'", old.session).into();
        self.subscription = Arc::new(Subscription { session, ..(*old).clone() });
        self.decoder.push(Feed::Subscribed(Arc::clone(&self.subscription)), self.now());
    }

    pub(crate) fn traces(&self) -> Traces {
        self.decoder.snapshot(self.now()).traces.expect("a traced stream is in view")
    }

    pub(crate) fn columns(&self) -> Vec<Bin> {
        self.traces().channels.swap_remove(0).columns
    }

    pub(crate) fn health(&self) -> StreamHealth {
        self.decoder.snapshot(self.now()).health.swap_remove(0)
    }
}

/// The lit dots of one channel.
pub(crate) fn dots(columns: &[Bin], half: f32, rows: u16) -> Vec<Option<DotRun>> {
    runs(columns, Scale { centre: 0.0, half }, rows).collect()
}

/// Bit patterns, so that the NaN of empty columns compare equal.
pub(crate) fn bits(columns: &[Bin]) -> Vec<([u32; 4], u32, bool)> {
    let values = |c: &Bin| [c.min, c.max, c.first, c.last].map(f32::to_bits);
    columns.iter().map(|column| (values(column), column.count, column.gap)).collect()
}
