//! Exchange with other programs of a laboratory: a headset's streams go out over Lab Streaming Layer; markers
//! come in over LSL and as lines over UDP and TCP. Knows neither commands and keys nor the screen.

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
