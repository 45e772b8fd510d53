//! Samples of one stream: the columns of its subscription in the first line, a message in each of the others.
//! They pass through the decoder into the picture.

#![no_main]

use std::{sync::Arc, time::Instant};

use bytestring::ByteString;
use cortop_protocol::{Columns, Feed, Sample, Stream, Subscription};
use cortop_signal::{View, decoder::Decoder};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let columns = lines.next().unwrap_or_default();
    let Ok(columns) = serde_json::from_str::<Columns>(columns) else { return };
    let mut lines = lines.peekable();
    let named = |line: &&str| Stream::ALL.into_iter().find(|own| line.contains(own.name()));
    let stream = lines.peek().and_then(named).unwrap_or(Stream::Eeg);
    let subscription = Arc::new(Subscription {
        session: "session".into(),
        headset: "EPOCX-1A2B3C4D".into(),
        stream,
        columns,
        nominal_rate: Some(128.0),
    });
    let view = View {
        headset: Some(subscription.headset.clone()),
        stream,
        channels: Arc::new([0, 1, 2]),
        columns: 40,
        inspect: true,
        spectra: Some(70.0),
        ..View::default()
    };
    let mut decoder = Decoder::new(view, 1 << 20);
    let now = Instant::now();
    decoder.push(Feed::Subscribed(Arc::clone(&subscription)), now.into());
    for line in lines {
        let sample = Sample::new(Arc::clone(&subscription), ByteString::from(line), now);
        decoder.push(Feed::Sample(Arc::new(sample)), now.into());
    }
    let _ = decoder.snapshot(now.into());
});
