//! `cortop`: what htop is to processes, for EMOTIV EEG headsets.
//!
//! The rooms, and who may know whom (arrows point down, never up):
//!
//! ```text
//! main ── run ── cli, config, logging, monitor (client and decoder, joined)
//!  ├─ doctor    `cortop doctor`: what is wrong, what to do      knows headless; terminal and ui to judge them
//!  ├─ headless  the commands without a screen                   knows monitor, the client's types
//!  ├─ serve     `cortop sim`: the simulator for other clients   knows cortop-sim
//!  ├─ terminal  owns the tty: guard, frame writer, event loop   knows app, ui
//!  ├─ ui        App → frame; one pane a file; theme → styles    knows app, cortop-signal (read only)
//!  └─ app       the state machine: update(Message) → effects    knows the client's types, snapshots; no I/O
//!
//! cortop-client    the Cortex API: socket, sign-in, sessions      knows cortop-protocol
//! cortop-signal    samples → numbers, history, loss, filters      knows cortop-protocol
//! cortop-sim       a simulated Cortex service                     knows cortop-protocol
//! cortop-protocol  envelope, codes, objects, samples; no I/O      knows nothing above
//! ```

pub mod app;
pub mod cli;
pub mod config;
pub mod doctor;
pub mod headless;
pub mod logging;
pub mod monitor;
pub mod run;
pub mod serve;
pub mod terminal;
pub mod ui;

pub use cortop_client as cortex;
pub use cortop_signal as signal;
pub use cortop_sim as sim;
