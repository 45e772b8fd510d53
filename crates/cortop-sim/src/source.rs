//! What a simulated headset measures, as a pure function of stream and sample index, so that every
//! session of a headset sees the same signal, a suspended service can skip ahead, and the same
//! seed gives the same values. Knows no clock but its own: seconds since the headset's first sample.

use std::sync::Arc;

use super::{model::Spec, values::ValueSink};
use cortop_protocol::{Stream, sample::Columns};

/// Makes the samples of a headset.
pub trait SampleSource: Send + Sync {
    /// The columns of a stream, or `None` if this source has no such stream.
    fn columns(&self, stream: Stream) -> Option<Columns>;

    /// Why a stream is not among them.
    fn absence(&self) -> &'static str {
        "The stream is unavailable or unsupported."
    }

    /// Whether its first sample is measured when somebody subscribes, as that of a recording, and not
    /// when its headset is connected.
    fn begins_with_subscription(&self) -> bool {
        false
    }

    /// When sample `index` of a stream was measured, in seconds. Rises with the index.
    fn time(&self, stream: Stream, index: u64) -> f64;

    /// The first sample of a stream at or after a time in seconds.
    fn index_at(&self, stream: Stream, time: f64) -> u64;

    /// Writes the values of a sample in the order of the columns.
    fn write(
        &self,
        stream: Stream,
        index: u64,
        context: SampleContext<'_>,
        values: &mut dyn ValueSink,
    );

    /// The same headset with other settings, or `None` if it cannot be had otherwise.
    fn refit(&self, _: &Spec) -> Option<Arc<dyn SampleSource>> {
        None
    }
}

/// What the service, not the headset, decides about a sample.
#[derive(Clone, Copy, Debug, Default)]
pub struct SampleContext<'a> {
    /// The packet was lost on the air and Cortex filled it in (§5.2).
    pub interpolated: bool,
    /// Mental commands that the loaded profile knows beside neutral (§2.10).
    pub commands: &'a [&'static str],
    /// The performance metrics have their first values (§5.7).
    pub metrics: bool,
    /// Markers of this sample of `eeg`, the JSON inside the array (§5.2).
    pub markers: &'a str,
}
