//! From samples to what can be drawn: loss, health, filters, envelope columns, history. Knows
//! the samples, ids and streams of `cortop-protocol` only.

mod auto_scale;
pub mod bad_channels;
pub mod bands;
pub mod columns;
pub mod contact_history;
pub mod decoder;
pub mod electrode_positions;
pub mod filter;
mod health;
mod history;
mod incidents;
pub mod inspect;
mod latest_values;
mod loss;
mod markers;
pub mod montage;
pub mod orientation;
pub mod raster;
mod readings;
mod received_stream;
mod reference;
pub mod sequence;
pub mod sink;
pub mod smoothed;
pub mod snapshot;
pub mod spectra;
pub mod spectrum;
mod stamps;
pub mod topography;
mod trace_pipeline;
pub mod view;

pub use bad_channels::{BadChannel, Defect};
pub use contact_history::ContactHistory;
pub use health::StreamHealth;
pub use montage::Montage;
pub use orientation::{Orientation, Position};
pub use raster::{DotRun, Scale, runs};
pub use received_stream::is_channel;
pub use smoothed::Smoothed;
pub use snapshot::{Snapshot, Traces};
pub use view::{Filters, View};
