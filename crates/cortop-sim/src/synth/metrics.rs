//! Performance metrics (`met`, §5.7): they wander slowly, and one is inactive now and then.

use crate::noise::{Noise, slot};

/// Seconds for which a metric may be inactive.
const PAUSE_SLOT: f64 = 20.0;
/// The only metric without an `isActive` of its own.
pub(super) const ALWAYS_ON: &str = "lex";

/// The metrics of a wearer.
#[derive(Clone, Copy, Debug)]
pub(super) struct MetricsModel(Noise);

impl MetricsModel {
    pub(super) fn new(noise: Noise) -> Self {
        Self(noise)
    }

    /// The metrics of a model, in column order.
    pub(super) const fn names(earbuds: bool) -> &'static [&'static str] {
        if earbuds {
            &["attention", "cognitiveStress"]
        } else {
            &["attention", "eng", "exc", ALWAYS_ON, "str", "rel", "int"]
        }
    }

    /// The value of a metric at a time, 0..1; `None` while its detection is paused.
    pub(super) fn value(self, metric: u64, time: f64) -> Option<f64> {
        let (slot, _) = slot(time / PAUSE_SLOT);
        // In about seven of twelve slots a metric is paused, each time another one.
        let (paused, _) = self::slot(self.0.branch(90).unit(slot) * 12.0);
        let value = 0.4f64.mul_add(self.0.branch(metric).smooth(time / 5.0), 0.5);
        (paused != metric).then_some(value)
    }
}
