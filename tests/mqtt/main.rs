//! Stations with a real broker: mosquitto, started by each test on free local ports, with TLS, accounts and
//! an access list. If it is not installed, the tests say so on standard error and pass.
#![cfg(unix)]
#![expect(clippy::expect_used, clippy::panic, reason = "helpers of tests fail aloud")]

mod broker;
mod contract;
mod cut;
mod lab;
mod refusals;
mod screen;
#[path = "../served/mod.rs"]
mod served;
mod station;
