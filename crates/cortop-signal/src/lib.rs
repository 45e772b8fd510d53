//! From samples to what can be drawn: loss, health, filters, envelope columns, history. Knows
//! the samples, ids and streams of `cortop-protocol` only.

pub mod bad_channels;
pub mod bands;
pub mod columns;
pub mod decoder;
pub mod filter;
mod health;
mod history;
mod incidents;
pub mod inspect;
mod loss;
mod markers;
pub mod orientation;
pub mod parse;
mod picture;
pub mod raster;
mod readings;
mod reference;
pub mod snapshot;
mod source;
pub mod spectra;
pub mod spectrum;
mod spread;
mod stamps;
pub mod steady;
pub mod view;

pub use bad_channels::{BadChannel, Defect};
pub use orientation::{Orientation, Position};
pub use raster::{Run, Scale, runs};
pub use snapshot::{Snapshot, StreamHealth, Traces};
pub use steady::Steady;
pub use view::{Filters, View};
