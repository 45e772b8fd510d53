//! Deadlines for periodic work that coincide, about a second apart: waking up costs more than the
//! work itself, so heartbeat and polls share their wake-ups.
//!
//! Tokio's timer keeps distant deadlines in slots of 64 ms, counted from the start of its runtime. A
//! deadline within a slot wakes the process twice, when the slot begins and when the deadline is
//! reached; so deadlines are placed where slots begin.

use std::{sync::OnceLock, time::Duration};

use tokio::time::Instant;

const SLOT: u64 = 64;

/// When the one runtime of the process was started.
static START: OnceLock<Instant> = OnceLock::new();

/// Notes the start of the runtime; call it right before the runtime is built.
pub fn start() {
    START.get_or_init(Instant::now);
}

/// The shared deadline nearest to the end of a pause of a second or more; exactly that end where
/// [`start`] was not called.
#[must_use]
pub fn after(pause: Duration) -> Instant {
    let end = Instant::now() + pause;
    START.get().map_or(end, |&start| start + nearest(end.saturating_duration_since(start)))
}

/// The shared deadline nearest to a moment, both counted from the start.
fn nearest(moment: Duration) -> Duration {
    let second = (moment + Duration::from_millis(500)).as_secs();
    Duration::from_millis(second.saturating_mul(1000) / SLOT * SLOT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_are_a_second_apart_where_slots_begin() {
        let mut beat = Duration::ZERO;
        for second in 1..10_000 {
            // What is done at a beat takes a while.
            let next = nearest(beat + Duration::from_millis(1300));
            assert!(next.as_millis().is_multiple_of(SLOT.into()));
            assert!(Duration::from_secs(second).abs_diff(next) < Duration::from_millis(SLOT));
            beat = next;
        }
    }
}
