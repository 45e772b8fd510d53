//! `cortop`: what htop is to processes, for EMOTIV EEG headsets.
//!
//! The rooms, and who may know whom (arrows point down, never up):
//!
//! ```text
//! main ── run ── cli, config, logging, monitor (client and decoder, joined)
//!  ├─ doctor    `cortop doctor`: what is wrong, what to do      knows headless; terminal and ui to judge them
//!  ├─ headless  the commands without a screen                   knows monitor, cortex types
//!  ├─ terminal  owns the tty: guard, frame writer, event loop   knows app, ui
//!  ├─ ui        App → frame; one pane a file; theme → styles    knows app, signal (read only)
//!  ├─ app       the state machine: update(Message) → effects    knows cortex types, signal snapshots; no I/O
//!  ├─ signal    decoder task: samples → columns, health         knows cortex::sample only
//!  ├─ cortex    the Cortex API: socket, JSON-RPC, objects       knows nothing above
//!  ├─ serve     `cortop sim`: the simulator for other clients   knows sim
//!  └─ sim       a simulated Cortex service                      knows cortex objects only
//!
//! pulse: when to do what is done from time to time; anybody may know it
//! ```

pub mod app;
pub mod cli;
pub mod config;
pub mod cortex;
pub mod doctor;
pub mod headless;
pub mod logging;
pub mod monitor;
pub mod pulse;
pub mod run;
pub mod serve;
pub mod signal;
pub mod sim;
pub mod terminal;
pub mod ui;
