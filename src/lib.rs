//! `cortop`: what htop is to processes, for EMOTIV EEG headsets.
//!
//! The rooms, and who may know whom, always those below:
//!
//! ```text
//! main       the process                                        cli run
//! run        from the command line to the exit status           app cli commands config console exchange logging monitor screen station terminal ui client signal sim playback
//! commands   watch, record, lsl, lists …: without a screen      cli config console exchange lab logging monitor proxy screen stage terminal traffic ui client files lsl protocol signal sim capture metrics station mqtt
//! screen     looks, and the terminal taken over                 config terminal ui
//! config     the settings in force                              app cli terminal ui client mqtt
//! terminal   owns the tty: guard, frame writer, event loop      app exchange lab monitor station traffic ui client files mqtt signal sim playback
//! ui         App → frame; a pane or a view a file; themes       app lab traffic client files mqtt signal sim playback
//! monitor    client and decoder joined by their queues          console exchange metrics station client files signal capture playback
//! station    what is known, over MQTT                           app exchange known client mqtt signal
//! proxy      between a client and a real service, looking on    client protocol sim files
//! logging    the log, for its pane and for a file               app
//! traffic    the state of the screen of simulator and proxy     app sim
//! lab        the state of the screen of many stations           app client mqtt
//! cli        the command line                                   stage client files sim
//! app        the state machine: update(Message) → effects       exchange client files signal playback
//! stage      the stages before the samples, and exit statuses   client
//! exchange   streams out by LSL, markers in from others         client lsl signal
//! playback   a capture in place of client and decoder           client files signal
//! capture    what crosses the socket, into a file               client files
//! metrics    what is known, for Prometheus                      known client signal
//! known      what the client has said, kept                 client
//! console    stdout, stderr, signals                            protocol
//! sim        a simulated Cortex service                         files signal protocol
//! files      readers and writers of the field's files           signal protocol
//! client     the Cortex API: socket, sign-in, sessions          protocol
//! signal     samples → numbers, history, loss, filters          protocol
//! mqtt       MQTT 5: topics, payloads, the broker           protocol
//! protocol   envelope, codes, objects, samples; no I/O
//! lsl        Lab Streaming Layer: outlets, inlets, queries
//! ```
//! `docs/ARCHITECTURE.md` describes the ways through them; `tests/architecture.rs` holds the picture.

/// The manual's examples in Rust.
#[cfg(doctest)]
#[doc = include_str!("../docs/simulator.md")]
struct Manual;

pub mod app;
pub mod capture;
pub mod cli;
pub mod commands;
pub mod config;
pub mod console;
pub mod exchange;
mod known;
pub mod lab;
pub mod logging;
pub mod metrics;
pub mod monitor;
pub mod playback;
pub mod proxy;
pub mod run;
pub mod screen;
pub mod stage;
pub mod station;
pub mod terminal;
pub mod traffic;
pub mod ui;
