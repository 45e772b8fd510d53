//! Converts Cortex's timestamps to LSL's: the headset's clock as measured by the client, mapped to this
//! machine's monotonic clock.

use std::time::{Instant, SystemTime};

use cortop_client::ClockOffset;
use cortop_lsl::clock_at;

/// A timestamp that differs from its arrival by more than this many seconds is not trusted.
const OLDEST: f64 = 10.0;
const YOUNGEST: f64 = 0.25;

/// A new measurement shifts the times by this many seconds per second, so that their intervals stay those of
/// the samples; a measurement that differs by more than [`JUMP`] takes effect at once.
const SLEW: f64 = 0.0005;
const JUMP: f64 = 0.05;

/// A headset's clock as last measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct MeasuredClock {
    /// Seconds by which it is ahead of LSL's clock.
    ahead: f64,
    /// The uncertainty of that in seconds.
    pub(super) uncertainty: f64,
}

impl MeasuredClock {
    /// Converts the client's measurement, which is relative to the current wall clock.
    pub(super) fn new(offset: ClockOffset) -> Self {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let ahead = offset.offset + wall.as_secs_f64() - clock_at(Instant::now());
        Self { ahead, uncertainty: offset.uncertainty }
    }
}

/// The clock that converts the times of one headset in one sink.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SteadyClock {
    /// The offset being subtracted, and when it was last adjusted.
    in_use: Option<(f64, f64)>,
}

impl SteadyClock {
    /// The LSL time of a sample or marker with this `time` that arrived at a moment. It is the arrival itself
    /// as long as the clock is not measured, and if the timestamp is missing or implausible.
    pub(super) fn lsl_time(
        &mut self,
        measured: Option<MeasuredClock>,
        time: Option<f64>,
        received: Instant,
    ) -> f64 {
        let arrived = clock_at(received);
        let Some(measured) = measured else { return arrived };
        let ahead = match self.in_use {
            Some((ahead, since)) if (measured.ahead - ahead).abs() <= JUMP => {
                let most = SLEW * (arrived - since).max(0.0);
                ahead + (measured.ahead - ahead).clamp(-most, most)
            }
            _ => measured.ahead,
        };
        self.in_use = Some((ahead, arrived));
        let moved = time.map(|time| time - ahead);
        let is_sound = |moved: &f64| (arrived - OLDEST..=arrived + YOUNGEST).contains(moved);
        moved.filter(is_sound).unwrap_or(arrived)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn near(one: f64, other: f64, within: f64) {
        assert!((one - other).abs() <= within, "{one} {other}");
    }

    #[test]
    fn times_move_by_the_measured_offset() {
        let now = Instant::now();
        let lsl = clock_at(now);
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
        // The headset's clock is an hour ahead of this computer's.
        let measured = MeasuredClock::new(ClockOffset { offset: 3600.0, uncertainty: 0.004 });
        let mut clock = SteadyClock::default();
        let time = Some(wall + 3600.0 - 0.06);
        near(clock.lsl_time(Some(measured), time, now), lsl - 0.06, 0.05);
        assert_eq!(clock.lsl_time(None, time, now).to_bits(), lsl.to_bits());
    }

    #[test]
    fn a_stamp_that_cannot_be_gives_way_to_the_arrival() {
        let now = Instant::now();
        let lsl = clock_at(now);
        let measured = MeasuredClock { ahead: 1e9, uncertainty: 0.004 };
        for (time, expected) in [
            (Some(1e9 + lsl - 0.1), lsl - 0.1),
            (Some(1e9 + lsl - 3600.0), lsl),
            (Some(1e9 + lsl + 1.0), lsl),
            (Some(f64::NAN), lsl),
            (Some(f64::INFINITY), lsl),
            (None, lsl),
        ] {
            let moved = SteadyClock::default().lsl_time(Some(measured), time, now);
            near(moved, expected, 1e-6);
        }
    }

    #[test]
    fn a_new_measurement_moves_the_times_slowly_and_a_jump_at_once() {
        let start = Instant::now();
        let at = |ahead: f64| Some(MeasuredClock { ahead, uncertainty: 0.004 });
        let mut clock = SteadyClock::default();
        let mut off = |measured, seconds: u64| {
            let now = start + Duration::from_secs(seconds);
            clock.lsl_time(measured, Some(1000.0 + clock_at(now) - 1.0), now) - clock_at(now) + 1.0
        };
        near(off(at(1000.0), 0), 0.0, 1e-6);
        near(off(at(1000.010), 10), -0.005, 1e-6);
        near(off(at(1000.010), 100), -0.010, 1e-6);
        near(off(at(1000.5), 101), -0.5, 1e-6);
    }
}
