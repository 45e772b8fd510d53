//! The newest values of a stream whose values are a flat list (`dev`, `eq`, `pow`), by label.

use tokio::time::Instant;

/// The newest values of a flat stream, by label.
#[derive(Clone, Debug, PartialEq)]
pub struct LatestValues {
    /// Label and value in column order; `None` if Cortex sent null or something that is not a
    /// number.
    pub values: Vec<(String, Option<f64>)>,
    /// When they arrived.
    pub received: Instant,
}

/// Labels of `dev` and `eq` that are not sensors (§5.4, §5.5).
const NOT_SENSORS: [&str; 9] = [
    "Battery",
    "Signal",
    "OVERALL",
    "BatteryPercent",
    "batteryLeftPercent",
    "batteryRightPercent",
    "batteryPercent",
    "overall",
    "sampleRateQuality",
];

impl LatestValues {
    /// The sensors of `dev` or `eq` and their levels, in column order.
    pub fn sensors(&self) -> impl Iterator<Item = (&str, Option<f64>)> {
        let all = self.values.iter().map(|(name, level)| (name.as_str(), *level));
        all.filter(|(name, _)| !NOT_SENSORS.contains(name))
    }

    /// The overall quality of `dev` or `eq` in per cent.
    #[must_use]
    pub fn overall(&self) -> Option<f64> {
        self.get("OVERALL").or_else(|| self.get("overall"))
    }

    /// The value of a label.
    #[must_use]
    pub fn get(&self, label: &str) -> Option<f64> {
        self.values.iter().find(|(own, _)| own == label).and_then(|&(_, value)| value)
    }
}
