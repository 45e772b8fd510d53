//! Owns the terminal: takes it over and gives it back on every way out, collects and writes frames,
//! reads keys and signals, and runs the event loop that joins them with the state machine. Knows
//! `app` and `ui`; of the service only the ends of the queues it is handed.
//!
//! ```text
//! event_loop   input, client events, snapshots and two clocks → App::update → draw, effects
//! traffic_loop is that of simulator and proxy
//!  ├─ loop_screen   what both have: input, the moment of the next frame, a heartbeat
//!  ├─ screen        what a loop draws on; a tty, or a screen in memory
//!  ├─ signals       signals → input
//!  ├─ alert_command runs the user's command at an alert
//!  └─ input         keys, sizes, signals, panics in one queue
//! tty          collects a frame and hands it to the writer thread
//!  ├─ diff_writer   cells → few bytes; line_diff finds lines that only moved
//!  ├─ frame_writer  the thread behind a mailbox of one frame
//!  ├─ rate_limiter  frames by bytes a second
//!  └─ guard         raw mode, alternate screen, and back; device is the file beneath
//! probe        asks the terminal what it can do; answers divides answers from keys
//! exit         why the loop ended
//! ```

mod alert_command;
mod answers;
mod device;
mod diff_writer;
mod event_loop;
mod exit;
mod frame_writer;
pub mod guard;
pub mod input;
mod lab_loop;
mod line_diff;
mod loop_screen;
pub mod probe;
mod rate_limiter;
pub mod screen;
pub mod signals;
mod traffic_loop;
pub mod tty;

pub use event_loop::{Host, Reloaded, run};
pub use exit::Exit;
pub use input::Input;
pub use lab_loop::run_lab;
pub use screen::Screen;
pub use traffic_loop::run_traffic;
pub use tty::{Output, Tty};
