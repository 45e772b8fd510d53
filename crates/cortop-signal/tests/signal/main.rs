//! The crate from the outside: messages in, snapshots and dots out.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tests fail by panicking, and their numbers are small"
)]

mod bad_channels;
mod clocks;
mod decoder;
mod harness;
#[path = "../../../../tests/log_capture/mod.rs"]
mod log_capture;
mod properties;
mod recordings;
mod scipy;
mod spectra;
mod task;
