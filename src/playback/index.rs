//! Finds the time range and the markers of a capture in one pass.

use std::{path::Path, sync::Arc, time::Duration};

use cortop_client::{Method, wire::Side};
use cortop_files::{
    capture::{CaptureEvent, CaptureReader, LineTally},
    recording::OpenError,
};

/// Maximum number of markers kept.
const MARKERS: usize = 100_000;

/// The content of a capture.
#[derive(Debug, Default)]
pub(super) struct CaptureIndex {
    /// The service's URL; empty if the file does not have it.
    pub(super) service: String,
    /// Its start in epoch seconds.
    pub(super) start: f64,
    /// Its length.
    pub(super) length: Duration,
    /// The positions of its markers from the start.
    pub(super) markers: Arc<[Duration]>,
    /// How much of it could be read.
    pub(super) tally: LineTally,
}

impl CaptureIndex {
    pub(super) fn read(path: &Path) -> Result<Self, OpenError> {
        let mut reader = CaptureReader::open(path)?;
        let mut service = String::new();
        let (mut start, mut end) = (None, 0.0_f64);
        let mut markers = Vec::new();
        let request = format!("\"{}\"", Method::InjectMarker.name());
        while let Some(line) = reader.next_line() {
            let at = line.at.filter(|_| !line.recalled);
            if let Some(at) = at {
                start.get_or_insert(at);
                end = end.max(at);
            }
            match line.event {
                CaptureEvent::Began(url) => service = url,
                CaptureEvent::Text { from: Side::Client, text, .. }
                    if text.contains(&request) && markers.len() < MARKERS =>
                {
                    markers.extend(at);
                }
                _ => {}
            }
        }
        let start = start.unwrap_or_default();
        let since = |at: f64| Duration::try_from_secs_f64(at - start).unwrap_or_default();
        Ok(Self {
            service,
            start,
            length: since(end),
            markers: markers.into_iter().map(since).collect(),
            tally: reader.tally().clone(),
        })
    }
}
