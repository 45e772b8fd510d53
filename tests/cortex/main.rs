//! The Cortex client against a scripted service on loopback sockets.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "helpers of tests fail aloud, and take json!(…) as it comes"
)]

mod account;
mod headsets;
mod reconnect;
mod secrets;
mod service;
mod sessions;
mod text;
mod tls;
