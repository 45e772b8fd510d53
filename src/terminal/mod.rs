//! Owns the terminal: takes it over and gives it back on every way out, collects and writes frames,
//! reads keys and signals, and runs the loop that joins them with the state machine. Knows `app`
//! and `ui`; of the service only the ends of the queues it is handed.
//!
//! ```text
//! tty ─ input ─┐                        ┌─ draw ─ screen ─ writer thread ─ tty
//!     signals ─┼─ event loop ─ App::update ─┤
//! client events, snapshots ─┘           └─ effects ─ client's command queue
//! ```

mod event_loop;
pub mod guard;
pub mod input;
mod pace;
mod pen;
pub mod probe;
mod row;
pub mod screen;
pub mod signals;
mod writer;

pub use event_loop::{End, run};
pub use input::Input;
pub use screen::{Output, Screen, Tty};
