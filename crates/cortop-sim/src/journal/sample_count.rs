//! How many samples of each stream went to a client.

use cortop_protocol::Stream;

/// The name for unknown streams.
const OTHER: &str = "other";

/// Samples that were handed to a socket, or dropped.
#[derive(Debug, Default)]
pub(crate) struct SampleCount {
    /// In stream order, followed by those of unknown streams.
    pub(super) sent: [u64; Stream::ALL.len() + 1],
    pub(super) dropped: u64,
}

impl SampleCount {
    /// Counts the text of a sample.
    pub(crate) fn count(&mut self, text: &str, is_sent: bool) {
        if !is_sent {
            self.dropped += 1;
            return;
        }
        let name = text.split('"').nth(1).unwrap_or_default();
        let place = Stream::ALL.iter().position(|stream| stream.name() == name);
        self.sent[place.unwrap_or(Stream::ALL.len())] += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.dropped == 0 && self.sent.iter().all(|count| *count == 0)
    }

    pub(super) fn by_stream(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = Stream::ALL.iter().map(|stream| stream.name()).chain([OTHER]);
        names.zip(self.sent).filter(|(_, count)| *count > 0)
    }
}
