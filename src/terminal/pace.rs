//! How fast frames go out: holds them back to a number of bytes a second, and measures what went.

use std::time::Duration;

use tokio::time::Instant;

use crate::app::Throughput;

/// Paces and measures.
#[derive(Debug)]
pub(super) struct Pace {
    /// Bytes a second allowed.
    limit: Option<f64>,
    /// When the frames so far are paid for.
    paid: Instant,
    since: Instant,
    bytes: usize,
    frames: u32,
    held_back: bool,
}

impl Pace {
    /// `limit` in bytes a second.
    pub(super) fn new(limit: Option<f64>, now: Instant) -> Self {
        Self { limit, paid: now, since: now, bytes: 0, frames: 0, held_back: false }
    }

    /// Whether the frames so far are paid for. The next may have any size: what it costs above the
    /// limit is waited for after it.
    pub(super) fn allows(&self, now: Instant) -> bool {
        now >= self.paid
    }

    /// A frame went out.
    pub(super) fn sent(&mut self, bytes: usize, now: Instant) {
        self.bytes += bytes;
        self.frames += 1;
        if let Some(limit) = self.limit {
            let cost = Duration::try_from_secs_f64(bytes as f64 / limit).unwrap_or(Duration::MAX);
            self.paid = now.checked_add(cost).unwrap_or(now);
        }
    }

    /// A frame had to wait.
    pub(super) fn held_back(&mut self) {
        self.held_back = true;
    }

    /// What went out since the last call.
    pub(super) fn throughput(&mut self, now: Instant) -> Throughput {
        let seconds = (now - self.since).as_secs_f64().max(f64::EPSILON);
        let throughput = Throughput {
            bytes: self.bytes as f64 / seconds,
            frames: f64::from(self.frames) / seconds,
            held_back: self.held_back,
        };
        *self = Self { limit: self.limit, paid: self.paid, ..Self::new(None, now) };
        throughput
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn frames_wait_until_the_last_is_paid_for() {
        let start = Instant::now();
        let mut pace = Pace::new(Some(1000.0), start);
        let mut sent = 0_usize;
        for tick in 0..1000 {
            let now = start + Duration::from_millis(10) * tick;
            if pace.allows(now) {
                let frame = if sent == 0 { 4000 } else { 300 };
                pace.sent(frame, now);
                sent += frame;
            } else {
                pace.held_back();
            }
            let seconds = (now - start).as_secs_f64();
            assert!(sent as f64 <= 4000.0 + 1000.0 * seconds, "{sent} after {seconds} s");
        }
        assert!(sent >= 9_500, "the limit is used: {sent}");
        let throughput = pace.throughput(start + Duration::from_secs(10));
        assert!((throughput.bytes - sent as f64 / 10.0).abs() < 1e-6, "{throughput:?}");
        assert!(throughput.held_back);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nothing_waits_and_each_measure_starts_anew() {
        let start = Instant::now();
        let mut pace = Pace::new(None, start);
        pace.sent(1_000_000, start);
        assert!(pace.allows(start));
        let second = Duration::from_secs(1);
        let expected = Throughput { bytes: 1e6, frames: 1.0, held_back: false };
        assert_eq!(pace.throughput(start + second), expected);
        assert_eq!(pace.throughput(start + 2 * second), Throughput::default());
    }
}
