//! The Cortex client against a scripted service on loopback sockets.

mod flow;
mod secrets;
mod service;
mod tls;
