//! Measures for how long a client has not read what was written to its socket. The buffers of both
//! ends absorb some seconds of samples before a write has to wait, so measuring that wait alone
//! would report it too late.

use std::{collections::VecDeque, future::Future, pin::pin, time::Duration};

use tokio::time::{Instant, timeout};

use super::listener::SEND_BUFFER;

/// How long a client may leave its socket unread before it is reported.
const UNREAD: Duration = Duration::from_secs(5);
/// How long until it is reported again.
const AGAIN: Duration = Duration::from_secs(10);
/// A shorter wait of a write means nothing.
const WAIT: Duration = Duration::from_secs(2);
/// Bytes in transit when a write has to wait: this end's buffer, which Linux makes twice as large
/// as requested, and the other's, which is assumed to be as large as requested.
const OUTSTANDING: u64 = 3 * SEND_BUFFER as u64;
/// Bytes between two remembered moments.
const STEP: u64 = 4 << 10;

/// When the most recent bytes were written to a socket.
#[derive(Debug, Default)]
pub struct Backlog {
    /// Moments, each with the bytes written before it. As far as is known, nothing written since
    /// the first has been read.
    written: VecDeque<(Instant, u64)>,
    total: u64,
}

impl Backlog {
    /// Records that this many bytes are about to be written.
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

    /// Waits for a write, however long it takes. Once the client has left its socket unread for
    /// long, calls `unread` with that time, and then repeatedly.
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

    /// After which seconds a client that stops reading is reported.
    async fn said(a_second: usize, seconds: u64) -> Vec<u64> {
        let mut backlog = Backlog::default();
        advance(Duration::from_secs(100)).await;
        let stopped = Instant::now();
        // The capacity of the buffers.
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
        // An EPOC X with all streams fills the buffers in 3 s; 64 headsets fill them at once.
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
