//! The last ten minutes of a headset: the worst values in each ten seconds.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::rows::{DEVICE, is_flowing, main_stream};
use cortop_mqtt::payload::{HeadsetState, SensorState};

/// The time that a cell covers.
pub const STRETCH: Duration = Duration::from_secs(10);

/// How many cells are kept: ten minutes.
pub const CELLS: usize = 60;

/// The worst values within the time of a cell; `None` if unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HistoryCell {
    /// The level of the worst sensor, 0 to 4; 0 if its signal has a defect.
    pub contact: Option<f64>,
    /// The rate as a fraction of the nominal rate; 0 if the stream was stale.
    pub rate: Option<f64>,
    /// Lost samples, in per cent.
    pub loss: Option<f64>,
}

impl HistoryCell {
    fn new(state: &HeadsetState) -> Self {
        let level = |sensor: &SensorState| {
            sensor.defect.as_ref().map(|_| 0.0).or(sensor.level.map(f64::from))
        };
        let main = main_stream(state);
        let sensors = state.sensors.iter().filter(|_| is_flowing(state, DEVICE));
        let rate = main.and_then(|own| {
            let rate = if own.stale_since.is_some() { 0.0 } else { own.rate? };
            Some(f64::from(rate / own.nominal.filter(|nominal| *nominal > 0.0)?))
        });
        Self {
            contact: sensors.filter_map(level).reduce(f64::min),
            rate: rate.filter(|rate| rate.is_finite()),
            loss: main
                .filter(|own| own.stale_since.is_none())
                .and_then(|own| own.loss)
                .map(f64::from),
        }
    }

    fn worst(self, other: Self) -> Self {
        let of = |pick: fn(f64, f64) -> f64, a: Option<f64>, b: Option<f64>| {
            a.into_iter().chain(b).reduce(pick)
        };
        Self {
            contact: of(f64::min, self.contact, other.contact),
            rate: of(f64::min, self.rate, other.rate),
            loss: of(f64::max, self.loss, other.loss),
        }
    }
}

/// The cells of a headset, the newest last.
#[derive(Clone, Debug)]
pub struct HeadsetHistory {
    cells: VecDeque<HistoryCell>,
    /// When the newest cell began.
    began: Instant,
}

impl HeadsetHistory {
    pub(super) const fn new(now: Instant) -> Self {
        Self { cells: VecDeque::new(), began: now }
    }

    /// Advances to `now` and adds the current state, or nothing if it is unknown.
    pub(super) fn note(&mut self, state: Option<&HeadsetState>, now: Instant) {
        if self.cells.is_empty() {
            self.cells.push_back(HistoryCell::default());
        }
        for _ in 0..CELLS {
            if now.saturating_duration_since(self.began) < STRETCH {
                break;
            }
            self.began += STRETCH;
            if self.cells.len() == CELLS {
                self.cells.pop_front();
            }
            self.cells.push_back(HistoryCell::default());
        }
        if let (Some(state), Some(cell)) = (state, self.cells.back_mut()) {
            *cell = cell.worst(HistoryCell::new(state));
        }
    }

    /// Whether anything was known within the last ten minutes.
    pub(super) fn is_worth_keeping(&self) -> bool {
        self.cells.iter().any(|cell| *cell != HistoryCell::default())
    }

    /// The cells, the newest last; blank if nothing was known.
    #[must_use]
    pub const fn cells(&self) -> &VecDeque<HistoryCell> {
        &self.cells
    }
}
