//! What a simulated headset measures, as a pure function of stream and sample index: so every
//! session of a headset sees the same signal, a suspended service can skip ahead, and the same seed
//! gives the same values. Uses no clock but its own: seconds since the headset's first sample.

use std::sync::Arc;

use super::{model::Spec, values::ValueSink};
use cortop_protocol::{Stream, sample::Columns};

/// Generates the samples of a headset.
pub trait SampleSource: Send + Sync {
    /// The columns of a stream, or `None` if this source has no such stream.
    fn columns(&self, stream: Stream) -> Option<Columns>;

    /// Why a stream is not available.
    fn absence(&self) -> &'static str {
        "The stream is unavailable or unsupported."
    }

    /// Whether its first sample is measured when somebody subscribes, as with a recording, rather
    /// than when its headset is connected.
    fn begins_with_subscription(&self) -> bool {
        false
    }

    /// When sample `index` of a stream was measured, in seconds. Increases with the index.
    fn time(&self, stream: Stream, index: u64) -> f64;

    /// The first sample of a stream at or after a time in seconds.
    fn index_at(&self, stream: Stream, time: f64) -> u64;

    /// Writes the values of a sample, in column order.
    fn write(
        &self,
        stream: Stream,
        index: u64,
        context: SampleContext<'_>,
        values: &mut dyn ValueSink,
    );

    /// The same headset with other settings; `None` if its settings cannot be changed.
    fn refit(&self, _: &Spec) -> Option<Arc<dyn SampleSource>> {
        None
    }
}

/// What the service, rather than the headset, determines about a sample.
#[derive(Clone, Copy, Debug, Default)]
pub struct SampleContext<'a> {
    /// Whether the packet was lost over the air and filled in by Cortex (§5.2).
    pub interpolated: bool,
    /// Mental commands in the loaded profile, in addition to neutral (§2.10).
    pub commands: &'a [&'static str],
    /// Whether the performance metrics have their first values (§5.7).
    pub metrics: bool,
    /// Markers of this sample of `eeg`: the JSON inside the array (§5.2).
    pub markers: &'a str,
}
