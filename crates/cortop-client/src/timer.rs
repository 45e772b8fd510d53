//! Coinciding deadlines for periodic work, about a second apart: waking up costs more than the work
//! itself, so heartbeat and polls share their wake-ups.
//!
//! Tokio's timer keeps distant deadlines in slots of 64 ms, counted from the start of its runtime.
//! A deadline in the middle of a slot wakes the process twice: when the slot begins, and when the
//! deadline is reached. So deadlines are placed at the start of slots.

use std::{io, sync::OnceLock, time::Duration};

use tokio::{
    runtime::{Builder, Runtime},
    time::Instant,
};

const SLOT: u64 = 64;

/// When the runtime of this process was started; there is only one.
static START: OnceLock<Instant> = OnceLock::new();

/// Builds the single-threaded runtime to whose slots the deadlines are aligned.
///
/// # Errors
/// The operating system lacks the resources for a runtime.
pub fn runtime() -> io::Result<Runtime> {
    START.get_or_init(Instant::now);
    Builder::new_current_thread().enable_all().build()
}

/// The shared deadline nearest to the end of a pause of a second or more; exactly that end in a
/// runtime that [`runtime`] has not built.
#[must_use]
pub fn next_tick(pause: Duration) -> Instant {
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
    fn ticks_are_a_second_apart_where_slots_begin() {
        let mut tick = Duration::ZERO;
        for second in 1..10_000 {
            // The work at a tick takes a while.
            let next = nearest(tick + Duration::from_millis(1300));
            assert!(next.as_millis().is_multiple_of(SLOT.into()));
            assert!(Duration::from_secs(second).abs_diff(next) < Duration::from_millis(SLOT));
            tick = next;
        }
    }
}
