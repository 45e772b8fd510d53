//! What is exchanged with other programs of a laboratory: a headset's streams go out by Lab
//! Streaming Layer, markers come in by LSL and as lines over UDP and TCP. Knows neither how it is
//! asked for nor how it is shown.

mod clocks;
mod layout;
mod lsl_sink;
mod marker_losses;
mod markers;
mod service;

pub use self::{
    lsl_sink::{LslSink, LslStreams, ServeError},
    marker_losses::{MarkerLoss, MarkerLosses},
    markers::{MarkerReceiver, MarkerSources, OutsideMarker},
    service::{LslService, LslState},
};
