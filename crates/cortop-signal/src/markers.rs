//! The markers of one headset, within bounds: their texts, and the samples with which they came.
//! Independent of who set them and how they are drawn.

use std::{collections::VecDeque, ops::Range, sync::Arc};

use super::history::History;
use cortop_protocol::Stream;

/// How many markers of a headset are kept; the oldest are dropped first.
const MOST: usize = 4096;

/// The markers of a headset in order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Markers(VecDeque<PlacedMarker>);

#[derive(Debug)]
struct PlacedMarker {
    /// The stream that the marker came with, and the absolute index of its sample there; `None` if
    /// it came with no stream.
    at: Option<(Stream, u64)>,
    /// Epoch seconds of that sample, by which other streams locate the marker.
    time: Option<f64>,
    text: Arc<str>,
}

impl Markers {
    /// Adds a marker that came with a sample of a stream, or with only a time.
    pub(crate) fn push(&mut self, at: Option<(Stream, u64)>, time: Option<f64>, text: &str) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back(PlacedMarker { at, time, text: text.into() });
    }

    /// The markers in a range of a stream's samples: index and text.
    pub(crate) fn within(
        &self,
        stream: Stream,
        history: &History,
        range: &Range<u64>,
    ) -> Vec<(u64, Arc<str>)> {
        let place = |marker: &PlacedMarker| match marker.at {
            Some((own, index)) if own == stream => Some(index),
            _ => history.index(marker.time?),
        };
        let placed = self.0.iter().filter_map(|marker| Some((place(marker)?, marker)));
        let within = placed.filter(|(index, _)| range.contains(index));
        within.map(|(index, marker)| (index, Arc::clone(&marker.text))).collect()
    }
}
