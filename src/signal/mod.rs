//! From samples to what can be drawn: loss, health, filters, envelope columns, history. Knows
//! `cortex::sample` (and the ids and streams it names) only.

pub mod bands;
pub mod columns;
pub mod decoder;
pub mod filter;
mod health;
mod history;
mod loss;
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
pub mod view;

pub use raster::{Run, Scale, runs};
pub use snapshot::{Snapshot, StreamHealth, Traces};
pub use view::{Filters, View};
