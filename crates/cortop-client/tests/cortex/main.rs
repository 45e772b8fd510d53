//! The Cortex client against a scripted service, and against the simulator, on loopback sockets.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "helpers of tests fail aloud, and take json!(…) as it comes"
)]

mod account;
mod clock;
mod closing;
mod headsets;
mod log;
#[path = "../../../../tests/log_capture/mod.rs"]
mod log_capture;
mod ownership;
#[path = "../../../../tests/pace/mod.rs"]
mod pace;
mod profiles;
mod reconnect;
mod records;
mod resume;
mod secrets;
mod service;
mod sessions;
mod settings;
mod simulated;
mod slow;
mod streams;
mod text;
mod tls;
mod token;
