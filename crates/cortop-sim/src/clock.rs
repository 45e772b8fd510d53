//! Service time: seconds since the service started, based on tokio's clock so that tests can pause
//! it. Independent of what is scheduled.

use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Maps tokio's clock to service time and to the wall clock at that moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    started: Instant,
    epoch: f64,
    speed: f64,
    /// Service time, if it stands still until it is advanced explicitly.
    stepped: Option<f64>,
}

impl Clock {
    /// Starts at zero. `speed` service seconds pass per second, or none if the clock is stepped.
    pub(super) fn start(speed: f64, is_stepped: bool) -> Self {
        let epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        Self {
            started: Instant::now(),
            epoch: epoch.as_secs_f64(),
            speed,
            stepped: is_stepped.then_some(0.0),
        }
    }

    /// Advances a stepped clock.
    pub(super) fn step(&mut self, seconds: f64) {
        self.stepped = self.stepped.map(|time| time + seconds);
    }

    /// Sets the wall clock ahead or back; service time is not affected.
    pub(super) fn set(&mut self, seconds: f64) {
        self.epoch += seconds;
    }

    /// Service time now, in seconds.
    pub(super) fn now(&self) -> f64 {
        self.stepped.unwrap_or_else(|| self.started.elapsed().as_secs_f64() * self.speed)
    }

    /// When tokio's clock will reach this service time. A time too far away to matter becomes a
    /// day.
    pub(super) fn instant(&self, time: f64) -> Instant {
        const FAR: f64 = 86_400.0;
        let ahead = time - self.now();
        let ahead = match self.stepped {
            // Each step wakes all waiting tasks.
            Some(_) if ahead > 0.0 => FAR,
            _ => (ahead / self.speed).clamp(0.0, FAR),
        };
        Instant::now() + Duration::from_secs_f64(ahead)
    }

    /// How many service seconds pass in this many real ones at most.
    pub(super) fn span(&self, seconds: f64) -> f64 {
        if self.stepped.is_some() { f64::INFINITY } else { seconds * self.speed }
    }

    /// Epoch seconds of a service time, like the `time` of samples (§5).
    pub(super) fn epoch(&self, time: f64) -> f64 {
        self.epoch + time
    }

    /// ISO 8601 with milliseconds and numeric offset, as in session objects (§4.2).
    pub(super) fn iso(&self, time: f64) -> String {
        self.moment(time).strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string()
    }

    /// The same with microseconds, as in records and markers (§4.3, §4.4).
    pub(super) fn iso_micros(&self, time: f64) -> String {
        self.moment(time).strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
    }

    /// Service time of epoch seconds.
    pub(super) fn service(&self, epoch: f64) -> f64 {
        epoch - self.epoch
    }

    /// The moment on the wall clock; one that no calendar can represent becomes 1970.
    pub(super) fn moment(&self, time: f64) -> Timestamp {
        SignedDuration::try_from_secs_f64(self.epoch(time))
            .ok()
            .and_then(|since| Timestamp::from_duration(since).ok())
            .unwrap_or_default()
    }
}
