//! The pulse of the process: moments about a second apart at which all that is done from time to
//! time is done together, as to wake up costs more than what is done then. Knows nobody.
//!
//! Tokio's timer keeps what is far in slots of 64 ms, counted from the start of its runtime. A
//! moment amid a slot wakes the process twice, when the slot begins and when it comes; so the pulse
//! beats where slots begin.

use std::{sync::OnceLock, time::Duration};

use tokio::time::Instant;

const SLOT: u64 = 64;

/// There is one runtime, and one pulse.
static START: OnceLock<Instant> = OnceLock::new();

/// Starts the pulse; to be called right before the runtime is built.
pub fn start() {
    START.get_or_init(Instant::now);
}

/// The beat nearest to the end of a pause of a second or more. Without a pulse it ends exactly.
#[must_use]
pub fn after(pause: Duration) -> Instant {
    let end = Instant::now() + pause;
    START.get().map_or(end, |&start| start + nearest(end.saturating_duration_since(start)))
}

/// The beat nearest to a moment, both from the start on.
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
