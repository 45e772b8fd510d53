//! The clock of LSL: seconds of the machine's monotonic clock, which all programs on the machine
//! share.

use std::time::{Duration, Instant};

/// Seconds on the machine's monotonic clock, as liblsl counts them: on Linux those of
/// `CLOCK_MONOTONIC`. If the system offers no such clock without unsafe code, the count starts from
/// the epoch at the program's start; receivers measure the difference.
#[must_use]
pub fn local_clock() -> f64 {
    at(Instant::now())
}

/// The value of [`local_clock`] at an instant.
#[must_use]
pub fn at(instant: Instant) -> f64 {
    let (origin, seconds) = origin();
    match instant.checked_duration_since(origin) {
        Some(since) => seconds + since.as_secs_f64(),
        None => seconds - origin.duration_since(instant).as_secs_f64(),
    }
}

/// An instant and the clock's value at that instant. Both are the same clock, so they stay in step.
fn origin() -> (Instant, f64) {
    use std::sync::OnceLock;
    static ORIGIN: OnceLock<(Instant, f64)> = OnceLock::new();
    *ORIGIN.get_or_init(|| {
        // A thread may be preempted between the two readings, so the quickest of a few attempts is
        // used.
        let read = || {
            let before = Instant::now();
            let seconds = now();
            (before.elapsed(), before, seconds)
        };
        let (took, before, seconds) =
            (0..16).map(|_| read()).min_by_key(|(took, ..)| *took).unwrap_or_else(read);
        (before + took / 2, seconds.as_secs_f64())
    })
}

#[cfg(unix)]
fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let whole = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or_default());
    whole + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(not(unix))]
fn now() -> Duration {
    let epoch = std::time::SystemTime::UNIX_EPOCH;
    std::time::SystemTime::now().duration_since(epoch).unwrap_or_default()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_clock_of_the_machine() {
        for _ in 0..3 {
            let (before, own, after) = (now().as_secs_f64(), local_clock(), now().as_secs_f64());
            assert!(before - 1e-4 <= own && own <= after + 1e-4, "{before} {own} {after}");
        }
        let later = at(Instant::now() + Duration::from_secs(2)) - local_clock();
        assert!((later - 2.0).abs() < 0.1, "{later}");
    }
}
