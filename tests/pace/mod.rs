//! Keeps a paused clock from running ahead of the sockets of a test.

use std::{thread, time::Duration};

use tokio::{
    task::{self, JoinHandle},
    time::sleep,
};

/// Minimum real time for a step of the paused clock.
const REAL: Duration = Duration::from_millis(1);

/// While it exists, each step of a paused clock takes at least a millisecond of real time. tokio moves a
/// paused clock to the next timer as soon as all tasks wait; data in flight between two sockets do not count,
/// and a busy kernel delivers them late. Without a pace, the time limits of the program and of its test would
/// expire meanwhile. The clock stands still while a blocking task is at work.
pub(crate) struct Pace(JoinHandle<()>);

impl Pace {
    /// Starts immediately.
    pub(crate) fn start(step: Duration) -> Self {
        Self(tokio::spawn(async move {
            loop {
                sleep(step).await;
                if task::spawn_blocking(|| thread::sleep(REAL)).await.is_err() {
                    return;
                }
            }
        }))
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        self.0.abort();
    }
}
