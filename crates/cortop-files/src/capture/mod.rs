//! Captures: what crosses between a client and the service, as JSON lines without secrets
//! (docs/capture.md).
//!
//! ```text
//! writer     a file that grows on a thread of its own
//! reader     its lines, and those of other clients' captures
//! recording  the same as rows
//! ```

mod reader;
pub(crate) mod recording;
mod writer;

pub use self::{
    reader::{CaptureEvent, CaptureLine, CaptureReader, ForeignSample, ForeignValues, LineTally},
    writer::{CaptureFile, CaptureState},
};

/// The value of `format` in the first line.
const FORMAT: &str = "cortop-capture";

#[cfg(test)]
mod tests;
