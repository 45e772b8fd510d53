//! Turns samples into what can be drawn: history, loss, clocks, filters, spectra and envelopes.
//! Depends only on the samples, ids and streams of `cortop-protocol`. Begin with
//! [`Decoder`](decoder::Decoder): samples and a [`View`] go in, a [`Snapshot`] per frame comes out.
//!
//! ```text
//! decoder    samples and the view in, a snapshot per frame out
//!  ├─ received_stream   one subscription: loss, stamps, health, bad_channels, and its history
//!  ├─ readings          other streams than traces: latest_values, contact_history, smoothed
//!  ├─ markers           set by anyone
//!  ├─ trace_pipeline    the view's channels, built from the history and then sample by sample
//!  │   ├─ filter  reference  montage    which signal a channel shows
//!  │   ├─ columns  auto_scale           its envelope and its scale
//!  │   └─ spectra  spectrum  bands      its spectra
//!  └─ incidents         what happened to the data, as lines for the log
//! view       what the user looks at     snapshot   what the decoder publishes
//! sink       samples to several outputs, each with a thread and a queue of its own
//! inspect    one message, value by value
//! raster  topography  electrode_positions  orientation    geometry for drawing
//! ```
//! Section numbers in these docs (`§5.2`) refer to `docs/protocol.md`; `docs/signal.md` explains
//! why each figure is computed as it is.

mod affected_samples;
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
