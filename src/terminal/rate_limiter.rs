//! Limits frames to a number of bytes per second, lets the answer to a key through, and measures the output.

use std::time::Duration;

use tokio::time::Instant;

use crate::app::Throughput;

/// Minimum time from a frame to one that answers a key. The loop tries at least every 100 ms, so a key shows
/// within 300 ms whatever the limit.
const ANSWER_INTERVAL: Duration = Duration::from_millis(150);
/// Maximum wait after a frame, however large.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Limits and measures the output.
#[derive(Debug)]
pub(super) struct RateLimiter {
    /// The limit in bytes per second.
    limit: Option<f64>,
    /// When the limit permits the next frame.
    free_at: Instant,
    /// When the last frame was sent.
    last_frame: Option<Instant>,
    since: Instant,
    bytes: usize,
    frames: u32,
    held_back: bool,
}

impl RateLimiter {
    /// `limit`: bytes per second.
    pub(super) fn new(limit: Option<f64>, now: Instant) -> Self {
        Self {
            limit,
            free_at: now,
            last_frame: None,
            since: now,
            bytes: 0,
            frames: 0,
            held_back: false,
        }
    }

    /// Whether a frame may be sent now. Its size does not matter: a large frame delays the next.
    pub(super) fn permits(&self, now: Instant, answer: bool) -> bool {
        now >= self.free_at
            || (answer && self.last_frame.is_none_or(|last| now >= last + ANSWER_INTERVAL))
    }

    /// Records a frame that was sent.
    pub(super) fn record(&mut self, bytes: usize, now: Instant) {
        self.bytes += bytes;
        self.frames += 1;
        if let Some(limit) = self.limit {
            let cost = Duration::try_from_secs_f64(bytes as f64 / limit).unwrap_or(Duration::MAX);
            let paid = self.free_at.max(now).checked_add(cost).unwrap_or(now + MAX_WAIT);
            self.free_at = paid.min(now + MAX_WAIT);
        }
        self.last_frame = Some(now);
    }

    /// Records that a frame had to wait.
    pub(super) fn record_held_back(&mut self) {
        self.held_back = true;
    }

    /// The output since the last call.
    pub(super) fn throughput(&mut self, now: Instant) -> Throughput {
        let seconds = (now - self.since).as_secs_f64().max(f64::EPSILON);
        let throughput = Throughput {
            bytes: self.bytes as f64 / seconds,
            frames: f64::from(self.frames) / seconds,
            held_back: self.held_back,
        };
        *self = Self {
            limit: self.limit,
            free_at: self.free_at,
            last_frame: self.last_frame,
            ..Self::new(None, now)
        };
        throughput
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn frames_wait_until_the_last_is_paid_for() {
        let start = Instant::now();
        let mut limiter = RateLimiter::new(Some(1000.0), start);
        let mut sent = 0_usize;
        for tick in 0..1000 {
            let now = start + Duration::from_millis(10) * tick;
            if limiter.permits(now, false) {
                let frame = if sent == 0 { 4000 } else { 300 };
                limiter.record(frame, now);
                sent += frame;
            } else {
                limiter.record_held_back();
            }
            let seconds = (now - start).as_secs_f64();
            assert!(sent as f64 <= 4000.0 + 1000.0 * seconds, "{sent} after {seconds} s");
        }
        assert!(sent >= 9_500, "the limit is used: {sent}");
        let throughput = limiter.throughput(start + Duration::from_secs(10));
        assert!((throughput.bytes - sent as f64 / 10.0).abs() < 1e-6, "{throughput:?}");
        assert!(throughput.held_back);
    }

    proptest! {
        /// With a limit of 8 kB/s, whatever the frames cost.
        #[test]
        fn a_key_shows_within_300_ms(
            frames in prop::collection::vec(0..30_000_usize, 200),
            keys in prop::collection::vec(0..20_000_u64, 1..40),
        ) {
            let start = Instant::now();
            let after = |ms: u64| start + Duration::from_millis(ms);
            let mut limiter = RateLimiter::new(Some(8000.0), start);
            let mut keys: Vec<Instant> = keys.into_iter().map(after).collect();
            for (tick, frame) in (0..).zip(frames) {
                let now = after(tick * 100);
                let waiting = keys.iter().filter(|&&key| key <= now).min().copied();
                if limiter.permits(now, waiting.is_some()) {
                    limiter.record(frame, now);
                    keys.retain(|&key| key > now);
                    let waited = waiting.map_or(Duration::ZERO, |key| now - key);
                    prop_assert!(waited <= Duration::from_millis(300), "{waited:?}");
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nothing_waits_and_each_measure_starts_anew() {
        let start = Instant::now();
        let mut limiter = RateLimiter::new(None, start);
        limiter.record(1_000_000, start);
        assert!(limiter.permits(start, false));
        let second = Duration::from_secs(1);
        let expected = Throughput { bytes: 1e6, frames: 1.0, held_back: false };
        assert_eq!(limiter.throughput(start + second), expected);
        assert_eq!(limiter.throughput(start + 2 * second), Throughput::default());
    }
}
