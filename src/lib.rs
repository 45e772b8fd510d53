//! `cortop`: what htop is to processes, for EMOTIV EEG headsets.
//!
//! The rooms, and who may know whom (arrows point down, never up):
//!
//! ```text
//! main ── run ── from the command line to the exit status
//!  ├─ commands  without a screen: lists, watch, the doctor, the simulator
//!  ├─ terminal  owns the tty: guard, frame writer, event loop
//!  ├─ ui        App → frame; one pane a file; theme → styles
//!  ├─ monitor   client and decoder, joined by their queues
//!  ├─ config, cli
//!  └─ app       the state machine: update(Message) → effects; no I/O
//!
//! cortop-client    the Cortex API: socket, sign-in, sessions
//! cortop-signal    samples → numbers, history, loss, filters
//! cortop-sim       a simulated Cortex service
//! cortop-protocol  envelope, codes, objects, samples; no I/O
//! ```
//! `docs/ARCHITECTURE.md` tells the ways through them; `tests/architecture.rs` holds the arrows.

pub mod app;
pub mod cli;
pub mod commands;
pub mod config;
pub mod console;
pub mod logging;
pub mod monitor;
pub mod run;
pub mod stage;
pub mod terminal;
pub mod ui;
