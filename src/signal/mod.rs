//! From samples to what can be drawn: loss, health, filters, envelope columns, history. Knows
//! `cortex::sample` (and the ids and streams it names) only.

pub mod decoder;
pub mod raster;
pub mod snapshot;
pub mod view;

pub use raster::{Run, Scale, runs};
pub use snapshot::{Snapshot, StreamHealth, Traces};
pub use view::{Filters, View};
