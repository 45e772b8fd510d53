//! Keeps a paused clock from running ahead of the sockets of a test.

use std::{thread, time::Duration};

use tokio::{
    task::{self, JoinHandle},
    time::sleep,
};

/// What the real clock takes at least for a step of the paused one.
const REAL: Duration = Duration::from_millis(1);

/// While it lives, each step of a paused clock takes a millisecond of real time or more. tokio moves
/// a paused clock to the next timer as soon as all tasks wait; what is under way between two sockets
/// does not count, and a busy kernel delivers it late. Without a pace the time limits of the program
/// and of its test pass meanwhile. The clock stands still while a blocking task is at work.
pub(crate) struct Pace(JoinHandle<()>);

impl Pace {
    /// Begins now.
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
