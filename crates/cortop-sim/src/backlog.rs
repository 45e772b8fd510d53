//! How long a client has left unread what was written to its socket. The buffers of both ends take
//! some seconds of samples before a write has to wait, so that the wait alone would come too late.

use std::{collections::VecDeque, future::Future, pin::pin, time::Duration};

use tokio::time::{Instant, timeout};

use super::listener::SEND_BUFFER;

/// Time for which a client may leave its socket unread before anything is said.
const UNREAD: Duration = Duration::from_secs(5);
/// Time until it is said again.
const AGAIN: Duration = Duration::from_secs(10);
/// A write that waits for less is no sign of anything.
const WAIT: Duration = Duration::from_secs(2);
/// Bytes that lie between the two ends when a write has to wait: this end's buffer, which Linux makes
/// twice as large as asked for, and the other's, which is taken to be that large.
const OUTSTANDING: u64 = 3 * SEND_BUFFER as u64;
/// Bytes between two moments that are remembered.
const STEP: u64 = 4 << 10;

/// When the last bytes were written to a socket.
#[derive(Debug, Default)]
pub struct Backlog {
    /// Moments with the bytes written before; of what was written at the first nothing has been read,
    /// as far as that is known.
    written: VecDeque<(Instant, u64)>,
    total: u64,
}

impl Backlog {
    /// So many bytes are about to be written.
    pub fn writes(&mut self, bytes: usize) {
        if self.written.back().is_none_or(|(_, total)| self.total - total >= STEP) {
            self.written.push_back((Instant::now(), self.total));
        }
        self.total += bytes as u64;
        let read = self.total.saturating_sub(OUTSTANDING);
        while self.written.len() > 1 && self.written.front().is_some_and(|own| own.1 < read) {
            self.written.pop_front();
        }
    }

    /// Waits for a write, however long. Calls `unread` with the time for which the client has left
    /// its socket unread when that is long, and again and again.
    pub async fn wait<T>(&self, write: impl Future<Output = T>, unread: impl Fn(Duration)) -> T {
        let mut write = pin!(write);
        let (mut pause, mut next) = (WAIT, UNREAD);
        loop {
            if let Ok(done) = timeout(pause, &mut write).await {
                return done;
            }
            let time = self.written.front().map_or(Duration::ZERO, |(since, _)| since.elapsed());
            if time >= next {
                unread(time);
                next = time + AGAIN;
            }
            pause = next.saturating_sub(time);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, future::pending};

    use tokio::time::{advance, sleep};

    use super::*;

    /// What is said of a client that reads nothing from some moment on, in seconds from then.
    async fn said(a_second: usize, seconds: u64) -> Vec<u64> {
        let mut backlog = Backlog::default();
        advance(Duration::from_secs(100)).await;
        let stopped = Instant::now();
        // What the buffers take.
        let mut room = usize::try_from(OUTSTANDING).unwrap();
        while room > a_second / 10 {
            backlog.writes(a_second / 10);
            room -= a_second / 10;
            advance(Duration::from_millis(100)).await;
        }
        let said = RefCell::new(Vec::new());
        let unread = |_| said.borrow_mut().push(stopped.elapsed().as_secs());
        let wait = backlog.wait(pending::<()>(), unread);
        let _ = timeout(Duration::from_secs(seconds).saturating_sub(stopped.elapsed()), wait).await;
        said.into_inner()
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_said_5_s_after_the_last_byte_was_read_and_every_10_s() {
        // An EPOC X with all streams fills the buffers in 3 s, 64 headsets at once.
        assert_eq!(said(60_000, 27).await, [5, 15, 25]);
        assert_eq!(said(1_000_000, 27).await, [5, 15, 25]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_waits_a_little_is_nothing() {
        let mut backlog = Backlog::default();
        backlog.writes(10);
        advance(Duration::from_secs(60)).await;
        backlog.wait(sleep(Duration::from_secs(1)), |time| panic!("{time:?}")).await;
    }
}
